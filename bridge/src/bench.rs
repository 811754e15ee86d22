//! `paperwire bench`: open-loop load at given rates through the real feed, ring, engine and strategies.
//!
//! The built-in exchange sends prepared frames of its seeded market over loopback, each at an instant
//! planned beforehand and written into it; the feed takes that instant for the frame's arrival. So a
//! stall shows in every frame that had to wait behind it, whoever stalled: load, socket, feed or engine.

mod model;
mod rate;
mod rates;
mod store;
mod text;
mod threads;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use paperwire_config::Config;
use paperwire_core::instrument::Instrument;
use paperwire_core::time::{DurationNs, Rfc3339};
use paperwire_doctor as doctor;
use paperwire_doctor::probes;
use paperwire_exchange::load::{Rate, Reel};
use paperwire_exchange::publish::{Topic, Venue};
use paperwire_exchange::{Exchange, ExchangeConfig, Faults, MarketConfig};
use paperwire_feed::control::Control;
use paperwire_feed::start;
use paperwire_feed::wire::cold::ColdReader;
use paperwire_history::limiter::Limiter;
use paperwire_history::rest::Rest;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_replay::setup;
use paperwire_rt::clock::{HostClock, utc_now};
use paperwire_rt::deadline::{Deadline, Late, Stop};
use paperwire_run::history::fetch;
use paperwire_run::runtime::async_runtime;
use paperwire_run::venue::exchange_config;
use serde_json::json;

use crate::terminal::Terminal;
use rate::Stand;

use model::{Host, Run, Saturation};
pub(crate) use rates::Asked;

/// What the command line adds to the configuration.
#[derive(Clone, Debug)]
pub(crate) struct BenchOptions {
    /// Frames a second, one measurement each.
    pub(crate) rates: Vec<Asked>,
    /// Measured seconds per rate.
    pub(crate) seconds: u32,
    /// Plain sockets instead of TLS.
    pub(crate) plain: bool,
    /// Responses from the read of a frame instead of its intended send time.
    pub(crate) from_read: bool,
    /// The load sends from the feed's thread instead of its own.
    pub(crate) inline_load: bool,
    /// Folder for histogram logs, one per rate.
    pub(crate) hdr: Option<PathBuf>,
    /// Folder of stored runs.
    pub(crate) store: PathBuf,
    /// A stored run to compare with: a file, or `latest`.
    pub(crate) against: Option<String>,
    /// Compare with a run of another host, too.
    pub(crate) across_hosts: bool,
    /// Print JSON instead of tables.
    pub(crate) json: bool,
}

/// The feed waits this long for a sign of life: under load it only gets frames of the plan.
const SILENT_AFTER: DurationNs = DurationNs::from_secs(600);

/// Measures each rate in a session of its own, then prints, stores and compares.
///
/// # Errors
/// [`RunError`].
pub(crate) fn bench(
    config: &Config,
    options: &BenchOptions,
    stop: &Arc<AtomicU32>,
    terminal: &mut Terminal,
) -> Result<(), RunError> {
    let clock = HostClock::new();
    let mut config = config.clone();
    config.feed.silent_after = SILENT_AFTER;
    config.feed.stale_after = SILENT_AFTER;
    (config.feed.ticker, config.feed.trades) = (false, true);
    config.feed.ohlc.clear();
    let config = &config;
    let chosen = setup::choose(config)?;
    let examination = doctor::quick(&setup::demands(config));
    terminal.notice(&examination.line());
    let host = Host::of(&examination);
    let against = options.against.as_deref().map(|wanted| store::load(wanted, &options.store));
    let against = against.transpose()?;
    if let Some(against) = against.as_ref().filter(|_| !options.across_hosts) {
        store::require_same_host(&host.hash, against)?;
    }
    let runtime = async_runtime(stop)?;

    let at = utc_now();
    let market = MarketConfig { start: Some(at), ..exchange_config(config)?.market };
    terminal.progress("rendering the market");
    let instruments = instruments(&market, config)?;
    let stops = Stop::of(stop.clone());
    let rendering = Deadline::within(RENDER_WITHIN, &clock, &stops);
    let history = history(config, &market, &instruments, &runtime, &rendering, terminal)?;
    let reel = reel(&market, config, options, &rendering)?;
    terminal.progress("");
    terminal.notice(&format!(
        "{} frames of {} rendered; {} s per rate after {} s of warm-up; logs are off",
        reel.lap_len(),
        config.session.symbols.join(", "),
        options.seconds,
        rate::WARM_S
    ));
    let stand = Stand {
        config,
        chosen: &chosen,
        market: &market,
        history: &history,
        reel,
        seconds: options.seconds,
        tls: !options.plain,
        from_read: options.from_read,
        inline_load: options.inline_load,
        probe_tax: probes::measure(&clock),
        clock,
        stop,
    };
    let mut run = Run {
        format: model::FORMAT,
        at: Rfc3339 { at, fraction: 3 }.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host,
        config_sha256: config.hash(),
        seconds: options.seconds,
        tls: !options.plain,
        from_read: options.from_read,
        inline_load: options.inline_load,
        symbols: config.session.symbols.clone(),
        rates: Vec::new(),
        stages: Vec::new(),
        strategies: Vec::new(),
        saturation: None,
        hot_allocs_total: 0,
        dropped: 0,
        conflated: 0,
    };
    for asked in &options.rates {
        let Some(measured) = stand.measure(asked, options.hdr.as_deref(), terminal)? else {
            break;
        };
        terminal.notice(&text::line(&measured.row));
        add(&mut run, measured);
    }
    finish(&run, against.as_ref(), options, stop.load(Ordering::Acquire) > 0, terminal)
}

fn add(run: &mut Run, measured: rate::Measured) {
    let row = measured.row;
    if let (None, Some(why)) = (&run.saturation, &row.saturated) {
        run.saturation = Some(Saturation { rate: row.rate.clone(), why: why.clone() });
    }
    run.hot_allocs_total += row.hot_allocs;
    run.dropped += row.dropped_trades + row.frames - row.frames_done;
    run.conflated += row.conflated;
    run.rates.push(row);
    run.stages.extend(measured.stages);
    run.strategies.extend(measured.strategies);
}

fn finish(
    run: &Run,
    against: Option<&Run>,
    options: &BenchOptions,
    is_stopped: bool,
    terminal: &mut Terminal,
) -> Result<(), RunError> {
    if run.rates.is_empty() {
        terminal.notice("stopped before the first rate was measured: nothing to show");
        return Ok(());
    }
    let ratios = against.map(|against| (against, store::ratios(run, against)));
    if options.json {
        let mut value = json!(run);
        if let Some((against, ratios)) = &ratios {
            let percentiles = model::QUANTILE_NAMES;
            value["against"] = json!({
                "at": against.at, "host": against.host, "percentiles": percentiles, "rows": ratios,
            });
        }
        terminal.result(&format!("{value:#}"));
    } else {
        terminal.result(text::report(run).trim_end());
        if let Some((against, ratios)) = &ratios {
            terminal.result(text::ratios(run, against, ratios).trim_end());
        }
    }
    if is_stopped {
        terminal
            .notice("stopped: the rates that were not finished are left out, nothing is stored");
        return Ok(());
    }
    let path = store::save(run, &options.store)?;
    terminal.notice(&format!("stored as {}; compare with --against", path.display()));
    let bad: u64 = run.rates.iter().map(|row| row.checksums_bad).sum();
    if bad > 0 {
        return Err(RunError::Internal(format!("{bad} checksums failed: these numbers are void")));
    }
    Ok(())
}

/// The pairs as the exchange lists them.
fn instruments(market: &MarketConfig, config: &Config) -> Result<Vec<Instrument>, RunError> {
    let short = MarketConfig { history_minutes: 0, ..market.clone() };
    let venue = Venue::new(&short).map_err(|error| RunError::Config(error.to_string()))?;
    let mut reader = ColdReader::new();
    reader
        .read(venue.snapshot(Topic::Instrument).as_bytes())
        .map_err(|error| RunError::Internal(error.to_string()))?;
    Ok(start::resolve(&config.session.symbols, reader.instruments())?)
}

/// Rendering an hour of frames at the highest rate takes minutes; this only ends what hangs.
const RENDER_WITHIN: DurationNs = DurationNs::from_secs(3_600);

/// What strategies know of the time before, from the exchange that the load goes on from.
fn history(
    config: &Config,
    market: &MarketConfig,
    instruments: &[Instrument],
    runtime: &tokio::runtime::Runtime,
    deadline: &Deadline,
    terminal: &mut Terminal,
) -> Result<Vec<Control>, RunError> {
    if !config.warmup {
        return Ok(Vec::new());
    }
    let mut exchange = ExchangeConfig::new(config.session.seed);
    (exchange.market, exchange.faults) = (market.clone(), Faults::none());
    exchange.rest_limit = None;
    let exchange = runtime.block_on(Exchange::start(exchange));
    let exchange = exchange.map_err(|error| RunError::Config(error.to_string()))?;
    let mut rest = Rest::hurried(&exchange.rest_url(), Limiter::without_limit());
    let (history, problems) =
        fetch::fetch(&mut rest, instruments, &mut |_, _| Vec::new(), deadline);
    runtime.block_on(exchange.stop());
    for problem in problems {
        terminal.notice(&problem);
    }
    Ok(history)
}

/// Frames for the longest of the measurements.
fn reel(
    market: &MarketConfig,
    config: &Config,
    options: &BenchOptions,
    deadline: &Deadline,
) -> Result<Arc<Reel>, RunError> {
    let seconds = options.seconds + rate::WARM_S;
    let (mut frames, mut span) = (1, DurationNs::ZERO);
    for asked in &options.rates {
        match asked.rate {
            Rate::Even(rate) => frames = frames.max(u64::from(rate) * u64::from(seconds)),
            Rate::Recorded => span = DurationNs::from_secs(seconds.into()),
        }
    }
    let (market, symbols, depth) =
        (market.clone(), config.session.symbols.clone(), config.feed.depth);
    let render = move || Reel::render(&market, &symbols, depth, frames, span);
    let rendered = deadline.run("render", render).map_err(|late| match late {
        Late::Stopped => RunError::Stopped,
        late => RunError::Internal(format!("rendering the market: {late}")),
    })?;
    rendered.map(Arc::new).map_err(|error| RunError::Config(error.to_string()))
}

#[cfg(test)]
mod tests;
