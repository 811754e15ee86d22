//! Made-up sessions whose truth is known: how often a table errs, and how often an interval holds the truth.
//!
//! A process is drawn as multinomial bucket counts per block, not call by call. `SLOW_TESTS=1` runs the full
//! size (`cargo xtask gate`), which wants an optimised build; without it a tenth, with bounds as much wider.

use paperwire_core::random::{Rng, exp, ln};

use super::estimate::Interval;
use super::judge::{Reading, Repetitions, Row, table};
use super::number::float;
use super::packed::{Grain, Packed, Sum, bucket};
use super::percentile::PERCENTILES;
use super::verdict::{Rules, Verdict};

const RULES: Rules = Rules::new(1.0, 0.1);
/// A p99.9 with a few more than its hundred calls beyond.
const CALLS: u32 = 120_000;
const BLOCKS: usize = 6;

/// How calls are distributed: values in nanoseconds with their shares.
struct Shape(Vec<(f64, f64)>);

/// A log-normal mode as so many values, with a share of all calls.
fn mode(median: f64, sigma: f64, share: f64, values: u32) -> Vec<(f64, f64)> {
    let weight = |z: f64| exp(-z * z / 2.0);
    let at = |i: u32| -4.5 + 9.0 * f64::from(i) / f64::from(values - 1);
    let total: f64 = (0..values).map(|i| weight(at(i))).sum();
    (0..values).map(|i| (median * exp(sigma * at(i)), share * weight(at(i)) / total)).collect()
}

impl Shape {
    /// One mode, and a tail of a hundredth whose values thin out with the square of their size.
    fn heavy() -> Self {
        let mut all = mode(900.0, 0.35, 0.99, 80);
        let steps = 60u32;
        let beyond = |i: u32| exp(-ln(10.0) * 3.0 * f64::from(i) / f64::from(steps));
        let tail = (0..steps).map(|i| {
            let share = beyond(i) - if i + 1 < steps { beyond(i + 1) } else { 0.0 };
            (2_500.0 / beyond(i).sqrt(), 0.01 * share)
        });
        all.extend(tail);
        Self(all)
    }

    /// Two modes; the p99.9 lies inside of the upper one.
    fn bimodal() -> Self {
        Self([mode(1_000.0, 0.12, 0.99, 60), mode(20_000.0, 0.15, 0.01, 60)].concat())
    }

    /// Two modes; the upper one begins where the p99.9 is.
    fn edge() -> Self {
        Self([mode(1_000.0, 0.12, 0.999, 60), mode(20_000.0, 0.15, 0.001, 60)].concat())
    }
}

/// How often something of probability `p` happens in `n` tries.
fn binomial(rng: &mut Rng, n: u32, p: f64) -> u32 {
    if p > 0.5 {
        return n - binomial(rng, n, 1.0 - p);
    }
    let mean = f64::from(n) * p;
    if mean > 30.0 {
        let drawn = mean + (mean * (1.0 - p)).sqrt() * rng.gaussian();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        return drawn.round().clamp(0.0, f64::from(n)) as u32;
    }
    // By the tries between two that happen (Devroye 1986).
    if p < 1e-15 {
        return 0;
    }
    let (mut count, mut at) = (0, 0.0);
    let log = ln(1.0 - p);
    loop {
        at += (ln(1.0 - rng.unit()) / log).floor() + 1.0;
        if at > f64::from(n) {
            return count;
        }
        count += 1;
    }
}

/// What the host does to both strategies alike: its speed in each block, and bursts in some.
struct Host {
    drift: bool,
}

impl Host {
    fn blocks(&self, rng: &mut Rng) -> [f64; BLOCKS] {
        let mut speed = 0.0;
        std::array::from_fn(|_| {
            speed += if self.drift { 0.03 * rng.gaussian() } else { 0.0 };
            let burst = if self.drift && rng.chance(0.05) { 0.3 } else { 0.0 };
            exp(speed + burst)
        })
    }
}

/// One measure of one strategy in one process, whose layout makes it `factor` times as long.
fn arm(rng: &mut Rng, shape: &Shape, factor: f64, blocks: &[f64; BLOCKS]) -> Sum {
    let mut sum = Sum::default();
    for block in blocks {
        let (mut left, mut share) = (CALLS / u32::try_from(BLOCKS).unwrap(), 1.0f64);
        for (value, of) in &shape.0 {
            let count = binomial(rng, left, (of / share).clamp(0.0, 1.0));
            (left, share) = (left - count, (share - of).max(1e-12));
            if count > 0 {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ns")]
                let value = (value * factor * block).round() as u64;
                sum.add(&Packed::from_buckets(vec![(bucket(value), count)]));
            }
        }
    }
    sum
}

/// One process: B takes `more` times as long as A, and layout adds up to a tenth to each or takes it off.
fn process(rng: &mut Rng, shape: &Shape, more: f64, host: &Host) -> Reading {
    let blocks = host.blocks(rng);
    let layout = [0, 1].map(|_| exp(rng.range(-0.1, 0.1)));
    let sums = [arm(rng, shape, layout[0], &blocks), arm(rng, shape, more * layout[1], &blocks)];
    Reading::of(&sums, Grain::Fine, RULES.step_ns)
}

fn session(rng: &mut Rng, processes: usize, shape: &Shape, more: f64, host: &Host) -> Vec<Row> {
    let readings = (0..processes).map(|_| process(rng, shape, more, host)).collect();
    table(&Repetitions { tapes: vec![readings], ..Repetitions::default() }, &RULES)
}

fn is_full() -> bool {
    std::env::var_os("SLOW_TESTS").is_some_and(|value| value == "1")
}

/// How many are made.
fn size(full: u32, usual: u32) -> u32 {
    if is_full() { full } else { usual }
}

/// Four standard deviations of a share that is counted in so many.
fn slack(share: f64, of: u32) -> f64 {
    4.0 * (share * (1.0 - share) / f64::from(of)).sqrt()
}

fn is_called(row: &Row) -> bool {
    matches!(row.verdict, Verdict::Slower | Verdict::Faster)
}

#[test]
fn equal_strategies_are_called_different_in_at_most_a_twentieth_of_all_tables() {
    for processes in [10, 30] {
        let tables = size(1_000, if processes == 10 { 25 } else { 8 });
        let mut rng = Rng::new(processes as u64);
        let host = Host { drift: true };
        let wrong = (0..tables).filter(|_| {
            // Eight cells: service and response have layouts of their own.
            let mut rows = session(&mut rng, processes, &Shape::heavy(), 1.0, &host);
            rows.extend(session(&mut rng, processes, &Shape::bimodal(), 1.0, &host));
            rows.iter().any(is_called)
        });
        let share = wrong.count() as f64 / f64::from(tables);
        eprintln!(
            "{processes} processes: {:.1} % of {tables} tables call something",
            100.0 * share
        );
        let most = if is_full() { 0.05 } else { 0.05 + slack(0.05, tables) };
        assert!(share <= most, "{share} of {tables} tables of {processes} processes");
    }
}

/// How often `interval_each` holds the truth at each percentile.
fn coverage(
    seed: u64,
    sessions: u32,
    shape: &Shape,
    truth: impl Fn(usize) -> f64,
) -> [f64; PERCENTILES] {
    let mut rng = Rng::new(seed);
    let host = Host { drift: true };
    let mut held = [0u32; PERCENTILES];
    for _ in 0..sessions {
        for (at, row) in session(&mut rng, 10, shape, 1.1, &host).into_iter().enumerate() {
            let Interval { low, high } = row.each.unwrap();
            held[at] += u32::from((low..=high).contains(&truth(at)));
        }
    }
    held.map(|held| f64::from(held) / f64::from(sessions))
}

#[test]
fn an_interval_of_95_percent_holds_the_truth_in_as_many_sessions() {
    let sessions = size(1_000, 30);
    for (name, shape) in [("heavy", Shape::heavy()), ("bimodal", Shape::bimodal())] {
        // Both have one shape and layouts that favour nobody: the truth is the factor.
        let found = coverage(3, sessions, &shape, |_| ln(1.1));
        eprintln!("{name}: of {sessions} intervals held {found:?}");
        for share in found {
            let (least, most) = match is_full() {
                true => (0.93, 0.97),
                false => (0.95 - slack(0.95, sessions), 1.0),
            };
            assert!((least..=most).contains(&share), "{name}: {found:?}");
        }
    }
}

#[test]
fn at_the_edge_of_a_mode_the_interval_is_wide_and_still_holds() {
    let sessions = size(1_000, 20);
    let made = size(100_000, 1_500);
    let mut rng = Rng::new(9);
    let host = Host { drift: true };
    let sums = (0..made).fold([0.0; PERCENTILES], |sums, _| {
        let [a, b] = process(&mut rng, &Shape::edge(), 1.1, &host).ns.unwrap();
        std::array::from_fn(|at| sums[at] + ln(b[at]) - ln(a[at]))
    });
    let truth = sums.map(|sum| sum / f64::from(made));
    let found = coverage(4, sessions, &Shape::edge(), |at| truth[at])[3];
    eprintln!("edge: of {sessions} intervals of p99.9 held {found} around {}", truth[3]);
    let least = if is_full() { 0.93 } else { 0.93 - slack(0.93, sessions) };
    assert!(found >= least, "{found}");
}

#[test]
fn a_tenth_more_work_is_called_slower_where_it_is_decided() {
    let sessions = size(1_000, 12);
    let mut rng = Rng::new(5);
    let host = Host { drift: true };
    let (mut decided, mut slower) = (0u32, 0u32);
    for _ in 0..sessions {
        for row in session(&mut rng, 30, &Shape::heavy(), 1.1, &host) {
            decided += u32::from(is_called(&row) || row.verdict == Verdict::NoDifference);
            slower += u32::from(row.verdict == Verdict::Slower);
        }
    }
    eprintln!("a tenth more: {slower} of {decided} decided cells of {}", 4 * sessions);
    assert!(f64::from(decided) > 0.5 * 4.0 * f64::from(sessions), "{decided}");
    assert!(f64::from(slower) >= 0.95 * f64::from(decided), "{slower} of {decided}");
}

#[test]
fn the_made_counts_are_those_of_the_shape() {
    let mut rng = Rng::new(1);
    for (n, p) in [(1_000, 0.001), (1_000, 0.3), (100, 0.97), (20_000, 1e-4)] {
        let draws = 3_000u32;
        let sum: f64 = (0..draws).map(|_| f64::from(binomial(&mut rng, n, p))).sum();
        let (mean, wanted) = (sum / f64::from(draws), f64::from(n) * p);
        let error = (wanted * (1.0 - p) / f64::from(draws)).sqrt();
        assert!((mean - wanted).abs() < 5.0 * error, "{n} {p}: {mean}");
    }
    let sum = arm(&mut rng, &Shape::heavy(), 1.0, &[1.0; BLOCKS]);
    assert_eq!(sum.count(), u64::from(CALLS));
    assert!((float(sum.at(0.5)) - 900.0).abs() < 20.0, "{}", sum.at(0.5));
}
