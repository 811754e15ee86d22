//! What layout adds to a pair of strategies, kept from a tape comparison for the page: a run is one process, and
//! cannot tell what another would have given.

use std::path::{Path, PathBuf};

use paperwire_lab::judge::Row;
use paperwire_lab::percentile::PERCENTILES;
use paperwire_lab::verdict::DETECT;
use paperwire_replay::error::RunError;
use paperwire_replay::held_file::write_whole;
use serde::{Deserialize, Serialize};

use crate::measurement::Measurement;
use crate::table;

/// Where comparisons are kept.
pub const FOLDER: &str = "data/compare";

/// Deviations between processes of a pair, of one build on one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The two in the order of their names.
    pub names: [String; 2],
    /// SHA-256 of the program, in part.
    pub build: String,
    /// Tells machines apart.
    pub fingerprint: String,
    /// Processes of the pair.
    pub processes: usize,
    /// Standard deviation of the logarithm of the ratio at each percentile.
    pub service: [Option<f64>; PERCENTILES],
    /// The same of responses.
    pub response: [Option<f64>; PERCENTILES],
}

/// Keeps what a comparison on one tape found; of the same pair the last one stays.
///
/// # Errors
/// [`RunError::Storage`].
pub fn keep(of: &Measurement, folder: &Path) -> Result<(), RunError> {
    let comparison = table::judge(of, &of.names, DETECT)?;
    let [tables] = &comparison.tables[..] else { return Ok(()) };
    if of.sources.len() > 1 {
        return Ok(());
    }
    let deviations = |rows: &[Row]| std::array::from_fn(|at| rows[at].deviation);
    let kept = Kept {
        names: of.names.clone(),
        build: of.build.clone(),
        fingerprint: of.host.fingerprint.clone(),
        processes: tables.processes,
        service: deviations(&tables.service),
        response: deviations(&tables.response),
    };
    let path = path(folder, &of.names);
    let text = serde_json::to_string_pretty(&kept);
    let text = text.map_err(|error| RunError::Internal(error.to_string()))?;
    write_whole(&path, (text + "\n").as_bytes())
        .map_err(|error| RunError::Storage(format!("{}: {error}", path.display())))
}

/// What was kept of a pair by this build on this host.
pub fn find(folder: &Path, names: [&str; 2], build: &str, fingerprint: &str) -> Option<Kept> {
    let mut names = names.map(str::to_owned);
    names.sort_unstable();
    let text = std::fs::read_to_string(path(folder, &names)).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    let is_meant = kept.names == names && kept.build == build && kept.fingerprint == fingerprint;
    is_meant.then_some(kept)
}

/// Labels hold what no file may be named by everywhere.
fn path(folder: &Path, names: &[String; 2]) -> PathBuf {
    let safe = |name: &String| {
        name.chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
            .collect::<String>()
    };
    folder.join(format!("{}+{}.json", safe(&names[0]), safe(&names[1])))
}
