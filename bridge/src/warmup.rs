//! History before the first live trade, by the venue's REST interface: the last 720 bars of each length
//! that strategies and the regime look at, put in the order in which they would have closed.

use std::cmp::Reverse;
use std::time::Duration;

use paperwire_core::bar::{Bar, BarFlags, Closed, Timeframe};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::{DecimalError, Px, Qty, parse_decimal};
use paperwire_core::time::ExchNs;
use paperwire_feed::control::Control;
use paperwire_rt::clock::utc_now;
use paperwire_rt::runner::Wait;
use serde_json::Value;

/// What is asked for; longer bars reach further back than the 720 minutes do.
const TIMEFRAMES: [Timeframe; 5] =
    [Timeframe::M1, Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::H4];
const TIMEOUT: Duration = Duration::from_secs(10);
/// What the venue answers to whoever asks too often, and how many times it is asked again.
const TOO_OFTEN: &str = "Too many requests";
const AGAIN_MAX: u32 = 5;
const AGAIN_AFTER_MS: u32 = 3_000;

/// Bars of one pair and timeframe that are stored, oldest first.
pub type Stored<'a> = &'a mut dyn FnMut(&Instrument, Timeframe) -> Vec<Bar>;

/// History of every pair: what the venue gives, and before it what is `stored` and touches it. What could not
/// be had is left out and told.
pub fn fetch(
    rest: &str,
    instruments: &[Instrument],
    stored: Stored<'_>,
) -> (Vec<Control>, Vec<String>) {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    let wait = || (0..AGAIN_AFTER_MS).for_each(|_| Wait::Doze.wait());
    for (index, of) in (0u16..).zip(instruments) {
        let mut closed: Vec<Closed> = Vec::new();
        for timeframe in TIMEFRAMES {
            let fetched = patiently(|| fetch_one(rest, of, timeframe), wait);
            let fetched = fetched.unwrap_or_else(|why| {
                problems.push(format!("no history for {} from the venue: {why}", of.name));
                Vec::new()
            });
            let bars = stitched(stored(of, timeframe), fetched, timeframe, utc_now());
            closed.extend(bars.into_iter().map(|bar| (timeframe, bar)));
        }
        all.extend(joined(closed).into_iter().map(|closed| (SymbolId(index), closed)));
    }
    (in_order(all), problems)
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

/// Asks until the answer is another than that it was asked too often; `wait` passes the time between.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, String>, wait: impl Fn()) -> Result<T, String> {
    for _ in 0..AGAIN_MAX {
        match ask() {
            Err(why) if why.contains(TOO_OFTEN) => wait(),
            answer => return answer,
        }
    }
    ask()
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

/// Closed bars of one pair, oldest first.
fn fetch_one(rest: &str, of: &Instrument, timeframe: Timeframe) -> Result<Vec<Bar>, String> {
    let pair = of.name.replace('/', "%2F");
    let url = format!("{rest}/0/public/OHLC?pair={pair}&interval={}", timeframe.minutes());
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
    let text = agent
        .get(&url)
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string())
        .map_err(|error| format!("{url}: {error}"))?;
    parse(&text, of).map_err(|why| format!("{url}: {why}"))
}

/// Reads the answer of the `OHLC` call. The last row is still forming and is left out.
fn parse(text: &str, of: &Instrument) -> Result<Vec<Bar>, String> {
    let answer: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(error) = answer["error"].as_array().and_then(|errors| errors.first()) {
        return Err(error.to_string());
    }
    // The key is some name of the pair; it is the only one that is not `last`.
    let result = answer["result"].as_object().ok_or("no result")?;
    let rows = result.iter().find(|(key, _)| *key != "last").map(|(_, rows)| rows);
    let rows = rows.and_then(Value::as_array).ok_or("no rows")?;
    let closed = &rows[..rows.len().saturating_sub(1)];
    let bars = closed.iter().map(|row| bar(row, of));
    bars.collect::<Option<Vec<_>>>()
        .ok_or_else(|| "a row is not [time, o, h, l, c, vwap, volume, count]".to_owned())
}

/// `[time s, open, high, low, close, vwap, volume, count]`, decimals as text.
fn bar(row: &Value, of: &Instrument) -> Option<Bar> {
    let px = |at: usize| decimal(row[at].as_str()?, of.price_precision).map(Px::new);
    let trades = u32::try_from(row[7].as_u64()?).ok()?;
    let close = px(4)?;
    Some(Bar {
        open_at: ExchNs::new(row[0].as_i64()?.checked_mul(1_000_000_000)?),
        open: px(1)?,
        high: px(2)?,
        low: px(3)?,
        close,
        volume: Qty::new(decimal(row[6].as_str()?, of.qty_precision)?),
        // An empty minute has "0.0".
        vwap: if trades == 0 { close } else { px(5)? },
        trades,
        flags: BarFlags { is_carried: trades == 0, is_incomplete: false },
    })
}

/// REST shows more decimals than the pair has, for averages even digits; those are rounded down.
fn decimal(text: &str, precision: u8) -> Option<i64> {
    match parse_decimal(text, precision) {
        Ok(value) => Some(value),
        Err(DecimalError::Precision) => {
            let point = text.find('.')?;
            let cut = point + 1 + usize::from(precision);
            parse_decimal(text.get(..cut)?, precision).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use paperwire_feed::infer;

    use super::*;

    #[test]
    fn closed_rows_become_bars_and_the_forming_one_does_not() {
        let of = infer::instrument_of(br#"{"symbol":"A/B","price":1.0,"qty":1.00000000}"#).unwrap();
        let text = r#"{"error":[],"result":{"AB":[
            [60,"10.00000","11.5","9.0","10.5","10.26","2.50000000",3],
            [120,"10.5","10.5","10.5","10.5","0.0","0.00000000",0],
            [180,"1.0","1.0","1.0","1.0","1.0","1.0",1]],"last":120}}"#;
        let bars = parse(text, &of).unwrap();
        let [first, empty] = bars[..] else { panic!() };
        assert_eq!(
            (first.open, first.vwap, first.volume),
            (Px::new(100), Px::new(102), Qty::new(250_000_000))
        );
        assert!(empty.flags.is_carried && empty.vwap == empty.close);
        let refused = parse(r#"{"error":["EQuery:Unknown asset pair"]}"#, &of);
        assert_eq!(refused.unwrap_err(), "\"EQuery:Unknown asset pair\"");
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

    #[test]
    fn whoever_is_refused_for_asking_often_asks_again_and_others_do_not() {
        let asked = |refusals: u32, then: Result<u8, &str>| {
            let mut count = 0;
            let answer = patiently(
                || {
                    count += 1;
                    let refusal = Err("\"EGeneral:Too many requests\"");
                    if count <= refusals { refusal } else { then }.map_err(str::to_owned)
                },
                || (),
            );
            (count, answer.is_ok())
        };
        assert_eq!(asked(0, Ok(1)), (1, true));
        assert_eq!(asked(2, Ok(1)), (3, true));
        assert_eq!(asked(0, Err("EQuery:Unknown asset pair")), (1, false));
        assert_eq!(asked(99, Ok(1)), (AGAIN_MAX + 1, false));
    }
}
