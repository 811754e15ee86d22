//! The house rules that no compiler checks: who may import whom, and how files look.
//!
//! Pure functions over file contents and `cargo metadata`, so that each rule is tested on made-up
//! input; only this file reads the disk. A broken rule is printed with its reason.

mod circles;
mod lints;
mod text;
mod walls;

use std::fmt;
use std::path::Path;
use std::process::Command;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// File, `file:line` or package.
    pub(crate) place: String,
    pub(crate) what: String,
    pub(crate) because: &'static str,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    because {}", self.place, self.what, self.because)
    }
}

/// Checks the repository and prints what is broken.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut complaints = Vec::new();
    let mut file_count = 0;
    let names = files(root)?;
    let mut texts = Vec::new();
    for name in names {
        let path = root.join(&name);
        // Listed by git, and deleted in the work tree since.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        file_count += 1;
        complaints.extend(text::check(&name, &bytes));
        if let Ok(text) = String::from_utf8(bytes) {
            texts.push((name, text));
        }
    }

    let metadata = metadata(root)?;
    let graph = walls::Graph::parse(&metadata).ok_or("cargo metadata is not understood")?;
    complaints.extend(graph.check());

    let manifest = |name: &str| {
        std::fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}"))
    };
    let workspace = manifest("Cargo.toml")?;
    for member in graph.member_dirs(root) {
        let name = format!("{member}/Cargo.toml");
        complaints.extend(lints::check(&name, &manifest(&name)?, &workspace));
        let src = format!("{member}/src/");
        let own = texts
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix(&src)?.to_owned(), text.clone())));
        complaints.extend(circles::check(&member, &own.collect::<Vec<_>>()));
    }

    if complaints.is_empty() {
        println!("tidy: {file_count} files and {} packages are in order", graph.member_count());
        return Ok(());
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    Err(format!("tidy: {} rules broken, each named above", complaints.len()))
}

/// What is in the repository or about to be, by path from its root.
fn files(root: &Path) -> Result<Vec<String>, String> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = output(Command::new("git").args(args).current_dir(root))?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn metadata(root: &Path) -> Result<serde_json::Value, String> {
    // All features: a wall must hold under any of them.
    let args = ["metadata", "--format-version", "1", "--locked", "--all-features"];
    let text = output(Command::new("cargo").args(args).current_dir(root))?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))
}

fn output(command: &mut Command) -> Result<String, String> {
    let shown = format!("{:?}", command.get_program());
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{shown}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{shown}: {error}"))
}
