//! Frames rendered beforehand, with the places where each says when and which trade it is.
//!
//! A reel is played round and round: its last frames are snapshots of the books it began with, so the
//! next lap follows on them and every checksum holds. Trade numbers go on from lap to lap. Checksums
//! cover neither times nor trade numbers, so both can be written at the moment of sending.

use std::io::Write;
use std::ops::Range;

use paperwire_core::instrument::SymbolId;
use paperwire_core::time::{DurationNs, ExchNs, Rfc3339};

use crate::market::{MarketConfig, MarketError};
use crate::publish::{Frame, Topic, Venue};

/// Frames of the longest reel: at about 250 bytes, some 35 MB.
pub const REEL_FRAMES_MAX: usize = 1 << 17;
/// A market that moves this long without so many frames is as long as a reel gets.
const REEL_SPAN_MAX: DurationNs = DurationNs::from_secs(4 * 3600);
const STEP: DurationNs = DurationNs::from_secs(1);

const TIME_KEY: &str = "\"timestamp\":\"";
const TIME_LEN: usize = "2026-01-01T00:00:00.000000Z".len();
const TRADE_ID_KEY: &str = "\"trade_id\":";

/// Something that is rewritten each time.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: usize,
    end: usize,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Time,
    TradeId { id: u64, symbol: u16 },
}

/// One frame of the reel.
#[derive(Clone, Debug)]
struct Cut {
    text: Range<usize>,
    slots: Range<usize>,
    /// In the market's own time, from the reel's start.
    due: DurationNs,
}

/// Frames to be sent at any rate.
#[derive(Debug, Default)]
pub struct Reel {
    text: String,
    slots: Vec<Slot>,
    cuts: Vec<Cut>,
    /// Trades of each symbol in one lap.
    trades: Vec<u64>,
    span: DurationNs,
}

impl Reel {
    /// Plays the market for book and trade frames of these pairs: `frames` of them, at most
    /// [`REEL_FRAMES_MAX`], and for at least `span` of its own time if they may be so many.
    /// Unknown pairs are left out; the subscription refuses them.
    ///
    /// # Errors
    /// [`MarketError`] when the configuration is out of range.
    pub fn render(
        config: &MarketConfig,
        symbols: &[String],
        depth: u16,
        frames: u64,
        span: DurationNs,
    ) -> Result<Self, MarketError> {
        let mut venue = Venue::new(config)?;
        let start = venue.market().now();
        let wanted = usize::try_from(frames).unwrap_or(usize::MAX).min(REEL_FRAMES_MAX);
        let known: Vec<SymbolId> =
            symbols.iter().filter_map(|name| venue.market().symbol(name)).collect();
        let mut snapshots = Vec::new();
        for &symbol in &known {
            for topic in [Topic::Book(symbol, depth), Topic::Trade(symbol)] {
                venue.watch(topic);
            }
            let topic = Topic::Book(symbol, depth);
            snapshots.push(Frame { at: start, topic, text: venue.snapshot(topic) });
        }
        let mut reel = Self { trades: vec![0; venue.market().listings().len()], ..Self::default() };
        let (mut played, mut until) = (Vec::new(), start);
        let room = REEL_FRAMES_MAX - snapshots.len();
        while (reel.cuts.len() < wanted || until.since(start) < span)
            && reel.cuts.len() < room
            && until.since(start) < REEL_SPAN_MAX
        {
            until = until.plus(STEP);
            venue.advance_to(until, &mut played);
            for frame in played.drain(..) {
                if reel.cuts.len() < room {
                    reel.add(&frame, frame.at.since(start));
                }
            }
        }
        reel.span = reel.cuts.last().map_or(STEP, |last| last.due.plus(DurationNs::from_micros(1)));
        for snapshot in &snapshots {
            reel.add(snapshot, reel.span);
        }
        Ok(reel)
    }

    fn add(&mut self, frame: &Frame, due: DurationNs) {
        let (start, first_slot) = (self.text.len(), self.slots.len());
        self.text.push_str(&frame.text);
        let symbol = frame.topic.symbol();
        // Rows hold a trade's number before its time, so the slots are in the order of the text.
        let mut from = start;
        while let Some(found) = self.text[from..].find(TIME_KEY) {
            let time = from + found + TIME_KEY.len();
            // Only what is about a pair has trades.
            if let Some(SymbolId(symbol)) = symbol
                && let Some(found) = self.text[from..time].find(TRADE_ID_KEY)
            {
                let digits = from + found + TRADE_ID_KEY.len();
                let end =
                    digits + self.text[digits..time].bytes().take_while(u8::is_ascii_digit).count();
                let id = self.text[digits..end].parse().expect("the publisher writes numbers");
                self.slots.push(Slot { start: digits, end, what: What::TradeId { id, symbol } });
                self.trades[usize::from(symbol)] += 1;
            }
            from = time + TIME_LEN;
            self.slots.push(Slot { start: time, end: from, what: What::Time });
        }
        let (text, slots) = (start..self.text.len(), first_slot..self.slots.len());
        self.cuts.push(Cut { text, slots, due });
    }

    /// Frames of one lap.
    pub fn lap_len(&self) -> u64 {
        u64::try_from(self.cuts.len()).expect("at most REEL_FRAMES_MAX")
    }

    /// Appends frame `index`, counted over all laps, as if it were of the instant `at`.
    ///
    /// # Panics
    /// When the reel is empty.
    pub fn write(&self, index: u64, at: &WireTime, out: &mut Vec<u8>) {
        let (lap, cut) = self.cut(index);
        let mut from = cut.text.start;
        for slot in &self.slots[cut.slots.clone()] {
            out.extend_from_slice(&self.text.as_bytes()[from..slot.start]);
            match slot.what {
                What::Time => out.extend_from_slice(at.text()),
                What::TradeId { id, symbol } => {
                    let id = id + lap * self.trades[usize::from(symbol)];
                    write!(out, "{id}").expect("writing to memory cannot fail");
                }
            }
            from = slot.end;
        }
        out.extend_from_slice(&self.text.as_bytes()[from..cut.text.end]);
    }

    /// When frame `index` is due in the market's own time, from the reel's start.
    ///
    /// # Panics
    /// When the reel is empty.
    pub fn due(&self, index: u64) -> DurationNs {
        let (lap, cut) = self.cut(index);
        let laps = DurationNs::new(lap * self.span.raw());
        // Cut to the grid of the wire.
        DurationNs::new(laps.plus(cut.due).raw() / 1_000 * 1_000)
    }

    /// Frames due within `span` after frame `first`, in the market's own time.
    pub fn count_within(&self, first: u64, span: DurationNs) -> u64 {
        let end = self.due(first).plus(span);
        let later = (first..).find(|index| self.due(*index) >= end);
        later.expect("time goes forward from lap to lap") - first
    }

    fn cut(&self, index: u64) -> (u64, &Cut) {
        let lap = index / self.lap_len();
        let within = usize::try_from(index % self.lap_len()).expect("within the reel");
        (lap, &self.cuts[within])
    }
}

/// An instant as the wire writes it; consecutive ones share what they have in common.
#[derive(Clone, Debug, Default)]
pub struct WireTime {
    second: i64,
    text: Vec<u8>,
}

impl WireTime {
    /// Moves to another instant; what is finer than a microsecond is cut.
    pub fn set(&mut self, at: ExchNs) {
        const FRACTION: Range<usize> = 20..26;
        let second = at.raw().div_euclid(1_000_000_000);
        if self.text.is_empty() || second != self.second {
            self.second = second;
            self.text.clear();
            write!(self.text, "{}", Rfc3339 { at, fraction: 6 }).expect("memory takes it");
        }
        let mut micros = at.raw().rem_euclid(1_000_000_000) / 1_000;
        for digit in self.text[FRACTION].iter_mut().rev() {
            *digit = b'0' + u8::try_from(micros % 10).expect("a decimal digit");
            micros /= 10;
        }
    }

    fn text(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests;
