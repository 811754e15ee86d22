//! The page as a user meets it: a real session, a real Chromium, real sockets. Run optimised:
//! `cargo test --release -p paperwire-tests --test page`.
//!
//! What needs a browser or `promtool` says SKIPPED, loudly, where there is none.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a page is met from outside, by the wall's clock; helpers of an integration test are tests, too"
)]

mod alerts;
mod api;
mod browser;
#[path = "../../bridge/history/src/testing/cluster.rs"]
mod cluster;
mod history;
mod listeners;
mod session;
mod strangers;
mod views;
