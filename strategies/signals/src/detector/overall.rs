//! The regime of all symbols: one reading a minute, when the last of them has told about it.

use paperwire_core::instrument::SymbolId;
use paperwire_core::regime::{MarketRegime, RegimeState, Transition, VolatilityState};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::ExchNs;

use super::label::Label;
use super::symbol::SymbolDetector;
use super::{DetectorConfig, is_recent};

#[derive(Debug)]
pub(super) struct Overall {
    label: Label,
    /// End of the minute that symbols tell about.
    minute: Option<ExchNs>,
    /// Symbols that have.
    told: SymbolSet,
    is_settled: bool,
}

type Settled = (Option<MarketRegime>, Option<Transition>);

impl Overall {
    pub(super) fn new() -> Self {
        Self { label: Label::new(), minute: None, told: SymbolSet::EMPTY, is_settled: true }
    }

    /// A symbol has told about the minute that ended at `at`. One that still works off its history,
    /// while others are further, is not waited for.
    pub(super) fn on_minute(
        &mut self,
        symbol: SymbolId,
        at: ExchNs,
        symbols: &[SymbolDetector],
        config: &DetectorConfig,
    ) -> Settled {
        if self.minute.is_some_and(|minute| at < minute) {
            return (None, None);
        }
        let mut before = (None, None);
        if self.minute != Some(at) {
            // The minute before ends without those that did not tell.
            if let Some(minute) = self.minute.filter(|_| !self.is_settled) {
                before = self.settle(minute, symbols, config);
            }
            (self.minute, self.told, self.is_settled) = (Some(at), SymbolSet::EMPTY, false);
        }
        self.told.insert(symbol);
        let everyone: SymbolSet = readings(at, symbols).map(|(symbol, _)| symbol).collect();
        if self.is_settled || !(everyone - self.told).is_empty() {
            return before;
        }
        let (regime, transition) = self.settle(at, symbols, config);
        (regime, transition.or(before.1))
    }

    fn settle(
        &mut self,
        at: ExchNs,
        symbols: &[SymbolDetector],
        config: &DetectorConfig,
    ) -> Settled {
        self.is_settled = true;
        let (mut composite, mut confidence, mut count) = (0.0, 0.0, 0u16);
        let mut volatility = VolatilityState::Low;
        for (_, of) in readings(at, symbols) {
            composite += of.composite;
            confidence += of.confidence;
            volatility = volatility.max(of.volatility);
            count += 1;
        }
        if count == 0 {
            return (None, None);
        }
        composite /= f64::from(count);
        confidence /= f64::from(count);
        let raw = config.classify(composite);
        let (label, since, transition) = self.label.read(raw, composite, at, config);
        let state = RegimeState {
            label,
            raw,
            composite,
            confidence,
            volatility,
            since,
            at,
            changes_1h: self.label.changes_1h(at),
        };
        (Some(MarketRegime { state, symbols: count }), transition)
    }
}

/// What symbols told last, with their ids; those that fell silent are left out.
fn readings(
    now: ExchNs,
    symbols: &[SymbolDetector],
) -> impl Iterator<Item = (SymbolId, &RegimeState)> {
    let told = (0u16..).zip(symbols);
    told.filter_map(|(index, of)| Some((SymbolId(index), &of.regime()?.state)))
        .filter(move |(_, state)| is_recent(state.at, now))
}
