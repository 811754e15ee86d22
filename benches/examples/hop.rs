//! The hop between two pinned threads: our ring and bare `rtrb` in turn, so that the machine's moods
//! strike both. `cargo run --release -p paperwire-benches --example hop`.
#![expect(clippy::print_stdout, reason = "a command that prints its result")]

use paperwire_benches::ring::{self, End};
use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner;

const ROUNDS: usize = 200;
const TRIPS: u64 = 2_000;

/// Time of one way, in picoseconds.
fn one_way(mut here: impl End, mut there: impl End + 'static, cores: &[usize]) -> u64 {
    let clock = HostClock::new();
    let other = cores.first().copied();
    let echo = std::thread::spawn(move || {
        other.map(runner::pin);
        ring::echo(&mut there, 2 * TRIPS);
    });
    ring::round_trips(&mut here, TRIPS);
    let start = clock.now();
    ring::round_trips(&mut here, TRIPS);
    let took = clock.now().since(start);
    let _ = echo.join();
    took.raw() * 1_000 / (2 * TRIPS)
}

fn main() {
    let cores = runner::usable_cores();
    cores.last().copied().map(runner::pin);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (here, there) = ring::ours();
        ours.push(one_way(here, there, &cores));
        let (here, there) = ring::bare();
        bare.push(one_way(here, there, &cores));
    }
    ours.sort_unstable();
    bare.sort_unstable();
    let median = |times: &[u64]| DurationNs::new(times[ROUNDS / 2] / 1_000);
    let percent = ours[ROUNDS / 2] * 100 / bare[ROUNDS / 2].max(1);
    println!(
        "one way, median of {ROUNDS} rounds: ours {}, bare rtrb {}",
        median(&ours),
        median(&bare)
    );
    println!("ours takes {percent} % of the bare ring");
}
