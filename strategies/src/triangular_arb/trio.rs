//! Three pairs that make a circle: an alt and a coin against the same money, and against each other.

use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::MarketView;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use super::TRIOS_MAX;
use super::depth::Leg;
use super::measure::Measure;

/// Which way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cycle {
    /// Money, coin, alt, money.
    CoinFirst,
    /// Money, alt, coin, money.
    AltFirst,
}

impl Cycle {
    pub(super) const ALL: [Self; 2] = [Self::CoinFirst, Self::AltFirst];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::CoinFirst => "coin_first",
            Self::AltFirst => "alt_first",
        }
    }
}

/// Three pairs with what is known of them.
#[derive(Debug)]
pub(super) struct Trio {
    /// Alt against money.
    pub(super) alt: SymbolId,
    /// Coin against money.
    pub(super) coin: SymbolId,
    /// Alt against coin.
    pub(super) cross: SymbolId,
    /// Net of both cycles at the touch, as fractions; `None` while a book is not fit.
    pub(super) nets: Option<[f64; 2]>,
    pub(super) measure: Measure,
    /// Evaluations in a row that found this cycle good.
    pub(super) streak: Option<(Cycle, u32)>,
    /// No basket before this instant.
    pub(super) next_ok_at: ExchNs,
}

impl Trio {
    fn new(alt: SymbolId, coin: SymbolId, cross: SymbolId) -> Self {
        let (nets, streak) = (None, None);
        let (measure, next_ok_at) = (Measure::default(), ExchNs::default());
        Self { alt, coin, cross, nets, measure, streak, next_ok_at }
    }

    pub(super) fn has(&self, symbol: SymbolId) -> bool {
        self.symbols().contains(&symbol)
    }

    pub(super) const fn symbols(&self) -> [SymbolId; 3] {
        [self.alt, self.coin, self.cross]
    }

    /// The legs of a cycle in order.
    pub(super) fn legs(&self, cycle: Cycle) -> [Leg; 3] {
        let leg = |symbol, side| Leg { symbol, side };
        match cycle {
            Cycle::CoinFirst => [
                leg(self.coin, OrderSide::Buy),
                leg(self.cross, OrderSide::Buy),
                leg(self.alt, OrderSide::Sell),
            ],
            Cycle::AltFirst => [
                leg(self.alt, OrderSide::Buy),
                leg(self.cross, OrderSide::Sell),
                leg(self.coin, OrderSide::Sell),
            ],
        }
    }

    /// What fees leave of a unit that goes round.
    pub(super) fn kept(&self, fees: &[f64]) -> f64 {
        self.symbols().iter().map(|symbol| 1.0 - fees[symbol.index()]).product()
    }

    /// Looks at the three touches.
    pub(super) fn look(&mut self, market: &MarketView<'_>, fees: &[f64], age_max: DurationNs) {
        self.nets = self.measure_nets(market, fees, age_max);
        self.measure.take(self.nets, market.now());
    }

    fn measure_nets(
        &self,
        market: &MarketView<'_>,
        fees: &[f64],
        age_max: DurationNs,
    ) -> Option<[f64; 2]> {
        let touch = |id: SymbolId| {
            let state = market.symbol(id);
            let bbo = state.bbo()?;
            let is_fresh = market.book_age(id).is_some_and(|age| age <= age_max);
            let is_fit = bbo.bid.px < bbo.ask.px && is_fresh;
            let of = state.instrument();
            is_fit.then(|| (of.px_f64(bbo.bid.px), of.px_f64(bbo.ask.px)))
        };
        let ((alt_bid, alt_ask), (coin_bid, coin_ask), (cross_bid, cross_ask)) =
            (touch(self.alt)?, touch(self.coin)?, touch(self.cross)?);
        let kept = self.kept(fees);
        let nets = [
            alt_bid / (coin_ask * cross_ask) * kept - 1.0,
            cross_bid * coin_bid / alt_ask * kept - 1.0,
        ];
        nets.iter().all(|net| net.is_finite()).then_some(nets)
    }
}

/// The trios of a strategy's symbols: those named, or all there are.
pub(super) fn find(
    names: &[[String; 3]],
    instruments: &[Instrument],
    symbols: &[SymbolId],
) -> Vec<Trio> {
    let of = |id: &SymbolId| &instruments[id.index()];
    let mut trios = Vec::with_capacity(TRIOS_MAX);
    for cross in symbols {
        let (base, quote) = (of(cross).base, of(cross).quote);
        for alt in symbols.iter().filter(|id| *id != cross && of(id).base == base) {
            let is_coin = |id: &&SymbolId| of(id).base == quote && of(id).quote == of(alt).quote;
            let Some(coin) = symbols.iter().find(is_coin) else {
                continue;
            };
            let have = [alt, coin, cross].map(|id| of(id).name);
            let is_named = |names: &[String; 3]| names.iter().zip(&have).all(|(a, b)| a == &**b);
            if trios.len() < TRIOS_MAX && (names.is_empty() || names.iter().any(is_named)) {
                trios.push(Trio::new(*alt, *coin, *cross));
            }
        }
    }
    trios
}
