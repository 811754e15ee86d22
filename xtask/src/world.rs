//! A row of the release gate, and a command by itself: the real binary against a bad world, over sockets, files and signals.
//!
//! A scenario is a row of a table: how often it is played and one round of it, in a folder of its own. What is random
//! comes from the round's number, so a round that fails is played again alone. Counts stand at the end, and in
//! `docs/RELIABILITY.md` those of the last release.

mod play;
mod scenes;

use std::path::{Path, PathBuf};
use std::process::Command;

use play::Round;
use scenes::{ALL, Scenario};

/// Why a round is not passed.
pub(crate) enum Trouble {
    /// The machine lacks something.
    Lacking(String),
    /// The program did what it must not.
    Failed(String),
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

/// What is asked for.
struct Asked {
    binary: Option<PathBuf>,
    only: Option<String>,
    /// At most so many rounds of each.
    rounds_max: u32,
    /// The round to play alone.
    round: Option<u32>,
}

impl Asked {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut asked = Self { binary: None, only: None, rounds_max: u32::MAX, round: None };
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            let mut value = || args.next().map(|of| (*of).to_owned());
            let number = |of: Option<String>| of.and_then(|of| of.parse().ok());
            match arg {
                "--binary" => asked.binary = value().map(PathBuf::from),
                "--only" => asked.only = value(),
                "--rounds" => {
                    asked.rounds_max = number(value()).ok_or("--rounds needs a number")?;
                }
                "--round" => {
                    asked.round = Some(number(value()).ok_or("--round needs a number")?);
                }
                other => return Err(format!("`{other}` is no option here")),
            }
        }
        Ok(asked)
    }
}

/// Plays the scenarios; an error names the rounds that failed.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let asked = Asked::parse(args)?;
    let binary = match &asked.binary {
        Some(binary) => binary.canonicalize().map_err(|error| format!("--binary: {error}"))?,
        None => build(root)?,
    };
    let is_meant = |of: &&Scenario| asked.only.as_ref().is_none_or(|name| *name == of.name);
    let chosen: Vec<&Scenario> = ALL.iter().filter(is_meant).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = ALL.iter().map(|of| of.name).collect();
        return Err(format!("there is no such scenario; there are {}", names.join(", ")));
    }
    let mut failures = Vec::new();
    println!("{:<12} {:>7} {:>7} {:>7}  what", "scenario", "rounds", "passed", "failed");
    for scenario in chosen {
        let (passed, failed, lacking) = play_all(scenario, &binary, &asked);
        let note = lacking.map_or_else(String::new, |why| format!("; SKIPPED: {why}"));
        println!(
            "{:<12} {:>7} {passed:>7} {:>7}  {}{note}",
            scenario.name,
            passed + failed.len(),
            failed.len(),
            scenario.about
        );
        for (round, why) in failed {
            let again = format!("cargo xtask world --only {} --round {round}", scenario.name);
            failures.push(format!("{}, round {round}: {why}\n  again: {again}", scenario.name));
        }
    }
    match failures.as_slice() {
        [] => Ok(()),
        _ => Err(format!("{} rounds failed\n{}", failures.len(), failures.join("\n"))),
    }
}

type Failed = Vec<(u32, String)>;

fn play_all(scenario: &Scenario, binary: &Path, asked: &Asked) -> (usize, Failed, Option<String>) {
    let rounds = match asked.round {
        Some(round) => round..round + 1,
        None => 0..scenario.rounds.min(asked.rounds_max),
    };
    let (mut passed, mut failed) = (0, Vec::new());
    for number in rounds {
        let played = Round::new(binary, scenario.name, number)
            .map_err(Trouble::Failed)
            .and_then(|mut round| (scenario.play)(&mut round));
        match played {
            Ok(()) => passed += 1,
            Err(Trouble::Failed(why)) => failed.push((number, why)),
            Err(Trouble::Lacking(why)) => return (passed, failed, Some(why)),
        }
    }
    (passed, failed, None)
}

fn build(root: &Path) -> Result<PathBuf, String> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "paperwire-bridge"])
        .current_dir(root)
        .status();
    match built {
        Ok(status) if status.success() => Ok(root.join("target/release/paperwire")),
        Ok(status) => Err(format!("the build ended with {status}")),
        Err(error) => Err(format!("cargo: {error}")),
    }
}
