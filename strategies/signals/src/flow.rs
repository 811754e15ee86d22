//! Trade flow that is recent enough to mean something.

use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::{Flow, TradeTape};

/// Fewest taker orders a flow is read from; a shorter window needs only itself.
pub const FLOW_ORDERS_MIN: usize = 20;

/// The flow of the newest `window` taker orders; `None` with fewer than `window` or
/// [`FLOW_ORDERS_MIN`], whichever is less, or when the oldest of them is older than `age_max`.
pub fn fresh_flow(
    tape: &TradeTape,
    window: usize,
    now: ExchNs,
    age_max: DurationNs,
) -> Option<Flow> {
    let flow = tape.flow(window);
    if flow.entries == 0 || flow.entries < window.min(FLOW_ORDERS_MIN) {
        return None;
    }
    let oldest = tape.newest(flow.entries - 1)?;
    (now.since(oldest.at) <= age_max).then_some(flow)
}

#[cfg(test)]
mod tests;
