use proptest::prelude::*;

use super::*;
use crate::latency::stream;

#[track_caller]
fn check_refused(text: &str, want: SamplesError, message: &str) {
    let error = Samples::parse(text).unwrap_err();
    assert_eq!(error, want);
    assert_eq!(error.to_string(), message);
}

#[test]
fn errors_name_the_line_and_the_remedy() {
    use SamplesError::{Empty, Precision, Range, Syntax};
    const EMPTY: &str = "no latencies: write one per line, in microseconds";
    check_refused("", Empty, EMPTY);
    check_refused("# a file\n\n   \n", Empty, EMPTY);
    check_refused("1\n\ntwo\n", Syntax { line: 3 }, "line 3: not a number of microseconds");
    check_refused("1 ms", Syntax { line: 1 }, "line 1: not a number of microseconds");
    check_refused("NaN", Syntax { line: 1 }, "line 1: not a number of microseconds");
    check_refused(
        "5\n1.2345\n",
        Precision { line: 2 },
        "line 2: finer than a nanosecond; round to three decimals",
    );
    let range = "line 2: not between 0 and 60.0 s";
    check_refused("# ping\n-1\n", Range { line: 2 }, range);
    check_refused("1\n60000000.001\n", Range { line: 2 }, range);
    check_refused("1\n1e30\n", Range { line: 2 }, range);
}

#[test]
fn more_samples_than_fit_are_refused() {
    let text = "1\n".repeat(SAMPLES_MAX + 1);
    let line = SAMPLES_MAX + 1;
    assert_eq!(Samples::parse(&text), Err(SamplesError::TooMany { line }));
    assert_eq!(Samples::parse(&text[2..]).map(|samples| samples.count()), Ok(SAMPLES_MAX));
}

#[test]
fn a_rank_between_two_samples_lies_on_the_line_between_them() {
    const HALF: u64 = 1 << 63;
    // Unsorted, in several spellings, with Windows line ends: 100, 200 and 400 microseconds.
    let samples =
        Samples::parse("# round trips halved\r\n400.000\r\n1e2\r\n\r\n 200 \r\n").unwrap();
    assert_eq!(samples.count(), 3);
    for (rank, want_ns) in [
        (0, 100_000),
        (HALF / 2, 150_000),
        (HALF, 200_000),
        (HALF + HALF / 2, 300_000),
        (HALF + HALF / 4, 250_000),
        (u64::MAX, 399_999),
    ] {
        assert_eq!(samples.quantile(rank).raw(), want_ns, "rank {rank}");
    }
    let alone = Samples::parse("0.001").unwrap();
    assert_eq!(alone.quantile(0).raw(), 1);
    assert_eq!(alone.quantile(u64::MAX).raw(), 1);
}

#[test]
fn each_leg_draws_from_its_own_samples() {
    let legs = ["1", "20", "300\n301", "4000"].map(|text| Samples::parse(text).unwrap());
    let mut model = Measured::new(legs, Surge::new(1.0));
    let mut rng = stream(1, "");
    assert_eq!(model.draw(Leg::Feed, &mut rng, 1.0), DurationNs::from_micros(1));
    assert_eq!(model.draw(Leg::Place, &mut rng, 0.1), DurationNs::from_micros(20));
    let cancel = model.draw(Leg::Cancel, &mut rng, 1.0).raw();
    assert!((300_000..301_000).contains(&cancel));
    assert_eq!(model.draw(Leg::Ack, &mut rng, 2.0), DurationNs::from_millis(8));
}

proptest! {
    #[test]
    fn quantiles_ascend_from_the_smallest_sample_and_stay_within_the_largest(
        micros in prop::collection::vec(0u64..60_000_000, 1..50),
        ranks in prop::array::uniform2(any::<u64>()),
    ) {
        let text: String = micros.iter().map(|us| format!("{us}\n")).collect();
        let samples = Samples::parse(&text).unwrap();
        let ns = |us: Option<&u64>| DurationNs::from_micros(*us.unwrap());
        let (low, high) = (ns(micros.iter().min()), ns(micros.iter().max()));
        let one = samples.quantile(ranks[0].min(ranks[1]));
        let two = samples.quantile(ranks[0].max(ranks[1]));
        prop_assert_eq!(samples.quantile(0), low);
        prop_assert!(low <= one);
        prop_assert!(one <= two);
        prop_assert!(two <= high);
    }
}
