//! The configuration: defaults, file, environment, command line, in this order.
//!
//! The defaults are `config/default.toml` itself, so what is documented is what is in force. Layers are
//! merged as TOML; then the whole is read into typed values, where an unknown key or a value out of
//! range is an error that says what to write instead.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use paperwire_core::bar::{BarRules, GapPolicy};
use paperwire_core::limits::{DEPTHS, STRATEGIES_MAX, SYMBOLS_MAX};
use paperwire_core::rules::Rules;
use paperwire_core::secret::masked_url;
use paperwire_core::strategy::Flip;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_exchange::Profile;
use paperwire_exec::risk::RiskLimits;
use paperwire_feed::market::Distance;
use paperwire_feed::session::FeedConfig;
use paperwire_rt::runner::{self, RunnerConfig, Wait};
use paperwire_signals::detector::DetectorConfig;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use account::AccountSection;
use dashboard::{AlertsFile, DashboardFile};
use history::HistorySection;
use layers::{merge, nest, parse};
use regime::RegimeSection;
use risk::RiskSection;
use sentiment::SentimentSection;
use value::{count, float, range, word, wrong};
use venue::VenueSection;

pub mod conditions;

mod account;
mod dashboard;
mod environment;
mod error;
mod exposure;
mod history;
mod layers;
mod regime;
mod risk;
mod secrets;
mod sentiment;
mod value;
mod venue;

pub use account::AccountConfig;
pub use dashboard::{AlertsSection, DashboardSection};
pub use error::ConfigError;
pub use exposure::Exposure;
pub use history::HistoryConfig;
pub use layers::scalar;
pub use paperwire_dashboard::CONNECTIONS_MAX as PAGE_CONNECTIONS_MAX;
pub use risk::{RiskConfig, RiskOverrides};
pub use sentiment::SentimentConfig;
pub use venue::{FeeChoice, LatencyChoice, VenueChoice};

/// Longest run that a configuration may ask for: ten years. Times of the host fit it by a factor of fifty.
pub const DURATION_MAX_S: u64 = 10 * 366 * 86_400;
/// Cores that the system's sets of them have room for (`CPU_SETSIZE`).
const CORES_MAX: usize = 1024;

/// The documented defaults.
pub const DEFAULTS: &str = include_str!("../../../config/default.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    session: SessionSection,
    feed: FeedSection,
    bars: BarsSection,
    account: AccountSection,
    venue: VenueSection,
    risk: RiskSection,
    regime: RegimeSection,
    sentiment: SentimentSection,
    threads: ThreadsSection,
    history: HistorySection,
    logs: LogsSection,
    exchange: ExchangeSection,
    dashboard: DashboardFile,
    alerts: AlertsFile,
    strategy: BTreeMap<String, StrategySection>,
}

/// Keys of `[session]`, documented in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config/default.toml, under the same names")]
pub struct SessionSection {
    pub source: String,
    pub symbols: Vec<String>,
    pub strategies: Vec<String>,
    pub duration_s: u64,
    pub seed: u64,
    pub numeraire: String,
    pub flatten_on_exit: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedSection {
    depth: u16,
    trades: bool,
    ticker: bool,
    ohlc: Vec<u16>,
    silent_after_ms: u64,
    first_data_ms: u64,
    stale_after_ms: u64,
    print_distance_pct: f64,
    reconnect_min_ms: u64,
    reconnect_max_ms: u64,
    warmup: bool,
    rest_url: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BarsSection {
    grace_ms: u64,
    gap_policy: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThreadsSection {
    wait: String,
    feed_core: i64,
    engine_core: i64,
    strategy_budget_ms: u64,
    lock_memory: bool,
    busy_poll_us: u64,
}

/// Keys of `[logs]`, documented in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config/default.toml, under the same names")]
pub struct LogsSection {
    pub dir: String,
    pub file_mb_max: u64,
    pub files_max: u64,
}

/// Keys of `[exchange]`, documented in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config/default.toml, under the same names")]
pub struct ExchangeSection {
    pub profile: String,
    pub rate: f64,
    pub volatility: f64,
    pub speed: f64,
    pub extra_symbols: u16,
    pub start: String,
    pub history_minutes: u32,
    pub faults: String,
    pub scenes: String,
}

impl ExchangeSection {
    /// The profile that the other keys multiply.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an unknown name.
    pub fn profile(&self) -> Result<Profile, ConfigError> {
        let known = Profile::ALL.map(Profile::as_str);
        word("exchange.profile", &self.profile, &known, Profile::from_name)
    }
}

/// Keys of `[strategy.NAME]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategySection {
    /// Pairs instead of the strategy's own.
    #[serde(default)]
    pub symbols: Option<Vec<String>>,
    /// What an entry against an open position does, instead of what the strategy declares.
    #[serde(default)]
    pub flip: Option<String>,
    /// Whether the market's regime changes size, distances and permission of its entries.
    #[serde(default)]
    pub regime: bool,
    /// Parameters instead of the strategy's own.
    #[serde(default)]
    pub params: Table,
    /// Limits instead of those of `[risk]`.
    #[serde(default)]
    pub risk: RiskOverrides,
}

impl StrategySection {
    /// The flip policy, when one is given. `name` is the section's.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an unknown word.
    pub fn flip(&self, name: &str) -> Result<Option<Flip>, ConfigError> {
        let known: Vec<&str> = Flip::ALL.iter().map(|flip| flip.as_str()).collect();
        let find = |name: &str| Flip::ALL.iter().copied().find(|flip| flip.as_str() == name);
        let key = format!("strategy.{name}.flip");
        self.flip.as_deref().map(|flip| word(&key, flip, &known, find)).transpose()
    }

    /// Its limits: those of `[risk]` with its own over them. `name` is the section's.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for a value out of range.
    pub fn limits(&self, name: &str, of: RiskLimits) -> Result<RiskLimits, ConfigError> {
        self.risk.over(of, &format!("strategy.{name}.risk"))
    }
}

/// Where threads run and how they wait.
#[derive(Clone, Copy, Debug)]
pub struct ThreadsConfig {
    /// What to do without work; `None` chooses by the machine.
    pub wait: Option<Wait>,
    /// Core of the feed thread; `None` chooses.
    pub feed_core: Option<usize>,
    /// Core of the engine thread; `None` chooses.
    pub engine_core: Option<usize>,
    /// How long one call of a strategy may take; zero is off.
    pub strategy_budget: DurationNs,
    /// Lock all memory before the threads start.
    pub lock_memory: bool,
    /// How long a read may poll the network card; zero leaves it to the machine.
    pub busy_poll: DurationNs,
}

impl ThreadsConfig {
    /// Which cores the feed and the engine get, and how they wait: the last two cores, if there are at least three.
    pub fn placement(&self) -> [RunnerConfig; 2] {
        let cores = runner::usable_cores();
        let wait = self.wait.unwrap_or_else(|| Wait::for_cores(cores.len()));
        let from_end = |place: usize| {
            if cores.len() >= 3 { cores.get(cores.len() - place).copied() } else { None }
        };
        let feed_core = self.feed_core.or_else(|| from_end(2));
        let engine_core = self.engine_core.or_else(|| from_end(1));
        [RunnerConfig { core: feed_core, wait }, RunnerConfig { core: engine_core, wait }]
    }
}

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[session]`.
    pub session: SessionSection,
    /// `[feed]`, as the feed wants it.
    pub feed: FeedConfig,
    /// Fetch history first.
    pub warmup: bool,
    /// REST address, if not the source's own.
    pub rest_url: Option<String>,
    /// `[bars]`.
    pub bars: BarRules,
    /// `[account]`.
    pub account: AccountConfig,
    /// `[venue]`.
    pub venue: VenueChoice,
    /// `[risk]`.
    pub risk: RiskConfig,
    /// `[regime]`.
    pub regime: DetectorConfig,
    /// `[sentiment]`.
    pub sentiment: SentimentConfig,
    /// `[threads]`.
    pub threads: ThreadsConfig,
    /// `[history]`.
    pub history: HistoryConfig,
    /// `[logs]`.
    pub logs: LogsSection,
    /// `[exchange]`.
    pub exchange: ExchangeSection,
    /// `[dashboard]`.
    pub dashboard: DashboardSection,
    /// `[alerts]`.
    pub alerts: AlertsSection,
    /// `[strategy.*]`.
    pub strategies: BTreeMap<String, StrategySection>,
    /// Rules of the session: those of this build, or of the tape that is replayed. No key sets them.
    pub rules: Rules,
    /// Symbols of a capture to replay; all that it holds when there are none. No key sets them.
    pub chosen_symbols: Vec<String>,
    effective: Table,
}

impl Config {
    /// The value of a key as the environment or the command line writes it: text where the default is text.
    pub fn value_of(dotted: &str, text: &str) -> Value {
        let known = DEFAULTS.parse().unwrap_or_default();
        layers::value_of(&known, dotted, text)
    }

    /// Merges the layers and checks the result. `overrides` are dotted keys of the command line.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (OsString, OsString)>,
        overrides: &[(String, Value)],
    ) -> Result<Self, ConfigError> {
        Self::load_over(&[], file, env, overrides)
    }

    /// The same for a command with defaults of its own, which lie right above those of the file
    /// `config/default.toml`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load_over(
        defaults: &[(&str, &str)],
        file: Option<&Path>,
        env: impl Iterator<Item = (OsString, OsString)>,
        overrides: &[(String, Value)],
    ) -> Result<Self, ConfigError> {
        let mut tree = parse(DEFAULTS, "config/default.toml")?;
        let known = tree.clone();
        for (dotted, text) in defaults {
            let value = Value::String((*text).to_owned());
            merge(&mut tree, nest(dotted, value), &known, "", "the command's defaults")?;
        }
        if let Some(path) = file {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError::Io { file: name.clone(), error })?;
            merge(&mut tree, parse(&text, &name)?, &known, "", &name)?;
        }
        environment::lay_over(&mut tree, &known, env)?;
        for (dotted, value) in overrides {
            merge(&mut tree, nest(dotted, value.clone()), &known, "", "command line")?;
        }
        Self::check(tree)
    }

    /// Reads the effective configuration of a recorded session again.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn from_effective(text: &str, overrides: &[(String, Value)]) -> Result<Self, ConfigError> {
        let mut tree = parse(DEFAULTS, "config/default.toml")?;
        let known = tree.clone();
        let name = "the tape's configuration";
        // A tape from before there were profiles is of none that exist; none of them is faster than its clock.
        merge(
            &mut tree,
            nest("exchange.profile", Value::String("calm".to_owned())),
            &known,
            "",
            name,
        )?;
        merge(&mut tree, parse(text, name)?, &known, "", name)?;
        for (dotted, value) in overrides {
            merge(&mut tree, nest(dotted, value.clone()), &known, "", "command line")?;
        }
        Self::check(tree)
    }

    /// The same for a session of these rules.
    #[must_use]
    pub fn under(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// The effective configuration as TOML.
    pub fn to_toml(&self) -> String {
        self.effective.to_string()
    }

    /// What the built-in market is, in a few words; `None` where the market is a real one.
    pub fn made_up_market(&self) -> Option<String> {
        if self.session.source != "exchange" {
            return None;
        }
        let of = &self.exchange;
        let profile = of.profile().ok()?;
        let speed = of.speed * profile.speed();
        let volatility = of.volatility * profile.volatility();
        let rate = of.rate * profile.rate();
        let scenes = if of.scenes.is_empty() { "" } else { ", scripted scenes" };
        let name = profile.as_str();
        Some(format!(
            "made-up market, profile {name}: time x{speed}, volatility x{volatility}, rate x{rate}{scenes}"
        ))
    }

    /// SHA-256 of [`Self::to_toml`], in hexadecimal.
    pub fn hash(&self) -> String {
        Sha256::digest(self.to_toml()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn check(tree: Table) -> Result<Self, ConfigError> {
        let kind = |error: toml::de::Error| ConfigError::Kind(error.to_string().trim().to_owned());
        let file: File = tree.clone().try_into().map_err(kind)?;
        let mut effective = tree;
        secrets::mask(&mut effective);
        let mut config = Self {
            feed: feed_config(&file.feed)?,
            warmup: file.feed.warmup,
            rest_url: secrets::plain_address("feed.rest_url", file.feed.rest_url)?,
            bars: bar_rules(&file.bars)?,
            account: file.account.check()?,
            venue: file.venue.check()?,
            risk: file.risk.check()?,
            regime: file.regime.check()?,
            sentiment: file.sentiment.check()?,
            threads: threads_config(&file.threads)?,
            history: file.history.check()?,
            session: file.session,
            logs: file.logs,
            exchange: file.exchange,
            dashboard: file.dashboard.check()?,
            alerts: file.alerts.check()?,
            strategies: file.strategy,
            rules: Rules::CURRENT,
            chosen_symbols: Vec::new(),
            effective,
        };
        config.feed.is_real_venue = config.is_real_venue();
        config.check_session()?;
        Ok(config)
    }

    /// Where the market comes from, as it may be shown.
    pub fn source_name(&self) -> String {
        masked_url(&self.session.source)
    }

    /// True for Kraken itself, whose clock is kept as this host's should be. Other addresses may serve a
    /// market of any time and speed.
    fn is_real_venue(&self) -> bool {
        let source = self.session.source.as_str();
        let host = source.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', ':']).next().unwrap_or("");
        source == "kraken" || host == "kraken.com" || host.ends_with(".kraken.com")
    }

    fn check_session(&self) -> Result<(), ConfigError> {
        let session = &self.session;
        let named = matches!(session.source.as_str(), "exchange" | "kraken");
        let is_url = session.source.starts_with("wss://") || session.source.starts_with("ws://");
        if !named && !is_url {
            let expected = "\"exchange\", \"kraken\" or an address wss://...";
            return Err(wrong("session.source", &self.source_name(), expected));
        }
        secrets::no_login("session.source", &session.source)?;
        range("session.duration_s", session.duration_s, 0, DURATION_MAX_S)?;
        count("session.symbols", session.symbols.len(), SYMBOLS_MAX)?;
        count("session.strategies", session.strategies.len(), STRATEGIES_MAX)?;
        for list in [&session.symbols, &session.strategies] {
            for (index, name) in list.iter().enumerate() {
                if list[..index].contains(name) {
                    let hint = "is listed twice; use name#label for a second instance";
                    return Err(wrong("session", name, hint));
                }
            }
        }
        range("logs.file_mb_max", self.logs.file_mb_max, 1, 10_000)?;
        range("logs.files_max", self.logs.files_max, 1, 1000)?;
        let exchange = &self.exchange;
        range("exchange.extra_symbols", u64::from(exchange.extra_symbols), 0, 60)?;
        range("exchange.history_minutes", u64::from(exchange.history_minutes), 0, 40_320)?;
        float("exchange.rate", exchange.rate, 0.01, 100.0)?;
        float("exchange.volatility", exchange.volatility, 0.1, 10.0)?;
        float("exchange.speed", exchange.speed, 0.01, 1000.0)?;
        exchange.profile()?;
        let is_instant = ExchNs::parse_rfc3339(exchange.start.as_bytes()).is_some();
        if !exchange.start.is_empty() && !is_instant {
            let expected = "expected an instant such as 2026-03-02T09:00:00Z, or nothing";
            return Err(wrong("exchange.start", &exchange.start, expected));
        }
        for (name, section) in &self.strategies {
            section.flip(name)?;
            section.limits(name, self.risk.limits)?;
        }
        Ok(())
    }
}

fn feed_config(section: &FeedSection) -> Result<FeedConfig, ConfigError> {
    if !DEPTHS.contains(&section.depth) {
        return Err(wrong("feed.depth", &section.depth, "expected 10, 25, 100, 500 or 1000"));
    }
    const INTERVALS: [u16; 9] = [1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600];
    if let Some(bad) = section.ohlc.iter().find(|minutes| !INTERVALS.contains(minutes)) {
        return Err(wrong("feed.ohlc", bad, "expected 1 5 15 30 60 240 1440 10080 21600"));
    }
    let ms = |key: &str, value, min, max| {
        range(key, value, min, max).map(|()| DurationNs::from_millis(value))
    };
    let reconnect_max = ms("feed.reconnect_max_ms", section.reconnect_max_ms, 100, 600_000)?;
    Ok(FeedConfig {
        depth: section.depth,
        trades: section.trades,
        ticker: section.ticker,
        ohlc: section.ohlc.clone(),
        silent_after: ms("feed.silent_after_ms", section.silent_after_ms, 100, 60_000)?,
        first_data: ms("feed.first_data_ms", section.first_data_ms, 100, 60_000)?,
        stale_after: ms("feed.stale_after_ms", section.stale_after_ms, 1_000, 3_600_000)?,
        reconnect_min: ms(
            "feed.reconnect_min_ms",
            section.reconnect_min_ms,
            100,
            section.reconnect_max_ms,
        )?,
        reconnect_max,
        print_distance: print_distance(section.print_distance_pct)?,
        // Known once the source is.
        is_real_venue: false,
    })
}

/// A percentage in whole basis points.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
#[expect(clippy::cast_sign_loss, reason = "the range is checked first")]
fn print_distance(pct: f64) -> Result<Distance, ConfigError> {
    float("feed.print_distance_pct", pct, 0.01, 1000.0)?;
    Ok(Distance::new((pct * 100.0).round() as u32))
}

fn bar_rules(section: &BarsSection) -> Result<BarRules, ConfigError> {
    range("bars.grace_ms", section.grace_ms, 0, 30_000)?;
    let gap_policy = match section.gap_policy.as_str() {
        "carry" => GapPolicy::Carry,
        "skip" => GapPolicy::Skip,
        other => {
            return Err(wrong("bars.gap_policy", &other, "expected \"carry\" or \"skip\""));
        }
    };
    Ok(BarRules { grace: DurationNs::from_millis(section.grace_ms), gap_policy })
}

fn threads_config(section: &ThreadsSection) -> Result<ThreadsConfig, ConfigError> {
    let wait = match section.wait.as_str() {
        "auto" => None,
        "spin" => Some(Wait::Spin),
        "yield" => Some(Wait::Yield),
        "park" => Some(Wait::Park),
        other => {
            let expected = "expected \"auto\", \"spin\", \"yield\" or \"park\"";
            return Err(wrong("threads.wait", &other, expected));
        }
    };
    let core = |key: &str, value: i64| match usize::try_from(value) {
        Ok(core) if core < CORES_MAX => Ok(Some(core)),
        Err(_) if value == -1 => Ok(None),
        _ => Err(wrong(key, &value, "expected -1 or the number of a core, 0 to 1023")),
    };
    range("threads.strategy_budget_ms", section.strategy_budget_ms, 0, 10_000)?;
    range("threads.busy_poll_us", section.busy_poll_us, 0, 1_000)?;
    Ok(ThreadsConfig {
        lock_memory: section.lock_memory,
        busy_poll: DurationNs::from_micros(section.busy_poll_us),
        strategy_budget: DurationNs::from_millis(section.strategy_budget_ms),
        wait,
        feed_core: core("threads.feed_core", section.feed_core)?,
        engine_core: core("threads.engine_core", section.engine_core)?,
    })
}

#[cfg(test)]
mod tests;
