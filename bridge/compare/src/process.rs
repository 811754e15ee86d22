//! One fresh process of a comparison, from both ends: the parent that starts it and sleeps, and the child that
//! arranges its memory, pins itself, plays, and prints what it measured.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use paperwire_config::Config;
use paperwire_core::instrument::Instrument;
use paperwire_core::latency::Bank;
use paperwire_core::time::DurationNs;
use paperwire_exec::digest::Conduct;
use paperwire_lab::blocks::Blocks;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Quiet;
use paperwire_replay::play::{self, ReplayOptions};
use paperwire_replay::player::Observer;
use paperwire_replay::setup::Chosen;
use paperwire_replay::tally::Tally;
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner;
use paperwire_run::session::{self, RunOptions};
use paperwire_run::sink::{Second, Sink};
use paperwire_run::totals::lock;
use serde::{Deserialize, Serialize};

use crate::cast;

/// The hidden command that a child is started with.
pub const COMMAND: &str = "compare-process";
/// Moves the child's stack by its length; nobody reads it.
const PADDING: &str = "COMPARE_PADDING";
/// Lines of a failed child that are shown.
const LINES_SHOWN: usize = 3;

/// What a child is to do; it comes by its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// Its whole configuration, so that it reads neither files nor environment.
    pub config: String,
    /// Indexes of the two that are compared among its strategies.
    pub arms: [usize; 2],
    /// What is played; without it a session is run for so many seconds.
    pub tape: Option<PathBuf>,
    /// Seconds of a session.
    pub live_s: u64,
    /// Seed of the order of calls.
    pub order_seed: u64,
    /// Bytes of each block of memory that is taken first and never given back.
    pub heap: Vec<usize>,
    /// Core to run on; a session places its own threads.
    pub core: Option<usize>,
    /// Length of a block.
    pub seconds_per_block: u64,
}

/// What a child measured; it comes by its standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Seconds from its start to its end, as it saw them.
    pub took_s: f64,
    /// Whether it ran on the core that it was to run on.
    pub is_pinned: bool,
    /// Histograms of the two.
    pub blocks: Blocks,
    /// Of each strategy, the digest of its signals and fills but for their ids; empty for a session, which is
    /// another market each time.
    pub conduct: Vec<(String, String)>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// Runs a child and waits for it.
///
/// # Errors
/// [`RunError`] when it cannot be started, or fails: no process of a comparison is dropped.
pub fn start(program: &Path, task: &Task, padding: usize) -> Result<Outcome, RunError> {
    let failed = |why: &dyn std::fmt::Display| {
        RunError::Internal(format!(
            "a process of the comparison failed, so there is no comparison: {why}"
        ))
    };
    let text = serde_json::to_string(task).map_err(|error| failed(&error))?;
    let mut child = Command::new(program)
        .arg(COMMAND)
        .env(PADDING, "x".repeat(padding))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format!("{}: {error}", program.display())))?;
    if let Some(mut input) = child.stdin.take() {
        // A child that is gone already says why itself.
        let _ = input.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
        return Err(failed(&format!("{}; {}", output.status, last.join("; "))));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(&error))
}

/// The child: does what standard input says; what it measured, to be printed.
///
/// # Errors
/// [`RunError`].
pub fn serve() -> Result<String, RunError> {
    let clock = HostClock::new();
    let begun = clock.now();
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| RunError::Config(format!("the task of a comparison: {error}")))?;
    let task: Task = serde_json::from_str(&text)
        .map_err(|error| RunError::Config(format!("the task of a comparison: {error}")))?;
    for bytes in &task.heap {
        Box::leak(vec![1u8; *bytes].into_boxed_slice());
    }
    let is_pinned = task.core.is_none_or(runner::pin);
    let (config, chosen) = cast::choose(&task.config)?;
    let (mut blocks, conduct, notes) = match &task.tape {
        Some(tape) => play(&task, tape, &config, &chosen)?,
        None => (live(&task, &config)?, Vec::new(), Vec::new()),
    };
    blocks.settle();
    let took = Duration::from_nanos(clock.now().since(begun).raw());
    let outcome = Outcome { took_s: took.as_secs_f64(), is_pinned, blocks, conduct, notes };
    serde_json::to_string(&outcome).map_err(|error| RunError::Internal(error.to_string()))
}

type Played = (Blocks, Vec<(String, String)>, Vec<String>);

fn play(task: &Task, tape: &Path, config: &Config, chosen: &[Chosen]) -> Result<Played, RunError> {
    let seconds = task.seconds_per_block;
    let mut taken = Seconds { chosen, arms: task.arms, blocks: Blocks::of(task.arms), seconds };
    let order_seed = Some(task.order_seed);
    let options = ReplayOptions { speed: None, verify: false, order_seed };
    let replayed = play::replay_observed(tape, config, &options, &mut Quiet, Some(&mut taken))?;
    let names = replayed.tally.strategies.iter().map(|of| of.instance.clone());
    let conduct = names.zip(replayed.tally.conduct.iter().map(|of| of.hex())).collect();
    Ok((taken.blocks, conduct, replayed.summary.notes))
}

/// Runs a session; an end that is not well is the process's own.
fn live(task: &Task, config: &Config) -> Result<Blocks, RunError> {
    let mut config = config.clone();
    config.session.duration_s = task.live_s;
    let blocks = Arc::new(Mutex::new(Blocks::of(task.arms)));
    let options = RunOptions {
        sinks: vec![Box::new(EachSecond(blocks.clone()))],
        order_seed: Some(task.order_seed),
        ..RunOptions::default()
    };
    let finished = session::run(&config, options, &Arc::new(AtomicU32::new(0)), &mut Quiet)?;
    finished.result()?;
    let blocks = std::mem::take(&mut *lock(&blocks));
    Ok(blocks)
}

/// Takes the blocks of a session.
#[derive(Debug)]
struct EachSecond(Arc<Mutex<Blocks>>);

impl Sink for EachSecond {
    fn bank(&mut self, second: &Second<'_>) {
        lock(&self.0).take(second.bank, 1);
    }
}

/// Takes the blocks of a replay.
struct Seconds<'a> {
    chosen: &'a [Chosen],
    arms: [usize; 2],
    blocks: Blocks,
    seconds: u64,
}

impl Observer for Seconds<'_> {
    fn begin(&mut self, instruments: &[Instrument]) -> Result<(), RunError> {
        let symbols: Vec<&str> = instruments.iter().map(|of| of.name.as_str()).collect();
        cast::same_symbols(self.arms.map(|arm| &self.chosen[arm]), &symbols)
    }

    fn prepare(&mut self, tally: &mut Tally) {
        tally.conduct = vec![Conduct::default(); tally.strategies.len()];
    }

    fn interval(&self) -> DurationNs {
        DurationNs::from_secs(self.seconds)
    }

    fn take(&mut self, bank: &Bank) {
        self.blocks.take(bank, self.seconds);
    }
}
