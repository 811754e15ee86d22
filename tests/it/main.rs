//! Tests that cross rooms. Run them optimised: `cargo test --release -p paperwire-tests`.

use paperwire_rt::alloc_guard::GuardedAlloc;

mod damage;
mod hot_path;
mod live;
mod material;
mod session;

#[global_allocator]
static ALLOC: GuardedAlloc = GuardedAlloc;
