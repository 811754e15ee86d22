//! Tests that cross rooms. Run them optimised: `cargo test --release -p paperwire-tests`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the lint's exemption for tests does not reach helpers of an integration test"
)]

use paperwire_rt::alloc_guard::GuardedAlloc;

mod accounts;
mod damage;
mod demo;
mod extremes;
mod hot_path;
mod live;
mod load;
mod material;
mod queue;
mod rules;
mod session;
mod ten;

#[global_allocator]
static ALLOC: GuardedAlloc = GuardedAlloc;
