//! Tells the program how it was built: the profile, the optimisation level and the commit.

use std::process::Command;

fn main() {
    let level = std::env::var("OPT_LEVEL").unwrap_or_else(|_| "unknown".to_owned());
    println!("cargo::rustc-env=PAPERWIRE_OPT_LEVEL={level}");
    println!("cargo::rustc-env=PAPERWIRE_PROFILE={}", profile());
    // Sources may be built without git, or from an archive.
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    let commit = commit.unwrap_or_else(|| "unknown commit".to_owned());
    println!("cargo::rustc-env=PAPERWIRE_COMMIT={commit}");
    println!("cargo::rerun-if-changed=build.rs");
    // Both the switch to another commit and a new one write a line there.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}

/// The folder of the profile: `target/PROFILE/build/PACKAGE/out`. Cargo's own variable knows but `release` and
/// `debug`, whatever a profile inherits.
fn profile() -> String {
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    let folder = std::path::Path::new(&out).ancestors().nth(3).and_then(|path| path.file_name());
    folder.map_or_else(|| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
