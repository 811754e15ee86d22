//! `[risk]` and `[strategy.NAME.risk]`: limits of every strategy, of one, and of all together.

use paperwire_core::num::Money;
use paperwire_core::time::DurationNs;
use paperwire_exec::risk::{GlobalLimits, RiskLimits};
use serde::Deserialize;
use toml::Value;

use super::ConfigError;
use super::value::{amount, money, narrow, range, wrong};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RiskSection {
    position_max: Value,
    exposure_max: Value,
    orders_per_min: u64,
    loss_max: Value,
    drawdown_max: Value,
    losses_in_row: u64,
    cooldown_s: u64,
    global_exposure_max: Value,
    global_loss_max: Value,
    flatten_on_halt: bool,
}

/// Keys of `[strategy.NAME.risk]`: those that are given replace the ones of `[risk]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "documented in config/default.toml, under [risk]")]
pub struct RiskOverrides {
    pub position_max: Option<Value>,
    pub exposure_max: Option<Value>,
    pub orders_per_min: Option<u64>,
    pub loss_max: Option<Value>,
    pub drawdown_max: Option<Value>,
    pub losses_in_row: Option<u64>,
    pub cooldown_s: Option<u64>,
}

/// The limits of a run.
#[derive(Clone, Copy, Debug)]
pub struct RiskConfig {
    /// Of every strategy that has none of its own.
    pub limits: RiskLimits,
    /// Of all strategies together.
    pub global: GlobalLimits,
    /// Whether a halt also closes positions.
    pub flatten_on_halt: bool,
}

impl RiskSection {
    pub(super) fn check(&self) -> Result<RiskConfig, ConfigError> {
        let all = RiskOverrides {
            position_max: Some(self.position_max.clone()),
            exposure_max: Some(self.exposure_max.clone()),
            orders_per_min: Some(self.orders_per_min),
            loss_max: Some(self.loss_max.clone()),
            drawdown_max: Some(self.drawdown_max.clone()),
            losses_in_row: Some(self.losses_in_row),
            cooldown_s: Some(self.cooldown_s),
        };
        Ok(RiskConfig {
            limits: all.over(RiskLimits::default(), "risk")?,
            global: GlobalLimits {
                exposure_max: amount("risk.global_exposure_max", &self.global_exposure_max)?,
                loss_max: amount("risk.global_loss_max", &self.global_loss_max)?,
            },
            flatten_on_halt: self.flatten_on_halt,
        })
    }
}

impl RiskOverrides {
    /// The limits `of`, with the keys that are given here; `at` is the section they stand in.
    pub(super) fn over(&self, of: RiskLimits, at: &str) -> Result<RiskLimits, ConfigError> {
        let mut limits = of;
        let key = |name: &str| format!("{at}.{name}");
        let amounts = [
            (&self.position_max, "position_max", &mut limits.position_max),
            (&self.exposure_max, "exposure_max", &mut limits.exposure_max),
            (&self.loss_max, "loss_max", &mut limits.loss_max),
        ];
        for (given, name, limit) in amounts {
            if let Some(value) = given {
                *limit = amount(&key(name), value)?;
            }
        }
        let counts = [
            (self.orders_per_min, "orders_per_min", 100_000, &mut limits.orders_per_min),
            (self.losses_in_row, "losses_in_row", 1000, &mut limits.losses_in_row),
        ];
        for (given, name, max, limit) in counts {
            if let Some(value) = given {
                *limit = narrow(&key(name), value, 0, max)?;
            }
        }
        if let Some(value) = &self.drawdown_max {
            let fraction = money(&key("drawdown_max"), value)?;
            if !(Money::ZERO..=Money::ONE).contains(&fraction) {
                let expected = "expected a fraction from 0 to 1; 0.1 is 10 %";
                return Err(wrong(&key("drawdown_max"), &fraction, expected));
            }
            limits.drawdown_max = fraction;
        }
        if let Some(seconds) = self.cooldown_s {
            range(&key("cooldown_s"), seconds, 0, 604_800)?;
            limits.cooldown = DurationNs::from_secs(seconds);
        }
        if limits.losses_in_row > 0 && limits.cooldown == DurationNs::ZERO {
            let expected = format!(
                "{} losses in a row start no pause of 0 seconds; set it, or {} = 0",
                limits.losses_in_row,
                key("losses_in_row")
            );
            return Err(wrong(&key("cooldown_s"), &0, &expected));
        }
        Ok(limits)
    }
}
