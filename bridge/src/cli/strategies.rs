//! `paperwire strategies`.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, Subcommand};
use paperwire_replay::error::RunError;
use paperwire_replay::setup::SetupError;
use paperwire_replay::trust::{self, Trust};
use paperwire_strategies::Registration;
use serde_json::json;

use crate::terminal::Terminal;

#[derive(Clone, Debug, Args)]
pub(crate) struct StrategiesArgs {
    #[command(subcommand)]
    action: StrategiesAction,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StrategiesAction {
    /// Every strategy of this binary.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Parameters, symbols and warm-up of one strategy.
    Describe {
        /// Its name.
        name: String,
    },
    /// Compare strategies with what was trusted; fails when one is not.
    Verify {
        /// Their names; all of this binary without any.
        names: Vec<String>,
    },
    /// Trust strategies as they are now, after reading them.
    Trust {
        /// Their names; all of this binary without any.
        names: Vec<String>,
    },
    /// Write a working strategy to start from.
    New {
        /// Lower snake case.
        name: String,
    },
}

pub(crate) fn run(args: &StrategiesArgs) -> Result<(), RunError> {
    let mut terminal = Terminal::new(false);
    match &args.action {
        StrategiesAction::List { json } => terminal.result(&list(*json)),
        StrategiesAction::Describe { name } => terminal.result(&describe(name)?),
        StrategiesAction::Verify { names } => {
            let (text, all_trusted) = verify(names, Path::new(trust::LOCK))?;
            terminal.result(&text);
            all_trusted?;
        }
        StrategiesAction::Trust { names } => {
            terminal.result(&self::trust(names, Path::new(trust::LOCK))?);
        }
        StrategiesAction::New { name } => {
            let root = Path::new(".");
            terminal.result(&new_strategy(name, root)?);
        }
    }
    Ok(())
}

/// Every strategy, a line each.
fn list(as_json: bool) -> String {
    let all = paperwire_strategies::all();
    if as_json {
        let one = |r: &paperwire_strategies::Registration| {
            json!({
                "name": r.name,
                "version": r.version,
                "sha256": r.sha256,
                "symbols": r.symbols,
                "summary": r.summary,
            })
        };
        return format!("{:#}", all.iter().map(one).collect::<serde_json::Value>());
    }
    let width = all.iter().map(|r| r.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for r in all {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{:<width$}  {:<8} {}  {}",
            r.name,
            r.version,
            &r.sha256[..12],
            r.summary
        );
    }
    out.trim_end().to_owned()
}

/// One strategy in full.
///
/// # Errors
/// [`RunError::Strategy`] when there is none of that name.
fn describe(name: &str) -> Result<String, RunError> {
    let r = paperwire_strategies::find(name).map_err(SetupError::from)?;
    let warmup: Vec<String> =
        r.warmup.iter().map(|(tf, bars)| format!("{bars} bars of {}", tf.as_str())).collect();
    let warmup = if warmup.is_empty() { "none".to_owned() } else { warmup.join(", ") };
    Ok(format!(
        "{} {}\n{}\n\nsha256   {}\nsymbols  {}\nwarm-up  {warmup}\nflip     {}: what an entry against its position does\nreload   {}: may change while it runs\n\nparameters, under [strategy.{}.params]:\n{}",
        r.name,
        r.version,
        r.summary,
        r.sha256,
        r.symbols.join(", "),
        r.flip.as_str(),
        if r.reloadable.is_empty() { "none".to_owned() } else { r.reloadable.join(", ") },
        r.name,
        r.default_params(),
    ))
}

/// Strategies by their names, or all.
fn named(names: &[String]) -> Result<Vec<&'static Registration>, RunError> {
    if names.is_empty() {
        return Ok(paperwire_strategies::all().iter().collect());
    }
    let find = |name: &String| paperwire_strategies::find(name).map_err(SetupError::from);
    Ok(names.iter().map(find).collect::<Result<_, _>>()?)
}

/// A line for each strategy with its verdict, and whether all are trusted.
///
/// # Errors
/// [`RunError::Strategy`] for an unknown name or a file that cannot be read.
fn verify(names: &[String], lock: &Path) -> Result<(String, Result<(), RunError>), RunError> {
    let strategies = named(names)?;
    let trust = Trust::read(lock).map_err(SetupError::from)?;
    let width = strategies.iter().map(|r| r.name.len()).max().unwrap_or(0);
    let lines: Vec<String> = strategies
        .iter()
        .map(|r| format!("{:<width$}  {}  {}", r.name, &r.sha256[..12], trust.verdict(r).shown()))
        .collect();
    let verdict = trust.require(strategies).map_err(SetupError::from).map_err(RunError::from);
    Ok((lines.join("\n"), verdict))
}

/// Trusts strategies as they are now.
///
/// # Errors
/// [`RunError::Strategy`] for an unknown name or a file that cannot be written.
fn trust(names: &[String], lock: &Path) -> Result<String, RunError> {
    let strategies = named(names)?;
    let mut trust = Trust::read(lock).map_err(SetupError::from)?;
    trust.add(strategies.iter().copied());
    trust.write(lock).map_err(SetupError::from)?;
    let names: Vec<&str> = strategies.iter().map(|r| r.name).collect();
    Ok(format!("trusted in {}: {}", lock.display(), names.join(", ")))
}

/// Writes a new strategy file into the checkout at `root`.
///
/// # Errors
/// [`RunError`] when the name does not do, the folder is not there or the file exists.
fn new_strategy(name: &str, root: &Path) -> Result<String, RunError> {
    let text = paperwire_strategies::template(name).ok_or_else(|| {
        RunError::Config(format!("{name}: expected lower snake case, such as my_idea"))
    })?;
    let folder = root.join("strategies/src");
    if !folder.is_dir() {
        return Err(RunError::Config(
            "run this in a checkout of Paperwire: there is no strategies/src here".to_owned(),
        ));
    }
    let path = folder.join(format!("{name}.rs"));
    if path.exists() || folder.join(name).exists() {
        return Err(RunError::Config(format!("{} exists and is left alone", path.display())));
    }
    std::fs::write(&path, text)
        .map_err(|error| RunError::Storage(format!("{}: {error}", path.display())))?;
    Ok(format!("wrote {}\ntry it:  cargo run --release -- run --strategies {name}", path.display()))
}
