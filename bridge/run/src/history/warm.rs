//! Bars of the store for the warm-up of a run.

use paperwire_config::Config;
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::instrument::Instrument;
use paperwire_history::model::Scale;
use paperwire_history::provider;
use paperwire_history::store::Store;

use super::stored_name;

/// No series of the engine is longer.
const BARS_MAX: usize = 500;

/// Reads the newest bars of a pair at its precision. Nothing comes of a store that is off, away or new, nor of
/// the built-in exchange's, which makes up another past at each start.
pub fn reader(config: &Config) -> impl FnMut(&Instrument, Timeframe) -> Vec<Bar> {
    let source = config.source_name();
    let is_used = config.history.enabled && source != "exchange";
    let mut store = if is_used { super::open(config, None).ok() } else { None };
    move |of, timeframe| {
        let Some(store) = &mut store else {
            return Vec::new();
        };
        let name = stored_name(&source, &of.name);
        read(&mut **store, &name, timeframe, Scale::of(of)).unwrap_or_default()
    }
}

fn read(store: &mut dyn Store, name: &str, timeframe: Timeframe, scale: Scale) -> Option<Vec<Bar>> {
    provider::latest(store, name, timeframe, BARS_MAX).ok()?.bars(scale)
}
