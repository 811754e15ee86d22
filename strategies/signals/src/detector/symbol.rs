//! The regime of one symbol.

use paperwire_core::bar::Timeframe;
use paperwire_core::board::{Board, Indicator};
use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::regime::{
    Confluence, Direction, RegimeState, SymbolRegime, Transition, VolatilityState,
};
use paperwire_core::time::ExchNs;

use super::DetectorConfig;
use super::label::Label;
use super::score::score;
use super::votes::{AGREED, Votes};
use crate::regime::RegimeBands;

/// What agreement of the timeframes multiplies confidence with.
const AGREED_CONFIDENCE: f64 = 1.2;
/// Share of the timeframes that must be known before their agreement counts: one of the two longest.
const COVERAGE_MIN: f64 = 0.5;

#[derive(Debug)]
pub(super) struct SymbolDetector {
    scores: FixedRing<f64>,
    label: Label,
    bands: RegimeBands,
    votes: Votes,
    last_at: Option<ExchNs>,
    regime: Option<SymbolRegime>,
}

impl SymbolDetector {
    pub(super) fn new(config: &DetectorConfig) -> Self {
        Self {
            scores: FixedRing::new(config.smoothing),
            label: Label::new(),
            bands: RegimeBands::new(config.volatility),
            votes: Votes::default(),
            last_at: None,
            regime: None,
        }
    }

    pub(super) fn vote(&mut self, timeframe: Timeframe, close: f64, board: &Board) {
        self.votes.cast(timeframe, close, board);
    }

    /// The newest regime.
    pub(super) const fn regime(&self) -> Option<&SymbolRegime> {
        self.regime.as_ref()
    }

    pub(super) const fn transitions(&self) -> &FixedRing<Transition> {
        self.label.transitions()
    }

    /// Takes the board of a minute that ended at `at`; one that is not later than the last is ignored.
    pub(super) fn on_minute(
        &mut self,
        at: ExchNs,
        board: &Board,
        fear_greed: Option<u8>,
        config: &DetectorConfig,
    ) -> Option<(SymbolRegime, Option<Transition>)> {
        if self.last_at.is_some_and(|last| at <= last) {
            return None;
        }
        self.last_at = Some(at);
        // Learns what is usual here from the first range on, long before anything is said.
        if let Ok(range) = board.get(Indicator::AtrPct14) {
            self.bands.push(range);
        }
        let score = score(board, &config.weights, fear_greed).ok()?;
        self.scores.push(score.composite);
        let composite = self.smoothed(score.composite);
        let raw = config.classify(score.composite);
        let named = config.classify(composite);
        let (label, since, transition) = self.label.read(named, composite, at, config);
        let confluence = self.votes.count();
        let state = RegimeState {
            label,
            raw,
            composite,
            confidence: confidence(composite, confluence),
            volatility: self.volatility(score.atr_pct),
            since,
            at,
            changes_1h: self.label.changes_1h(at),
        };
        let regime = SymbolRegime {
            state,
            scores: score.parts,
            adx: score.adx,
            atr_pct: score.atr_pct,
            confluence,
        };
        self.regime = Some(regime);
        Some((regime, transition))
    }

    /// The mean of the newest scores; the newest alone until there are enough.
    fn smoothed(&self, newest: f64) -> f64 {
        if self.scores.len() < self.scores.capacity() {
            return newest;
        }
        self.scores.iter().sum::<f64>() / self.scores.len() as f64
    }

    fn volatility(&self, atr_pct: f64) -> VolatilityState {
        // Without a single move there is no history to compare with, and nothing quieter.
        let unknown = if atr_pct > 0.0 { VolatilityState::Medium } else { VolatilityState::Low };
        self.bands.regime().unwrap_or(unknown)
    }
}

fn confidence(composite: f64, confluence: Option<Confluence>) -> f64 {
    let alone = (2.0 * composite.abs()).min(1.0);
    let is_agreed = |of: &Confluence| {
        let direction = of.dominant.direction();
        let agrees = (direction == Direction::Up && composite > 0.0)
            || (direction == Direction::Down && composite < 0.0);
        agrees && of.alignment > AGREED && of.coverage >= COVERAGE_MIN
    };
    match confluence.filter(is_agreed) {
        Some(_) => (alone * AGREED_CONFIDENCE).min(1.0),
        None => alone,
    }
}
