//! History before the first live trade: the last 720 one-minute bars, by the venue's REST interface.

use std::time::Duration;

use paperwire_core::bar::{Bar, BarFlags};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::{DecimalError, Px, Qty, parse_decimal};
use paperwire_core::time::ExchNs;
use paperwire_feed::control::Control;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Fetches closed one-minute bars of one pair, oldest first.
///
/// # Errors
/// What went wrong, in words; a run goes on without history.
pub fn fetch(rest: &str, symbol: SymbolId, of: &Instrument) -> Result<Vec<Control>, String> {
    let pair = of.name.replace('/', "%2F");
    let url = format!("{rest}/0/public/OHLC?pair={pair}&interval=1");
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
    let text = agent
        .get(&url)
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string())
        .map_err(|error| format!("{url}: {error}"))?;
    parse(&text, symbol, of).map_err(|why| format!("{url}: {why}"))
}

/// Reads the answer of the `OHLC` call. The last row is still forming and is left out.
fn parse(text: &str, symbol: SymbolId, of: &Instrument) -> Result<Vec<Control>, String> {
    let answer: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(error) = answer["error"].as_array().and_then(|errors| errors.first()) {
        return Err(error.to_string());
    }
    // The key is some name of the pair; it is the only one that is not `last`.
    let result = answer["result"].as_object().ok_or("no result")?;
    let rows = result.iter().find(|(key, _)| *key != "last").map(|(_, rows)| rows);
    let rows = rows.and_then(Value::as_array).ok_or("no rows")?;
    let closed = &rows[..rows.len().saturating_sub(1)];
    let bars = closed.iter().map(|row| bar(row, of).map(|bar| Control::History(symbol, bar)));
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
        let bars = parse(text, SymbolId(0), &of).unwrap();
        assert_eq!(bars.len(), 2);
        let Control::History(_, first) = bars[0] else { panic!() };
        assert_eq!(
            (first.open, first.vwap, first.volume),
            (Px::new(100), Px::new(102), Qty::new(250_000_000))
        );
        let Control::History(_, empty) = bars[1] else { panic!() };
        assert!(empty.flags.is_carried && empty.vwap == empty.close);
        let refused = parse(r#"{"error":["EQuery:Unknown asset pair"]}"#, SymbolId(0), &of);
        assert_eq!(refused.unwrap_err(), "\"EQuery:Unknown asset pair\"");
    }
}
