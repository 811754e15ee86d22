use paperwire_core::regime::{Direction, Sentiment, SymbolRegime, TrendRegime, VolatilityState};
use proptest::prelude::*;

use super::testkit::{CENTRE, Desk};
use super::*;
use crate::regime::{RegimeRule, scaled_cuts};

fn desk(symbols: usize) -> Desk {
    Desk::new(symbols, DetectorConfig::default())
}

/// A rise with a small step back every fourth minute; upside down for a negative `side`.
fn trend(minute: i64, side: i64) -> i64 {
    side * if minute % 4 == 3 { -10 } else { 30 }
}

/// To and fro around one price, without memory of where it was.
fn range(minute: i64) -> i64 {
    let place = |minute: i64| (minute * 7_919 % 1_009 * 31) % 61 - 30;
    place(minute + 1) - place(minute)
}

#[test]
fn nothing_is_said_before_two_hundred_minutes() {
    let mut desk = desk(1);
    for minute in 0..199 {
        assert_eq!(desk.minute(0, trend(minute, 1), 5), None);
    }
    let first = desk.minute(0, trend(199, 1), 5).expect("the two hundredth");
    assert_eq!(first.symbol.state.label, TrendRegime::StrongBull, "the first is taken on at once");
    assert_eq!(first.symbol.state.at.raw(), 200 * 60_000_000_000);
    assert_eq!((first.transition, first.symbol.state.changes_1h), (None, 0));
    assert_eq!(first.market.map(|of| of.symbols), Some(1));
}

#[test]
fn rise_fall_and_calm_are_told_apart_and_are_one_anothers_mirror() {
    for (side, label) in
        [(1, TrendRegime::StrongBull), (-1, TrendRegime::StrongBear), (0, TrendRegime::Sideways)]
    {
        let mut desk = desk(1);
        let reach = side * side * 5;
        let last = (0..260).map(|minute| desk.minute(0, trend(minute, side), reach)).last();
        let state = last.flatten().unwrap().symbol.state;
        assert_eq!((state.label, state.raw), (label, label), "{side}");
        assert_eq!(state.is_trending(), side != 0);
        if side == 0 {
            assert!(state.composite.abs() < 1e-12, "dead flat");
            assert_eq!(state.volatility, VolatilityState::Low);
        }
    }
}

#[test]
fn a_market_that_goes_nowhere_is_sideways_and_its_label_is_still() {
    let mut desk = desk(1);
    let all: Vec<_> = (0..1000).filter_map(|minute| desk.minute(0, range(minute), 5)).collect();
    let calm = all.iter().filter(|of| of.symbol.state.label == TrendRegime::Sideways).count();
    assert!(calm * 10 > all.len() * 9, "{calm} of {}", all.len());
    assert!(
        all.iter().all(|of| of.symbol.state.label.direction() == Direction::None
            || !of.symbol.state.is_trending())
    );
}

#[test]
fn symbols_do_not_blend() {
    let alone = |side| {
        let mut desk = desk(1);
        let all = (0..300).map(|minute| desk.minute(0, trend(minute, side), 5));
        all.map(|update| update.map(|of| of.symbol)).collect::<Vec<Option<SymbolRegime>>>()
    };
    let (up, down) = (alone(1), alone(-1));
    let mut both = desk(2);
    let mut last = None;
    for minute in 0..300 {
        let at = usize::try_from(minute).unwrap();
        let first = both.minute(0, trend(minute, 1), 5);
        let second = both.minute(1, trend(minute, -1), 5);
        assert_eq!(first.map(|of| of.symbol), up[at]);
        assert_eq!(second.map(|of| of.symbol), down[at]);
        last = second.and_then(|of| of.market).or(last);
    }
    let all = last.unwrap();
    assert_eq!((all.symbols, all.state.label), (2, TrendRegime::Sideways));
    assert!(all.state.composite.abs() < 1e-9 && all.state.confidence > 0.5);
}

#[test]
fn the_market_is_read_once_a_minute_when_all_have_told() {
    let mut desk = desk(2);
    for minute in 0..210 {
        desk.minute(0, trend(minute, 1), 5);
        desk.minute(1, trend(minute, 1), 5);
    }
    let first = desk.minute(1, trend(210, 1), 5).unwrap();
    assert_eq!(first.market, None, "the other has not told yet");
    let second = desk.minute(0, trend(210, 1), 5).unwrap();
    assert_eq!(second.market.map(|of| of.symbols), Some(2));
    // Silent for longer than five minutes: the rest goes on without it.
    let told: Vec<_> =
        (211..220).map(|minute| desk.minute(0, trend(minute, 1), 5).unwrap().market).collect();
    let symbols: Vec<_> = told.iter().map(|of| of.map_or(0, |of| of.symbols)).collect();
    // While it is waited for, a minute is read as the next begins.
    assert_eq!(symbols, [0, 2, 2, 2, 2, 1, 1, 1, 1]);
}

#[test]
fn a_turn_is_confirmed_by_minutes_and_counted_once() {
    let mut desk = desk(1);
    for minute in 0..260 {
        desk.minute(0, trend(minute, 1), 5);
    }
    let mut changes = Vec::new();
    let mut last = None;
    for minute in 0..120 {
        let update = desk.minute(0, trend(minute, -1), 5).unwrap();
        changes.extend(update.transition);
        last = Some(update.symbol.state);
    }
    assert_eq!(changes.last().map(|change| change.to), Some(TrendRegime::StrongBear));
    assert_eq!(changes.first().map(|change| change.from), Some(TrendRegime::StrongBull));
    let last = last.unwrap();
    assert_eq!(desk.detector.transitions(SymbolId(0)).len(), changes.len());
    assert_eq!(last.since, changes.last().unwrap().at);
    assert!(last.age() > DurationNs::from_secs(60));
}

#[test]
fn a_minute_that_is_not_later_tells_nothing() {
    let mut desk = desk(1);
    for minute in 0..200 {
        desk.minute(0, trend(minute, 1), 5);
    }
    desk.pass(0, -1);
    assert_eq!(desk.minute(0, 30, 5), None);
    assert!(desk.minute(0, 30, 5).is_some());
}

#[test]
fn sentiment_counts_once_while_it_is_young() {
    let config = DetectorConfig {
        sentiment_age_max: DurationNs::from_secs(600),
        ..DetectorConfig::default()
    };
    let mut desk = Desk::new(1, config);
    for minute in 0..210 {
        desk.minute(0, range(minute), 5);
    }
    let without = desk.minute(0, range(210), 5).unwrap().symbol.scores;
    assert_eq!(without.sentiment, None);
    let taken_at = ExchNs::new(211 * 60_000_000_000);
    desk.tell(Sentiment { fear_greed: Some(90), btc_dominance: None, taken_at });
    for minute in 211..240 {
        let found = desk.minute(0, range(minute), 5).unwrap().symbol.scores;
        let expected = if minute < 221 { Some(0.8) } else { None };
        assert_eq!(found.sentiment, expected, "minute {minute}");
        let known = 0.25 * found.adx + 0.2 * found.ma + 0.15 * found.rsi;
        let directional = expected.map_or(known / 0.6, |of| (known + 0.1 * of) / 0.7);
        assert!((found.directional - directional).abs() < 1e-12);
    }
}

#[test]
fn long_timeframes_vote_with_bars_of_their_own() {
    let mut desk = desk(1);
    let mut coverage = Vec::new();
    for minute in 0..(22 * 60) {
        if let Some(update) = desk.minute(0, trend(minute, 1), 5) {
            coverage.push(update.symbol.confluence.unwrap().coverage);
        }
        desk.minute(0, 0, 5);
    }
    let last = desk.minute(0, 30, 5).unwrap().symbol;
    let confluence = last.confluence.unwrap();
    assert_eq!(confluence.dominant, TrendRegime::StrongBull);
    // One, five and fifteen minutes and the hour of fifteen parts; four hours have 11 bars.
    assert!((confluence.coverage - 10.0 / 15.0).abs() < 1e-12);
    assert!(coverage.is_sorted());
}

#[test]
fn a_usual_minute_of_a_calm_pair_is_not_called_dead() {
    // 0.05 % of the price: usual for bitcoin, and "low" for ever by cuts made for hours.
    let found = |rule| {
        let mut desk = Desk::new(1, DetectorConfig { volatility: rule, ..Default::default() });
        let jitter = |minute: i64| 15 + minute * 7 % 11;
        let last = (0..400).filter_map(|m| desk.minute(0, range(m), jitter(m))).last();
        last.unwrap().symbol
    };
    let hour = [0.3, 0.8, 1.5];
    let cuts = scaled_cuts(hour, Timeframe::H1, Timeframe::M1);
    assert!((cuts[0] - 0.3 / 60f64.sqrt()).abs() < 1e-12);
    let by_hour = found(RegimeRule::Fixed(hour));
    assert!((0.04..0.07).contains(&by_hour.atr_pct), "{}", by_hour.atr_pct);
    assert_eq!(by_hour.state.volatility, VolatilityState::Low);
    assert_eq!(found(RegimeRule::Fixed(cuts)).state.volatility, VolatilityState::Medium);
    let adaptive = found(DetectorConfig::default().volatility);
    assert_ne!(adaptive.state.volatility, VolatilityState::Extreme);
}

/// Stretches of minutes with a drift, a spread of steps and a reach each.
fn stretches() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let stretch = (-12i64..=12, prop::collection::vec((-40i64..=40, 0i64..=20), 20..60));
    prop::collection::vec(stretch, 10..14).prop_map(|all| {
        let steps = |(drift, steps): (i64, Vec<(i64, i64)>)| {
            steps.into_iter().map(move |(step, reach)| (drift + step, reach))
        };
        all.into_iter().flat_map(steps).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn mirrored_prices_have_the_mirrored_label(minutes in stretches()) {
        let (mut plain, mut mirrored) = (desk(1), desk(1));
        prop_assert!(minutes.iter().map(|(step, _)| step).sum::<i64>().abs() < CENTRE);
        for (step, reach) in minutes {
            let (a, b) = (plain.minute(0, step, reach), mirrored.minute(0, -step, reach));
            let (Some(a), Some(b)) = (a, b) else { continue };
            let (a, b) = (a.symbol.state, b.symbol.state);
            prop_assert!((a.composite + b.composite).abs() < 1e-9, "{a:?} {b:?}");
            prop_assert_eq!(a.label, b.label.mirrored());
            prop_assert_eq!(a.raw, b.raw.mirrored());
            prop_assert!((a.confidence - b.confidence).abs() < 1e-9);
        }
    }

    #[test]
    fn a_label_holds_for_its_time(minutes in stretches(), seconds in 60u64..1200) {
        let duration_min = DurationNs::from_secs(seconds);
        let config = DetectorConfig { duration_min, ..DetectorConfig::default() };
        let mut desk = Desk::new(1, config);
        let mut last: Option<(TrendRegime, ExchNs)> = None;
        for (step, reach) in minutes {
            let Some(update) = desk.minute(0, step, reach) else { continue };
            let state = update.symbol.state;
            if let Some((label, since)) = last && label != state.label {
                prop_assert!(state.at.since(since) >= duration_min);
                prop_assert_eq!(update.transition.map(|of| of.to), Some(state.label));
                last = Some((state.label, state.at));
            }
            last = last.or(Some((state.label, state.at)));
            prop_assert_eq!(state.since, last.unwrap().1);
        }
    }
}
