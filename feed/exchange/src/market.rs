//! A seeded market in virtual time: several correlated pairs, each a real book with people around it.
//!
//! [`Market::advance_to`] plays everything that happens up to an instant and appends it, in time
//! order, to a list. It reads no clock and opens no socket: the same configuration gives the same
//! events to the last bit, whether they take a day or a second of real time to play.
//!
//! * [`listing`]: the pairs. `fair`: the price in everybody's mind.
//! * `desk`: makers and takers of one pair. This file: who acts when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use paperwire_core::instrument::SymbolId;
use paperwire_core::random::Rng;
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use crate::history::{History, pasts};
use crate::matching::{Change, Engine};

mod config;
mod desk;
mod event;
pub(crate) mod fair;
pub mod listing;
pub mod scenes;

pub use config::{DEFAULT_START, MarketConfig, MarketError};
pub use event::{EventKind, MarketEvent};
pub use fair::Regime;

use desk::Desk;
use fair::Fair;
use listing::{Anchor, Listing, listings};
use scenes::Play;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    /// Fair prices move; everybody looks.
    Fair,
    /// The book follows the fair price, one step.
    Chase(usize),
    /// Makers act of their own will, this many times in a burst.
    Requote(usize, u32),
    /// A taker comes, perhaps drawing others; true buys.
    Taker(usize, bool),
    /// Somebody starts a large order.
    Meta(usize),
    /// One slice of a large order, with how many follow and how long apart.
    Slice { index: usize, buys: bool, left: u32, every_us: u32 },
    /// An arbitrageur compares a ratio pair with its legs.
    Arbitrage(usize),
}

/// Seconds between moves of the fair prices at rate 1, and the least there are.
const FAIR_STEP_S: (f64, f64) = (0.05, 0.001);
/// Seconds between looks of the arbitrageur.
const ARBITRAGE_STEP_S: f64 = 0.2;
/// Deviation of a ratio pair that pays for three trades.
const ARBITRAGE_FROM: f64 = 6e-4;

/// The market.
#[derive(Debug)]
pub struct Market {
    listings: Vec<Listing>,
    fair: Fair,
    desks: Vec<Desk>,
    histories: Vec<History>,
    rate: f64,
    now: ExchNs,
    due: BinaryHeap<Reverse<(i64, u64, Task)>>,
    /// Breaks ties of the queue in order of entry.
    entered: u64,
    /// Last commit of each pair, in whole microseconds: the wire shows no more.
    committed_us: Vec<i64>,
    chasing: Vec<bool>,
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
        let start = config.start.unwrap_or(DEFAULT_START);
        let mut rng = Rng::new(config.seed);
        let listings = listings(config.extra_symbols);
        let find = |name: &str| listings.iter().position(|listing| listing.name() == name);
        let play = Play::new(&config.scenes, find, 0.0).map_err(MarketError::Symbol)?;
        let fair = Fair::new(&listings, rng.fork(1), play, 1.0);
        let past_s = -60.0 * f64::from(config.history_minutes);
        let past = Play::new(&config.scenes, find, past_s).map_err(MarketError::Symbol)?;
        let histories = pasts(&listings, start, config.history_minutes, past, &mut rng.fork(2));
        let mut desk_rng = rng.fork(3);
        let desks: Vec<Desk> = listings
            .iter()
            .enumerate()
            .map(|(index, listing)| {
                let next_id = histories[index].last().map_or(1, |t| t.trade_id + 1);
                let rng = desk_rng.fork(next_id);
                Desk::new(listing, next_id, fair.price(index), config.rate, rng)
            })
            .collect();
        let count = listings.len();
        let mut market = Self {
            listings,
            fair,
            desks,
            histories,
            rate: config.rate,
            now: start,
            due: BinaryHeap::new(),
            entered: 0,
            committed_us: vec![0; count],
            chasing: vec![false; count],
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

    /// The price people have in mind.
    pub fn fair_price(&self, symbol: SymbolId) -> f64 {
        self.fair.price(symbol.index())
    }

    /// Mood of the market.
    pub const fn regime(&self) -> Regime {
        self.fair.regime()
    }

    fn open(&mut self) {
        self.after(0.0, Task::Fair);
        for index in 0..self.desks.len() {
            let behaviour = *self.desks[index].behaviour();
            self.after_about(index, 1.0 / behaviour.requotes_hz, Task::Requote(index, 1));
            self.after_about(index, 1.0 / behaviour.takers_hz, Task::Taker(index, true));
            self.after_about(index, 0.5 * behaviour.meta_every_s, Task::Meta(index));
            if matches!(behaviour.anchor, Anchor::Ratio(..)) {
                self.after(ARBITRAGE_STEP_S, Task::Arbitrage(index));
            }
        }
    }

    fn run(&mut self, task: Task, events: &mut Vec<MarketEvent>) {
        match task {
            Task::Fair => self.move_fair(),
            Task::Meta(index) => self.start_meta(index),
            Task::Chase(index) | Task::Requote(index, _) | Task::Taker(index, _)
                if self.too_soon(index) =>
            {
                self.postpone(index, task);
            }
            Task::Slice { index, .. } if self.too_soon(index) => self.postpone(index, task),
            Task::Chase(index) => self.chase(index, events),
            Task::Requote(index, left) => self.requote(index, left, events),
            Task::Taker(index, buys) => self.taker(index, buys, events),
            Task::Slice { index, buys, left, every_us } => {
                self.trade(index, buys, 4.0, 0.3, events);
                if left > 0 {
                    let left = left - 1;
                    let wait = f64::from(every_us) * 1e-6;
                    let task = Task::Slice { index, buys, left, every_us };
                    self.after_about(index, wait, task);
                }
            }
            Task::Arbitrage(index) => self.arbitrage(index, events),
        }
    }

    fn move_fair(&mut self) {
        let step_s = (FAIR_STEP_S.0 / self.rate).clamp(FAIR_STEP_S.1, 1.0);
        self.fair.step(step_s);
        for index in 0..self.desks.len() {
            if !self.chasing[index] {
                self.chasing[index] = true;
                let wait = self.desks[index].rng().exponential(0.2 * step_s);
                self.after(wait, Task::Chase(index));
            }
        }
        self.after(step_s, Task::Fair);
    }

    fn chase(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        let fair = self.fair.price(index);
        let moved = self.desks[index].chase(fair, self.now, &mut self.changes);
        self.chasing[index] = moved;
        if moved {
            self.commit(index, events);
            let wait = self.reaction_s(index);
            self.after(wait, Task::Chase(index));
        }
    }

    fn requote(&mut self, index: usize, left: u32, events: &mut Vec<MarketEvent>) {
        // Now and then two actions are so close that they share one message.
        let together = if self.desks[index].rng().chance(0.04) { 2 } else { 1 };
        for _ in 0..together {
            self.desks[index].requote(self.now, &mut self.changes);
        }
        self.commit(index, events);
        if left > 0 {
            let wait = self.reaction_s(index);
            self.after(wait, Task::Requote(index, left - 1));
            return;
        }
        let mut burst = 0;
        while burst < 8 && self.desks[index].rng().chance(0.55) {
            burst += 1;
        }
        let mean = 1.0 / (self.desks[index].behaviour().requotes_hz * self.rate);
        self.after_about(index, mean, Task::Requote(index, burst));
    }

    fn taker(&mut self, index: usize, buys: bool, events: &mut Vec<MarketEvent>) {
        self.trade(index, buys, 1.0, 0.03, events);
        let busy = self.rate * self.fair.activity(index);
        let bias = self.fair.buy_bias(index);
        let desk = &mut self.desks[index];
        // One trade draws others: a branching process, mostly in the same direction.
        if desk.rng().chance(0.5) {
            let same = desk.rng().chance(0.75);
            self.after_about(index, 0.25 / self.rate, Task::Taker(index, buys == same));
        } else {
            let buys = desk.rng().chance(bias);
            let mean = 1.0 / (desk.behaviour().takers_hz * busy);
            self.after_about(index, mean, Task::Taker(index, buys));
        }
    }

    fn start_meta(&mut self, index: usize) {
        let bias = self.fair.buy_bias(index);
        let busy = self.rate * self.fair.activity(index);
        let desk = &mut self.desks[index];
        let buys = desk.rng().chance(bias);
        let left = u32::try_from(4 + desk.rng().below(36)).expect("a small number");
        let last_s = desk.rng().range(1.5, 6.0);
        let every_us = whole_us(last_s * 1e6 / f64::from(left + 1));
        let mean = desk.behaviour().meta_every_s / busy;
        self.after(0.0, Task::Slice { index, buys, left, every_us });
        self.after_about(index, mean, Task::Meta(index));
    }

    fn arbitrage(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        self.after(ARBITRAGE_STEP_S, Task::Arbitrage(index));
        let Anchor::Ratio(over, under) = self.desks[index].behaviour().anchor else {
            return;
        };
        if self.fair.is_held(index) {
            return;
        }
        let mids = [index, over, under].map(|at| self.desks[at].mid());
        let [Some(ratio), Some(over_px), Some(under_px)] = mids else {
            return;
        };
        let deviation = ratio * under_px / over_px - 1.0;
        if deviation.abs() < ARBITRAGE_FROM {
            return;
        }
        // Too dear: sell the ratio, buy the upper leg, sell the lower one. Too cheap: the reverse.
        let dear = deviation > 0.0;
        for (at, buys, scale) in [(index, !dear, 3.0), (over, dear, 1.0), (under, !dear, 1.0)] {
            if !self.too_soon(at) {
                self.trade(at, buys, scale, 0.0, events);
            }
        }
        self.fair.close_deviation(index);
    }

    /// One aggressive order and what it does to the fair price.
    fn trade(
        &mut self,
        index: usize,
        buys: bool,
        scale: f64,
        impact_bp: f64,
        events: &mut Vec<MarketEvent>,
    ) {
        let side = if buys { OrderSide::Buy } else { OrderSide::Sell };
        let filled = self.desks[index].take(side, scale, self.now, &mut self.changes);
        if !filled.is_zero() {
            self.fair.push(index, if buys { impact_bp } else { -impact_bp });
        }
        self.commit(index, events);
    }

    /// Makes the changes of one action public.
    fn commit(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        if self.changes.is_empty() {
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

#[expect(clippy::cast_possible_truncation, reason = "clamped to 32 bits")]
#[expect(clippy::cast_sign_loss, reason = "clamped to positive")]
fn whole_us(us: f64) -> u32 {
    us.clamp(1.0, 1e9) as u32
}

#[cfg(test)]
mod tests;
