//! Runs the processes of a comparison, one at a time, and keeps everything that they measured.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use paperwire_config::Config;
use paperwire_doctor as doctor;
use paperwire_doctor::{build_profile, clock_step, probes};
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_replay::{play, setup};
use paperwire_rt::clock::{HostClock, utc_now};
use paperwire_rt::runner;
use paperwire_tape::Source;
use sha2::{Digest, Sha256};

use crate::CompareOptions;
use crate::cast::{self, Cast};
use crate::measurement::{Host, Measurement, Process};
use crate::plan::{self, Kind, Plan, Size};
use crate::process::{self, Task};

/// Where the market comes from.
struct Market {
    /// The session's configuration.
    config: Config,
    /// What is played; without it a session is run.
    tape: Option<PathBuf>,
}

/// Measures on tapes, or on sessions that are run for it.
///
/// # Errors
/// [`RunError`].
pub fn measure(
    options: &CompareOptions,
    asked: &[String; 2],
    given: &Config,
    overrides: &[(String, toml::Value)],
    notices: &mut dyn Notices,
) -> Result<Measurement, RunError> {
    let mut markets = Vec::new();
    for tape in &options.tapes {
        let config = play::config_of(tape, given, overrides)?;
        markets.push(Market { config, tape: Some(tape.clone()) });
    }
    if options.live_s.is_some() {
        markets.push(Market { config: given.clone(), tape: None });
    }
    let [a, b] = asked;
    let alone = Cast::alone(a, b);
    let casts = markets.iter().map(|market| match options.has_company {
        true => alone.clone().among(&market.config.session.strategies),
        false => alone.clone(),
    });
    let casts: Vec<Cast> = casts.collect();
    alone.check(given)?;
    let notes = examine(&markets, &casts, given)?;

    let cores = runner::usable_cores();
    let size = Size {
        tapes: markets.len(),
        processes: options.processes,
        // Sessions are run as long as they last: a control would take as long again.
        has_control: options.has_control && options.live_s.is_none(),
        cores: cores.len(),
    };
    let seed = options.seed.unwrap_or_else(|| utc_now().raw().cast_unsigned());
    let plans = plan::draw(seed, &size);
    let mut of = describe(options, asked, &alone, &markets, seed)?;
    of.has_control = size.has_control;
    of.notes.extend(notes);
    let program = std::env::current_exe()
        .map_err(|error| RunError::Internal(format!("where this program is: {error}")))?;
    let count = plans.len();
    for (at, plan) in plans.into_iter().enumerate() {
        notices.progress(&format!("process {} of {count}", at + 1));
        let (market, cast) = (&markets[plan.tape], &casts[plan.tape]);
        let task = task(options, market, cast, given, &plan, &cores)?;
        let outcome = process::start(&program, &task, plan.padding)?;
        of.processes.push(Process { plan, outcome });
    }
    notices.progress("");
    require_equal_conduct(&of)?;
    add_notes(&mut of);
    Ok(of)
}

/// [`build`], read once: the program does not change while it runs.
pub fn build_once() -> Option<&'static str> {
    static BUILD: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    BUILD.get_or_init(|| build().ok()).as_deref()
}

/// Refuses early what each process would refuse.
fn examine(markets: &[Market], casts: &[Cast], given: &Config) -> Result<Vec<String>, RunError> {
    let mut notes = Vec::new();
    for (market, cast) in markets.iter().zip(casts) {
        let text = cast.config(&market.config, given, Kind::Pair, false)?;
        let (config, chosen) = cast::choose(&text)?;
        let pair = [&chosen[0], &chosen[1]];
        let symbols: Vec<&str> = config.session.symbols.iter().map(String::as_str).collect();
        // The symbols of a capture are in its frames: its processes look themselves.
        let names_symbols = |tape: &PathBuf| {
            let source = Source::open(tape).map_err(|error| RunError::Storage(error.to_string()));
            source.map(|source| source.meta().is_some())
        };
        if market.tape.as_ref().map_or(Ok(true), names_symbols)? {
            cast::same_symbols(pair, &symbols)?;
        }
        notes = cast::same(pair).into_iter().collect();
    }
    Ok(notes)
}

fn task(
    options: &CompareOptions,
    market: &Market,
    cast: &Cast,
    given: &Config,
    plan: &Plan,
    cores: &[usize],
) -> Result<Task, RunError> {
    Ok(Task {
        config: cast.config(&market.config, given, plan.kind, plan.is_swapped)?,
        arms: if plan.is_swapped { [1, 0] } else { [0, 1] },
        tape: market.tape.clone(),
        live_s: options.live_s.unwrap_or(0),
        order_seed: plan.order_seed,
        heap: plan.heap.clone(),
        // A session pins its own threads.
        core: market.tape.as_ref().and(cores.get(plan.core).copied()),
        seconds_per_block: options.seconds_per_block,
    })
}

/// Everything but the processes.
fn describe(
    options: &CompareOptions,
    asked: &[String; 2],
    cast: &Cast,
    markets: &[Market],
    seed: u64,
) -> Result<Measurement, RunError> {
    let config = &markets[0].config;
    let clock = HostClock::new();
    let step_ns = clock_step::measure(&clock);
    let host = Host::of(&doctor::quick(&setup::demands(config)), step_ns, &probes::measure(&clock));
    let source = |market: &Market| match &market.tape {
        Some(tape) => tape.display().to_string(),
        None => config.session.source.clone(),
    };
    let company = match options.has_company {
        true => cast.clone().among(&config.session.strategies).company,
        false => Vec::new(),
    };
    Ok(Measurement {
        format: Measurement::FORMAT,
        names: cast.names.clone(),
        asked: asked.clone(),
        company,
        sources: markets.iter().map(source).collect(),
        is_live: options.live_s.is_some(),
        seconds_per_block: options.seconds_per_block,
        seed,
        build: build()?,
        host,
        has_control: options.has_control,
        processes: Vec::new(),
        notes: build_profile::warning().into_iter().collect(),
    })
}

/// Tells programs apart: the beginning of their SHA-256.
///
/// # Errors
/// [`RunError::Internal`] when the program cannot be read.
pub fn build() -> Result<String, RunError> {
    let read = |path: &Path| -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let (mut hash, mut bytes) = (Sha256::new(), vec![0u8; 1 << 20]);
        loop {
            match file.read(&mut bytes)? {
                0 => {
                    return Ok(hash
                        .finalize()
                        .iter()
                        .take(6)
                        .map(|of| format!("{of:02x}"))
                        .collect());
                }
                count => hash.update(&bytes[..count]),
            }
        }
    };
    std::env::current_exe()
        .and_then(|path| read(&path))
        .map_err(|error| RunError::Internal(format!("the program cannot be read: {error}")))
}

/// Latencies of strategies that did not do the same in all processes are no repetitions of each other.
fn require_equal_conduct(of: &Measurement) -> Result<(), RunError> {
    let mut known: HashMap<(usize, &str), &str> = HashMap::new();
    for process in &of.processes {
        for (name, digest) in &process.outcome.conduct {
            let first = known.entry((process.plan.tape, name)).or_insert(digest);
            if first != digest {
                return Err(RunError::Internal(format!(
                    "{name} gave other signals or fills in two processes on {}: it depends on more than its \
                     events, so its calls are not comparable",
                    of.sources[process.plan.tape]
                )));
            }
        }
    }
    Ok(())
}

fn add_notes(of: &mut Measurement) {
    let mut notes: Vec<String> = Vec::new();
    for process in &of.processes {
        for note in &process.outcome.notes {
            if !notes.contains(note) && !of.notes.contains(note) {
                notes.push(note.clone());
            }
        }
    }
    let loose = of.processes.iter().filter(|process| !process.outcome.is_pinned).count();
    if loose > 0 {
        notes.push(format!("{loose} processes could not be pinned to their core"));
    }
    of.notes.extend(notes);
}
