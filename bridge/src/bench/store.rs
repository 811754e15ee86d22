//! Runs on disk, and one run against another.

use std::path::{Path, PathBuf};

use paperwire_replay::error::RunError;
use paperwire_replay::held_file::write_new;
use serde::Serialize;

use super::model::{FORMAT, Quantiles, Run};

/// Instead of a file: the newest run in the store.
const LATEST: &str = "latest";

/// Writes a run as JSON and says where.
pub(super) fn save(run: &Run, folder: &Path) -> Result<PathBuf, RunError> {
    let name = run.at.replace(['-', ':'], "");
    let text = serde_json::to_string_pretty(run).map_err(|e| RunError::Internal(e.to_string()))?;
    let text = text + "\n";
    for again in 0u32.. {
        // Two that end within one second have a file each.
        let again = if again == 0 { String::new() } else { format!("-{again}") };
        let path = folder.join(format!("bench-{name}{again}.json"));
        match write_new(&path, text.as_bytes()) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RunError::Storage(format!("{}: {error}", path.display()))),
        }
    }
    Err(RunError::Storage(format!("{}: every name is taken", folder.display())))
}

/// Reads a run: a file, or the newest of the store.
pub(super) fn load(wanted: &str, folder: &Path) -> Result<Run, RunError> {
    let path = if wanted == LATEST { newest(folder)? } else { PathBuf::from(wanted) };
    let wrong = |why: &dyn std::fmt::Display| {
        RunError::Config(format!("--against {}: {why}", path.display()))
    };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(&error))?;
    let run: Run = serde_json::from_str(&text)
        .map_err(|error| wrong(&format!("not a stored run of bench: {error}")))?;
    if run.format != FORMAT {
        return Err(wrong(&format!("its form is {}, this program reads {FORMAT}", run.format)));
    }
    Ok(run)
}

fn newest(folder: &Path) -> Result<PathBuf, RunError> {
    let none = || {
        let folder = folder.display();
        RunError::Config(format!("--against latest: no run is stored in {folder}"))
    };
    let files = std::fs::read_dir(folder).map_err(|_| none())?;
    let paths = files.flatten().map(|file| file.path());
    let is_run = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("bench-") && name.ends_with(".json")
    };
    // Names begin with the time.
    paths.filter(is_run).max().ok_or_else(none)
}

/// Refuses to compare with a run of another host.
pub(super) fn require_same_host(hash: &str, against: &Run) -> Result<(), RunError> {
    if against.host.hash == hash {
        return Ok(());
    }
    let that = &against.host;
    Err(RunError::Config(format!(
        "--against: that run is of another host ({}, {}, {} cores), this is {hash}: a ratio would compare \
         machines, not programs; give --across-hosts to see it all the same",
        that.hash, that.cpu, that.cores
    )))
}

/// Percentiles of this run over those of an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ratio {
    pub(super) name: String,
    pub(super) rate: String,
    /// In the order of [`Quantiles::all`]; nothing where the earlier one was zero.
    #[serde(rename = "ratios")]
    pub(super) all: [Option<f64>; 6],
}

/// What both runs have, the decision's response first, then work of stages and strategies.
pub(super) fn ratios(run: &Run, against: &Run) -> Vec<Ratio> {
    let mut all = Vec::new();
    let mut add = |name: &str, rate: &str, now: &Quantiles, then: Option<&Quantiles>| {
        if let Some(then) = then {
            let pairs = now.all().into_iter().zip(then.all());
            let mut ratios = [None; 6];
            for (ratio, (now, then)) in ratios.iter_mut().zip(pairs) {
                #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
                let of = || now as f64 / then as f64;
                *ratio = (then > 0).then(of);
            }
            all.push(Ratio { name: name.to_owned(), rate: rate.to_owned(), all: ratios });
        }
    };
    for row in &run.rates {
        let then = against.rates.iter().find(|of| of.rate == row.rate).map(|of| &of.decision_ns);
        add("wire to decision", &row.rate, &row.decision_ns, then);
    }
    let mut stages: Vec<&str> = Vec::new();
    for row in &run.stages {
        if !stages.contains(&row.stage.as_str()) {
            stages.push(&row.stage);
        }
    }
    for stage in stages {
        for row in run.stages.iter().filter(|row| row.stage == stage) {
            let is_it = |of: &&super::model::StageRow| of.rate == row.rate && of.stage == stage;
            let then = against.stages.iter().find(is_it).map(|of| &of.latency_ns);
            add(stage, &row.rate, &row.latency_ns, then);
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for row in &run.strategies {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    for name in names {
        for row in run.strategies.iter().filter(|row| row.name == name) {
            let is_it = |of: &&super::model::StrategyRow| of.rate == row.rate && of.name == name;
            let then = against.strategies.iter().find(is_it).map(|of| &of.latency_ns);
            add(name, &row.rate, &row.latency_ns, then);
        }
    }
    all
}
