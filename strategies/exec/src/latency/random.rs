//! The engine's randomness, one stream per strategy.
//!
//! A stream depends on the run's seed and on the strategy's name and on nothing else, so a strategy draws
//! the same numbers whoever runs beside it.

use paperwire_core::random::Rng;

/// The stream of one strategy in a run. Every seed and name is good, zero and empty too.
pub fn stream(run_seed: u64, strategy: &str) -> Rng {
    let seed = fnv1a(FNV_OFFSET, &run_seed.to_le_bytes());
    Rng::new(fnv1a(seed, strategy.as_bytes()))
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a by Fowler, Noll and Vo (RFC 9923), continued from `hash`. The standard library's hasher
/// would change with its version.
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

#[cfg(test)]
mod tests;
