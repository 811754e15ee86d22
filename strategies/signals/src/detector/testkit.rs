//! A market of made-up bars with boards, and the detector on top of it.

use paperwire_core::bar::{Bar, BarFlags, BarRules, BarSet, Timeframe};
use paperwire_core::board::{Board, Indicator};
use paperwire_core::event::{MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId, SymbolName, TradingStatus};
use paperwire_core::market::MarketState;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::regime::Sentiment;
use paperwire_core::time::ExchNs;

use super::{Detector, DetectorConfig, Update};
use crate::adx::Adx;
use crate::atr::{Atr, true_range};
use crate::average::Ema;
use crate::volume::VolumeRatio;

/// None: prices are whole numbers, which floats hold exactly. Of two moves that are equal in decimals one
/// would else be the longer by its rounding, and a market upside down would not be one.
const DECIMALS: u8 = 0;
/// The price that mirrored prices are mirrored at.
pub(super) const CENTRE: i64 = 100_000;

/// The indicators that the detector reads, by the plainest way.
struct Maker {
    adx: Adx,
    atr: Atr,
    gain: Ema,
    loss: Ema,
    exponential: [Ema; 2],
    volume: VolumeRatio,
    /// High, low, close.
    bars: Vec<[f64; 3]>,
}

impl Maker {
    fn new(board: &mut Board) -> Self {
        use Indicator::{Adx14, AtrPct14, Choppiness14, Ema9, Ema21, MaAlignment, MinusDi14};
        use Indicator::{PlusDi14, Rsi14, Sma20, Sma50, Sma200, VolumeRatio20};
        for (of, need) in [
            (Adx14, 28),
            (PlusDi14, 15),
            (MinusDi14, 15),
            (AtrPct14, 15),
            (Choppiness14, 15),
            (Rsi14, 15),
            (Sma20, 20),
            (Sma50, 50),
            (Sma200, 200),
            (MaAlignment, 200),
            (Ema9, 9),
            (Ema21, 21),
            (VolumeRatio20, 21),
        ] {
            board.set_need(of, need);
        }
        Self {
            adx: Adx::new(14),
            atr: Atr::new(14),
            gain: Ema::wilder(14),
            loss: Ema::wilder(14),
            exponential: [9, 21].map(Ema::new),
            volume: VolumeRatio::new(20),
            bars: Vec::new(),
        }
    }

    fn push(&mut self, bar: &Bar, of: &Instrument, board: &mut Board) {
        let [high, low, close] = [bar.high, bar.low, bar.close].map(|px| of.px_f64(px));
        let previous = self.bars.last().map(|bar| bar[2]);
        self.bars.push([high, low, close]);
        board.next_bar();
        board.set(Indicator::Adx14, self.adx.push(high, low, close));
        board.set(Indicator::PlusDi14, self.adx.directions().map(|of| of.0));
        board.set(Indicator::MinusDi14, self.adx.directions().map(|of| of.1));
        board.set(Indicator::AtrPct14, self.atr.push(high, low, close).map(|x| 100.0 * x / close));
        board.set(Indicator::Choppiness14, self.choppiness());
        if let Some(previous) = previous {
            let change = close - previous;
            let moved = self.gain.push(change.max(0.0)).zip(self.loss.push((-change).max(0.0)));
            board.set(Indicator::Rsi14, moved.map(|(up, down)| 100.0 * up / (up + down)));
        }
        let [s20, s50, s200] = [20, 50, 200].map(|period| self.mean(period));
        board.set(Indicator::Sma20, s20);
        board.set(Indicator::Sma50, s50);
        board.set(Indicator::Sma200, s200);
        if let (Some(s20), Some(s50), Some(s200)) = (s20, s50, s200) {
            let pairs = [(close, s20), (s20, s50), (s50, s200)];
            let up = pairs.iter().filter(|(a, b)| a > b).count() as f64;
            let down = pairs.iter().filter(|(a, b)| a < b).count() as f64;
            board.set(Indicator::MaAlignment, Some((up - down) / 3.0));
        }
        board.set(Indicator::Ema9, self.exponential[0].push(close));
        board.set(Indicator::Ema21, self.exponential[1].push(close));
        board.set(Indicator::VolumeRatio20, self.volume.push(bar.volume));
    }

    /// Of the newest closes.
    fn mean(&self, period: usize) -> Option<f64> {
        let from = self.bars.len().checked_sub(period)?;
        Some(self.bars[from..].iter().map(|bar| bar[2]).sum::<f64>() / period as f64)
    }

    /// `100 log10(sum of true ranges / (highest - lowest)) / log10(14)`.
    fn choppiness(&self) -> Option<f64> {
        let from = self.bars.len().checked_sub(14).filter(|from| *from > 0)?;
        let window = &self.bars[from..];
        let ranges = (from..self.bars.len())
            .map(|at| true_range(self.bars[at][0], self.bars[at][1], self.bars[at - 1][2]));
        let high = window.iter().map(|bar| bar[0]).fold(f64::MIN, f64::max);
        let low = window.iter().map(|bar| bar[1]).fold(f64::MAX, f64::min);
        Some(100.0 * (ranges.sum::<f64>() / (high - low)).log10() / 14f64.log10())
    }
}

/// Everything of a run that the detector needs.
pub(super) struct Desk {
    market: MarketState,
    pub(super) detector: Detector,
    symbols: Vec<(BarSet, Vec<Maker>, i64, i64)>,
}

impl Desk {
    pub(super) fn new(symbols: usize, config: DetectorConfig) -> Self {
        let usd = AssetName::from("USD").unwrap();
        let instruments: Vec<Instrument> = (0..symbols)
            .map(|index| Instrument {
                name: SymbolName::from(&format!("C{index}/USD")).unwrap(),
                base: AssetName::from(&format!("C{index}")).unwrap(),
                quote: usd,
                price_precision: DECIMALS,
                qty_precision: 0,
                price_increment: Px::new(1),
                qty_increment: Qty::new(1),
                qty_min: Qty::new(1),
                cost_min: Money::ZERO,
                status: TradingStatus::Online,
            })
            .collect();
        let mut market = MarketState::new(&instruments, 10, BarRules::default(), &usd);
        let ids = (0u16..).map(SymbolId).take(symbols);
        let symbols = ids.map(|id| {
            let makers = Timeframe::ALL.map(|of| Maker::new(market.board_mut(id, of)));
            (BarSet::new(BarRules::default()), makers.into(), CENTRE, 0)
        });
        let symbols: Vec<_> = symbols.collect();
        let detector = Detector::new(config, symbols.len()).unwrap();
        Self { market, detector, symbols }
    }

    pub(super) fn tell(&mut self, sentiment: Sentiment) {
        let kind = MarketKind::Sentiment(sentiment);
        let (seq, exch, stamps) = (Seq(0), ExchNs::new(0), Stamps::default());
        let event = MarketEvent { seq, exch, stamps, symbol: None, kind };
        self.market.apply(&event, &mut |_, _| ());
    }

    /// The next minute of a symbol: it moves by so much, and reaches `reach` beyond.
    pub(super) fn minute(&mut self, symbol: u16, step: i64, reach: i64) -> Option<Update> {
        let id = SymbolId(symbol);
        let (bars, makers, price, minute) = &mut self.symbols[id.index()];
        let open = *price;
        *price += step;
        *minute += 1;
        let bar = Bar {
            open_at: ExchNs::new((*minute - 1) * 60_000_000_000),
            open: Px::new(open),
            high: Px::new(open.max(*price) + reach),
            low: Px::new(open.min(*price) - reach),
            close: Px::new(*price),
            vwap: Px::new(*price),
            volume: Qty::new(100),
            trades: 1,
            flags: BarFlags::default(),
        };
        let mut closed = Vec::new();
        bars.push_history((Timeframe::M1, bar), &mut |bar| closed.push(bar));
        let mut last = None;
        for (timeframe, bar) in closed {
            let of = *self.market.view().symbol(id).instrument();
            let board = self.market.board_mut(id, timeframe);
            makers[timeframe as usize].push(&bar, &of, board);
            let update = self.detector.on_bar(id, timeframe, &bar, &self.market.view());
            last = last.or(update);
        }
        if let Some(update) = last {
            self.market.set_regime(id, update.symbol);
        }
        last
    }

    /// Skips time without a bar.
    pub(super) fn pass(&mut self, symbol: u16, minutes: i64) {
        self.symbols[usize::from(symbol)].3 += minutes;
    }
}
