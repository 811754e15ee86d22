//! History before the first live trade: the last 720 bars that the venue has of some lengths, in the order in which
//! they would have closed. The requests are those of `paperwire_history::rest`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use paperwire_core::bar::{Bar, Closed, Timeframe};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_feed::control::Control;
use paperwire_history::aggregate::Aggregator;
use paperwire_history::model::{Candle, MINUTE_NS, Scale};
use paperwire_history::provider::Series;
use paperwire_history::rest::{Fault, Rest, RestError};
use paperwire_rt::clock::utc_now;
use paperwire_rt::deadline::Deadline;

/// What strategies and the regime look at; longer bars reach further back than the 720 minutes do.
const TIMEFRAMES: [Timeframe; 5] =
    [Timeframe::M1, Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::H4];
/// What is asked for, and what is made of it: the venue counts requests, and 240 bars of fifteen minutes or 180 of
/// four hours are more than any average looks at.
const ASKED: [(Timeframe, Option<Timeframe>); 3] = [
    (Timeframe::M1, None),
    (Timeframe::M5, Some(Timeframe::M15)),
    (Timeframe::H1, Some(Timeframe::H4)),
];

/// Requests of a pair take this long together at most; whatever is missing then is left out.
const PAIR_WITHIN: u64 = 15;

/// What the warm-up of so many pairs may take, the slowest answers included.
pub const fn limit(pairs: usize) -> DurationNs {
    DurationNs::from_secs(PAIR_WITHIN * (1 + pairs as u64))
}

/// Bars of one pair and timeframe that are stored, oldest first.
pub type Stored<'a> = &'a mut dyn FnMut(&Instrument, Timeframe) -> Vec<Bar>;

/// History of every pair: what the venue gives, and before it what is `stored` and touches it. What could not
/// be had by the deadline is left out and told; a venue that gives nothing at all is not asked for the rest.
pub fn fetch(
    rest: &mut Rest,
    instruments: &[Instrument],
    stored: Stored<'_>,
    deadline: &Deadline,
) -> (Vec<Control>, Vec<String>) {
    let (mut fetched, problems) = fetch_all(rest, instruments, deadline);
    let mut all = Vec::new();
    for (index, of) in (0u16..).zip(instruments) {
        let mut closed: Vec<Closed> = Vec::new();
        for timeframe in TIMEFRAMES {
            let fetched = fetched.remove(&(index, timeframe.minutes())).unwrap_or_default();
            let bars = stitched(stored(of, timeframe), fetched, timeframe, utc_now());
            closed.extend(bars.into_iter().map(|bar| (timeframe, bar)));
        }
        all.extend(joined(closed).into_iter().map(|closed| (SymbolId(index), closed)));
    }
    (in_order(all), problems)
}

/// Bars by the place of their pair and their minutes.
type Fetched = BTreeMap<(u16, i64), Vec<Bar>>;

/// Asks for everything; the shortest bars of all pairs first, so that what is cut
/// short lacks the least.
fn fetch_all(
    rest: &mut Rest,
    instruments: &[Instrument],
    deadline: &Deadline,
) -> (Fetched, Vec<String>) {
    let (mut fetched, mut problems) = (Fetched::new(), Vec::new());
    for (timeframe, longer) in ASKED {
        for (index, of) in (0u16..).zip(instruments) {
            if let Err(late) = deadline.left() {
                let (name, word) = (&of.name, timeframe.as_str());
                problems.push(format!(
                    "no more history from the venue, from {word} bars of {name} on: {late}"
                ));
                return (fetched, problems);
            }
            match fetch_one(rest, of, timeframe, longer) {
                Ok(rows) => {
                    let keyed = |(of, bars): (Timeframe, _)| ((index, of.minutes()), bars);
                    fetched.extend(rows.into_iter().map(keyed));
                }
                Err(error) if error.fault == Fault::Stopped => return (fetched, problems),
                Err(error) => {
                    let (name, word) = (&of.name, timeframe.as_str());
                    if error.fault.is_of_venue() {
                        problems.push(format!(
                            "no more history from the venue, from {word} bars of {name} on: {error}"
                        ));
                        return (fetched, problems);
                    }
                    problems.push(format!("no {word} bars of {name} from the venue: {error}"));
                }
            }
        }
    }
    (fetched, problems)
}

/// Closed bars of one pair, oldest first, and longer ones that are made of them.
fn fetch_one(
    rest: &mut Rest,
    of: &Instrument,
    timeframe: Timeframe,
    longer: Option<Timeframe>,
) -> Result<Vec<(Timeframe, Vec<Bar>)>, RestError> {
    let precision = Scale::of(of);
    let found = rest.bars(&of.name, timeframe, precision)?;
    let made = longer.map(|longer| (longer, made_of(&found.candles, timeframe, longer)));
    let all = [(timeframe, found.candles)].into_iter().chain(made);
    let bars = |(timeframe, candles)| {
        let series = Series { scale: found.scale, candles };
        // A number that does not fit is none that the engine could use.
        (timeframe, series.bars(precision).unwrap_or_default())
    };
    Ok(all.map(bars).collect())
}

/// Longer bars of which all parts are there.
fn made_of(candles: &[Candle], timeframe: Timeframe, longer: Timeframe) -> Vec<Candle> {
    let (Some(first), Some(last)) = (candles.first(), candles.last()) else {
        return Vec::new();
    };
    let end = last.open_at.raw() + timeframe.minutes() * MINUTE_NS;
    let mut aggregator = Aggregator::new(longer);
    let mut made: Vec<Candle> = candles.iter().filter_map(|of| aggregator.push(of)).collect();
    made.extend(aggregator.finish());
    made.retain(|of| {
        of.open_at >= first.open_at && of.open_at.raw() + longer.minutes() * MINUTE_NS <= end
    });
    made
}

/// Stored bars before fetched ones, as far back as there is no hole between any two. Stored ones alone count
/// only when the newest is not older than two bars: what is older does not touch the first live bar.
fn stitched(
    mut stored: Vec<Bar>,
    fetched: Vec<Bar>,
    timeframe: Timeframe,
    now: ExchNs,
) -> Vec<Bar> {
    let length = timeframe.minutes() * 60_000_000_000;
    let end = match fetched.first() {
        Some(first) => first.open_at.raw(),
        None => stored.last().map_or(0, |last| last.open_at.raw() + length),
    };
    if fetched.is_empty() && end + 2 * length < now.raw() {
        return Vec::new();
    }
    stored.retain(|bar| bar.open_at.raw() < end && !bar.flags.is_incomplete);
    let mut begin = end;
    let touching = stored.iter().rev().take_while(|bar| {
        let is_next = bar.open_at.raw() + length == begin;
        begin = bar.open_at.raw();
        is_next
    });
    let count = touching.count();
    stored.drain(..stored.len() - count);
    stored.extend(fetched);
    stored
}

/// Minutes, and longer bars that begin before the first of them: the rest are made from the minutes.
fn joined(mut closed: Vec<Closed>) -> Vec<Closed> {
    let minutes = closed.iter().filter(|(timeframe, _)| *timeframe == Timeframe::M1);
    if let Some(first) = minutes.map(|(_, bar)| bar.open_at).min() {
        closed.retain(|(timeframe, bar)| *timeframe == Timeframe::M1 || bar.open_at < first);
    }
    closed
}

/// By the instant at which they closed, the longer first.
fn in_order(mut all: Vec<(SymbolId, Closed)>) -> Vec<Control> {
    all.sort_by_key(|(symbol, (timeframe, bar))| {
        let minutes = timeframe.minutes();
        (bar.open_at.raw() + minutes * 60_000_000_000, Reverse(minutes), *symbol)
    });
    all.into_iter().map(|(symbol, closed)| Control::History(symbol, closed)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use paperwire_core::bar::BarFlags;
    use paperwire_feed::infer;
    use paperwire_history::limiter::Limiter;
    use paperwire_history::rest::{Get, Reply};

    use paperwire_rt::clock::HostClock;
    use paperwire_rt::deadline::Stop;

    use super::*;

    /// A venue with 720 closed bars of each length, which has nothing but an error from a request on.
    #[derive(Debug, Default)]
    struct Venue {
        asked: AtomicU64,
        refuses_from: Option<u64>,
    }

    impl Get for Venue {
        fn get(&self, url: &str) -> Result<Reply, String> {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            let minutes: i64 =
                url.split("interval=").nth(1).map_or(1, |text| text.parse().unwrap());
            let row = |index: i64| {
                format!(r#"[{},"10.5","11","9","10","10.26","1",3]"#, index * minutes * 60)
            };
            let rows: Vec<String> = (1..=721).map(row).collect();
            let body = match self.refuses_from {
                Some(from) if asked >= from => r#"{"error":["EGeneral:Temporary lockout"]}"#.into(),
                _ => format!(r#"{{"error":[],"result":{{"AB":[{}]}}}}"#, rows.join(",")),
            };
            Ok(Reply { status: 200, body, retry_after_s: None })
        }
    }

    fn fetch_from(venue: Venue, pairs: usize) -> (Vec<Control>, Vec<String>, u64) {
        let of = infer::instrument_of(br#"{"symbol":"A/B","price":1.0,"qty":1.00000000}"#).unwrap();
        let (venue, instruments) = (Arc::new(venue), vec![of; pairs]);
        let mut rest = Rest::by("http://venue", Limiter::without_limit(), venue.clone(), 0);
        let (clock, stop) = (HostClock::new(), Stop::default());
        let deadline = Deadline::within(limit(instruments.len()), &clock, &stop);
        let (history, problems) = fetch(&mut rest, &instruments, &mut |_, _| Vec::new(), &deadline);
        (history, problems, venue.asked.load(Ordering::Relaxed))
    }

    #[test]
    fn eight_pairs_are_warmed_up_within_what_the_venue_takes_at_once() {
        let (history, problems, asked) = fetch_from(Venue::default(), 8);
        assert_eq!((problems.len(), asked), (0, 24));
        let count = |wanted: Timeframe| {
            let is_it = |of: &&Control| matches!(of, Control::History(_, (of, _)) if *of == wanted);
            history.iter().filter(is_it).count()
        };
        assert_eq!(count(Timeframe::M1), 8 * 720);
    }

    #[test]
    fn a_venue_that_refuses_all_is_not_asked_for_the_rest() {
        let (history, problems, asked) =
            fetch_from(Venue { refuses_from: Some(3), ..Venue::default() }, 8);
        assert!(!history.is_empty());
        // Two pairs were had; the third is asked for as often as a lockout allows, the others are not.
        assert_eq!((problems.len(), asked), (1, 6), "{problems:?}");
        assert!(problems[0].contains("quarter of an hour"), "{problems:?}");
    }

    #[test]
    fn longer_bars_are_made_where_all_their_parts_are_there() {
        let candle = |minute: i64| Candle {
            open_at: ExchNs::new(minute * MINUTE_NS),
            ..Candle::empty(
                ExchNs::new(0),
                paperwire_core::num::Px::new(5),
                paperwire_history::model::Source::RestOhlc,
            )
        };
        let fives: Vec<Candle> = (1..9).map(|at| candle(at * 5)).collect();
        let made = made_of(&fives, Timeframe::M5, Timeframe::M15);
        let begins: Vec<i64> = made.iter().map(|of| of.open_at.raw() / MINUTE_NS).collect();
        assert_eq!(begins, [15, 30]);
        assert!(made_of(&[], Timeframe::M5, Timeframe::M15).is_empty());
    }

    #[test]
    fn long_bars_come_before_the_minutes_and_in_the_order_of_their_ends() {
        let bar = |timeframe: Timeframe, minute: i64| {
            let open_at = ExchNs::new(minute * 60_000_000_000);
            (timeframe, Bar { open_at, ..Bar::default() })
        };
        let (minute, five) = (Timeframe::M1, Timeframe::M5);
        let rows = [(five, 0), (five, 5), (five, 10), (minute, 8), (minute, 9), (minute, 10)];
        let closed = joined(rows.map(|(timeframe, at)| bar(timeframe, at)).to_vec());
        let all = [1, 0].map(SymbolId).map(|id| closed.iter().map(move |of| (id, *of)));
        let order: Vec<_> = in_order(all.into_iter().flatten().collect())
            .into_iter()
            .map(|control| match control {
                Control::History(symbol, (timeframe, bar)) => {
                    (symbol.0, timeframe.minutes(), bar.open_at.raw() / 60_000_000_000)
                }
                _ => panic!(),
            })
            .collect();
        // The five minutes from 10 on are made of the minutes; those from 5 on are whole at 10.
        let one = [(5, 0), (1, 8), (5, 5), (1, 9), (1, 10)];
        let both = one.iter().flat_map(|(length, at)| [0, 1].map(|id| (id, *length, *at)));
        assert_eq!(order, both.collect::<Vec<_>>());
    }

    #[test]
    fn stored_bars_count_as_far_as_they_touch_what_is_fetched() {
        let bar = |minute: i64, is_incomplete: bool| Bar {
            open_at: ExchNs::new(minute * 60_000_000_000),
            flags: BarFlags { is_carried: false, is_incomplete },
            ..Bar::default()
        };
        let bars = |minutes: &[i64]| minutes.iter().map(|at| bar(*at, false)).collect::<Vec<_>>();
        let now = ExchNs::new(22 * 60_000_000_000);
        let check = |stored: Vec<Bar>, fetched: &[i64], expected: &[i64]| {
            let got = stitched(stored, bars(fetched), Timeframe::M1, now);
            assert_eq!(got, bars(expected));
        };
        check(bars(&[5, 7, 8, 9, 10, 11]), &[10, 11], &[7, 8, 9, 10, 11]);
        check(bars(&[5, 6, 7]), &[10, 11], &[10, 11]);
        check(vec![bar(8, false), bar(9, true)], &[10], &[10]);
        check(bars(&[18, 19, 20]), &[], &[18, 19, 20]);
        check(bars(&[8, 9, 10]), &[], &[]);
    }
}
