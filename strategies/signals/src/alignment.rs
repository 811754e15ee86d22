//! The order of the price and its averages of 20, 50 and 200 closes, as one number.
//!
//! `price > s20 > s50 > s200` is 1. Else with `s50 > s200`: 0.7 above `s50`, 0.4 above `s200`, 0.1 below
//! both. Falling orders are the mirror image, and `s50 = s200` is 0.

use std::cmp::Ordering;

/// The score, -1 to 1; `None` when one of them is not finite.
pub fn ma_alignment(price: f64, s20: f64, s50: f64, s200: f64) -> Option<f64> {
    if ![price, s20, s50, s200].iter().all(|x| x.is_finite()) {
        return None;
    }
    match s50.partial_cmp(&s200)? {
        Ordering::Greater => Some(rising(price, s20, s50, s200)),
        Ordering::Less => Some(-rising(-price, -s20, -s50, -s200)),
        Ordering::Equal => Some(0.0),
    }
}

fn rising(price: f64, s20: f64, s50: f64, s200: f64) -> f64 {
    if price > s20 && s20 > s50 {
        1.0
    } else if price > s50 {
        0.7
    } else if price > s200 {
        0.4
    } else {
        0.1
    }
}

#[cfg(test)]
mod tests;
