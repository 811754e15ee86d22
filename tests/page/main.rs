//! The page as a user meets it: a real session, a real Chromium, real sockets. Run optimised:
//! `cargo test --release -p paperwire-tests --test page`.
//!
//! What needs a browser or `promtool` says SKIPPED, loudly, where there is none.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the lint's exemption for tests does not reach helpers of an integration test"
)]

mod alerts;
mod api;
mod browser;
mod listeners;
mod session;
mod views;
