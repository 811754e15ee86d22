//! From a signal to its fill, for a market order that walks ten levels.
//! `cargo run --release -p paperwire-benches --example fill`.
#![expect(clippy::print_stdout, reason = "a command that prints its result")]

use paperwire_benches::fill;
use paperwire_rt::runner;

const ORDERS: u64 = 200_000;

fn main() {
    runner::usable_cores().last().copied().map(runner::pin);
    println!("signal to fill, market order over {} levels, nanoseconds", fill::LEVELS);
    println!("{:<28}{:>8}{:>8}{:>8}{:>8}", "", "p50", "p90", "p99", "p99.9");
    for (name, has_bracket) in [("one world", false), ("with the fill bracket", true)] {
        fill::walk(ORDERS / 10, has_bracket);
        let measured = fill::walk(ORDERS, has_bracket);
        let at = |quantile| measured.signal_to_fill.value_at_quantile(quantile);
        println!(
            "{name:<28}{:>8}{:>8}{:>8}{:>8}   {} levels",
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            measured.levels
        );
    }
}
