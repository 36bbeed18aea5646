//! Pagination of lists and rows.

use flightdeck_adapter_testing::whatever_the_pages;

use crate::{network::start, samples};

#[test]
fn a_page_without_items_ends_no_list() {
    let buy = samples::buy(vec![samples::package("drive"), samples::package("midday")]);
    whatever_the_pages(start, &buy, &[samples::spot("thirty", &["drive", "midday"])]);
}
