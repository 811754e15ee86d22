//! The search for missing minutes beside a run: at its start and every ten minutes, on a thread of its own.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use paperwire_core::time::{ExchNs, Rfc3339};
use paperwire_history::filler::{self, FillOptions, Outcome};
use paperwire_history::limiter::Limiter;
use paperwire_history::model::Span;
use paperwire_history::rest::Rest;
use paperwire_history::store::{Address, Retention, StoreError};
use paperwire_rt::clock::utc_now;
use paperwire_rt::runner::Wait;

use crate::history::DAY_NS;

/// Between two looks for missing minutes.
const FILL_EVERY_MS: u32 = 600_000;

/// What is filled, and by whom.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) address: Address,
    pub(super) retention: Retention,
    pub(super) rest: String,
    pub(super) symbols: Vec<String>,
    pub(super) days: u32,
}

/// What the search has to say; each reason is said once until it is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<Words>>);

#[derive(Debug, Default)]
struct Words {
    waiting: VecDeque<String>,
    said: BTreeSet<String>,
}

impl Told {
    fn words(&self) -> MutexGuard<'_, Words> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one that was not said yet.
    pub(super) fn take(&self) -> Option<String> {
        self.words().waiting.pop_front()
    }

    fn say(&self, text: String) {
        let mut words = self.words();
        if words.said.insert(text.clone()) {
            words.waiting.push_back(text);
        }
    }

    /// What became of one symbol: failures with their reasons, then that they are over.
    fn outcome(&self, symbol: &str, outcome: &Outcome) {
        let begin = format!("history of {symbol}");
        for gap in &outcome.failed {
            let (from, why) = (
                Rfc3339 { at: gap.span.from, fraction: 0 }.to_string(),
                gap.error.as_deref().unwrap_or(&gap.reason),
            );
            self.say(format!(
                "{begin} from {from} on is still missing ({why}); it is tried again every ten minutes"
            ));
        }
        let mut words = self.words();
        let before = words.said.len();
        if outcome.failed.is_empty() {
            words.said.retain(|text| !text.starts_with(&begin));
        }
        if words.said.len() < before {
            words.waiting.push_back(format!("{begin} is filled again"));
        }
    }
}

/// Starts the search; its thread ends with the process: what it has not finished, the next run does.
pub(super) fn start(job: Job) -> Told {
    let told = Told::default();
    let of_thread = told.clone();
    let body = move || loop {
        let wait_ms = match once(&job, &of_thread) {
            Ok(()) => FILL_EVERY_MS,
            // A database that is away is told by the writer; what else it has is told here.
            Err(error) => {
                if !error.is_away() {
                    of_thread.say(format!("history is not searched for missing minutes: {error}"));
                }
                FILL_EVERY_MS / 10
            }
        };
        (0..wait_ms).for_each(|_| Wait::Doze.wait());
    };
    if let Err(error) = std::thread::Builder::new().name("history-fill".to_owned()).spawn(body) {
        told.say(format!(
            "history is not searched for missing minutes, as there is no thread for it ({error}): use `paperwire history fill-gaps`"
        ));
    }
    told
}

fn once(job: &Job, told: &Told) -> Result<(), StoreError> {
    let mut rest = Rest::new(&job.rest, Limiter::shared());
    let mut store = job.address.open(job.retention)?;
    let from = ExchNs::new(utc_now().raw() - i64::from(job.days) * DAY_NS);
    let options = FillOptions { from, to: Span::ALL.to, backfill: false };
    for symbol in &job.symbols {
        let outcome = filler::fill(&mut *store, &mut rest, symbol, &options, &mut |_| true)?;
        told.outcome(symbol, &outcome);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use paperwire_history::model::Gap;

    use super::*;

    #[test]
    fn what_could_not_be_filled_is_told_once_and_its_end_too() {
        let told = Told::default();
        let span = Span::new(ExchNs::new(0), ExchNs::new(60_000_000_000));
        let gap = Gap { error: Some("no way".into()), ..Gap::open("BTC/USD", span, "missing") };
        let failed = Outcome { failed: vec![gap], ..Outcome::default() };
        told.outcome("BTC/USD", &failed);
        told.outcome("BTC/USD", &failed);
        told.outcome("XRP/USD", &Outcome::default());
        let first = told.take().unwrap();
        assert!(first.contains("BTC/USD") && first.contains("no way"), "{first}");
        assert_eq!(told.take(), None);
        told.outcome("BTC/USD", &Outcome::default());
        assert_eq!(told.take().unwrap(), "history of BTC/USD is filled again");
        told.outcome("BTC/USD", &failed);
        assert_eq!(told.take(), Some(first));
    }
}
