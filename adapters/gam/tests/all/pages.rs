//! Pagination of lists and rows.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::whatever_the_pages;

use crate::{network::start, samples};

#[test]
fn a_page_without_items_ends_no_list() {
    let buy = samples::buy(vec![samples::package("news"), samples::package("sports")]);
    whatever_the_pages(start, &buy, &[samples::creative("banner", &["news", "sports"])]);
}

#[test]
fn a_token_that_does_not_change_is_a_failure_and_no_shorter_list() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    network.upload(&buy, &[samples::creative("banner", &["news"])]);
    network.at("2026-12-04T00:00:00Z");
    network.control("PUT", "settings", r#"{"paging":"same_token"}"#);
    let before = network.host.requests().len();
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
    let delivered = network.run(|ctx| Gam::get_delivery(ctx, vec![network.remote_buy(&buy)], range));
    assert_eq!(delivered.unwrap_err().code, "endless_list");
    let status = network.run(|ctx| Gam::check_status(ctx, vec![network.remote_buy(&buy)]));
    assert_eq!(status.unwrap_err().code, "endless_list");
    assert!(network.host.requests().len() < before + 12, "nothing is asked for over and over");
}
