//! `paperwire compare A B`: which of two strategies has the worse tail, how sure that is, and what the
//! machine alone would have made of it.
//!
//! A, B and a second instance of A (the control) see the same ticks in one engine, which calls them in an
//! order that rotates with each event. [`blocks`] takes the histograms of each second, [`stats`] judges,
//! [`text`] and [`json`] say it.

pub mod blocks;
pub(crate) mod clock_step;
pub mod json;
pub mod stats;
pub mod text;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

use paperwire_core::instrument::Instrument;
use paperwire_core::latency::Bank;
use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;

use crate::config::{Config, StrategySection};
use crate::doctor::{self, Examination};
use crate::probes::{self, ProbeTax};
use crate::replay::{self, Observer, ReplayOptions};
use crate::run::{self, RunError, RunOptions};
use crate::setup::{self, Chosen};
use crate::terminal::Terminal;
use blocks::{Blocks, WarmUp};
use stats::{A, ARMS, B, Row, Settings};

/// What to compare, and on what.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// The one that the other is measured against: `name` or `name#label`.
    pub a: String,
    /// The other one.
    pub b: String,
    /// A tape or a capture.
    pub tape: Option<PathBuf>,
    /// Seconds of a session on the configured source.
    pub live_s: Option<u64>,
    /// Length of a block.
    pub seconds_per_block: u64,
    /// The difference that is looked for, as a share of A's time.
    pub detect: f64,
    /// Print JSON.
    pub json: bool,
}

/// A finished comparison.
#[derive(Debug)]
pub struct Comparison {
    /// Instances: A, B, the control.
    pub names: [String; ARMS],
    /// Where the market came from.
    pub source: String,
    /// What the start of a response is.
    pub arrival: &'static str,
    /// Length of a block.
    pub seconds_per_block: u64,
    /// Blocks that were compared.
    pub blocks: usize,
    /// Calls of each that were compared.
    pub ticks: [u64; ARMS],
    /// Ticks of a second of the session, silent ones included.
    pub ticks_per_s: f64,
    /// Of each, how many events called it first, warm-up included; counted in a replay.
    pub called_first: Option<[u64; ARMS]>,
    /// What was set apart.
    pub warm_up: WarmUp,
    /// The machine.
    pub host: Examination,
    /// What measuring cost.
    pub probe_tax: ProbeTax,
    /// How it was judged.
    pub settings: Settings,
    /// Work alone.
    pub service: Vec<Row>,
    /// Waiting included.
    pub response: Vec<Row>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Nanoseconds of measuring in each service time: a look at the clock, and the two records of the call before.
    pub const fn probe_ns(&self) -> f64 {
        self.probe_tax.clock_read_ns + 2.0 * self.probe_tax.record_ns
    }
}

/// A share from a percentage.
///
/// # Errors
/// What is expected, when it is none or makes no sense.
pub fn share_of(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end().parse::<f64>();
    let percent = number.ok().filter(|percent| (1.0..=1_000.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected 1% to 1000%".to_owned())
}

/// Compares, and prints what came out.
///
/// # Errors
/// [`RunError`].
pub fn compare(
    options: &CompareOptions,
    given: &Config,
    overrides: &[(String, toml::Value)],
    terminal: &mut Terminal,
) -> Result<(), RunError> {
    if options.a == options.b {
        return Err(RunError::Config(format!(
            "{0} and {0} are one instance; give the second one a label, such as {0}#b, and parameters \
             under [strategy.\"{0}#b\".params]",
            options.a
        )));
    }
    let comparison = match (&options.tape, options.live_s) {
        (Some(tape), _) => on_tape(options, tape, given, overrides, terminal)?,
        (None, Some(seconds)) => live(options, seconds, given, terminal)?,
        (None, None) => {
            return Err(RunError::Config(
                "compare needs a market: --tape FILE, which `paperwire run --duration 2m --record \
                 FILE` makes, or --live 2m"
                    .to_owned(),
            ));
        }
    };
    terminal.result(&match options.json {
        true => format!("{:#}", json::json(&comparison)),
        false => text::text(&comparison),
    });
    Ok(())
}

/// The comparison on a session that is run for it.
///
/// # Errors
/// [`RunError`].
pub fn live(
    options: &CompareOptions,
    seconds: u64,
    given: &Config,
    terminal: &mut Terminal,
) -> Result<Comparison, RunError> {
    let mut config = with_arms(given.clone(), given, options)?;
    config.session.duration_s = seconds;
    let chosen = setup::choose(&config)?;
    let symbols: Vec<&str> = config.session.symbols.iter().map(String::as_str).collect();
    same_symbols(&chosen, &symbols)?;
    let blocks = Arc::new(Mutex::new(Blocks::default()));
    let run_options = RunOptions { blocks: Some(blocks.clone()), ..RunOptions::default() };
    run::run(&config, &run_options, &Arc::new(AtomicU32::new(0)), terminal)?;
    let blocks = std::mem::take(&mut *blocks.lock().unwrap_or_else(PoisonError::into_inner));
    let blocks = blocks.grouped(options.seconds_per_block);
    let source = format!("{}, live", config.source_name());
    let arrival = "from the kernel's receive time";
    Ok(conclude(
        options,
        &config,
        blocks,
        None,
        (source, arrival),
        same(&chosen).into_iter().collect(),
    ))
}

/// The comparison on a recorded session.
///
/// # Errors
/// [`RunError`].
pub fn on_tape(
    options: &CompareOptions,
    tape: &Path,
    given: &Config,
    overrides: &[(String, toml::Value)],
    terminal: &mut Terminal,
) -> Result<Comparison, RunError> {
    let recorded = replay::config_of(tape, given, overrides)?;
    let config = with_arms(recorded, given, options)?;
    let chosen = setup::choose(&config)?;
    let mut seconds =
        Seconds { chosen: &chosen, blocks: Blocks::default(), seconds: options.seconds_per_block };
    let at_full_speed = ReplayOptions { speed: None, verify: false, order_seed: None };
    let replayed =
        replay::replay_observed(tape, &config, &at_full_speed, terminal, Some(&mut seconds))?;
    let mut notes = replayed.summary.notes;
    notes.extend(same(&chosen));
    let source = format!("{}, replayed at full speed", tape.display());
    let arrival = "from the moment its frame was taken from the tape";
    Ok(conclude(options, &config, seconds.blocks, None, (source, arrival), notes))
}

fn conclude(
    options: &CompareOptions,
    config: &Config,
    mut blocks: Blocks,
    called_first: Option<[u64; ARMS]>,
    (source, arrival): (String, &'static str),
    mut notes: Vec<String>,
) -> Comparison {
    let warm_up = blocks.split_warm_up();
    let ticks = blocks.ticks();
    let names = &config.session.strategies;
    let names: [String; ARMS] = std::array::from_fn(|arm| names[arm].clone());
    let most = ticks.into_iter().max().unwrap_or(0);
    for (name, ticks) in names.iter().zip(ticks).filter(|(_, ticks)| *ticks < most) {
        notes.push(format!(
            "{name} was called {ticks} times and others {most} times, as happens to a strategy that was \
             benched: not all ticks are the same"
        ));
    }
    let clock = HostClock::new();
    let clock_step_ns = clock_step::measure(&clock);
    let settings = Settings { clock_step_ns, detect: options.detect, ..Settings::default() };
    Comparison {
        names,
        source,
        arrival,
        seconds_per_block: options.seconds_per_block,
        blocks: blocks.service.len(),
        ticks,
        ticks_per_s: stats::float(blocks.calls) / stats::float(blocks.seconds.max(1)),
        called_first,
        warm_up,
        host: doctor::quick(config),
        probe_tax: probes::measure(&clock),
        settings,
        service: stats::compare(&blocks.service, &settings),
        response: stats::compare(&blocks.response, &settings),
        notes,
    }
}

/// Puts A, B and the control in the place of the configured strategies. Sections of the given
/// configuration win over those that the tape was recorded with.
fn with_arms(
    mut config: Config,
    given: &Config,
    options: &CompareOptions,
) -> Result<Config, RunError> {
    let (a, b) = (&options.a, &options.b);
    let plain = |name: &str| name.split('#').next().unwrap_or(name).to_owned();
    let is_arm = |key: &String| key == a || key == b || *key == plain(a) || *key == plain(b);
    // A label that nobody has would leave two instances alike that were meant to differ.
    let is_stray = |key: &&String| !is_arm(key) && [plain(a), plain(b)].contains(&plain(key));
    if let Some(stray) = given.strategies.keys().find(is_stray) {
        return Err(setup::SetupError::Unused(stray.clone()).into());
    }
    config.strategies.retain(|key, _| is_arm(key));
    let sections = given.strategies.iter().filter(|(key, _)| is_arm(key));
    config.strategies.extend(sections.map(|(key, section)| (key.clone(), section.clone())));
    let mut control = format!("{a}{}control", if a.contains('#') { '.' } else { '#' });
    while control == *b {
        control.push('_');
    }
    let section: Option<StrategySection> = config.strategies.get(a).cloned();
    config.strategies.extend(section.map(|section| (control.clone(), section)));
    config.session.strategies = vec![a.clone(), b.clone(), control];
    Ok(config)
}

/// A word about two that do not differ.
fn same(chosen: &[Chosen]) -> Option<String> {
    chosen[A].is_same_as(&chosen[B]).then(|| {
        "A and B are one strategy with the same parameters: whatever is found is the machine's"
            .to_owned()
    })
}

/// Takes the blocks of a replay.
struct Seconds<'a> {
    chosen: &'a [Chosen],
    blocks: Blocks,
    seconds: u64,
}

impl Observer for Seconds<'_> {
    fn begin(&mut self, instruments: &[Instrument]) -> Result<(), RunError> {
        let symbols: Vec<&str> = instruments.iter().map(|of| of.name.as_str()).collect();
        same_symbols(self.chosen, &symbols)
    }

    fn interval(&self) -> DurationNs {
        DurationNs::from_secs(self.seconds)
    }

    fn take(&mut self, bank: &Bank) {
        self.blocks.take(bank, self.seconds);
    }
}

/// Only what sees the same ticks is compared.
fn same_symbols(chosen: &[Chosen], symbols: &[&str]) -> Result<(), RunError> {
    let of = |arm: usize| symbols.iter().copied().filter(move |symbol| chosen[arm].trades(symbol));
    let (a, b): (Vec<&str>, Vec<&str>) = (of(A).collect(), of(B).collect());
    if a == b {
        return Ok(());
    }
    let common: Vec<&str> = a.iter().copied().filter(|symbol| b.contains(symbol)).collect();
    let (name_a, name_b) = (&chosen[A].instance, &chosen[B].instance);
    let wider = if a.len() > common.len() { name_a } else { name_b };
    Err(RunError::Config(format!(
        "{name_a} trades {} and {name_b} {}: they would not see the same ticks; add --set \
         'strategy.{wider}.symbols=[\"{}\"]'",
        a.join(", "),
        b.join(", "),
        common.join("\",\""),
    )))
}

#[cfg(test)]
mod tests;
