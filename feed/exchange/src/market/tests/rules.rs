//! A hundred simple rules that take: each buys or sells at the touch when it sees its sign, holds for a
//! fixed time and takes the other side of the touch again. No fees, no latency: the spread is all they pay.

use std::collections::VecDeque;

use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

const SECOND: i64 = 1_000_000_000;
/// Rules of the family.
pub(super) const FAMILY: usize = 100;
/// Windows of the moves that rules look at, ns.
const WINDOWS: [i64; 4] = [SECOND / 10, SECOND, 10 * SECOND, 60 * SECOND];
/// Minutes are the longest that any rule looks back.
const SAMPLES: usize = 301;

/// What sets a rule off, in its favoured direction; 1 up, -1 down, 0 nothing.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// The middle moved by so many half ticks, or so many basis points, within a window.
    Move { window: usize, half_ticks: i64, bp: f64 },
    /// The touch holds this much more on one side, of both.
    Imbalance(f64),
    /// Of so many orders before, so many more bought than sold.
    Flow { orders: usize, excess: i32 },
    /// Averages over so many seconds cross.
    Cross { fast: usize, slow: usize },
    /// The middle leaves the range of so many seconds.
    Break(usize),
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    sign: Sign,
    /// With the sign, or against it.
    follows: bool,
    hold_ns: i64,
}

/// What all rules look at.
#[derive(Debug, Default)]
struct Sight {
    now: i64,
    touch: Option<[(Px, Qty); 2]>,
    /// Twice the middle, in units of the price.
    double: i64,
    tick: i64,
    /// When the middle changed, and to what; enough for the longest window.
    changes: VecDeque<(i64, i64)>,
    /// The middle before each window.
    before: [i64; WINDOWS.len()],
    orders: VecDeque<i32>,
    /// Middles at whole seconds, newest first.
    seconds: VecDeque<f64>,
    next_second: i64,
    /// True when this commit was the first after a whole second.
    is_second: bool,
}

impl Sight {
    fn look(&mut self, now: ExchNs, touch: [(Px, Qty); 2]) {
        self.now = now.raw();
        self.touch = Some(touch);
        let double = touch[0].0.raw() + touch[1].0.raw();
        self.is_second = false;
        if self.next_second == 0 {
            self.next_second = self.now;
        }
        while self.next_second <= self.now {
            self.seconds.push_front((if self.double == 0 { double } else { self.double }) as f64);
            self.seconds.truncate(SAMPLES);
            self.next_second += SECOND;
            self.is_second = true;
        }
        if double != self.double {
            self.changes.push_back((self.now, double));
            self.double = double;
        }
        for (before, window) in self.before.iter_mut().zip(WINDOWS) {
            let from = self.now - window;
            let at = self.changes.partition_point(|(at, _)| *at <= from);
            *before = self.changes.get(at.saturating_sub(1)).map_or(double, |(_, mid)| *mid);
        }
        let longest = self.now - WINDOWS[WINDOWS.len() - 1];
        while self.changes.get(1).is_some_and(|(at, _)| *at <= longest) {
            self.changes.pop_front();
        }
    }

    fn sign(&self, sign: Sign) -> i32 {
        let Some([(_, bids), (_, asks)]) = self.touch else { return 0 };
        match sign {
            Sign::Move { window, half_ticks, bp } => {
                let moved = self.double - self.before[window];
                let is_far = moved.abs() as f64 >= bp * 1e-4 * self.double as f64;
                if is_far && moved.abs() >= half_ticks * self.tick { way(moved as f64) } else { 0 }
            }
            Sign::Imbalance(least) => {
                let (bids, asks) = (bids.raw() as f64, asks.raw() as f64);
                let imbalance = (bids - asks) / (bids + asks);
                if imbalance.abs() >= least { way(imbalance) } else { 0 }
            }
            Sign::Flow { orders, excess } => {
                if self.orders.len() < orders {
                    return 0;
                }
                let sum: i32 = self.orders.iter().take(orders).sum();
                if sum.abs() >= excess { sum.signum() } else { 0 }
            }
            Sign::Cross { fast, slow } => {
                if !self.is_second || self.seconds.len() < slow {
                    return 0;
                }
                let mean = |n: usize| self.seconds.iter().take(n).sum::<f64>() / n as f64;
                let gap = mean(fast) / mean(slow) - 1.0;
                if gap.abs() >= 0.2e-4 { way(gap) } else { 0 }
            }
            Sign::Break(seconds) => {
                if !self.is_second || self.seconds.len() <= seconds {
                    return 0;
                }
                let range = self.seconds.iter().skip(1).take(seconds);
                let (low, high) =
                    range.fold((f64::MAX, 0.0f64), |(l, h), x| (l.min(*x), h.max(*x)));
                i32::from(self.seconds[0] > high) - i32::from(self.seconds[0] < low)
            }
        }
    }
}

fn way(value: f64) -> i32 {
    i32::from(value > 0.0) - i32::from(value < 0.0)
}

#[derive(Clone, Copy, Debug)]
struct Open {
    side: i32,
    px: Px,
    until: i64,
}

/// The family on one pair.
#[derive(Debug)]
pub(super) struct Family {
    rules: Vec<Rule>,
    open: Vec<Option<Open>>,
    sight: Sight,
    /// Sum of what each rule made, basis points, and in how many trades.
    pub(super) made: Vec<(f64, u32)>,
}

impl Family {
    pub(super) fn new(tick: Px) -> Self {
        let rules = rules();
        let count = rules.len();
        let sight = Sight { tick: tick.raw(), ..Sight::default() };
        Self { rules, open: vec![None; count], sight, made: vec![(0.0, 0); count] }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.rules.iter().map(|rule| format!("{rule:?}")).collect()
    }

    pub(super) fn order(&mut self, buys: bool) {
        self.sight.orders.push_front(if buys { 1 } else { -1 });
        self.sight.orders.truncate(50);
    }

    /// Every rule looks at the book after a commit and trades on it at once.
    pub(super) fn commit(&mut self, now: ExchNs, touch: [(Px, Qty); 2]) {
        self.sight.look(now, touch);
        let [(bid, _), (ask, _)] = touch;
        for (at, rule) in self.rules.iter().enumerate() {
            match self.open[at] {
                Some(open) if self.sight.now >= open.until => {
                    let exit = if open.side > 0 { bid } else { ask };
                    let gain = exit.raw() as f64 / open.px.raw() as f64 - 1.0;
                    self.made[at].0 += 1e4 * gain * f64::from(open.side);
                    self.made[at].1 += 1;
                    self.open[at] = None;
                }
                Some(_) => {}
                None => {
                    let sign = self.sight.sign(rule.sign) * if rule.follows { 1 } else { -1 };
                    if sign != 0 {
                        let px = if sign > 0 { ask } else { bid };
                        let until = self.sight.now + rule.hold_ns;
                        self.open[at] = Some(Open { side: sign, px, until });
                    }
                }
            }
        }
    }
}

fn rules() -> Vec<Rule> {
    let mut signs: Vec<(Sign, [i64; 2])> = Vec::new();
    for (window, hold) in [(0, [1, 10]), (1, [1, 10]), (2, [10, 60]), (3, [30, 120])] {
        for (half_ticks, bp) in [(1, 0.0), (2, 1.0), (2, 3.0)] {
            signs.push((Sign::Move { window, half_ticks, bp }, hold));
        }
    }
    for least in [0.5, 0.7, 0.9] {
        signs.push((Sign::Imbalance(least), [1, 10]));
    }
    for (orders, excess) in [(1, 1), (5, 3), (10, 6), (20, 10), (50, 20)] {
        signs.push((Sign::Flow { orders, excess }, [10, 60]));
    }
    for (fast, slow) in [(5, 20), (10, 60), (30, 120)] {
        signs.push((Sign::Cross { fast, slow }, [30, 120]));
    }
    for seconds in [10, 300] {
        signs.push((Sign::Break(seconds), [10, 60]));
    }
    let mut rules = Vec::new();
    for (sign, holds) in signs {
        for follows in [true, false] {
            for hold in holds {
                rules.push(Rule { sign, follows, hold_ns: hold * SECOND });
            }
        }
    }
    assert_eq!(rules.len(), FAMILY);
    rules
}
