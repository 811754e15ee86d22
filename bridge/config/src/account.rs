//! `[account]`: what every strategy starts with, and how far it may go into debt.

use std::collections::BTreeMap;

use paperwire_core::account::PositionSide;
use paperwire_core::instrument::AssetName;
use paperwire_core::num::Money;
use paperwire_exec::margin::{LeverageBase, Liquidation, MarginRules};
use serde::Deserialize;
use toml::Value;

use super::ConfigError;
use super::value::{AMOUNT_MAX, amount, money, rate, word, wrong};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountSection {
    capital: Value,
    starting_assets: BTreeMap<String, Value>,
    long_leverage: Value,
    short_leverage: Value,
    leverage_base: String,
    maintenance_margin: Value,
    liquidation: String,
    liquidation_fee: Value,
    rollover_fee: Value,
}

/// How the account of every strategy starts, and its margin.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// Capital of every strategy.
    pub capital: Money,
    /// Assets of every account besides, never traded.
    pub starting_assets: Vec<(AssetName, Money)>,
    /// Leverage, maintenance, liquidation.
    pub margin: MarginRules,
}

const LEVERAGE_MAX: u32 = 10;

impl AccountSection {
    pub(super) fn check(&self) -> Result<AccountConfig, ConfigError> {
        let capital = money("account.capital", &self.capital)?;
        if capital <= 0 || capital > AMOUNT_MAX {
            let expected = format!("expected more than 0, at most {AMOUNT_MAX}");
            return Err(wrong("account.capital", &capital, &expected));
        }
        Ok(AccountConfig {
            capital,
            starting_assets: self.starting_assets()?,
            margin: self.margin()?,
        })
    }

    fn starting_assets(&self) -> Result<Vec<(AssetName, Money)>, ConfigError> {
        let asset = |(name, held): (&String, &Value)| {
            let key = format!("account.starting_assets.{name}");
            let asset = AssetName::from(name)
                .map_err(|_| wrong(&key, held, "the asset's name is longer than any"))?;
            Ok((asset, amount(&key, held)?))
        };
        self.starting_assets.iter().map(asset).collect()
    }

    fn margin(&self) -> Result<MarginRules, ConfigError> {
        let maintenance = money("account.maintenance_margin", &self.maintenance_margin)?;
        if !(Money::ZERO..Money::ONE).contains(&maintenance) {
            let expected = "expected a fraction, 0 to below 1; 0.25 is 25 %";
            return Err(wrong("account.maintenance_margin", &maintenance, expected));
        }
        let long_leverage = leverage(PositionSide::Long, &self.long_leverage, maintenance)?;
        let short_leverage = leverage(PositionSide::Short, &self.short_leverage, maintenance)?;
        if long_leverage == 0 && short_leverage == 0 {
            let expected = "with account.short_leverage 0 as well nothing may be traded; raise one";
            return Err(wrong("account.long_leverage", &long_leverage, expected));
        }
        Ok(MarginRules {
            long_leverage,
            short_leverage,
            base: word(
                "account.leverage_base",
                &self.leverage_base,
                &["current", "starting", "smaller"],
                LeverageBase::by_name,
            )?,
            maintenance,
            liquidation: word(
                "account.liquidation",
                &self.liquidation,
                &["all", "progressive"],
                Liquidation::by_name,
            )?,
            liquidation_fee: rate("account.liquidation_fee", &self.liquidation_fee)?,
            rollover_fee: rate("account.rollover_fee", &self.rollover_fee)?,
        })
    }
}

fn leverage(side: PositionSide, value: &Value, maintenance: Money) -> Result<Money, ConfigError> {
    let key = format!("account.{}_leverage", side.as_str());
    let leverage = money(&key, value)?;
    if !(Money::ZERO..=Money::from_num(LEVERAGE_MAX)).contains(&leverage) {
        return Err(wrong(&key, &leverage, &format!("expected 0 to {LEVERAGE_MAX}")));
    }
    if leverage * maintenance >= 1 {
        let expected = format!(
            "a full position is called at once with account.maintenance_margin {maintenance}; \
             lower one of them until their product is below 1"
        );
        return Err(wrong(&key, &leverage, &expected));
    }
    Ok(leverage)
}
