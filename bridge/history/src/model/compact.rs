//! Bars and prints as short lists of numbers, for the spill's records.

use paperwire_core::bar::BarFlags;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Candle, Print, Source};

type CandleRow = (i64, i64, i64, i64, i64, i64, Option<i64>, u32, i64);
type PrintRow = (i64, i64, i64, i64, i8, Option<bool>, i64);

impl Serialize for Candle {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let row: CandleRow = (
            self.open_at.raw(),
            self.open.raw(),
            self.high.raw(),
            self.low.raw(),
            self.close.raw(),
            self.volume.raw(),
            self.vwap.map(Px::raw),
            self.trades,
            self.quality(),
        );
        row.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Candle {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let row = CandleRow::deserialize(from)?;
        let mut candle = Self {
            open_at: ExchNs::new(row.0),
            open: Px::new(row.1),
            high: Px::new(row.2),
            low: Px::new(row.3),
            close: Px::new(row.4),
            volume: Qty::new(row.5),
            vwap: row.6.map(Px::new),
            trades: row.7,
            source: Source::Csv,
            flags: BarFlags::default(),
        };
        candle.set_quality(row.8);
        Ok(candle)
    }
}

impl Serialize for Print {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (at, px, qty) = (self.at.raw(), self.px.raw(), self.qty.raw());
        let row: PrintRow =
            (at, px, qty, self.trade_id, self.side(), self.is_market, self.source as i64);
        row.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Print {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let row = PrintRow::deserialize(from)?;
        Ok(Self {
            at: ExchNs::new(row.0),
            px: Px::new(row.1),
            qty: Qty::new(row.2),
            trade_id: row.3,
            taker: Self::side_from(row.4.into()),
            is_market: row.5,
            source: Source::from_number(row.6),
        })
    }
}
