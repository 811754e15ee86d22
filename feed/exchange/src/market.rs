//! A seeded market in virtual time: several correlated pairs, each a real book with people around it.
//!
//! [`Market::advance_to`] plays everything that happens up to an instant and appends it, in time
//! order, to a list. It reads no clock and opens no socket: the same configuration gives the same
//! events to the last bit, whether they take a day or a second of real time to play.
//!
//! * [`listing`]: the pairs. `fair`: what they are worth. `flow`: who buys and who sells.
//! * `desk`: makers and takers of one pair. This file: who acts when.
//!
//! What it is to be like, and how close it comes, is in [`crate::describe`]. Two properties make it
//! teach nothing wrong: the fair price is a martingale, and at every commit each pair's best bid and
//! ask enclose it (a ratio pair's within its slack), so that no rule that takes can expect a profit,
//! whatever it has seen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use paperwire_core::instrument::SymbolId;
use paperwire_core::random::Rng;
use paperwire_core::time::ExchNs;

use crate::matching::{Change, Engine};
use past::{History, pasts};

mod act;
mod config;
mod crowd;
mod desk;
mod event;
pub(crate) mod fair;
mod flow;
pub mod listing;
pub mod past;
mod regime;
pub mod scenes;

pub use config::{DEFAULT_START, MarketConfig, MarketError, Profile};
pub use event::{EventKind, MarketEvent};
pub use regime::Regime;

use desk::Desk;
use fair::Fair;
use flow::Flow;
use listing::{Anchor, Listing, listings};
use scenes::Play;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    /// Volatility and scenes go on.
    Fair,
    /// Makers close one gap between the touch and the fair price.
    Chase(usize),
    /// Makers pull what stands on the wrong side of the fair price.
    Clear(usize),
    /// Makers act of their own will, so many times more in this burst.
    Requote(usize, u32),
    /// A taker comes; true when it knows something.
    Taker(usize, bool),
    /// Makers leave a touch for a while.
    Flicker(usize),
    /// News are about to come, with so many more to follow.
    News(u32),
    /// Makers of one side step back before them; true is the bids.
    Brace(usize, bool),
    /// They are there.
    Strike(u32),
    /// An arbitrageur compares a ratio pair with its legs.
    Arbitrage(usize),
}

/// Seconds between looks of the arbitrageur.
const ARBITRAGE_STEP_S: f64 = 0.2;
/// The market.
#[derive(Debug)]
pub struct Market {
    listings: Vec<Listing>,
    fair: Fair,
    desks: Vec<Desk>,
    flows: Vec<Flow>,
    histories: Vec<History>,
    rate: f64,
    /// Chance of everything that concerns all pairs.
    rng: Rng,
    now: ExchNs,
    due: BinaryHeap<Reverse<(i64, u64, Task)>>,
    /// Breaks ties of the queue in order of entry.
    entered: u64,
    /// Last commit of each pair, in whole microseconds: the wire shows no more.
    committed_us: Vec<i64>,
    chasing: Vec<bool>,
    /// Size of the news that makers brace for, as a change of the logarithm.
    awaited: f64,
    changes: Vec<Change>,
}

impl Market {
    /// A market with full books and its past, at its first instant.
    ///
    /// # Errors
    /// [`MarketError`] when the configuration is out of range.
    pub fn new(config: &MarketConfig) -> Result<Self, MarketError> {
        if !(0.001..=1000.0).contains(&config.rate) {
            return Err(MarketError::Rate(config.rate));
        }
        if !(0.01..=100.0).contains(&config.volatility) {
            return Err(MarketError::Volatility(config.volatility));
        }
        let start = config.start.unwrap_or(DEFAULT_START);
        let mut rng = Rng::new(config.seed);
        let listings = listings(config.extra_symbols);
        let find = |name: &str| listings.iter().position(|listing| listing.name() == name);
        let play = Play::new(&config.scenes, find, 0.0).map_err(MarketError::Symbol)?;
        let fair = Fair::new(&listings, rng.fork(1), play, config.volatility);
        let past_s = -60.0 * f64::from(config.history_minutes);
        let past = Play::new(&config.scenes, find, past_s).map_err(MarketError::Symbol)?;
        let histories = pasts(&listings, start, config, past, &mut rng.fork(2));
        let mut desk_rng = rng.fork(3);
        let desks: Vec<Desk> = listings
            .iter()
            .enumerate()
            .map(|(index, listing)| {
                let next_id = histories[index].last().map_or(1, |t| t.trade_id + 1);
                let rng = desk_rng.fork(next_id);
                Desk::new(listing, next_id, fair.price(index), rng)
            })
            .collect();
        let mut flow_rng = rng.fork(4);
        let flows = listings.iter().map(|_| Flow::new(&mut flow_rng)).collect();
        let count = listings.len();
        let mut market = Self {
            listings,
            fair,
            desks,
            flows,
            histories,
            rate: config.rate,
            rng: rng.fork(5),
            now: start,
            due: BinaryHeap::new(),
            entered: 0,
            committed_us: vec![0; count],
            chasing: vec![false; count],
            awaited: 0.0,
            changes: Vec::new(),
        };
        market.open();
        Ok(market)
    }

    /// Plays everything up to and including `until`, appending it to `events`.
    pub fn advance_to(&mut self, until: ExchNs, events: &mut Vec<MarketEvent>) {
        while self.play_one(until, events) {}
    }

    /// Plays one action if one is due by `until`; else lets time pass until then and says false.
    ///
    /// Between two calls the books and histories are exactly as the events so far describe.
    pub fn play_one(&mut self, until: ExchNs, events: &mut Vec<MarketEvent>) -> bool {
        if self.next_due() > until {
            self.now = self.now.max(until);
            return false;
        }
        let Some(Reverse((at, _, task))) = self.due.pop() else {
            return false;
        };
        debug_assert!(at >= self.now.raw(), "time goes forward");
        self.now = ExchNs::new(at);
        self.run(task, events);
        true
    }

    /// How far the market has been played.
    pub const fn now(&self) -> ExchNs {
        self.now
    }

    /// When the next thing happens.
    pub fn next_due(&self) -> ExchNs {
        self.due.peek().map_or(ExchNs::new(i64::MAX), |Reverse((at, ..))| ExchNs::new(*at))
    }

    /// The pairs; a [`SymbolId`] is an index into them.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// The number of a pair by its WebSocket name.
    pub fn symbol(&self, name: &str) -> Option<SymbolId> {
        let at = self.listings.iter().position(|l| l.name() == name)?;
        u16::try_from(at).ok().map(SymbolId)
    }

    /// The true book of a pair.
    pub fn engine(&self, symbol: SymbolId) -> &Engine {
        &self.desks[symbol.index()].engine
    }

    /// The true trades and bars of a pair, past included.
    pub fn history(&self, symbol: SymbolId) -> &History {
        &self.histories[symbol.index()]
    }

    /// What a pair is worth by all that is known.
    pub fn fair_price(&self, symbol: SymbolId) -> f64 {
        self.fair.price(symbol.index())
    }

    /// Mood of the market.
    pub const fn regime(&self) -> Regime {
        self.fair.regime()
    }

    fn open(&mut self) {
        self.after(0.0, Task::Fair);
        self.after_news(0);
        for index in 0..self.desks.len() {
            let behaviour = *self.desks[index].behaviour();
            self.after_about(index, 1.0 / behaviour.requotes_hz, Task::Requote(index, 1));
            self.after_about(index, 1.0 / behaviour.takers_hz, Task::Taker(index, false));
            if behaviour.flickers_hz > 0.0 {
                self.after_about(index, 1.0 / behaviour.flickers_hz, Task::Flicker(index));
            }
            if matches!(behaviour.anchor, Anchor::Ratio(..)) {
                self.after(ARBITRAGE_STEP_S, Task::Arbitrage(index));
            }
            self.close_gaps(index);
        }
    }

    fn run(&mut self, task: Task, events: &mut Vec<MarketEvent>) {
        match task {
            Task::Fair => self.move_fair(events),
            Task::News(left) => self.announce(left),
            Task::Strike(left) => self.strike(left, events),
            Task::Chase(index)
            | Task::Clear(index)
            | Task::Requote(index, _)
            | Task::Taker(index, _)
            | Task::Flicker(index)
            | Task::Brace(index, _)
                if self.too_soon(index) =>
            {
                self.postpone(index, task);
            }
            Task::Chase(index) => self.chase(index, events),
            Task::Clear(index) => self.clear(index, events),
            Task::Requote(index, left) => self.requote(index, left, events),
            Task::Taker(index, informed) => self.taker(index, informed, events),
            Task::Flicker(index) => self.flicker(index, events),
            Task::Brace(index, bids) => self.brace(index, bids, events),
            Task::Arbitrage(index) => self.arbitrage(index, events),
        }
    }

    /// Makes the changes of one action public.
    fn commit(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        if self.changes.is_empty() {
            self.close_gaps(index);
            return;
        }
        let us = self.now.raw().div_euclid(1_000);
        assert!(us > self.committed_us[index], "times on the wire differ");
        self.committed_us[index] = us;
        let symbol = SymbolId(u16::try_from(index).expect("symbols are numbered in 16 bits"));
        let at = self.now;
        for change in self.changes.drain(..) {
            let kind = match change {
                Change::Level { side, px, qty } => EventKind::Level { side, px, qty },
                Change::Trade(trade) => {
                    self.histories[index].record(&trade);
                    EventKind::Trade(trade)
                }
            };
            events.push(MarketEvent { at, symbol, kind });
        }
        events.push(MarketEvent { at, symbol, kind: EventKind::Commit });
        self.close_gaps(index);
    }

    fn too_soon(&self, index: usize) -> bool {
        self.now.raw().div_euclid(1_000) <= self.committed_us[index]
    }

    fn postpone(&mut self, index: usize, task: Task) {
        self.enter((self.committed_us[index] + 1) * 1_000, task);
    }

    /// How long people take to follow each other: machines within microseconds, others in
    /// milliseconds.
    fn reaction_s(&mut self, index: usize) -> f64 {
        let rate = self.rate;
        let rng = self.desks[index].rng();
        if rng.chance(0.5) { rng.range(4e-6, 30e-6) } else { rng.exponential(0.004 / rate) }
    }

    fn after_about(&mut self, index: usize, mean_s: f64, task: Task) {
        let wait = self.desks[index].rng().exponential(mean_s);
        self.after(wait, task);
    }

    fn after(&mut self, wait_s: f64, task: Task) {
        let wait = whole_ns(wait_s);
        self.enter(self.now.raw() + wait, task);
    }

    fn enter(&mut self, at: i64, task: Task) {
        self.entered += 1;
        self.due.push(Reverse((at, self.entered, task)));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "waits are seconds to hours")]
fn whole_ns(seconds: f64) -> i64 {
    (seconds.clamp(0.0, 1e6) * 1e9) as i64
}

#[cfg(test)]
mod tests;
