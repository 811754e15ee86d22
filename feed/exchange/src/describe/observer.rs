//! Looks at a stream of levels and trades as a client would, and measures it.
//!
//! The same code measures a capture and the model. Time is that of the stream; nothing is read from a
//! clock. Memory grows with the stream: 8 bytes for each second, 50 for each trade.

use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use super::book::{Seen, SeenBook, Touch};
use super::series::{autocorrelation, count, deviation, excess_kurtosis, mean, quantile, returns};
use super::{Measure, key};

const SECOND_NS: i64 = 1_000_000_000;
/// Longest run of orders on one side that counts in the impact of a run.
const RUN_MAX: usize = 64;
/// Ticks by which a minute must move a pair, as a standard deviation, for the impact of its orders to be told.
const IMPACT_TICKS_MIN: f64 = 3.0;

/// The grid of a pair.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Smallest step of the price, in units of its precision.
    pub tick: i64,
    /// Units of quantity in one whole base unit.
    pub lots: f64,
}

/// One aggressive order: trades of one side within one message.
#[derive(Clone, Copy, Debug)]
struct Taken {
    is_buy: bool,
    /// Middle of the book before it.
    before: Option<f64>,
}

/// Sums over the updates of the stream.
#[derive(Debug, Default)]
struct Totals {
    updates: f64,
    rows: f64,
    touched: f64,
    repriced: f64,
    /// Nanoseconds of the stream, and those at a spread of one tick.
    time: f64,
    one_tick: f64,
    /// Ticks of spread times nanoseconds.
    spread: f64,
    /// Changes of the middle, and those in the direction of a clear imbalance before them.
    foreseen: f64,
    imbalanced: f64,
}

/// An observer of one pair.
#[derive(Debug)]
pub struct Observer {
    grid: Grid,
    depth: usize,
    book: SeenBook,
    totals: Totals,
    /// What the rows since the last commit changed.
    rows: u32,
    /// The touch as the last update left it, and when that was.
    last: Option<(ExchNs, Touch)>,
    first: Option<ExchNs>,
    /// How far time has been accounted for.
    passed: Option<ExchNs>,
    gaps_ns: Vec<f64>,
    rows_each: Vec<f64>,
    /// Middle of the book at each whole second since the first commit.
    seconds: Vec<f64>,
    /// Quantity by rank, summed at each whole second, and how often.
    by_rank: Vec<(f64, f64)>,
    level_sizes: Vec<f64>,
    width: Vec<f64>,
    trade_sizes: Vec<f64>,
    orders: Vec<Taken>,
    takers: Vec<OrderSide>,
}

impl Observer {
    /// An observer of the first `depth` rows of each side.
    pub fn new(grid: Grid, depth: usize) -> Self {
        assert!(depth > 0, "a book has at least its best prices");
        Self {
            grid,
            depth,
            book: SeenBook::default(),
            totals: Totals::default(),
            rows: 0,
            last: None,
            first: None,
            passed: None,
            gaps_ns: Vec::new(),
            rows_each: Vec::new(),
            seconds: Vec::new(),
            by_rank: vec![(0.0, 0.0); depth],
            level_sizes: Vec::new(),
            width: Vec::new(),
            trade_sizes: Vec::new(),
            orders: Vec::new(),
            takers: Vec::new(),
        }
    }

    /// A row of an update or a snapshot.
    pub fn level(&mut self, side: BookSide, px: Px, qty: Qty) {
        if self.book.apply(side, px, qty, self.depth) != Seen::Nothing {
            self.rows += 1;
        }
    }

    /// Rows of an update of a stream that is cut to the depth. There each removal brings another row in
    /// at the bottom, so that the rows which are no removals are as many as the changes.
    pub fn cut_rows(&mut self, rows: impl Iterator<Item = (BookSide, Px, Qty)>) {
        for (side, px, qty) in rows {
            if self.book.apply(side, px, qty, usize::MAX) == Seen::Change {
                self.rows += 1;
            }
        }
        self.book.truncate(self.depth);
    }

    /// A trade.
    pub fn trade(&mut self, taker: OrderSide, qty: Qty) {
        self.trade_sizes.push(self.base(qty));
        if self.takers.last() != Some(&taker) {
            self.takers.push(taker);
        }
    }

    /// Everything of a snapshot was said.
    pub fn snapshot_done(&mut self, at: ExchNs) {
        self.rows = 0;
        self.pass(at);
        self.last = Some((at, self.book.touch()));
    }

    /// A snapshot begins.
    pub fn snapshot_begins(&mut self) {
        self.book.clear();
    }

    /// The rows and trades so far belong together and are public from now on.
    pub fn commit(&mut self, at: ExchNs) {
        self.pass(at);
        let touch = self.book.touch();
        let before = self.last.map(|(_, touch)| touch);
        let mid_before = before.and_then(|touch| middle(&touch));
        for taker in self.takers.drain(..) {
            self.orders.push(Taken { is_buy: taker == OrderSide::Buy, before: mid_before });
        }
        if self.rows > 0 {
            if let Some((last, _)) = self.last {
                self.gaps_ns.push(span(last, at));
            }
            self.totals.updates += 1.0;
            self.totals.rows += f64::from(self.rows);
            self.rows_each.push(f64::from(self.rows));
            self.rows = 0;
            if let Some(before) = before {
                self.compare(&before, &touch);
            }
            self.last = Some((at, touch));
        }
    }

    fn compare(&mut self, before: &Touch, touch: &Touch) {
        self.totals.touched += f64::from(before != touch);
        let prices = |touch: &Touch| touch.map(|row| row.map(|(px, _)| px));
        if prices(before) == prices(touch) {
            return;
        }
        self.totals.repriced += 1.0;
        if let (Some(was), Some(is), [Some((_, bids)), Some((_, asks))]) =
            (middle(before), middle(touch), before)
            && was.total_cmp(&is).is_ne()
        {
            let (bids, asks) = (self.base(*bids), self.base(*asks));
            let imbalance = (bids - asks) / (bids + asks);
            if imbalance.abs() > 0.5 {
                self.totals.imbalanced += 1.0;
                self.totals.foreseen += f64::from((imbalance > 0.0) == (is > was));
            }
        }
    }

    /// Lets time pass over the book as it stood after the last commit.
    fn pass(&mut self, at: ExchNs) {
        let first = *self.first.get_or_insert(at);
        let passed = self.passed.replace(at).unwrap_or(at);
        let Some((_, touch)) = self.last else { return };
        let ns = span(passed, at);
        if let [Some((bid, _)), Some((ask, _))] = touch {
            let ticks = ticks((ask.raw() - bid.raw()) / self.grid.tick);
            self.totals.time += ns;
            self.totals.spread += ns * ticks;
            if ticks < 1.5 {
                self.totals.one_tick += ns;
            }
        }
        let begin = first.raw();
        while let Some(mid) = middle(&touch) {
            let sample = i64::try_from(self.seconds.len()).expect("seconds of a session");
            if begin + sample * SECOND_NS > at.raw() {
                break;
            }
            self.seconds.push(mid);
            self.sample();
        }
    }

    fn sample(&mut self) {
        for side in self.book.sides() {
            for (rank, (_, qty)) in side.iter().take(self.depth).enumerate() {
                let size = ticks(qty.raw()) / self.grid.lots;
                self.by_rank[rank].0 += size;
                self.by_rank[rank].1 += 1.0;
                self.level_sizes.push(size);
            }
            if let (Some((best, _)), Some((last, _))) = (side.first(), side.get(self.depth - 1)) {
                self.width.push(ticks((best.raw() - last.raw()).abs() / self.grid.tick));
            }
        }
    }

    fn base(&self, qty: Qty) -> f64 {
        ticks(qty.raw()) / self.grid.lots
    }

    /// What was seen.
    pub fn finish(mut self) -> Vec<Measure> {
        let totals = &self.totals;
        let per = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let time_s = totals.time / 1e9;
        for list in [
            &mut self.gaps_ns,
            &mut self.rows_each,
            &mut self.level_sizes,
            &mut self.width,
            &mut self.trade_sizes,
        ] {
            list.sort_by(f64::total_cmp);
        }
        let one = returns(&self.seconds, 1);
        let zero = one.iter().filter(|r| r.abs() < 1e-12).count();
        let signs: Vec<f64> =
            self.orders.iter().map(|order| if order.is_buy { 1.0 } else { -1.0 }).collect();
        let minutes = returns(&self.seconds, 60);
        let sizes: Vec<f64> = minutes.iter().map(|r| r.abs()).collect();
        let rank_mean = |from: usize, to: usize| {
            let rows = self.by_rank.get(from..to.min(self.by_rank.len()))?;
            let (sum, n) = rows.iter().fold((0.0, 0.0), |(s, n), row| (s + row.0, n + row.1));
            per(sum, n)
        };
        let near = rank_mean(1, 9);
        let far = rank_mean(16, 25).filter(|_| self.depth >= 25);
        let values = [
            (key::SECONDS, Some(time_s)),
            (key::RATE, per(totals.updates, time_s)),
            (key::GAP_P50_MS, quantile(&self.gaps_ns, 0.5).map(|ns| ns / 1e6)),
            (key::GAP_P99_MS, quantile(&self.gaps_ns, 0.99).map(|ns| ns / 1e6)),
            (key::CHANGES, per(totals.rows, totals.updates)),
            (key::CHANGES_P99, quantile(&self.rows_each, 0.99)),
            (key::ONE_TICK, per(totals.one_tick, totals.time)),
            (key::SPREAD, per(totals.spread, totals.time)),
            (key::TOUCH, per(totals.touched, totals.updates)),
            (key::REPRICE, per(totals.repriced, totals.updates)),
            (key::WIDTH, mean(&self.width)),
            (key::TOUCH_SIZE, rank_mean(0, 1)),
            (key::NEAR_SIZE, near),
            (key::FAR_SIZE, far),
            (key::DEPTH_RISE, near.zip(far).and_then(|(near, far)| per(far, near))),
            (key::LEVEL_P50, quantile(&self.level_sizes, 0.5)),
            (key::LEVEL_P90, quantile(&self.level_sizes, 0.9)),
            (key::ORDERS, per(count(self.orders.len()), time_s)),
            (key::TRADE_P50, quantile(&self.trade_sizes, 0.5)),
            (key::TRADE_P90, quantile(&self.trade_sizes, 0.9)),
            (key::TRADE_P99, quantile(&self.trade_sizes, 0.99)),
            (key::ZERO, per(count(zero), count(one.len()))),
            (key::SD_1S_BP, deviation(&one).map(|sd| sd * 1e4)),
            (key::SD_60S_BP, deviation(&minutes).map(|sd| sd * 1e4)),
            (key::AUTO_1S, autocorrelation(&one, 1)),
            (key::AUTO_10S, autocorrelation(&returns(&self.seconds, 10), 1)),
            (key::AUTO_60S, autocorrelation(&minutes, 1)),
            (key::CLUSTER_1, autocorrelation(&sizes, 1)),
            (key::CLUSTER_10, autocorrelation(&sizes, 10)),
            (key::KURTOSIS, excess_kurtosis(&minutes)),
            (key::SIGN_1, autocorrelation(&signs, 1)),
            (key::SIGN_10, autocorrelation(&signs, 10)),
            (key::SIGN_50, autocorrelation(&signs, 50)),
            (key::IMPACT, self.impact_exponent(&minutes)),
            (key::IMBALANCE, per(totals.foreseen, totals.imbalanced)),
        ];
        values.into_iter().map(|(key, value)| Measure { key, value }).collect()
    }

    /// The power of the number of orders with which a run of one side moves the middle: slope
    /// between short runs (1 to 4 orders) and long ones (12 to [`RUN_MAX`]).
    ///
    /// `None` for a pair whose minutes move it by less than [`IMPACT_TICKS_MIN`]: a short run then moves the middle
    /// by a fraction of a tick on average, which is the bounce between bid and ask and not its impact.
    fn impact_exponent(&self, minutes: &[f64]) -> Option<f64> {
        let minute_ticks = deviation(minutes)? * mean(&self.seconds)? / ticks(self.grid.tick);
        if minute_ticks < IMPACT_TICKS_MIN {
            return None;
        }
        let mut groups = [(0.0, 0.0, 0.0); 2];
        let mut start = 0;
        for at in 1..self.orders.len() {
            if self.orders[at].is_buy == self.orders[start].is_buy {
                continue;
            }
            let (from, to) = (self.orders[start], self.orders[at]);
            let length = at - start;
            let group = match length {
                1..=4 => Some(0),
                12..=RUN_MAX => Some(1),
                _ => None,
            };
            if let (Some(group), Some(before), Some(after)) = (group, from.before, to.before) {
                let moved = (after / before).ln() * if from.is_buy { 1.0 } else { -1.0 };
                groups[group].0 += moved;
                groups[group].1 += count(length).ln();
                groups[group].2 += 1.0;
            }
            start = at;
        }
        let [short, long] = groups;
        let enough = short.2 >= 500.0 && long.2 >= 100.0 && short.0 > 0.0 && long.0 > 0.0;
        enough.then(|| {
            let rise = (long.0 / long.2).ln() - (short.0 / short.2).ln();
            rise / (long.1 / long.2 - short.1 / short.2)
        })
    }
}

fn middle(touch: &Touch) -> Option<f64> {
    match touch {
        [Some((bid, _)), Some((ask, _))] => Some(0.5 * ticks(bid.raw() + ask.raw())),
        _ => None,
    }
}

fn span(from: ExchNs, to: ExchNs) -> f64 {
    ticks((to.raw() - from.raw()).max(0))
}

#[expect(clippy::cast_precision_loss, reason = "prices, quantities and spans are below 2^53")]
const fn ticks(whole: i64) -> f64 {
    whole as f64
}
