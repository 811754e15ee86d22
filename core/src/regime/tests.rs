use super::*;

const BULL: RegimeState = RegimeState {
    label: TrendRegime::Bull,
    raw: TrendRegime::Bull,
    composite: 0.3,
    confidence: 0.6,
    volatility: VolatilityState::Medium,
    since: ExchNs::new(0),
    at: ExchNs::new(0),
    changes_1h: 0,
};

#[test]
fn a_label_upside_down_points_the_other_way() {
    for label in TrendRegime::ALL {
        assert_eq!(label.mirrored().mirrored(), *label);
        let mirrored = match label.direction() {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
            Direction::None => Direction::None,
        };
        assert_eq!(label.mirrored().direction(), mirrored);
    }
}

#[test]
fn what_suits_a_regime() {
    //    state                                       trend  mean   scalp  reduce
    let flat = RegimeState { label: TrendRegime::Sideways, confidence: 0.1, ..BULL };
    let weak = RegimeState { confidence: 0.45, ..BULL };
    let wild = RegimeState { volatility: VolatilityState::Extreme, ..BULL };
    let quiet = RegimeState { volatility: VolatilityState::Low, ..BULL };
    let lively = RegimeState { volatility: VolatilityState::High, ..flat };
    let restless = RegimeState { changes_1h: 6, ..BULL };
    for (state, expected) in [
        (BULL, [true, false, true, false]),
        (flat, [false, true, false, true]),
        (weak, [false, false, true, false]),
        (wild, [false, false, false, true]),
        (quiet, [true, false, false, false]),
        (lively, [false, false, false, true]),
        (restless, [true, false, true, true]),
    ] {
        let found = [
            state.is_favourable_for_trend(),
            state.is_favourable_for_mean_reversion(),
            state.is_favourable_for_scalping(),
            state.should_reduce_exposure(),
        ];
        assert_eq!(found, expected, "{state:?}");
    }
}

#[test]
fn sentiment_is_neither_old_nor_from_the_future() {
    const DAY: DurationNs = DurationNs::from_secs(86_400);
    let taken_at = ExchNs::new(1_000_000_000_000);
    let of = Sentiment { fear_greed: Some(20), btc_dominance: None, taken_at };
    let later = |seconds: i64| ExchNs::new(taken_at.raw() + seconds * 1_000_000_000);
    for (seconds, expected) in [
        (0, Some(20)),
        (86_400, Some(20)),
        (86_401, None),
        (-60, Some(20)), // the host's clock may be ahead of the exchange's
        (-61, None),
    ] {
        assert_eq!(of.fear_greed_at(later(seconds), DAY), expected, "{seconds} s");
    }
    assert!(of.is_plausible());
    assert!(!Sentiment { fear_greed: Some(101), ..of }.is_plausible());
    assert!(!Sentiment { btc_dominance: Some(f64::NAN), ..of }.is_plausible());
}
