//! What each task of the market does.

use paperwire_core::random::exp;
use paperwire_core::trade::OrderSide;

use super::desk::THIN_FIRST;
use super::fair::{BP, NEWS_VOL_BP};
use super::listing::Anchor;
use super::{ARBITRAGE_STEP_S, Market, MarketEvent, Task};

/// Seconds between steps of volatility and scenes at rate 1, and the least there are.
const FAIR_STEP_S: (f64, f64) = (0.05, 0.001);
/// Deviation of a ratio pair that pays for three trades.
const ARBITRAGE_FROM: f64 = 6e-4;
/// Chance that a maker's action is followed by another at once, and the longest burst.
const BURST: (f64, u32) = (0.88, 40);
/// Seconds between the actions of a burst: median, and deviation of the logarithm.
const BURST_GAP: (f64, f64) = (0.000_45, 1.9);
/// Chance that a taker draws another, and after how many seconds.
const FOLLOW: (f64, f64) = (0.5, 0.25);
/// Chance that one who knows something is followed by another, and after how many seconds.
const FOLLOW_INFORMED: (f64, f64) = (0.72, 0.004);
/// Bursts of news per second, and the chance that one piece is followed by another.
const NEWS: (f64, f64) = (0.012, 0.72);
/// Deviation of the logarithm of a single move.
const MOVE_SIGMA: f64 = 0.6;
/// Mean square of what an order surprises by, see [`flow`].
const SURPRISE: f64 = 0.79;

impl Market {
    pub(super) fn move_fair(&mut self, events: &mut Vec<MarketEvent>) {
        let step_s = (FAIR_STEP_S.0 / self.rate).clamp(FAIR_STEP_S.1, 1.0);
        self.fair.step(step_s);
        for index in 0..self.desks.len() {
            self.reprice(index, events);
        }
        self.after(step_s, Task::Fair);
    }

    /// Makers of a pair learn its fair price: what is wrong goes at once, gaps are closed later.
    pub(super) fn reprice(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        if !self.desks[index].see(self.fair.price(index)) {
            return;
        }
        self.hurry(index);
        if !self.desks[index].is_wrong() {
            return;
        }
        if self.too_soon(index) {
            self.postpone(index, Task::Clear(index));
        } else {
            self.clear(index, events);
        }
    }

    pub(super) fn clear(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        for side in [OrderSide::Buy, OrderSide::Sell] {
            self.desks[index].clear(side, &mut self.changes);
        }
        self.commit(index, events);
    }

    pub(super) fn chase(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        self.chasing[index] = false;
        let lean = self.flows[index].expected(self.fair.buy_bias(index));
        self.desks[index].improve(lean, self.now, &mut self.changes);
        self.commit(index, events);
    }

    /// Sees to it that somebody closes the gaps of a pair soon, if there are any.
    pub(super) fn close_gaps(&mut self, index: usize) {
        if !self.chasing[index] && self.desks[index].is_open() {
            self.hurry(index);
        }
    }

    /// The same, though somebody who takes his time was about to.
    fn hurry(&mut self, index: usize) {
        self.chasing[index] = true;
        let wait = self.reaction_s(index);
        self.after(wait, Task::Chase(index));
    }

    pub(super) fn requote(&mut self, index: usize, left: u32, events: &mut Vec<MarketEvent>) {
        let lean = self.flows[index].expected(self.fair.buy_bias(index));
        let desk = &mut self.desks[index];
        // Now and then two actions are so close that they share one message.
        let share = desk.behaviour().together;
        let together = if desk.rng().chance(share) { 2 } else { 1 };
        for _ in 0..together {
            desk.requote(lean, self.now, &mut self.changes);
        }
        self.commit(index, events);
        let rng = self.desks[index].rng();
        if left > 0 {
            let wait = rng.log_normal(BURST_GAP.0 / self.rate, BURST_GAP.1);
            self.after(wait, Task::Requote(index, left - 1));
            return;
        }
        let mut burst = 0;
        while burst < BURST.1 && rng.chance(BURST.0) {
            burst += 1;
        }
        let mean = 1.0 / (self.desks[index].behaviour().requotes_hz * self.rate);
        self.after_about(index, mean, Task::Requote(index, burst));
    }

    pub(super) fn flicker(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
        self.desks[index].flicker(&mut self.changes);
        let behaviour = *self.desks[index].behaviour();
        if !self.desks[index].rng().chance(behaviour.prompt) {
            self.chasing[index] = true;
            let wait = self.desks[index].rng().exponential(behaviour.lazy_s / self.rate);
            self.after(wait, Task::Chase(index));
        }
        self.commit(index, events);
        let mean = 1.0 / (behaviour.flickers_hz * self.rate);
        self.after_about(index, mean, Task::Flicker(index));
    }

    pub(super) fn taker(&mut self, index: usize, informed: bool, events: &mut Vec<MarketEvent>) {
        let bias = self.fair.buy_bias(index);
        let sign = self.flows[index].next(bias, self.desks[index].rng());
        let side = if sign.is_buy { OrderSide::Buy } else { OrderSide::Sell };
        if informed {
            let median = self.informed_bp(index) * self.fair.size() / self.rate.sqrt();
            let moves = self.desks[index].rng().log_normal(median, MOVE_SIGMA) * BP;
            self.fair.learn(index, sign.surprise * moves);
            if self.desks[index].see(self.fair.price(index)) {
                self.hurry(index);
            }
            self.desks[index].sweep(side, self.now, &mut self.changes);
        } else {
            self.desks[index].take(side, self.now, &mut self.changes);
        }
        self.commit(index, events);
        if informed {
            for ratio in 0..self.desks.len() {
                let anchor = self.desks[ratio].behaviour().anchor;
                if matches!(anchor, Anchor::Ratio(over, under) if over == index || under == index) {
                    self.reprice(ratio, events);
                }
            }
        }
        self.next_taker(index, informed);
    }

    /// Median move of an informed order, basis points, so that all of them make the pair's own
    /// volatility: as many as clusters, the informed share of them, and those that follow.
    fn informed_bp(&self, index: usize) -> f64 {
        let behaviour = self.desks[index].behaviour();
        let clusters_hz = behaviour.takers_hz / (1.0 - FOLLOW.0);
        let hz = clusters_hz * behaviour.informed / (1.0 - FOLLOW_INFORMED.0);
        let square = behaviour.own_vol_bp * behaviour.own_vol_bp / 60.0 / (hz * SURPRISE);
        square.sqrt() * exp(-MOVE_SIGMA * MOVE_SIGMA)
    }

    pub(super) fn next_taker(&mut self, index: usize, informed: bool) {
        let busy = self.rate * self.fair.activity(index);
        let rate = self.rate;
        let desk = &mut self.desks[index];
        let behaviour = *desk.behaviour();
        if informed && desk.rng().chance(FOLLOW_INFORMED.0) {
            self.after_about(index, FOLLOW_INFORMED.1 / rate, Task::Taker(index, true));
            return;
        }
        let mean = if desk.rng().chance(FOLLOW.0) {
            FOLLOW.1 / busy
        } else {
            1.0 / (behaviour.takers_hz * busy)
        };
        let informed = desk.rng().chance(behaviour.informed);
        self.after_about(index, mean, Task::Taker(index, informed));
    }

    /// News are about to come: how large, but not yet which way. Makers of all pairs step back.
    pub(super) fn announce(&mut self, left: u32) {
        let (hz, follow) = NEWS;
        let each = NEWS_VOL_BP * (1.0 / 60.0 / (hz / (1.0 - follow))).sqrt() * BP;
        let median = each * exp(-MOVE_SIGMA * MOVE_SIGMA) * self.fair.size() / self.rate.sqrt();
        self.awaited = self.rng.log_normal(median, MOVE_SIGMA);
        for index in 0..self.desks.len() {
            if matches!(self.desks[index].behaviour().anchor, Anchor::Market(_)) {
                let first = self.desks[index].thin_side(THIN_FIRST);
                let bids_first = first == OrderSide::Buy;
                self.after(0.0, Task::Brace(index, bids_first));
                self.after(2e-6, Task::Brace(index, !bids_first));
            }
        }
        let wait = self.rng.range(0.000_5, 0.002);
        self.after(wait, Task::Strike(left));
    }

    pub(super) fn brace(&mut self, index: usize, bids: bool, events: &mut Vec<MarketEvent>) {
        if let Anchor::Market(beta) = self.desks[index].behaviour().anchor {
            let side = if bids { OrderSide::Buy } else { OrderSide::Sell };
            self.desks[index].brace(side, beta * self.awaited, &mut self.changes);
            self.commit(index, events);
        }
    }

    pub(super) fn strike(&mut self, left: u32, events: &mut Vec<MarketEvent>) {
        let up = self.rng.chance(0.5);
        self.fair.strike(if up { self.awaited } else { -self.awaited });
        for index in 0..self.desks.len() {
            self.desks[index].relax();
            self.reprice(index, events);
            self.hurry(index);
        }
        self.after_news(left);
    }

    pub(super) fn after_news(&mut self, left: u32) {
        let (hz, follow) = NEWS;
        if left > 0 {
            let wait = self.rng.exponential(0.015 / self.rate);
            self.after(wait, Task::News(left - 1));
            return;
        }
        let mut burst = 0;
        while self.rng.chance(follow) {
            burst += 1;
        }
        let wait = self.rng.exponential(1.0 / (hz * self.rate * self.fair.pulse()));
        self.after(wait, Task::News(burst));
    }

    pub(super) fn arbitrage(&mut self, index: usize, events: &mut Vec<MarketEvent>) {
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
        for (at, buys) in [(index, !dear), (over, dear), (under, !dear)] {
            if !self.too_soon(at) {
                let side = if buys { OrderSide::Buy } else { OrderSide::Sell };
                self.desks[at].arbitrage(side, self.now, &mut self.changes);
                self.commit(at, events);
            }
        }
        self.fair.close_deviation(index);
        self.reprice(index, events);
    }
}
