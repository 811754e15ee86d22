//! What the feed decides by its own clock or the machine's state, as records of the tape.
//!
//! Frames alone do not determine a session: timers, silence, lost connections and a slow engine do
//! their part. Each such decision is written to the recording at its place among the frames, so that
//! a replay takes it from there instead of deciding again.

use paperwire_core::bar::{Bar, BarFlags, Closed, Timeframe};
use paperwire_core::command::{Command, Origin, ParamChange, Verb};
use paperwire_core::event::GapReason;
use paperwire_core::ids::StratId;
use paperwire_core::instrument::SymbolId;
use paperwire_core::num::{Px, Qty};
use paperwire_core::regime::Sentiment;
use paperwire_core::time::ExchNs;

/// How full the market ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Pressure {
    /// Everything fits.
    #[default]
    None,
    /// Books are conflated: their changes are kept back until a whole book fits.
    Conflate,
    /// Trades and tickers are dropped too; the symbols get a gap.
    Drop,
}

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A second passed; the exchange's time is estimated from the last message.
    Timer {
        /// Estimated exchange time.
        at: ExchNs,
    },
    /// The connection ended: every book is void.
    Disconnected,
    /// The symbol's book was silent for too long.
    Stale(SymbolId),
    /// The symbol's book must be fetched again.
    Resync(SymbolId, GapReason),
    /// The market ring's state changed.
    Pressure(Pressure),
    /// A conflated symbol's whole book fits now.
    Flush(SymbolId),
    /// A bar of history for warm-up.
    History(SymbolId, Closed),
    /// This host's wall clock, against which a real venue's times are held.
    Wall {
        /// What it says.
        at: ExchNs,
    },
    /// Something was ordered from outside, at about this exchange time.
    Command {
        /// Estimated exchange time.
        at: ExchNs,
        /// What.
        command: Command,
    },
    /// Something was learned from outside the venue, at about this exchange time.
    Sentiment {
        /// Estimated exchange time.
        at: ExchNs,
        /// What.
        sentiment: Sentiment,
    },
}

/// Kinds of pressure and flush on older tapes, where they stand after the frame that they took effect before.
const LATE_PRESSURE: u8 = 5;
const LATE_FLUSH: u8 = 6;

/// Kind of a reading of the wall clock.
const WALL: u8 = 32;

/// True for the encoding of a decision that took effect before the frame in front of it, received at the same
/// instant: so older tapes have them.
pub fn is_late(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&(LATE_PRESSURE | LATE_FLUSH)))
}

/// Stands for every strategy in the encoding of a command.
const ALL_STRATEGIES: u16 = u16::MAX;

/// Longest encoding: a bar.
pub const CONTROL_BYTES_MAX: usize = 65;

impl Control {
    /// Encodes into `out` and returns the length. Little-endian fields after one byte of kind.
    pub fn encode(&self, out: &mut [u8; CONTROL_BYTES_MAX]) -> usize {
        let mut writer = Writer { out, at: 0 };
        match self {
            Self::Timer { at } => writer.put(1).put_i64(at.raw()),
            Self::Wall { at } => writer.put(WALL).put_i64(at.raw()),
            Self::Disconnected => writer.put(2),
            Self::Stale(symbol) => writer.put(3).put_symbol(*symbol),
            Self::Resync(symbol, reason) => writer.put(4).put_symbol(*symbol).put(*reason as u8),
            Self::Pressure(level) => writer.put(12).put(*level as u8),
            Self::Flush(symbol) => writer.put(13).put_symbol(*symbol),
            Self::History(symbol, (timeframe, bar)) => {
                writer.put(11).put(*timeframe as u8).put_symbol(*symbol).put_i64(bar.open_at.raw());
                for px in [bar.open, bar.high, bar.low, bar.close, bar.vwap] {
                    writer.put_i64(px.raw());
                }
                writer.put_i64(bar.volume.raw());
                for byte in bar.trades.to_le_bytes() {
                    writer.put(byte);
                }
                let flags = u8::from(bar.flags.is_carried) | u8::from(bar.flags.is_incomplete) << 1;
                writer.put(flags)
            }
            Self::Command { at, command: Command::Do { target, verb, origin } } => {
                let target = target.map_or(ALL_STRATEGIES, |target| target.0);
                writer.put(8).put_i64(at.raw()).put_u16(target);
                writer.put(*verb as u8).put(*origin as u8)
            }
            Self::Command { at, command: Command::Set { target, change, origin } } => {
                writer.put(10).put_i64(at.raw()).put_u16(target.0).put_u16(change.key);
                writer.put_i64(change.value.to_bits().cast_signed()).put(*origin as u8)
            }
            Self::Sentiment { at, sentiment } => {
                let share = sentiment.btc_dominance;
                let known =
                    u8::from(sentiment.fear_greed.is_some()) | u8::from(share.is_some()) << 1;
                writer.put(9).put_i64(at.raw()).put_i64(sentiment.taken_at.raw()).put(known);
                writer.put(sentiment.fear_greed.unwrap_or(0));
                writer.put_i64(share.unwrap_or(0.0).to_bits().cast_signed())
            }
        };
        writer.at
    }

    /// Reads an encoding; `None` when it is not one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let mut reader = Reader { rest };
        let control = match kind {
            1 => Self::Timer { at: ExchNs::new(reader.i64()?) },
            2 => Self::Disconnected,
            WALL => Self::Wall { at: ExchNs::new(reader.i64()?) },
            3 => Self::Stale(reader.symbol()?),
            4 => {
                let symbol = reader.symbol()?;
                Self::Resync(symbol, *GapReason::ALL.get(usize::from(reader.byte()?))?)
            }
            LATE_PRESSURE | 12 => Self::Pressure(match reader.byte()? {
                0 => Pressure::None,
                1 => Pressure::Conflate,
                2 => Pressure::Drop,
                _ => return None,
            }),
            LATE_FLUSH | 13 => Self::Flush(reader.symbol()?),
            // Minutes, as they were written before there were others.
            7 | 11 => {
                let timeframe = if kind == 7 { 0 } else { usize::from(reader.byte()?) };
                let timeframe = *Timeframe::ALL.get(timeframe)?;
                let symbol = reader.symbol()?;
                let open_at = ExchNs::new(reader.i64()?);
                let mut px = [Px::ZERO; 5];
                for px in &mut px {
                    *px = Px::new(reader.i64()?);
                }
                let [open, high, low, close, vwap] = px;
                let volume = Qty::new(reader.i64()?);
                let trades = u32::from_le_bytes([
                    reader.byte()?,
                    reader.byte()?,
                    reader.byte()?,
                    reader.byte()?,
                ]);
                let flags = reader.byte()?;
                let flags = BarFlags { is_carried: flags & 1 == 1, is_incomplete: flags & 2 == 2 };
                let bar = Bar { open_at, open, high, low, close, volume, vwap, trades, flags };
                Self::History(symbol, (timeframe, bar))
            }
            8 => {
                let at = ExchNs::new(reader.i64()?);
                let target = reader.u16()?;
                let target = (target != ALL_STRATEGIES).then_some(StratId(target));
                let verb = *Verb::ALL.get(usize::from(reader.byte()?))?;
                let origin = *Origin::ALL.get(usize::from(reader.byte()?))?;
                Self::Command { at, command: Command::Do { target, verb, origin } }
            }
            9 => {
                let (at, taken_at) = (ExchNs::new(reader.i64()?), ExchNs::new(reader.i64()?));
                let (known, fear_greed) = (reader.byte()?, reader.byte()?);
                let share = f64::from_bits(reader.i64()?.cast_unsigned());
                let sentiment = Sentiment {
                    fear_greed: (known & 1 == 1).then_some(fear_greed),
                    btc_dominance: (known & 2 == 2).then_some(share),
                    taken_at,
                };
                // What cannot be was not written by us.
                (known < 4 && sentiment.is_plausible()).then_some(())?;
                Self::Sentiment { at, sentiment }
            }
            10 => {
                let (at, target) = (ExchNs::new(reader.i64()?), StratId(reader.u16()?));
                let key = reader.u16()?;
                let value = f64::from_bits(reader.i64()?.cast_unsigned());
                let origin = *Origin::ALL.get(usize::from(reader.byte()?))?;
                // What is not a number was not written by us.
                value.is_finite().then_some(())?;
                let change = ParamChange { key, value };
                Self::Command { at, command: Command::Set { target, change, origin } }
            }
            _ => return None,
        };
        reader.rest.is_empty().then_some(control)
    }
}

struct Writer<'a> {
    out: &'a mut [u8; CONTROL_BYTES_MAX],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, byte: u8) -> &mut Self {
        self.out[self.at] = byte;
        self.at += 1;
        self
    }

    fn put_i64(&mut self, value: i64) -> &mut Self {
        self.out[self.at..self.at + 8].copy_from_slice(&value.to_le_bytes());
        self.at += 8;
        self
    }

    fn put_u16(&mut self, value: u16) -> &mut Self {
        let [low, high] = value.to_le_bytes();
        self.put(low).put(high)
    }

    fn put_symbol(&mut self, symbol: SymbolId) -> &mut Self {
        self.put_u16(symbol.0)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn i64(&mut self) -> Option<i64> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(i64::from_le_bytes(*bytes))
    }

    fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        Some(u16::from_le_bytes(*bytes))
    }

    fn symbol(&mut self) -> Option<SymbolId> {
        self.u16().map(SymbolId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_is_read_back_and_no_shorter_text_is() {
        let bar = Bar {
            open_at: ExchNs::new(-5),
            open: Px::new(1),
            high: Px::new(2),
            low: Px::new(3),
            close: Px::new(4),
            volume: Qty::new(5),
            vwap: Px::new(6),
            trades: u32::MAX,
            flags: BarFlags { is_carried: true, is_incomplete: false },
        };
        let sentiment = Sentiment {
            fear_greed: Some(100),
            btc_dominance: Some(58.123_456_789),
            taken_at: ExchNs::new(-1),
        };
        let all = [
            Control::Timer { at: ExchNs::new(i64::MAX) },
            Control::Wall { at: ExchNs::new(-3) },
            Control::Disconnected,
            Control::Stale(SymbolId(63)),
            Control::Resync(SymbolId(1), GapReason::Crossed),
            Control::Pressure(Pressure::Drop),
            Control::Flush(SymbolId(2)),
            Control::History(SymbolId(3), (Timeframe::M1, bar)),
            Control::History(SymbolId(4), (Timeframe::W1, bar)),
            Control::Command {
                at: ExchNs::new(7),
                command: Command::Do {
                    target: Some(StratId(5)),
                    verb: Verb::Kill,
                    origin: Origin::Api,
                },
            },
            Control::Command {
                at: ExchNs::new(8),
                command: Command::Do { target: None, verb: Verb::Pause, origin: Origin::Terminal },
            },
            Control::Command {
                at: ExchNs::new(-9),
                command: Command::Set {
                    target: StratId(127),
                    change: ParamChange { key: 3, value: -0.1 },
                    origin: Origin::Dashboard,
                },
            },
            Control::Sentiment { at: ExchNs::new(9), sentiment },
            Control::Sentiment {
                at: ExchNs::new(10),
                sentiment: Sentiment { fear_greed: None, btc_dominance: None, ..sentiment },
            },
        ];
        for control in all {
            let mut out = [0; CONTROL_BYTES_MAX];
            let len = control.encode(&mut out);
            assert_eq!(Control::decode(&out[..len]), Some(control));
            for cut in 0..len {
                assert_eq!(Control::decode(&out[..cut]), None, "{control:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn sentiment_that_cannot_be_is_not_read() {
        let taken_at = ExchNs::new(1);
        for (fear_greed, btc_dominance) in
            [(Some(101), None), (None, Some(f64::NAN)), (None, Some(100.5)), (None, Some(-1.0))]
        {
            let sentiment = Sentiment { fear_greed, btc_dominance, taken_at };
            let mut out = [0; CONTROL_BYTES_MAX];
            let len = Control::Sentiment { at: taken_at, sentiment }.encode(&mut out);
            assert_eq!(Control::decode(&out[..len]), None, "{sentiment:?}");
        }
    }
}
