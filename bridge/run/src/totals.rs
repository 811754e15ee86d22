//! What a session has come to so far: written by the drain thread, read by the status line and the page.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use paperwire_feed::market::Counters;
use paperwire_replay::quarantine::Quarantines;
use paperwire_replay::tally::Tally;

/// The totals of a running session.
#[derive(Debug)]
pub struct Totals {
    /// All reports so far.
    pub tally: Tally,
    /// The feed's counters.
    pub counters: Counters,
    /// Records that the recorder's ring could not take.
    pub raw_lost: u64,
    /// A symbol that the venue refused for good: the run cannot be what was asked for.
    pub rejected: Option<String>,
    /// True once every subscription delivered.
    pub was_live: bool,
    /// Books that were not believed so far.
    pub quarantines: Quarantines,
}

/// The totals as several threads see them.
pub type SharedTotals = Arc<Mutex<Totals>>;

impl Totals {
    /// Nothing yet.
    pub fn new(tally: Tally) -> Self {
        Self {
            quarantines: Quarantines::new(tally.instruments.len()),
            tally,
            counters: Counters::default(),
            raw_lost: 0,
            rejected: None,
            was_live: false,
        }
    }
}

/// A lock that outlives a panic: what is behind it is still the best there is.
pub fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
