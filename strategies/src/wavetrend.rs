//! Buys when two waves of the price cross upwards out of exhaustion, and sells short when they cross downwards out of elation.
//!
//! `WaveTrend` (LazyBear's port of a channel index, scaled as by Lambert 1980): a fast wave and its mean of
//! four bars. A crossing in an oversold or overbought zone, at this bar or the one before, is an entry when
//! the signs add up and the takers do not lean against it. Stop and target are the engine's; the opposite
//! crossing and the extreme opposite zone close a position as well.
//!
//! Waves, zones and crossings advance once per closed bar, so a crossing is looked at once. Other events
//! only repeat an exit that could not be done. Bars of history teach and never signal.

mod entry;
mod exit;
mod params;

use paperwire_core::account::{AccountView, Fill};
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::Instrument;
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{Event, Signals, StartContext, Strategy, StrategyDef};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::macd::Cross;
use paperwire_signals::session::SessionClock;
use paperwire_signals::wavetrend::{Divergence, WaveTrend};

use crate::Validate;
use crate::aligned::AlignedPair;
use crate::desks;
use crate::exit::Exit;
use crate::gate::{self, Gate};
use params::Table;
pub use params::{BarLength, Params, SymbolParams};

/// Returns over which the correlation of the two money pairs is taken.
const CORRELATION_BARS: usize = 20;

/// The strategy.
#[derive(Debug)]
pub struct Wavetrend {
    params: Params,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    /// `None` unless both money pairs are traded.
    pair: Option<AlignedPair>,
    session: SessionClock,
    gate: Gate,
}

/// Where the fast wave is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Zone {
    ExtremeOversold,
    Oversold,
    #[default]
    Neutral,
    Overbought,
    ExtremeOverbought,
}

impl Zone {
    fn of(wave: f64, table: &Table) -> Self {
        if wave >= table.extreme_zone {
            Self::ExtremeOverbought
        } else if wave >= table.zone {
            Self::Overbought
        } else if wave <= -table.extreme_zone {
            Self::ExtremeOversold
        } else if wave <= -table.zone {
            Self::Oversold
        } else {
            Self::Neutral
        }
    }
}

/// What a closed bar means.
#[derive(Clone, Copy, Debug)]
struct Reading {
    fast: f64,
    slow: f64,
    cross: Option<Cross>,
    zone: Zone,
    /// At the bar before.
    zone_before: Zone,
    divergence: Option<Divergence>,
}

/// State of one pair.
#[derive(Debug)]
struct Desk {
    instrument: Instrument,
    table: Table,
    waves: WaveTrend,
    /// At the newest bar.
    zone: Option<Zone>,
    /// No entry before this instant.
    next_ok_at: ExchNs,
    exit: Exit,
    /// Net result of the parts closed so far of the open position.
    closed_net: Money,
}

impl StrategyDef for Wavetrend {
    const NAME: &'static str = "wavetrend";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    /// Of the default bar; longer ones are waited for by the indicator itself.
    const WARMUP: &'static [(Timeframe, u16)] = &[(Timeframe::M5, 50)];
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

impl Strategy for Wavetrend {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.gate.start(ctx);
        self.pair = AlignedPair::of(ctx, self.params.bar.timeframe(), CORRELATION_BARS);
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
            Event::Bar { symbol, timeframe, bar, is_history } => {
                if timeframe != self.params.bar.timeframe() {
                    return;
                }
                if let Some(pair) = &mut self.pair {
                    pair.on_bar(symbol, timeframe, bar, market);
                }
                let Some(desk) = &mut self.desks[symbol.index()] else {
                    return;
                };
                let reading = desk.push(bar);
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
        desk.cool_from(fill.at);
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
            waves: WaveTrend::default(),
            zone: None,
            next_ok_at: ExchNs::default(),
            exit: Exit::default(),
            closed_net: Money::ZERO,
        }
    }

    /// Takes a closed bar in; `None` until the waves and a zone before them are known.
    fn push(&mut self, bar: &Bar) -> Option<Reading> {
        let price = |px| self.instrument.px_f64(px);
        let (fast, slow) = self.waves.push(price(bar.high), price(bar.low), price(bar.close))?;
        let zone = Zone::of(fast, &self.table);
        let zone_before = self.zone.replace(zone)?;
        let divergence = self.waves.divergence(-self.table.zone, self.table.zone);
        Some(Reading { fast, slow, cross: self.waves.cross(), zone, zone_before, divergence })
    }

    /// No entry for a while.
    fn cool_from(&mut self, at: ExchNs) {
        let until = at.plus(DurationNs::from_secs(self.table.cooldown_s));
        self.next_ok_at = self.next_ok_at.max(until);
    }
}

#[cfg(test)]
mod tests;
