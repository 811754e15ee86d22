//! What the visible book says: imbalance, micro-price, spread.

use paperwire_core::book::{Bbo, DepthBook, Level};

/// `(bids - asks) / (bids + asks)` by quantity over the best `levels` of both sides; `None` when a side
/// is empty. Unit: none, -1 to 1.
pub fn imbalance(book: &DepthBook, levels: usize) -> Option<f64> {
    let sum = |side: &[Level]| -> i128 {
        side.iter().take(levels).map(|level| i128::from(level.qty.raw())).sum()
    };
    let (bids, asks) = (sum(book.bids()), sum(book.asks()));
    (bids > 0 && asks > 0).then(|| (bids - asks) as f64 / (bids + asks) as f64)
}

/// The same with the weight of the `i`-th level falling as `e^(-decay i)`, usually 0.5: far levels are
/// large and cheap to show, and would else decide. Unit: none, -1 to 1.
pub fn weighted_imbalance(book: &DepthBook, levels: usize, decay: f64) -> Option<f64> {
    let sum = |side: &[Level]| -> f64 {
        let (kept, mut weight, mut sum) = ((-decay).exp(), 1.0, 0.0);
        for level in side.iter().take(levels) {
            sum += weight * level.qty.raw() as f64;
            weight *= kept;
        }
        sum
    };
    let (bids, asks) = (sum(book.bids()), sum(book.asks()));
    (bids > 0.0 && asks > 0.0).then(|| (bids - asks) / (bids + asks))
}

/// `(bid q_a + ask q_b) / (q_a + q_b)`: the mid, drawn to the side with less behind it. Unit: those of
/// the price precision.
pub fn micro_price_units(bbo: &Bbo) -> f64 {
    let (bid, ask) = (bbo.bid.px.raw() as f64, bbo.ask.px.raw() as f64);
    let (bid_qty, ask_qty) = (bbo.bid.qty.raw() as f64, bbo.ask.qty.raw() as f64);
    (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty)
}

/// Spread over mid. Unit: percent.
pub const fn spread_pct(bbo: &Bbo) -> f64 {
    let spread = bbo.ask.px.raw() - bbo.bid.px.raw();
    200.0 * spread as f64 / bbo.mid_doubled() as f64
}

#[cfg(test)]
mod tests;
