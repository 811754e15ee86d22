//! One-minute bars out of prints, oldest first.

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};

use crate::model::{Candle, Print, Source};

#[derive(Clone, Copy, Debug)]
struct Open {
    candle: Candle,
    turnover: i128,
}

/// The volume of one minute does not fit 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the volume of one minute does not fit 63 bits; no market trades so much")]
pub(crate) struct TooMuch;

/// Collects prints and gives a minute whenever one is over.
#[derive(Debug)]
pub(crate) struct Minutes {
    source: Source,
    open: Option<Open>,
    is_first: bool,
}

impl Minutes {
    /// Its first and its last minute may be parts only, and are marked so.
    pub(crate) const fn new(source: Source) -> Self {
        Self { source, open: None, is_first: true }
    }

    /// It begins at the start of a minute.
    pub(crate) const fn whole(source: Source) -> Self {
        Self { source, open: None, is_first: false }
    }

    /// Takes the next print; returns the minute that it ends.
    pub(crate) fn push(&mut self, print: &Print) -> Result<Option<Candle>, TooMuch> {
        let open_at = Timeframe::M1.floor(print.at);
        if let Some(open) = &mut self.open
            && open.candle.open_at == open_at
        {
            let bar = &mut open.candle;
            let volume = bar.volume.raw().checked_add(print.qty.raw()).ok_or(TooMuch)?;
            bar.high = bar.high.max(print.px);
            bar.low = bar.low.min(print.px);
            bar.close = print.px;
            bar.volume = Qty::new(volume);
            bar.trades = bar.trades.saturating_add(1);
            open.turnover += print.px.notional(print.qty).raw();
            return Ok(None);
        }
        let ended = self.finish();
        let is_incomplete = std::mem::take(&mut self.is_first);
        let candle = Candle {
            open_at,
            open: print.px,
            high: print.px,
            low: print.px,
            close: print.px,
            volume: print.qty,
            vwap: None,
            trades: 1,
            source: self.source,
            flags: BarFlags { is_carried: false, is_incomplete },
        };
        self.open = Some(Open { candle, turnover: print.px.notional(print.qty).raw() });
        Ok(ended)
    }

    /// The minute that is being put together; nothing more comes of it.
    pub(crate) fn finish(&mut self) -> Option<Candle> {
        let open = self.open.take()?;
        let volume = i128::from(open.candle.volume.raw());
        let vwap = match volume {
            0 => Some(open.candle.close),
            _ => i64::try_from((open.turnover + volume / 2).div_euclid(volume)).ok().map(Px::new),
        };
        Some(Candle { vwap, ..open.candle })
    }

    /// The same, where more of it may have followed.
    pub(crate) fn finish_partial(&mut self) -> Option<Candle> {
        let mut candle = self.finish()?;
        candle.flags.is_incomplete = true;
        Some(candle)
    }
}
