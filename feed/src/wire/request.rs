//! Requests to the venue, written into a reused buffer.

use std::io::Write;

/// A public channel with what its subscription needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Changes of the book to a depth that the venue offers.
    Book {
        /// Rows per side.
        depth: u16,
    },
    /// Public trades; the snapshot brings the last fifty.
    Trade,
    /// Touch and last price, on each trade.
    Ticker,
    /// Candles of an interval in minutes.
    Ohlc {
        /// Minutes.
        interval: u16,
    },
    /// The list of pairs; has no symbols.
    Instrument,
}

impl Channel {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Book { .. } => "book",
            Self::Trade => "trade",
            Self::Ticker => "ticker",
            Self::Ohlc { .. } => "ohlc",
            Self::Instrument => "instrument",
        }
    }
}

/// Subscribe or unsubscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Start.
    Subscribe,
    /// Stop.
    Unsubscribe,
}

/// Writes a (un)subscribe request; the venue answers once per symbol with the same `req_id`.
pub fn subscription<'a>(
    out: &mut Vec<u8>,
    method: Method,
    channel: Channel,
    symbols: impl Iterator<Item = &'a str>,
    req_id: u64,
) {
    const INFALLIBLE: &str = "writing to memory cannot fail";
    let verb = match method {
        Method::Subscribe => "subscribe",
        Method::Unsubscribe => "unsubscribe",
    };
    out.clear();
    let name = channel.as_str();
    write!(out, r#"{{"method":"{verb}","params":{{"channel":"{name}""#).expect(INFALLIBLE);
    match channel {
        Channel::Book { depth } => write!(out, r#","depth":{depth}"#).expect(INFALLIBLE),
        Channel::Ohlc { interval } => write!(out, r#","interval":{interval}"#).expect(INFALLIBLE),
        Channel::Trade | Channel::Ticker | Channel::Instrument => {}
    }
    if method == Method::Subscribe {
        out.extend_from_slice(br#","snapshot":true"#);
    }
    for (index, symbol) in symbols.enumerate() {
        out.extend_from_slice(if index == 0 { br#","symbol":["# } else { b"," });
        write!(out, r#""{symbol}""#).expect(INFALLIBLE);
    }
    if channel != Channel::Instrument {
        out.push(b']');
    }
    write!(out, r#"}},"req_id":{req_id}}}"#).expect(INFALLIBLE);
}

/// Writes a ping.
pub fn ping(out: &mut Vec<u8>, req_id: u64) {
    out.clear();
    write!(out, r#"{{"method":"ping","req_id":{req_id}}}"#).expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_the_documented_text() {
        let mut out = Vec::new();
        let symbols = ["BTC/USD", "XRP/USD"];
        subscription(
            &mut out,
            Method::Subscribe,
            Channel::Book { depth: 25 },
            symbols.into_iter(),
            7,
        );
        let expected = r#"{"method":"subscribe","params":{"channel":"book","depth":25,"snapshot":true,"symbol":["BTC/USD","XRP/USD"]},"req_id":7}"#;
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        subscription(&mut out, Method::Subscribe, Channel::Instrument, [].into_iter(), 1);
        let expected = r#"{"method":"subscribe","params":{"channel":"instrument","snapshot":true},"req_id":1}"#;
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        subscription(&mut out, Method::Unsubscribe, Channel::Trade, ["A/B"].into_iter(), 2);
        let expected =
            r#"{"method":"unsubscribe","params":{"channel":"trade","symbol":["A/B"]},"req_id":2}"#;
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        ping(&mut out, 3);
        assert_eq!(out, br#"{"method":"ping","req_id":3}"#);
    }
}
