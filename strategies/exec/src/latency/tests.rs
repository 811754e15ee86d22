use proptest::prelude::*;

use super::{Rng, *};

const MS: [DurationNs; 4] = [
    DurationNs::from_millis(1),
    DurationNs::from_millis(20),
    DurationNs::from_millis(30),
    DurationNs::from_millis(4),
];

fn rng() -> Rng {
    stream(7, "latency")
}

/// Each model, by its place in a table.
fn model(which: usize, surge: Surge) -> Box<dyn LatencyModel> {
    let samples = Samples::parse("100\n250.5\n90000\n").unwrap();
    match which {
        0 => Box::new(NoLatency),
        1 => Box::new(Constant::new(MS, surge)),
        2 => Box::new(LogNormal::new(MS, 0.5, surge)),
        _ => Box::new(Measured::new([0; 4].map(|_| samples.clone()), surge)),
    }
}

#[test]
fn legs_are_their_own_indexes() {
    for (index, leg) in Leg::ALL.into_iter().enumerate() {
        assert_eq!(leg.index(), index);
    }
    assert_eq!(Leg::ALL.map(Leg::as_str), ["feed", "place", "cancel", "ack"]);
}

#[test]
fn names_say_what_was_assumed() {
    let surge = Surge::new(0.5);
    assert_eq!(model(0, surge).name(), "none");
    assert_eq!(
        model(1, Surge::OFF).name(),
        "constant feed 1.00 ms, place 20.0 ms, cancel 30.0 ms, ack 4.00 ms"
    );
    assert_eq!(
        model(2, surge).name(),
        "log-normal sigma 0.5, median feed 1.00 ms, place 20.0 ms, cancel 30.0 ms, ack 4.00 ms, \
         times load^0.5"
    );
    assert_eq!(
        model(3, surge).name(),
        "measured, samples: feed 3, place 3, cancel 3, ack 3, times load^0.5"
    );
}

#[test]
fn constant_latency_grows_with_a_power_of_the_load_and_never_shrinks() {
    #[track_caller]
    fn check(exponent: f64, load: f64, want: DurationNs) {
        let mut model = Constant::new(MS, Surge::new(exponent));
        assert_eq!(model.draw(Leg::Place, &mut rng(), load), want);
    }
    check(0.0, 100.0, DurationNs::from_millis(20));
    check(1.0, 3.0, DurationNs::from_millis(60));
    check(0.5, 4.0, DurationNs::from_millis(40));
    check(2.0, 10.0, DurationNs::from_millis(2000));
    for calm in [1.0, 0.3, 0.0, -5.0, f64::NAN, f64::NEG_INFINITY] {
        check(2.0, calm, DurationNs::from_millis(20));
    }
    for storm in [1e5, 1e300, f64::INFINITY] {
        check(2.0, storm, DRAW_MAX);
    }
}

#[test]
fn no_time_stays_no_time_under_any_load() {
    let still = [DurationNs::ZERO; 4];
    for load in [0.0, 1e300, f64::INFINITY] {
        let mut constant = Constant::new(still, Surge::new(EXPONENT_MAX));
        let mut log_normal = LogNormal::new(still, SIGMA_MAX, Surge::new(EXPONENT_MAX));
        assert_eq!(constant.draw(Leg::Ack, &mut rng(), load), DurationNs::ZERO);
        assert_eq!(log_normal.draw(Leg::Ack, &mut rng(), load), DurationNs::ZERO);
        assert_eq!(NoLatency.draw(Leg::Ack, &mut rng(), load), DurationNs::ZERO);
    }
}

/// Quantiles of 20,001 draws against the exact ones: median, and median times `exp(+-0.5)`, which
/// lie one deviation away at ranks 0.1587 and 0.8413.
#[test]
fn log_normal_draws_have_their_median_and_spread() {
    let mut model = LogNormal::new(MS, 0.5, Surge::OFF);
    let mut rng = rng();
    for leg in Leg::ALL {
        let mut draws: Vec<DurationNs> =
            (0..20_001).map(|_| model.draw(leg, &mut rng, 1.0)).collect();
        draws.sort_unstable();
        for (index, deviations) in [(3_174, -1.0f64), (10_000, 0.0), (16_826, 1.0)] {
            let want = float(MS[leg.index()]) * (0.5 * deviations).exp();
            let got = float(draws[index]);
            assert!((got / want - 1.0).abs() < 0.03, "{leg:?} {deviations}: {got} for {want}");
        }
    }
}

/// Computed apart from this code, with another language's logarithm and exponential.
#[test]
fn a_seed_draws_the_same_latencies_for_ever() {
    let mut model = LogNormal::new(MS, 0.5, Surge::new(0.5));
    let mut rng = rng();
    let draws = Leg::ALL.map(|leg| model.draw(leg, &mut rng, 3.0).raw());
    assert_eq!(draws, [1_202_800, 66_530_219, 37_250_881, 3_290_540]);
}

#[test]
fn sigma_zero_is_the_median() {
    let mut model = LogNormal::new(MS, 0.0, Surge::OFF);
    let mut rng = rng();
    for leg in Leg::ALL {
        assert_eq!(model.draw(leg, &mut rng, 9.0), MS[leg.index()]);
    }
}

#[test]
#[should_panic(expected = "latencies up to 60.0 s")]
fn a_latency_above_the_bound_is_refused_when_built() {
    Constant::new([DurationNs::from_secs(61); 4], Surge::OFF);
}

#[test]
#[should_panic(expected = "load exponent in 0..=4")]
fn an_exponent_that_is_no_number_is_refused_when_built() {
    Surge::new(f64::NAN);
}

proptest! {
    #[test]
    fn every_draw_is_bounded_and_repeats_from_its_seed(
        which in 0usize..4,
        exponent in 0.0..=EXPONENT_MAX,
        load in prop_oneof![0.0..50.0, prop::num::f64::ANY],
        seed in any::<u64>(),
    ) {
        let surge = Surge::new(exponent);
        let (mut one, mut two) = (model(which, surge), model(which, surge));
        let (mut left, mut right) = (stream(seed, "a"), stream(seed, "a"));
        for leg in Leg::ALL {
            let draw = one.draw(leg, &mut left, load);
            prop_assert!(draw <= DRAW_MAX);
            prop_assert_eq!(draw, two.draw(leg, &mut right, load));
            prop_assert_eq!(&left, &right);
        }
    }

    #[test]
    fn more_load_is_never_faster(
        which in 0usize..4,
        exponent in 0.0..=EXPONENT_MAX,
        loads in prop::array::uniform2(0.0f64..1e7),
    ) {
        let mut model = model(which, Surge::new(exponent));
        let (low, high) = (loads[0].min(loads[1]), loads[0].max(loads[1]));
        // The series behind the power are exact to the last bits only; hence one nanosecond.
        let calm = model.draw(Leg::Place, &mut rng(), low);
        let busy = model.draw(Leg::Place, &mut rng(), high);
        prop_assert!(calm.raw() <= busy.raw() + 1, "{} then {}", calm, busy);
    }
}
