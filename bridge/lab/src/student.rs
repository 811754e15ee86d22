//! The quantile of Student's distribution.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The value that a share of the distribution with so many degrees of freedom lies below.
///
/// # Panics
/// Without a degree of freedom, or for a share outside of 0 to 1.
pub fn quantile(share: f64, freedom: f64) -> f64 {
    let of = StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive");
    of.inverse_cdf(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_published_tables() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, and R 4.3 qt() to seven digits.
        for (share, freedom, wanted) in [
            (0.975, 1.0, 12.706_204_7),
            (0.975, 4.0, 2.776_445_1),
            (0.95, 9.0, 1.833_112_9),
            (0.975, 9.0, 2.262_157_2),
            (0.9995, 9.0, 4.780_912_6),
            (0.975, 19.0, 2.093_024_1),
            (0.95, 29.0, 1.699_127_0),
            (0.975, 29.0, 2.045_229_6),
            (0.975, 299.0, 1.967_929_7),
        ] {
            let found = quantile(share, freedom);
            assert!((found - wanted).abs() < 2e-7 * wanted, "{share} {freedom}: {found}");
            assert!((quantile(1.0 - share, freedom) + wanted).abs() < 1e-6 * wanted);
        }
    }
}
