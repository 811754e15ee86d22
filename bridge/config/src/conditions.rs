//! Under which assumptions the money of a run was made: named wherever it is shown, because a result
//! without them says nothing.

use std::fmt;

use paperwire_core::num::Money;
use serde_json::{Value, json};

use crate::Config;

/// The assumptions of a run.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// What the built-in market is, in a few words; `None` where the market is a real one.
    pub market: Option<String>,
    /// Fill model that strategies live in.
    pub fill_model: String,
    /// Whether own fills eat displayed liquidity.
    pub has_overlay: bool,
    /// The fee schedule's name.
    pub fees: String,
    /// The latency model's name.
    pub latency: String,
    /// Largest sum of longs as a multiple of equity.
    pub long_leverage: Money,
    /// Largest sum of shorts as a multiple of equity.
    pub short_leverage: Money,
    /// Currency of every account.
    pub numeraire: String,
}

impl Conditions {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let (venue, margin) = (&config.venue, &config.account.margin);
        Self {
            market: config.made_up_market(),
            fill_model: venue.fill_model.clone(),
            has_overlay: venue.has_overlay,
            fees: venue.fees.build().name().to_owned(),
            latency: venue.latency.build().name().to_owned(),
            long_leverage: margin.long_leverage,
            short_leverage: margin.short_leverage,
            numeraire: config.session.numeraire.clone(),
        }
    }

    /// For people, in lines of at most `width` where its parts allow it.
    pub fn lines(&self, width: usize) -> String {
        let mut lines: Vec<String> = Vec::new();
        for part in self.to_string().split("; ") {
            match lines.last_mut() {
                Some(line) if line.len() + part.len() + 2 <= width => {
                    line.push_str("; ");
                    line.push_str(part);
                }
                _ => lines.push(part.to_owned()),
            }
        }
        lines.join(";\n")
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({
            "market": self.market,
            "fill_model": self.fill_model,
            "overlay": self.has_overlay,
            "fees": self.fees,
            "latency": self.latency,
            "long_leverage": short(self.long_leverage),
            "short_leverage": short(self.short_leverage),
            "numeraire": self.numeraire,
        })
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let overlay = if self.has_overlay { "on" } else { "off" };
        if let Some(market) = &self.market {
            write!(f, "{market}; ")?;
        }
        write!(
            f,
            "fills {}, overlay {overlay}; fees {}; latency {}; leverage {} long, {} short",
            self.fill_model,
            self.fees,
            self.latency,
            short(self.long_leverage),
            short(self.short_leverage),
        )
    }
}

/// A decimal of the configuration without trailing zeros.
fn short(value: Money) -> String {
    let padded = format!("{value:.9}");
    padded.trim_end_matches('0').trim_end_matches('.').to_owned()
}
