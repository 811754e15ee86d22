//! From configuration to an engine: which strategies, with which parameters, on which symbols.

use std::path::Path;

use paperwire_config::{Config, ConfigError, Exposure, PAGE_CONNECTIONS_MAX, StrategySection};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId};
use paperwire_core::strategy::Flip;
use paperwire_doctor::Demands;
use paperwire_exec::engine::{CallOrder, Engine, EngineConfig, StrategySetup};
use paperwire_exec::risk::RiskLimits;
use paperwire_signals::router::Router;
use paperwire_strategies::Registration;

use crate::params::LiveParams;
use crate::tally::StrategyName;

/// Why a strategy cannot be part of the run.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No file of that name.
    #[error(transparent)]
    Unknown(#[from] paperwire_strategies::UnknownStrategy),
    /// A parameter is wrong.
    #[error("[strategy.{instance}] {error}")]
    Param {
        /// The instance.
        instance: String,
        /// What is wrong.
        error: paperwire_strategies::ParamError,
    },
    /// It trades none of the run's symbols.
    #[error("{instance} trades {wants}, and the run has {has}; set [strategy.{instance}] symbols")]
    NoSymbol {
        /// The instance.
        instance: String,
        /// Its symbols.
        wants: String,
        /// The run's symbols.
        has: String,
    },
    /// Some are not trusted, or that cannot be told.
    #[error(transparent)]
    Trust(#[from] crate::trust::TrustError),
    /// A section for a strategy that does not run.
    #[error(
        "[strategy.{0}] is configured and not among the strategies of the run; add it or remove the section"
    )]
    Unused(String),
    /// A value of a strategy's section.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A starting asset that nothing prices.
    #[error(
        "account.starting_assets.{asset}: no pair of the run prices it in {numeraire}; add \
         {asset}/{numeraire} to session.symbols or leave the asset out"
    )]
    Unpriced {
        /// The asset.
        asset: String,
        /// Currency of every account.
        numeraire: String,
    },
    /// The numeraire is not a currency name.
    #[error("session.numeraire = {0}: not an asset name")]
    Numeraire(String),
}

/// A chosen strategy, before the instruments are known.
#[derive(Debug)]
pub struct Chosen {
    /// `name` or `name#label`.
    pub instance: String,
    registration: &'static Registration,
    section: StrategySection,
    flip: Flip,
    risk: RiskLimits,
}

/// Resolves the strategies of the configuration.
///
/// # Errors
/// [`SetupError`].
pub fn choose(config: &Config) -> Result<Vec<Chosen>, SetupError> {
    let names = &config.session.strategies;
    let plain = |instance: &str| instance.split('#').next().unwrap_or(instance).to_owned();
    for section in config.strategies.keys() {
        if !names.iter().any(|instance| instance == section || plain(instance) == *section) {
            return Err(SetupError::Unused(section.clone()));
        }
    }
    let choose = |instance: &String| {
        let name = plain(instance);
        let registration = paperwire_strategies::find(&name)?;
        // An instance's own section wins over the one of its strategy.
        let own = config.strategies.get_key_value(instance);
        let section = own.or_else(|| config.strategies.get_key_value(&name));
        let (called, section) = section
            .map_or_else(|| (name, StrategySection::default()), |(k, v)| (k.clone(), v.clone()));
        let made = registration.make(&section.params);
        made.map_err(|error| SetupError::Param { instance: instance.clone(), error })?;
        let flip = section.flip(&called)?.unwrap_or(registration.flip);
        let risk = section.limits(&called, config.risk.limits)?;
        Ok(Chosen { instance: instance.clone(), registration, section, flip, risk })
    };
    names.iter().map(choose).collect()
}

/// Refuses a run of strategies that are not trusted in `lock`.
///
/// # Errors
/// [`SetupError::Trust`].
pub fn require_trust(chosen: &[Chosen], lock: &Path) -> Result<(), SetupError> {
    let trust = crate::trust::Trust::read(lock)?;
    Ok(trust.require(chosen.iter().map(|chosen| chosen.registration))?)
}

/// A line for each strategy that is not what was trusted in `lock`, for a run that starts all the same.
pub fn changed_since_trusted(chosen: &[Chosen], lock: &Path) -> Vec<String> {
    let trust = match crate::trust::Trust::read(lock) {
        Ok(trust) => trust,
        Err(error) => return vec![error.to_string()],
    };
    let mut lines: Vec<String> = Vec::new();
    for chosen in chosen {
        let (name, verdict) = (chosen.registration.name, trust.verdict(chosen.registration));
        if matches!(verdict, crate::trust::Verdict::Changed { .. }) {
            lines.push(format!(
                "{name} {}; read it, then: paperwire strategies trust {name}",
                verdict.shown()
            ));
        }
    }
    lines.dedup();
    lines
}

/// Names, versions and hashes of the chosen strategies.
pub fn names(chosen: &[Chosen]) -> Vec<StrategyName> {
    let name = |chosen: &Chosen| StrategyName {
        instance: chosen.instance.clone(),
        version: chosen.registration.version.to_owned(),
        sha256: chosen.registration.sha256.to_owned(),
        reloadable: chosen.registration.reloadable,
    };
    chosen.iter().map(name).collect()
}

/// Parameters of the chosen strategies as they start.
pub fn live_params(chosen: &[Chosen]) -> Vec<LiveParams> {
    let live = |chosen: &Chosen| {
        LiveParams::new(&chosen.instance, chosen.registration, &chosen.section.params)
    };
    chosen.iter().map(live).collect()
}

/// The seed of the order in which a session calls its strategies. It is written into the session's tape.
pub const fn order_seed(config: &Config) -> u64 {
    /// Keeps the order apart from what else is made of the session's seed.
    const ORDER: u64 = 0x6f72_6465_7200_0001;
    config.session.seed ^ ORDER
}

/// An engine with the chosen strategies, which are called in this order.
///
/// # Errors
/// [`SetupError`].
pub fn engine(
    config: &Config,
    chosen: &[Chosen],
    instruments: &[Instrument],
    depth: u16,
    order: CallOrder,
) -> Result<Engine, SetupError> {
    let setups = chosen.iter().map(|chosen| setup(chosen, instruments));
    let setups = setups.collect::<Result<Vec<_>, _>>()?;
    let config = EngineConfig { order, ..engine_config(config, instruments, depth)? };
    Ok(Engine::new(instruments, setups, config))
}

/// The engine's part of the configuration, for these instruments.
///
/// # Errors
/// [`SetupError::Numeraire`] and [`SetupError::Unpriced`].
pub fn engine_config(
    config: &Config,
    instruments: &[Instrument],
    depth: u16,
) -> Result<EngineConfig, SetupError> {
    let numeraire = numeraire(config)?;
    let account = &config.account;
    for (asset, _) in &account.starting_assets {
        if !is_priced(asset, &numeraire, instruments) {
            let (asset, numeraire) = (asset.to_string(), numeraire.to_string());
            return Err(SetupError::Unpriced { asset, numeraire });
        }
    }
    Ok(EngineConfig {
        depth,
        bars: config.bars,
        numeraire,
        capital: account.capital,
        starting_assets: account.starting_assets.clone(),
        volume_30d: config.venue.volume_30d,
        venue: config.venue.build(),
        margin: account.margin,
        global: config.risk.global,
        flatten_on_halt: config.risk.flatten_on_halt,
        detector: config.regime,
        seed: config.session.seed,
        rules: config.rules,
        order: CallOrder::Permuted(order_seed(config)),
    })
}

/// Currency of every account.
///
/// # Errors
/// [`SetupError::Numeraire`].
pub fn numeraire(config: &Config) -> Result<AssetName, SetupError> {
    let name = &config.session.numeraire;
    let asset = AssetName::from(name).ok().filter(|asset| !asset.is_empty());
    asset.ok_or_else(|| SetupError::Numeraire(name.clone()))
}

/// Whether a pair of the asset leads to the numeraire: quoted in it, or in a currency that another
/// pair converts.
fn is_priced(asset: &AssetName, numeraire: &AssetName, instruments: &[Instrument]) -> bool {
    let has = |base: &AssetName, quote: &AssetName| {
        instruments.iter().any(|of| of.base == *base && of.quote == *quote)
    };
    let leads = |of: &Instrument| {
        of.quote == *numeraire || has(&of.quote, numeraire) || has(numeraire, &of.quote)
    };
    instruments.iter().any(|of| of.base == *asset && leads(of))
}

impl Chosen {
    /// Pairs that it asks for; "*" is every symbol of the run.
    fn wants(&self) -> Vec<String> {
        match &self.section.symbols {
            Some(symbols) => symbols.clone(),
            None => self.registration.symbols.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// Whether it trades this pair when the run has it.
    pub fn trades(&self, symbol: &str) -> bool {
        self.wants().iter().any(|wanted| wanted == "*" || wanted == symbol)
    }

    /// Refuses a run that has none of its pairs.
    ///
    /// # Errors
    /// [`SetupError::NoSymbol`].
    pub fn require_symbol(&self, symbols: &[String]) -> Result<(), SetupError> {
        if symbols.iter().any(|symbol| self.trades(symbol)) {
            return Ok(());
        }
        Err(SetupError::NoSymbol {
            instance: self.instance.clone(),
            wants: self.wants().join(", "),
            has: symbols.join(", "),
        })
    }

    /// Whether the other one is the same strategy with the same parameters.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let params = |of: &Self| {
            let mut params = of.registration.default_params();
            params.extend(of.section.params.clone());
            params
        };
        self.registration.name == other.registration.name
            && params(self) == params(other)
            && (self.section.regime, self.flip) == (other.section.regime, other.flip)
    }
}

fn setup(chosen: &Chosen, instruments: &[Instrument]) -> Result<StrategySetup, SetupError> {
    let symbols: Vec<SymbolId> = (0u16..)
        .zip(instruments)
        .filter(|(_, of)| chosen.trades(of.name.as_str()))
        .map(|(index, _)| SymbolId(index))
        .collect();
    let names = instruments.iter().map(|of| of.name.to_string()).collect::<Vec<_>>();
    chosen.require_symbol(&names)?;
    let made = chosen.registration.make(&chosen.section.params);
    let strategy =
        made.map_err(|error| SetupError::Param { instance: chosen.instance.clone(), error })?;
    Ok(StrategySetup {
        strategy,
        name: chosen.instance.clone(),
        symbols,
        warmup: chosen.registration.warmup,
        flip: chosen.flip,
        risk: chosen.risk,
        router: chosen.section.regime.then(|| Router::of(chosen.registration.name)),
    })
}

/// What a run of this configuration would ask of the machine.
pub fn demands(config: &Config) -> Demands {
    let Exposure { public_addresses, secret_keys } = Exposure::of(config);
    Demands {
        threads: config.threads.placement(),
        busy_poll: config.threads.busy_poll,
        lock_memory: config.threads.lock_memory,
        logs_dir: config.logs.dir.clone(),
        symbols: config.session.symbols.len(),
        strategies: config.session.strategies.len(),
        page_connections_max: PAGE_CONNECTIONS_MAX,
        public_addresses,
        secret_keys,
    }
}

#[cfg(test)]
mod tests;
