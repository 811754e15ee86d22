//! How the parameters of strategies cut volatility into regimes.

use paperwire_signals::regime::{ADAPTIVE_CUTS, RegimeMonitor, RegimeRule};
use serde::{Deserialize, Serialize};

/// How volatility is cut into regimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegimeMode {
    /// Against the pair's own history.
    Adaptive,
    /// At `regime_cuts_pct`.
    Fixed,
}

impl RegimeMode {
    /// Tells the regimes of a pair; only the fixed mode asks for `cuts`.
    pub(crate) fn monitor(self, cuts: [f64; 3]) -> RegimeMonitor {
        monitor((self == Self::Fixed).then_some(cuts))
    }
}

/// The same where cuts that are not set mean the pair's own history.
pub(crate) fn monitor(cuts: Option<[f64; 3]>) -> RegimeMonitor {
    RegimeMonitor::new(cuts.map_or(RegimeRule::Adaptive(ADAPTIVE_CUTS), RegimeRule::Fixed))
}
