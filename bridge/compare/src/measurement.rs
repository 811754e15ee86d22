//! A measurement: everything that its processes measured, as it is saved and judged again.
//!
//! A saved measurement is JSON under zstd: `zstd -dc FILE | jq` shows it. `docs/LATENCY.md` has its fields.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use paperwire_doctor::probes::ProbeTax;
use paperwire_replay::error::RunError;
use paperwire_replay::held_file::write_whole;
use serde::{Deserialize, Serialize};

use crate::plan::{Kind, Plan};
use crate::process::Outcome;

/// What a file of another form is refused by.
const FORMAT: u32 = 1;
/// Compression that costs little time: histograms are small.
const LEVEL: i32 = 3;

/// The machine of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// `paperwire doctor`'s mark.
    pub grade: String,
    /// Tells machines apart.
    pub fingerprint: String,
    /// In words.
    pub words: String,
    /// Smallest difference that its clock shows.
    pub clock_step_ns: u64,
    /// Cost of a look at it.
    pub clock_read_ns: f64,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// What was drawn for it.
    pub plan: Plan,
    /// What it measured.
    pub outcome: Outcome,
}

/// A whole measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Form of the file.
    pub format: u32,
    /// The two strategies in the order of their names; index 0 and 1 of everything.
    pub names: [String; 2],
    /// The two in the order in which they were asked for.
    pub asked: [String; 2],
    /// Who else ran beside them.
    pub company: Vec<String>,
    /// Where the market came from: tapes, or one description of sessions.
    pub sources: Vec<String>,
    /// Whether sessions were run instead of tapes.
    pub is_live: bool,
    /// Length of a block.
    pub seconds_per_block: u64,
    /// Of all that was drawn.
    pub seed: u64,
    /// SHA-256 of the program, in part.
    pub build: String,
    /// The machine.
    pub host: Host,
    /// Whether each strategy was measured beside itself, too.
    pub has_control: bool,
    /// All processes, in the order in which they ran.
    pub processes: Vec<Process>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

impl Host {
    /// This machine.
    pub fn of(examined: &paperwire_doctor::Examination, step_ns: u64, tax: &ProbeTax) -> Self {
        let line = examined.line();
        let line = line.split(';').next().unwrap_or_default();
        Self {
            grade: examined.grade.to_string(),
            fingerprint: examined.fingerprint.hash.clone(),
            words: line.strip_prefix("host ").unwrap_or(line).to_owned(),
            clock_step_ns: step_ns,
            clock_read_ns: tax.clock_read_ns,
        }
    }
}

impl Measurement {
    /// Form of new files.
    pub const FORMAT: u32 = FORMAT;

    /// Processes of one kind on one tape.
    pub fn of(&self, kind: Kind, tape: usize) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(move |of| of.plan.kind == kind && of.plan.tape == tape)
    }

    /// Writes it to a file, whole or not at all.
    ///
    /// # Errors
    /// [`RunError::Storage`].
    pub fn save(&self, path: &Path) -> Result<(), RunError> {
        let failed = |error: &dyn std::fmt::Display| {
            RunError::Storage(format!("--save {}: {error}", path.display()))
        };
        path.file_name().ok_or_else(|| failed(&"no name of a file"))?;
        let write = || -> std::io::Result<()> {
            let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
            serde_json::to_writer(&mut encoder, self)?;
            write_whole(path, &encoder.finish()?)
        };
        write().map_err(|error| failed(&error))
    }

    /// Reads one that was saved.
    ///
    /// # Errors
    /// [`RunError::Config`] for a file that is none, or of another form.
    pub fn load(path: &Path) -> Result<Self, RunError> {
        let wrong = |why: &dyn std::fmt::Display| {
            RunError::Config(format!("--from {}: {why}", path.display()))
        };
        let file = File::open(path).map_err(|error| wrong(&error))?;
        let decoder = zstd::Decoder::new(BufReader::new(file)).map_err(|error| wrong(&error))?;
        let of: Self = serde_json::from_reader(BufReader::new(decoder))
            .map_err(|error| wrong(&format!("not a saved comparison: {error}")))?;
        if of.format != FORMAT {
            return Err(wrong(&format!("its form is {}, this program reads {FORMAT}", of.format)));
        }
        match of.defect() {
            Some(defect) => Err(wrong(&format!("not a whole comparison: {defect}"))),
            None => Ok(of),
        }
    }

    /// What a file must have to be judged.
    fn defect(&self) -> Option<&'static str> {
        match () {
            () if self.names[0] >= self.names[1] => Some("its names are not in their order"),
            () if self.sources.is_empty() => Some("it has no source"),
            () if self.processes.iter().any(|of| of.plan.tape >= self.sources.len()) => {
                Some("a process is of a tape that it does not name")
            }
            () if self.host.clock_step_ns == 0 => Some("its clock has no step"),
            () => None,
        }
    }
}
