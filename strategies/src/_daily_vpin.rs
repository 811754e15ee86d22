//! The probability of informed trading, in buckets that hold a fixed share of what a day trades.

use paperwire_core::num::Qty;
use paperwire_core::trade::OrderSide;
use paperwire_signals::volume::DailyVolume;
use paperwire_signals::vpin::Vpin;

/// Buckets, and how many of them make a day.
const BUCKETS: usize = 50;
const BUCKETS_A_DAY: f64 = 200.0;
/// Minutes between two looks at the size of buckets.
const RESIZE_MINUTES: u32 = 60;

/// VPIN of one pair.
#[derive(Debug)]
pub(crate) struct DailyVpin {
    vpin: Vpin,
    daily: DailyVolume,
    /// Minutes seen when the buckets were sized last; 0 before.
    sized_at: u32,
}

impl DailyVpin {
    pub(crate) fn new() -> Self {
        Self { vpin: Vpin::new(BUCKETS), daily: DailyVolume::default(), sized_at: 0 }
    }

    /// Takes a trade in.
    pub(crate) fn push(&mut self, taker: OrderSide, qty: Qty) {
        self.vpin.push(taker, qty);
    }

    /// Takes the volume of a closed minute in.
    pub(crate) fn on_minute(&mut self, volume: Qty) {
        self.daily.push(volume);
        let is_due = self.sized_at == 0 || self.daily.minutes() >= self.sized_at + RESIZE_MINUTES;
        if is_due && let Some(volume) = self.daily.value() {
            self.vpin.set_bucket(bucket(volume / BUCKETS_A_DAY));
            self.sized_at = self.daily.minutes();
        }
    }

    /// What it has come to.
    pub(crate) const fn now(&self) -> &Vpin {
        &self.vpin
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of a day's volume, itself a sum of lots, fits; a float cast saturates"
)]
fn bucket(lots: f64) -> Qty {
    Qty::new((lots as i64).max(1))
}
