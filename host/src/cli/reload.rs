//! `flightdeck reload`: has every host on the database read its configuration again.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{
    app::reload::{Reloader, hosts},
    config::Config,
    serve,
    store::{Store, hosts::HostReport},
};

/// Who acts, in the audit log.
const ACTOR: &str = "command line";

/// How often it is looked how far the hosts are.
const LOOK: Duration = Duration::from_millis(200);

/// Asks the hosts to reload, waits until they have, and prints how each fared. `config` is the
/// configuration of this machine, which has been validated.
pub(crate) fn reload(config: &Config, activate: bool, timeout: Duration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let done = ask(&store, activate, timeout).await;
        store.close().await;
        done
    })
}

async fn ask(store: &Store, activate: bool, timeout: Duration) -> anyhow::Result<()> {
    let names: BTreeSet<String> = hosts(store).await?.into_iter().map(|host| host.name).collect();
    anyhow::ensure!(!names.is_empty(), "no host serves from this database; `flightdeck serve` starts one");
    let at = Reloader::ask_all(store, ACTOR, activate).await?;
    let until = Instant::now() + timeout;
    let ended = loop {
        let serving = hosts(store).await?;
        let mine = serving.iter().filter(|host| names.contains(&host.name));
        let is_done = |host: &HostReport| host.asked_at.is_some_and(|asked| asked >= at);
        if mine.clone().all(is_done) {
            break mine.cloned().collect::<Vec<_>>();
        }
        let waiting: Vec<&str> = mine.filter(|host| !is_done(host)).map(|host| host.name.as_str()).collect();
        anyhow::ensure!(
            Instant::now() < until,
            "{} did not reload within {} s; look at its log",
            waiting.join(", "),
            timeout.as_secs()
        );
        tokio::time::sleep(LOOK).await;
    };
    let mut amiss = 0;
    for host in &ended {
        match &host.problem {
            None => println!("{}  serves with {} since {}", host.name, short(&host.configuration), host.loaded_at),
            Some(problem) => {
                amiss += 1;
                println!("{}  serves on with {}: {problem}", host.name, short(&host.configuration));
            }
        }
    }
    let different: BTreeSet<&str> = ended.iter().map(|host| host.configuration.as_str()).collect();
    if different.len() > 1 {
        println!("warning: the hosts serve with different files");
    }
    anyhow::ensure!(amiss == 0, "{amiss} of {} hosts did not reload", ended.len());
    ended.first().context("every host has stopped meanwhile").map(drop)
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
