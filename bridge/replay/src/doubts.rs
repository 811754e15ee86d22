//! What a replay did not believe of its frames, or believed against what was known, for its notes.

use paperwire_feed::market::{MarketFeed, NumberJump, Step};
use paperwire_feed::wire::hot::Refused;

/// The first of each kind, and how many there were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doubts {
    refused: Option<Refused>,
    step: Option<(Step, u64)>,
    jump: Option<(NumberJump, u64)>,
}

impl Doubts {
    /// Takes what the last frame left; allocates nothing.
    pub(super) fn note(&mut self, feed: &mut MarketFeed) {
        if let Some(refused) = feed.take_refused() {
            let first = self.refused.map_or(Refused { count: 0, ..refused }, |first| first);
            self.refused = Some(Refused { count: first.count + refused.count, ..first });
        }
        if let Some(step) = feed.take_step() {
            self.step = Some(self.step.map_or((step, 1), |(first, count)| (first, count + 1)));
        }
        if let Some(jump) = feed.take_number_jump() {
            self.jump = Some(self.jump.map_or((jump, 1), |(first, count)| (first, count + 1)));
        }
    }

    /// In words.
    pub(super) fn notes(&self, feed: &MarketFeed) -> Vec<String> {
        let name = |symbol: paperwire_core::instrument::SymbolId| {
            feed.instruments()[symbol.index()].name.to_string()
        };
        let refused = self.refused.map(|Refused { symbol, why, count }| {
            let why = why.as_str();
            format!(
                "{count} values were refused and reached nothing, first {}: {why}",
                name(symbol)
            )
        });
        let step = self.step.map(|(Step { from, to }, count)| {
            format!("the venue's clock was set {count} times, first from {from} to {to}")
        });
        let jump = self.jump.map(|(NumberJump { symbol, from, to }, count)| {
            let symbol = name(symbol);
            format!(
                "trade numbers jumped {count} times, first those of {symbol} from {from} to {to}"
            )
        });
        [refused, step, jump].into_iter().flatten().collect()
    }
}
