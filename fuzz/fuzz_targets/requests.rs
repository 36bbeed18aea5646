//! The body of a request, whatever is in it, is read or refused.
#![no_main]

use flightdeck::web::{
    json::{Arguments, read},
    v1::tools::{
        add_creative_assets::AddCreativeAssets, create_media_buy::CreateMediaBuy, update_media_buy::UpdateMediaBuy,
        update_media_buy_performance_index::UpdatePerformanceIndex, update_package::UpdatePackage,
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(arguments) = Arguments::parse(body) else { return };
    let _ = read::<CreateMediaBuy>(arguments.clone());
    let _ = read::<UpdateMediaBuy>(arguments.clone());
    let _ = read::<UpdatePackage>(arguments.clone());
    let _ = read::<AddCreativeAssets>(arguments.clone());
    let _ = read::<UpdatePerformanceIndex>(arguments);
});
