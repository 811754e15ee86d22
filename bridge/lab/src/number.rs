//! From counts to floats, in one place.

/// A count as a float; above 2^53 the nearest one.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds and counts of a session")]
pub const fn float(of: u64) -> f64 {
    of as f64
}
