use proptest::prelude::*;

use paperwire_core::random::Rng;

use super::*;

const BLOCKS: usize = 36;
/// Just over what p99.9 asks for.
const TICKS: usize = 3_000;

/// A market and a machine, as unkind as real ones: ticks come in bursts that last and that make every
/// strategy's work harder; each second the host is as fast as it likes, for all alike; times have a
/// heavy tail, a part of which is the tick's (the same for all) and a part of which is each call's own.
struct Machine {
    rng: Rng,
    /// Times in nanoseconds by rank, so that drawing one needs no logarithm.
    tail: Vec<u64>,
    is_burst: bool,
    /// Ticks until that changes.
    left: u64,
}

impl Machine {
    fn new(seed: u64) -> Self {
        // Pareto with exponent 3 over 50 ns: its variance exists, its fourth moment does not.
        let rank = |rank: u32| 50.0 * (1.0 - (f64::from(rank) + 0.5) / 4096.0).powf(-1.0 / 3.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let tail = (0..4096).map(|of| rank(of) as u64).collect();
        Self { rng: Rng::new(seed), tail, is_burst: false, left: 0 }
    }

    /// Uniform below `end`.
    fn below(&mut self, end: u64) -> u64 {
        ((self.rng.next_u64() >> 32) * end) >> 32
    }

    /// Five times from one random number: a debug build makes tens of millions.
    fn times(&mut self) -> [u64; 5] {
        let bits = usize::try_from(self.rng.next_u64()).unwrap();
        let tail = &self.tail;
        let of = |at: usize| tail[(bits >> at) & 0xfff];
        [of(0), of(12), of(24), of(36), of(48)]
    }

    /// Blocks of service and response; B's own work is `percent` of A's.
    fn session(&mut self, blocks: usize, ticks: usize, percent: u64) -> [Vec<Block>; 2] {
        let mut session = [Vec::new(), Vec::new()];
        for _ in 0..blocks {
            // From 0.7 to 1.3 of its speed; now and then the block has a neighbour who takes the half.
            let neighbour = if self.below(10) == 0 { 700 } else { 0 };
            let level = 700 + self.below(600) + neighbour;
            let mut counts = [[(); ARMS]; 2].map(|kind| kind.map(|()| Counts::default()));
            // Bursts make blocks unlike in size, too.
            let ticks = ticks / 2 + usize::try_from(self.below(ticks as u64)).unwrap();
            for _ in 0..ticks {
                if self.left == 0 {
                    self.left = 1 + self.below(400);
                    self.is_burst = !self.is_burst;
                }
                self.left -= 1;
                let burst = if self.is_burst { 2 } else { 1 };
                let [common, wait, own @ ..] = self.times();
                let [service, response] = &mut counts;
                for arm in [A, B, CONTROL] {
                    let (service, response) = (&mut service[arm], &mut response[arm]);
                    let own = (common + own[arm]) * burst * level / 1000;
                    let own = if arm == B { own * percent / 100 } else { own };
                    service.add(own);
                    response.add(own + wait * burst);
                }
            }
            for (session, counts) in session.iter_mut().zip(counts) {
                session.push(counts.map(Counts::sparse));
            }
        }
        session
    }
}

/// Counts by bucket, faster than a map while a session is made.
#[derive(Default)]
struct Counts(Vec<u64>);

impl Counts {
    fn add(&mut self, value: u64) {
        let shift = if value < 2048 { 0 } else { value.ilog2() - 10 };
        let at = usize::try_from(u64::from(shift) * 1024 + (value >> shift)).unwrap();
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] += 1;
    }

    fn sparse(self) -> Sparse {
        let middle = |at: u64| {
            let shift = (at / 1024).saturating_sub(1);
            ((at - shift * 1024) << shift) + ((1 << shift) >> 1)
        };
        let pairs = (0u64..).zip(self.0).filter(|(_, count)| *count > 0);
        Sparse(pairs.map(|(at, count)| (middle(at), count)).collect())
    }
}

/// Fewer resamples than in the product: a debug build has to do hundreds of sessions.
fn quick() -> Settings {
    Settings { resamples: 320, ..Settings::default() }
}

/// Trials by seed on two threads; every seed has its own random numbers, so the result is always the same.
fn trials(seeds: std::ops::Range<u64>, percent: u64) -> Vec<Vec<Row>> {
    trials_of(seeds, TICKS, percent, 8)
}

/// The first `cells` of each.
fn trials_of(
    seeds: std::ops::Range<u64>,
    ticks: usize,
    percent: u64,
    cells: usize,
) -> Vec<Vec<Row>> {
    let of = |first: u64| {
        let seeds = (seeds.start + first..seeds.end).step_by(2);
        seeds.map(|seed| trial(seed, ticks, percent, cells)).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| of(1));
        let mut all = of(0);
        all.extend(other.join().unwrap());
        all
    })
}

/// Both tables of one session.
fn trial(seed: u64, ticks: usize, percent: u64, cells: usize) -> Vec<Row> {
    let [service, response] = Machine::new(seed).session(BLOCKS, ticks, percent);
    // Not the numbers that made the session.
    let settings = Settings { seed: !seed, ..quick() };
    let tables = [&service, &response].into_iter().take(cells / 4);
    tables.flat_map(|table| compare(table, &settings)).collect()
}

fn differs(row: &Row) -> bool {
    matches!(row.verdict, Verdict::Faster | Verdict::Slower)
}

#[test]
fn no_difference_is_called_one_in_at_most_five_of_a_hundred_tables() {
    let all = trials(0..200, 100);
    let count = |is_so: fn(&Row) -> bool| all.iter().filter(|rows| rows.iter().any(is_so)).count();
    let judged = all.iter().flatten().filter(|row| row.interval.is_some()).count();
    let excludes = |of: Option<Interval>| of.is_some_and(|of| of.low > 1.0 || of.high < 1.0);
    let wrong = count(differs);
    let without_floor = all.iter().filter(|rows| rows.iter().any(|row| excludes(row.interval)));
    let (without_floor, alone) = (without_floor.count(), {
        let rows = all.iter().filter(|rows| rows.iter().any(|row| excludes(row.interval_each)));
        rows.count()
    });
    println!(
        "A/A: {wrong} of 200 tables; without the floor {without_floor}, without Bonferroni, too, {alone}; \
         {judged} of 1600 cells judged"
    );
    assert!(judged > 1_500, "{judged}");
    assert!(wrong <= 10, "{wrong} of 200");
}

#[test]
fn a_tenth_more_work_is_called_slower_in_at_least_95_of_a_hundred_tables() {
    let all = trials(1_000..1_060, 110);
    let slower =
        |cell: usize| all.iter().filter(|rows| rows[cell].verdict == Verdict::Slower).count();
    let slower = [0, 1, 2, 3, 4, 5, 6, 7].map(slower);
    let enough = |cell: usize| all.iter().filter(|rows| is_enough(&rows[cell])).count();
    let enough = [0, 1, 2, 3].map(enough);
    println!("called slower, of 60: {slower:?}; service with enough data: {enough:?}");
    assert!(all.iter().flatten().all(|row| row.verdict != Verdict::Faster));
    // In service: whoever claims to have enough data finds it. The hundred observations beyond p99.9 are not.
    assert!(slower[..3].iter().all(|count| *count >= 57), "{slower:?}");
    for (slower, enough) in slower.iter().zip(enough) {
        assert!(slower * 100 >= enough * 95, "{slower} of {enough}");
    }
}

/// Says that the sample is large enough for what is looked for.
fn is_enough(row: &Row) -> bool {
    !matches!(row.verdict, Verdict::NotEnough { .. } | Verdict::TooCoarse)
}

#[test]
fn however_long_the_session_a_tenth_is_found_wherever_the_data_are_called_enough() {
    let lengths = [(0..24, 400), (24..44, 1_200), (44..56, 6_000)];
    let slow = std::env::var_os("SLOW_TESTS").is_some().then_some((56..80, 60_000));
    let mut counts = [[0usize; 3]; 4];
    for (seeds, ticks) in lengths.into_iter().chain(slow) {
        for row in trials_of(seeds.start + 3_000..seeds.end + 3_000, ticks, 110, 4).iter().flatten()
        {
            let cell = Quantile::ALL.iter().position(|of| *of == row.quantile).unwrap();
            counts[cell][0] += 1;
            counts[cell][1] += usize::from(is_enough(row));
            counts[cell][2] += usize::from(row.verdict == Verdict::Slower);
        }
    }
    println!("service cells, with enough data, called slower: {counts:?}");
    let sum = |of: usize| counts.iter().map(|count| count[of]).sum::<usize>();
    assert!(sum(1) >= 60, "{counts:?}");
    assert!(sum(2) * 100 >= sum(1) * 95, "{counts:?}");
}

#[test]
fn half_as_much_work_again_is_called_slower_at_every_percentile() {
    let all = trials(2_000..2_020, 150);
    let of = all.iter().flat_map(|rows| &rows[..4]);
    let judged = of.clone().filter(|row| row.interval.is_some()).count();
    let slower = of.filter(|row| row.verdict == Verdict::Slower).count();
    println!("called slower: {slower} of {judged}");
    assert!(slower * 100 >= judged * 95, "{slower} of {judged}");
}

#[test]
fn too_little_is_said_with_the_number_that_is_missing() {
    let [service, _] = Machine::new(7).session(30, 1_000, 150);
    let ticks: u64 = service.iter().map(|block| block[A].count()).sum();
    let rows = compare(&service, &quick());
    let missing = 100_000 - ticks;
    assert_eq!(rows[3].verdict, Verdict::NotEnough { ticks: missing });
    assert_eq!(rows[3].interval, None);
    assert_eq!(rows[0].verdict, Verdict::Slower);
    // As many ticks in 20 blocks: ten more of the same size are missing, whatever the percentile.
    let joined = join(&service, 20);
    assert_eq!(joined.len(), 15);
    let rows = compare(&joined, &quick());
    let missing_blocks = 15 * ticks.div_ceil(15);
    assert_eq!(rows[0].verdict, Verdict::NotEnough { ticks: missing_blocks });
    assert_eq!(rows[3].verdict, Verdict::NotEnough { ticks: missing.max(missing_blocks) });
    // Nothing at all.
    for row in compare(&[], &quick()) {
        let need = row.quantile.sample_min(100);
        assert_eq!(row.verdict, Verdict::NotEnough { ticks: need }, "{}", row.quantile.name);
        assert_eq!((row.values, row.ratio), ([None; ARMS], None));
    }
}

#[test]
fn one_step_of_the_clock_is_no_difference_and_two_are() {
    let of = |value: u64| Sparse(vec![(value, 10_000)]);
    let check = |b: u64, step: u64, verdict: Verdict| {
        let blocks = vec![[of(40), of(b), of(40)]; 30];
        let settings = Settings { clock_step_ns: step, ..quick() };
        let rows = compare(&blocks, &settings);
        assert!(rows.iter().all(|row| row.verdict == verdict), "{b} {step}: {rows:?}");
    };
    check(40, 1, Verdict::NoDifference);
    check(41, 1, Verdict::NoDifference);
    check(42, 1, Verdict::Slower);
    // Nothing is found, and a tenth never would be: a step is a quarter.
    check(50, 10, Verdict::TooCoarse);
    check(60, 10, Verdict::Slower);
    check(30, 10, Verdict::TooCoarse);
    check(20, 10, Verdict::Faster);
}

#[test]
fn a_difference_within_the_floor_is_not_claimed() {
    // B is a fifth slower in every block, and the control is so, too: it is the machine.
    let of = |value: u64| Sparse(vec![(value, 10_000)]);
    let blocks = vec![[of(1_000), of(1_200), of(1_200)]; 30];
    for row in compare(&blocks, &quick()) {
        assert!(row.interval.unwrap().low > 1.19, "{row:?}");
        assert_eq!(row.verdict, Verdict::TooCoarse);
    }
    // ... whichever way the control differs.
    let blocks = vec![[of(1_200), of(1_440), of(1_000)]; 30];
    assert!(compare(&blocks, &quick()).iter().all(|row| row.verdict == Verdict::TooCoarse));
    // Who looks for more than the machine makes of nothing is answered.
    let blunt = Settings { detect: 0.5, ..quick() };
    assert!(compare(&blocks, &blunt).iter().all(|row| row.verdict == Verdict::NoDifference));
}

#[test]
fn a_long_session_is_joined_without_losing_a_tick() {
    let of = |value: u64| Sparse(vec![(value, value)]);
    let blocks: Vec<Block> = (1..=1_000).map(|at| [of(at), of(at), of(at)]).collect();
    let joined = join(&blocks, BLOCKS_MAX);
    assert_eq!(joined.len(), 200);
    let count = |blocks: &[Block]| blocks.iter().map(|block| block[B].count()).sum::<u64>();
    assert_eq!(count(&joined), count(&blocks));
}

/// Values of one block for each strategy.
fn session() -> impl Strategy<Value = Vec<[Vec<u64>; ARMS]>> {
    let times = || proptest::collection::vec(1u64..5_000, 1..60);
    let block = (times(), times(), times()).prop_map(|(a, b, c)| [a, b, c]);
    proptest::collection::vec(block, 1..12)
}

fn sparse(values: &[u64]) -> Sparse {
    let mut sparse = Sparse::default();
    values.iter().for_each(|value| sparse.merge(&Sparse(vec![(*value, 1)])));
    sparse
}

fn lenient() -> Settings {
    Settings { resamples: 50, beyond_min: 0, blocks_min: 0, ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn swapping_inverts_ratios_and_mirrors_verdicts(session in session(), slow in 1u64..4) {
        // The control stays that of the same machine: B's own twin would be another measurement.
        let blocks: Vec<Block> = session
            .iter()
            .map(|[a, b, _]| {
                let b: Vec<u64> = b.iter().map(|value| value * slow).collect();
                [sparse(a), sparse(&b), sparse(a)]
            })
            .collect();
        let swapped: Vec<Block> = blocks
            .iter()
            .map(|[a, b, _]| [b.clone(), a.clone(), b.clone()])
            .collect();
        let rows = compare(&blocks, &lenient());
        for (row, other) in rows.iter().zip(compare(&swapped, &lenient())) {
            let near = |a: f64, b: f64| (a * b - 1.0).abs() < 1e-9;
            prop_assert!(near(row.ratio.unwrap(), other.ratio.unwrap()));
            let (interval, mirrored) = (row.interval.unwrap(), other.interval.unwrap());
            prop_assert!(near(interval.low, mirrored.high) && near(interval.high, mirrored.low));
            let mirror = match row.verdict {
                Verdict::Faster => Verdict::Slower,
                Verdict::Slower => Verdict::Faster,
                verdict => verdict,
            };
            // How many ticks are missing is the same up to rounding.
            let kind = |of: Verdict| if matches!(of, Verdict::NotEnough { .. }) { None } else { Some(of) };
            prop_assert_eq!(kind(other.verdict), kind(mirror));
        }
    }

    #[test]
    fn a_quantile_is_that_of_the_sorted_list_within_a_bucket(
        session in session(),
        times in proptest::collection::vec(1u64..60_000_000_000, 1..300),
    ) {
        let mut histogram =
            Histogram::new_with_bounds(1, paperwire_core::limits::LATENCY_MAX_NS, 3).unwrap();
        times.iter().for_each(|value| histogram.saturating_record(*value));
        let sparse_times = Sparse::of(&histogram);
        prop_assert_eq!(sparse_times.count(), times.len() as u64);
        let naive = |values: &[u64], quantile: Quantile| {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            sorted[usize::try_from(quantile.rank(sorted.len() as u64)).unwrap() - 1]
        };
        let blocks: Vec<Block> =
            session.iter().map(|block| block.each_ref().map(|of| sparse(of))).collect();
        let all: Vec<u64> = session.iter().flat_map(|block| block[B].clone()).collect();
        let series = Series::of(&blocks, B);
        for quantile in Quantile::ALL {
            let value = naive(&times, quantile);
            let found = sparse_times.quantile(quantile).unwrap();
            prop_assert!(found.abs_diff(value) <= bucket_width(value), "{} {}", found, value);
            // The same from blocks, wherever the search begins.
            for near in [0, series.values.len() / 3, series.values.len() - 1] {
                let weights: Vec<(usize, u64)> = (0..blocks.len()).map(|at| (at, 1)).collect();
                let row = series.find(quantile, &weights, near);
                prop_assert_eq!(series.values[row], naive(&all, quantile));
            }
        }
    }

    #[test]
    fn identical_blocks_leave_no_doubt_and_joining_them_changes_nothing(
        block in session().prop_map(|session| session[0].clone()),
        copies in 1usize..9,
    ) {
        let block = block.each_ref().map(|of| sparse(of));
        let blocks = vec![block.clone(); copies];
        let rows = compare(&blocks, &lenient());
        for (row, one) in rows.iter().zip(compare(&join(&blocks, 1), &lenient())) {
            prop_assert_eq!(row.values, one.values);
            prop_assert_eq!(row.interval, one.interval);
            let [a, b, _] = row.values.map(Option::unwrap);
            prop_assert!((row.interval.unwrap().low - least(b, a, 1)).abs() < 1e-12);
            // A share of the joined block is the same share of each.
            prop_assert_eq!(Some(a), block[A].quantile(row.quantile));
        }
    }
}
