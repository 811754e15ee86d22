//! One line of a file: fields to integers, without floats and without memory of its own.

use paperwire_core::bar::Timeframe;
use paperwire_core::num::pow10;
use paperwire_core::time::ExchNs;

use crate::model::{SECOND_NS, Scale};

/// Length of the bars that have two grids, in seconds.
const WEEK_S: i64 = 7 * 86_400;

/// A decimal as it was written, without trailing zeros: `mantissa * 10^-decimals`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) mantissa: i64,
    pub(crate) decimals: u8,
}

impl Number {
    /// Reads digits with an optional point and exponent; `None` for anything else, signs too.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut mantissa: i64 = 0;
        let mut decimals: i32 = 0;
        let mut has_point = false;
        let mut digits = 0;
        for (at, byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                    decimals += i32::from(has_point);
                    digits += 1;
                }
                b'.' if !has_point => has_point = true,
                b'e' | b'E' if digits > 0 => {
                    let exponent = std::str::from_utf8(&text[at + 1..]).ok()?;
                    decimals = decimals.checked_sub(exponent.parse().ok()?)?;
                    return Self { mantissa, decimals: 0 }.shifted(decimals);
                }
                _ => return None,
            }
        }
        if digits == 0 {
            return None;
        }
        Self { mantissa, decimals: 0 }.shifted(decimals)
    }

    fn shifted(mut self, mut decimals: i32) -> Option<Self> {
        if self.mantissa == 0 {
            return Some(Self::default());
        }
        while decimals > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            decimals -= 1;
        }
        while decimals < 0 {
            self.mantissa = self.mantissa.checked_mul(10)?;
            decimals += 1;
        }
        self.decimals = u8::try_from(decimals).ok().filter(|decimals| *decimals <= 18)?;
        Some(self)
    }

    /// As a count of `10^-scale`, which is fine enough.
    pub(super) fn at(self, scale: u8) -> Option<i64> {
        self.mantissa.checked_mul(pow10(scale.checked_sub(self.decimals)?))
    }
}

/// A line of bars: `time,open,high,low,close,volume,trades`.
#[derive(Clone, Copy, Debug)]
pub(super) struct BarLine {
    pub(super) second: i64,
    /// Open, high, low, close.
    pub(super) prices: [Number; 4],
    pub(super) volume: Number,
    pub(super) trades: u32,
}

/// A line of trades: `time,price,volume`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PrintLine {
    pub(super) second: i64,
    pub(super) price: Number,
    pub(super) qty: Number,
}

fn fields<const N: usize>(line: &[u8]) -> Result<[&[u8]; N], &'static str> {
    let mut found = [&line[..0]; N];
    let mut parts = line.split(|byte| *byte == b',');
    for field in &mut found {
        *field = parts.next().ok_or("too few fields")?;
    }
    if parts.next().is_some() { Err("too many fields") } else { Ok(found) }
}

fn second(text: &[u8]) -> Result<i64, &'static str> {
    let number = Number::parse(text).filter(|number| number.decimals == 0);
    let second = number.map(|number| number.mantissa).ok_or("the time is not whole seconds")?;
    // Until 2262, when nanoseconds end.
    if second < 9_000_000_000 { Ok(second) } else { Err("the time is not in seconds") }
}

impl BarLine {
    pub(super) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let [time, open, high, low, close, volume, trades] = fields::<7>(line)?;
        let price = |text| {
            let number = Number::parse(text).ok_or("a price is not a decimal number")?;
            if number.mantissa > 0 { Ok(number) } else { Err("a price is zero") }
        };
        let trades = Number::parse(trades).filter(|number| number.decimals == 0);
        let trades = trades.and_then(|number| u32::try_from(number.mantissa).ok());
        Ok(Self {
            second: second(time)?,
            prices: [price(open)?, price(high)?, price(low)?, price(close)?],
            volume: Number::parse(volume).ok_or("the volume is not a decimal number")?,
            trades: trades.ok_or("the number of trades is not a whole number")?,
        })
    }

    /// Checks that low and high hold the other two.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let finest = self.prices.iter().map(|price| price.decimals).max().unwrap_or(0);
        let wide = |price: &Number| {
            i128::from(price.mantissa) * i128::from(pow10(finest - price.decimals))
        };
        let [open, high, low, close] = [0, 1, 2, 3].map(|at: usize| wide(&self.prices[at]));
        if high < open.max(close) {
            return Err("high is below open or close");
        }
        if low > open.min(close) {
            return Err("low is above open or close");
        }
        Ok(())
    }
}

impl PrintLine {
    pub(super) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let [time, price, qty] = fields::<3>(line)?;
        let price = Number::parse(price).ok_or("the price is not a decimal number")?;
        let qty = Number::parse(qty).ok_or("the volume is not a decimal number")?;
        if price.mantissa == 0 {
            return Err("the price is zero");
        }
        Ok(Self { second: second(time)?, price, qty })
    }
}

/// The kind of a file's lines.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bars(Timeframe),
    Prints,
}

/// Whether a bar of a file may begin at a second, after one that began at `last`. Weeks of Kraken's files begin
/// on Thursdays, as unix time did, ours on Mondays; a file has one of both.
fn begins_bar(timeframe: Timeframe, second: i64, last: i64) -> bool {
    let at = ExchNs::new(second * SECOND_NS);
    if timeframe.floor(at) == at && (timeframe != Timeframe::W1 || last == i64::MIN) {
        return true;
    }
    let is_alike = last == i64::MIN || (second - last) % WEEK_S == 0;
    timeframe == Timeframe::W1 && is_alike && (second % WEEK_S == 0 || timeframe.floor(at) == at)
}

/// A line that can be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    Bar(BarLine),
    Print(PrintLine),
}

impl Line {
    /// Reads a line that comes after one of the second `last`.
    pub(super) fn parse(kind: Kind, line: &[u8], last: i64) -> Result<Self, &'static str> {
        match kind {
            Kind::Bars(timeframe) => {
                let bar = BarLine::parse(line)?;
                bar.check()?;
                if bar.second <= last {
                    return Err("the time is not after that of the line before");
                }
                if !begins_bar(timeframe, bar.second, last) {
                    return Err("the time is not the start of a bar");
                }
                Ok(Self::Bar(bar))
            }
            Kind::Prints => {
                let print = PrintLine::parse(line)?;
                if print.second < last {
                    return Err("the time is before that of the line before");
                }
                Ok(Self::Print(print))
            }
        }
    }

    pub(super) const fn second(&self) -> i64 {
        match self {
            Self::Bar(bar) => bar.second,
            Self::Print(print) => print.second,
        }
    }

    /// The scale that its numbers need.
    pub(super) fn scale(&self) -> Scale {
        match self {
            Self::Bar(bar) => {
                let price = bar.prices.iter().map(|price| price.decimals).max();
                Scale { price: price.unwrap_or(0), qty: bar.volume.decimals }
            }
            Self::Print(print) => Scale { price: print.price.decimals, qty: print.qty.decimals },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        let parse = |text: &str| Number::parse(text.as_bytes()).map(|n| (n.mantissa, n.decimals));
        assert_eq!(parse("122.0"), Some((122, 0)));
        assert_eq!(parse("0.00005100"), Some((51, 6)));
        assert_eq!(parse("2e-05"), Some((2, 5)));
        assert_eq!(parse("1.5E+2"), Some((150, 0)));
        assert_eq!(parse("0.0"), Some((0, 0)));
        for bad in ["", ".", "-1", "+1", "1.2.3", "1e", "e5", "nan", "99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(Number { mantissa: 51, decimals: 6 }.at(8), Some(5100));
        assert_eq!(Number { mantissa: 51, decimals: 6 }.at(5), None);
    }

    #[test]
    fn lines_that_cannot_be_are_refused() {
        let check = |line: &str| BarLine::parse(line.as_bytes()).and_then(|of| of.check());
        assert_eq!(check("60,1.5,2,1,1.25,0.3,7"), Ok(()));
        assert_eq!(check("60,1.5,1.4,1,1.25,0.3,7"), Err("high is below open or close"));
        assert_eq!(check("60,1.5,2,1.3,1.25,0.3,7"), Err("low is above open or close"));
        assert_eq!(check("60,1.5,2,1,1.25,0.3"), Err("too few fields"));
        assert_eq!(check("60,1.5,2,1,1.25,0.3,7,8"), Err("too many fields"));
        assert_eq!(check("60,1.5,2,0,1.25,0.3,7"), Err("a price is zero"));
        assert_eq!(check("1700000000000,1,1,1,1,1,1"), Err("the time is not in seconds"));
    }
}
