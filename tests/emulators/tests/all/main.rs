//! The emulators, tried from outside: over HTTP, as an adapter would, with the controls a test has.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should stop")]
mod app;
mod control;
mod delivery;
mod gam;
mod gam_actions;
mod gam_app;
mod gam_delivery;
mod gam_fields;
mod gam_google;
mod gam_oauth;
mod gam_refusals;
mod gam_rules;
mod gam_sets;
mod gam_states;
mod kevel;
mod process;
mod refusals;
mod signpost;
mod signpost_app;
mod slow;
mod triton;
mod triton_app;
