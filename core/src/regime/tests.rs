use super::*;

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
