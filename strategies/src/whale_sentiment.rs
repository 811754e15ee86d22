//! Buys fear and sells greed when volume far beyond the usual shows that somebody large does the same.
//!
//! Fear is a price far below the highest of four hours, greed one far above the lowest (De Bondt & Thaler
//! 1985 on overreaction). The bar that just closed must have a multiple of a day's mean volume and have
//! moved the right way (Llorente et al. 2002 on volume and reversal), and the newest takers must have turned
//! against the fall or the rise. Stop and target, wider in a lively market, are the engine's; the opposite
//! mood closes a position as well.
//!
//! Everything advances with closed bars. Other events only repeat an exit that could not be done. How long
//! an extreme has lasted is learnt again from the bars of history at each start.

mod entry;
mod exit;
mod params;
mod reading;

use paperwire_core::account::{AccountView, Fill};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::Instrument;
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{Event, Signals, StartContext, Strategy, StrategyDef};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::regime::RegimeMonitor;
use paperwire_signals::session::SessionClock;

use crate::Validate;
use crate::aligned::AlignedPair;
use crate::desks;
use crate::exit::Exit;
use crate::gate::{self, Gate};
use params::Table;
pub use params::{Params, RegimeMode, SymbolParams};
use reading::{BAR, Bars};

/// Returns over which the correlation of the two money pairs is taken.
const CORRELATION_BARS: usize = 20;

/// The strategy.
#[derive(Debug)]
pub struct WhaleSentiment {
    params: Params,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    /// `None` unless both money pairs are traded.
    pair: Option<AlignedPair>,
    session: SessionClock,
    gate: Gate,
}

/// State of one pair.
#[derive(Debug)]
struct Desk {
    instrument: Instrument,
    table: Table,
    bars: Bars,
    regime: RegimeMonitor,
    /// No entry before this instant.
    next_ok_at: ExchNs,
    /// The wait that the newest entry set.
    cooldown: DurationNs,
    exit: Exit,
    /// Net result of the parts closed so far of the open position.
    closed_net: Money,
}

impl StrategyDef for WhaleSentiment {
    const NAME: &'static str = "whale_sentiment";
    const VERSION: &'static str = "1.0.0";
    /// The cross pair has defaults too, for who names it.
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD"];
    const WARMUP: &'static [(Timeframe, u16)] =
        &[(BAR, 310), (Timeframe::M1, RegimeMonitor::CLOSES_ADAPTIVE)];
    type Params = Params;

    fn new(params: Params) -> Self {
        Self {
            desks: Vec::new(),
            pair: None,
            session: SessionClock::new(params.session_hours),
            gate: gate::of_params!(params),
            params,
        }
    }
}

impl Strategy for WhaleSentiment {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.gate.start(ctx);
        self.pair = AlignedPair::of(ctx, BAR, CORRELATION_BARS);
        self.desks = desks::of(ctx, |_, of| Desk::new(of, &self.params));
    }

    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        match *event {
            Event::Book { symbol } | Event::Trade { symbol, .. } => {
                self.leave(symbol, market, account, out);
            }
            Event::Bar { symbol, timeframe: Timeframe::M1, bar, .. } => {
                if let Some(desk) = &mut self.desks[symbol.index()] {
                    desk.regime.push(desk.instrument.px_f64(bar.close));
                }
            }
            Event::Bar { symbol, timeframe: BAR, bar, is_history } => {
                if let Some(pair) = &mut self.pair {
                    pair.on_bar(symbol, BAR, bar, market);
                }
                let Some(desk) = &mut self.desks[symbol.index()] else {
                    return;
                };
                let reading = desk.bars.push(bar, &desk.instrument, &desk.table);
                if is_history {
                    return;
                }
                if let Some(reading) = &reading {
                    self.judge(symbol, reading, market, account);
                }
                if self.leave(symbol, market, account, out) {
                    return;
                }
                match self.entry(symbol, reading.as_ref(), market, account) {
                    Ok(signal) => out.push(signal),
                    Err(why) => out.skip(why),
                }
            }
            Event::Bar { .. } => {}
            Event::Timer => {
                for (symbol, _) in market.symbols() {
                    self.leave(symbol, market, account, out);
                }
            }
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        let Some(desk) = &mut self.desks[fill.symbol.index()] else {
            return;
        };
        desk.next_ok_at = desk.next_ok_at.max(fill.at.plus(desk.cooldown));
        if desks::opened(fill).is_none()
            && desks::on_closing(fill, &mut desk.closed_net, &mut self.gate.breaker)
        {
            desk.exit = Exit::default();
        }
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl Desk {
    fn new(instrument: &Instrument, params: &Params) -> Self {
        Self {
            instrument: *instrument,
            table: params.table(instrument),
            bars: Bars::new(),
            regime: params.regime.monitor(params.regime_cuts_pct),
            next_ok_at: ExchNs::default(),
            cooldown: DurationNs::default(),
            exit: Exit::default(),
            closed_net: Money::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
