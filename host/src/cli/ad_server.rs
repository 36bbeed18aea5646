//! The ad server that an adapter is tried against: one that runs, or an emulator for the time of a
//! command.

use anyhow::Context as _;

use crate::{conformance::Emulator, network::base_url::BaseUrl};

/// Does the work against the emulator that a command starts, or else against the ad server at an
/// address. The emulator is stopped at the end.
///
/// # Errors
/// When the emulator can't be started, there is neither, or the work fails. `missing` says what to
/// name if there is neither.
pub(super) async fn with<T>(
    emulator: Option<&str>,
    url: Option<BaseUrl>,
    missing: &'static str,
    work: impl AsyncFnOnce(BaseUrl) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let emulator = match emulator {
        Some(command) => Some(Emulator::start(command, url.as_ref()).await?),
        None => None,
    };
    let ad_server = emulator.as_ref().map(|emulator| emulator.url.clone()).or(url).context(missing)?;
    let done = Box::pin(work(ad_server)).await;
    if let Some(emulator) = emulator {
        emulator.stop().await;
    }
    done
}
