//! The command `adapter call`.
#![expect(clippy::print_stdout, reason = "the call is shown here")]

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;

use super::{ad_server, record_adapter};
use crate::{
    adapters::Function,
    conformance::{CallOptions, Called, Caller},
    network::base_url::BaseUrl,
};

/// Options of `adapter call`.
#[derive(Debug, Args)]
pub(super) struct CallAdapter {
    /// The component.
    file: PathBuf,
    /// The function, as the contract names it: create-media-buy.
    #[arg(value_parser = function)]
    function: Function,
    /// The ad server's address.
    #[arg(long, value_name = "URL", required_unless_present = "emulator")]
    endpoint: Option<BaseUrl>,
    /// A command that starts an emulator, as for `adapter check`. It is stopped at the end.
    #[arg(long, value_name = "COMMAND")]
    emulator: Option<String>,
    /// The file with settings, credentials and samples, usually check.toml beside the adapter
    /// [default: no settings and no credentials].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The arguments: a JSON object with the function's parameters by name, or `-` for standard
    /// input. Fields of `ctx` replace those that the host fills in [default: a sample, which is put
    /// on the ad server first if the function is about a buy that exists].
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Print the arguments that a sample gives, and call nothing: a beginning for --input.
    #[arg(long, conflicts_with = "input")]
    print_input: bool,
    /// A file to write that makes the call again, for `adapter replay`: its arguments, its steps and
    /// its exchanges, without credentials. It must not exist.
    #[arg(long, value_name = "FILE", conflicts_with = "print_input")]
    record: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn function(name: &str) -> Result<Function, String> {
    let all = || Function::ALL.iter().map(|function| function.as_str()).collect::<Vec<_>>().join(", ");
    Function::parse(name).ok_or_else(|| format!("must be one of {}", all()))
}

/// Calls a function. Fails if the adapter does.
pub(super) fn run(asked: CallAdapter) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (json, function, record) = (asked.json, asked.function, asked.record.clone());
    let Some(called) = runtime.block_on(call(asked))? else { return Ok(()) };
    match json {
        true => println!("{}", serde_json::to_string_pretty(&called)?),
        false => show(&called)?,
    }
    if let Some((file, recording)) = record.zip(called.recording.as_ref()) {
        record_adapter::write(recording, &file)?;
    }
    match &called.failure {
        Some(failure) => bail!("{} failed: {failure}", function.as_str()),
        None if called.output.as_ref().is_some_and(|output| output.get("err").is_some()) => {
            bail!("{} has returned a failure", function.as_str())
        }
        None => Ok(()),
    }
}

async fn call(asked: CallAdapter) -> anyhow::Result<Option<Called>> {
    let input = asked.input.as_deref().map(read).transpose()?;
    let missing = "no address of an ad server is given; name one with --endpoint";
    ad_server::with(asked.emulator.as_deref(), asked.endpoint, missing, async |ad_server| {
        let options = CallOptions {
            component: asked.file,
            ad_server,
            config: asked.config,
            compiler: std::env::current_exe().context("the path of this program is not known")?,
            data_dir: None,
        };
        let caller = Caller::new(options).await?;
        if asked.print_input {
            println!("{}", serde_json::to_string_pretty(&caller.sample(asked.function).await?)?);
            return Ok(None);
        }
        Ok(Some(caller.call(asked.function, input).await?))
    })
    .await
}

fn read(path: &Path) -> anyhow::Result<serde_json::Value> {
    let text = match path.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        false => std::fs::read_to_string(path),
    };
    let text = text.with_context(|| format!("{} can't be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

pub(super) fn show(called: &Called) -> anyhow::Result<()> {
    for exchange in &called.exchanges {
        println!("-> {} {}", exchange.method, exchange.url);
        if !exchange.request.is_empty() {
            println!("   {}", exchange.request);
        }
        let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        println!("<- {status} in {} ms", exchange.took_ms);
        if !exchange.answer.is_empty() {
            println!("   {}", exchange.answer);
        }
    }
    for step in &called.steps {
        let standing = if step.done { "done" } else { "in doubt" };
        let outcome = step.outcome.as_deref().map_or_else(String::new, |outcome| format!(", outcome {outcome}"));
        println!("step {}: {standing}, reference {}{outcome}", step.name, step.reference);
    }
    for object in &called.remembered {
        println!("remembered {object}");
    }
    if !called.printed.is_empty() {
        println!("printed:\n{}", called.printed.trim_end());
    }
    if let Some(output) = &called.output {
        println!("{}", serde_json::to_string_pretty(output)?);
    }
    Ok(())
}
