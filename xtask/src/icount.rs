//! Instructions of the hot functions, counted by callgrind and held against `benches/icount.baseline`.
//!
//! Wall time on a shared machine differs by a third from one minute to the next; the number of instructions does
//! not differ at all. It depends on the compiler and on what the processor can do, so the baseline names both and
//! counts on others are not compared. A change in either direction fails: who made something faster records it
//! with `cargo xtask icount --bless`, and keeps it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::tools::forget_this_package;

const BASELINE: &str = "benches/icount.baseline";
/// Counts that differ by more than this share, in percent, are different.
const TOLERANCE: f64 = 3.0;
/// So many instructions are no difference, whatever share of a small function they are: the compiler arranges a
/// loop differently when something else in the program changes (seen: 28 became 30).
const SLACK: f64 = 4.0;

/// What was counted, and on what.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counts {
    /// Compiler and processor.
    on: [String; 2],
    /// Name and instructions of one unit.
    rows: Vec<(String, f64)>,
}

/// How a comparison ended that did not fail.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Nothing differs; so many were compared.
    Same(usize),
    /// The baseline is of another compiler or processor.
    Elsewhere(String),
}

/// Counts, and compares with the baseline.
pub(crate) fn check(root: &Path) -> Result<Outcome, String> {
    let file = root.join(BASELINE);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{BASELINE}: {error}"))?;
    let baseline = parse(&text)?;
    // A look at the compiler alone saves a build whose counts nobody could judge.
    let rustc = rustc(root)?;
    if rustc != baseline.on[0] {
        return Ok(Outcome::Elsewhere(elsewhere(&baseline.on[0], &rustc)));
    }
    compare(&baseline, &count(root)?)
}

/// Counts, and makes the result the baseline.
pub(crate) fn bless(root: &Path) -> Result<(), String> {
    let counts = count(root)?;
    let text = show(&counts);
    std::fs::write(root.join(BASELINE), text).map_err(|error| format!("{BASELINE}: {error}"))?;
    println!("{BASELINE}: {} functions", counts.rows.len());
    Ok(())
}

fn elsewhere(baseline: &str, here: &str) -> String {
    format!("the baseline was counted with `{baseline}`, here is `{here}`")
}

fn compare(baseline: &Counts, counts: &Counts) -> Result<Outcome, String> {
    for (baseline, here) in baseline.on.iter().zip(&counts.on) {
        if baseline != here {
            return Ok(Outcome::Elsewhere(elsewhere(baseline, here)));
        }
    }
    let find = |rows: &[(String, f64)], name: &str| {
        rows.iter().find(|(of, _)| of == name).map(|(_, count)| *count)
    };
    let mut problems = String::new();
    for (name, now) in &counts.rows {
        let problem = match find(&baseline.rows, name) {
            None => Some(format!("{name}: {now:.1} instructions, and no baseline")),
            Some(before) => {
                let percent = 100.0 * (now / before - 1.0);
                let is_other = percent.abs() > TOLERANCE && (now - before).abs() > SLACK;
                is_other.then(|| format!("{name}: {before:.1} -> {now:.1} ({percent:+.1} %)"))
            }
        };
        problem.into_iter().for_each(|of| problems.push_str(&format!("  {of}\n")));
    }
    for (name, before) in &baseline.rows {
        if find(&counts.rows, name).is_none() {
            let _ = writeln!(problems, "  {name}: {before:.1} instructions, and gone now");
        }
    }
    match problems.is_empty() {
        true => Ok(Outcome::Same(counts.rows.len())),
        false => Err(format!(
            "instructions differ by more than {TOLERANCE} % from {BASELINE}:\n{problems}a change \
             that is meant is recorded with `cargo xtask icount --bless`"
        )),
    }
}

fn show(counts: &Counts) -> String {
    let mut text = String::from(
        "# Instructions of one unit (a frame, an event, a row, a call) by callgrind, and what they depend on.\n\
         # Written by `cargo xtask icount --bless`, read by `cargo xtask test --step icount`.\n",
    );
    let [rustc, cpu] = &counts.on;
    let _ = write!(text, "rustc {rustc}\ncpu {cpu}\n");
    for (name, count) in &counts.rows {
        let _ = writeln!(text, "{count:>9.1}  {name}");
    }
    text
}

fn parse(text: &str) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let bad = || format!("{BASELINE}: `{line}` is not understood");
        let (first, rest) = line.trim().split_once(' ').ok_or_else(bad)?;
        match first {
            "rustc" => rest.clone_into(&mut counts.on[0]),
            "cpu" => rest.clone_into(&mut counts.on[1]),
            count => {
                let count = count.parse().map_err(|_| bad())?;
                counts.rows.push((rest.trim().to_owned(), count));
            }
        }
    }
    Ok(counts)
}

/// The compiler's own words, without its name.
fn rustc(root: &Path) -> Result<String, String> {
    let version = output(Command::new("rustc").arg("-V").current_dir(root))?;
    Ok(version.trim().trim_start_matches("rustc ").to_owned())
}

fn count(root: &Path) -> Result<Counts, String> {
    let rustc = rustc(root)?;
    let program = build(root)?;
    let folder = program.with_file_name("icount-dumps");
    // Dumps of a run before must not be taken for those of this one.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let out = folder.join("dump");
    let said = output(
        Command::new("valgrind")
            .args(["-q", "--tool=callgrind", "--toggle-collect=*icount::counted*"])
            .arg("--dump-after=*icount::case_end*")
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(&program),
    )?;
    let mut lines = said.lines();
    let cpu = lines.next().ok_or("the benchmarks said nothing")?.to_owned();
    let mut counts = Counts { on: [rustc, cpu], rows: Vec::new() };
    for (index, line) in lines.enumerate() {
        let bad = || format!("`{line}` is not units and a name");
        let (units, name) = line.split_once(' ').ok_or_else(bad)?;
        let units: f64 = units.parse().map_err(|_| bad())?;
        let dump = folder.join(format!("dump.{}", index + 1));
        let total = total(&dump).map_err(|problem| format!("{name}: {problem}"))?;
        counts.rows.push((name.to_owned(), total / units));
    }
    Ok(counts)
}

/// All instructions of one dump.
fn total(dump: &Path) -> Result<f64, String> {
    let text = std::fs::read_to_string(dump);
    let text = text.map_err(|error| format!("{}: {error}", dump.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let total: f64 = line.and_then(|of| of.trim().parse().ok()).unwrap_or(0.0);
    match total > 0.0 {
        true => Ok(total),
        false => Err("nothing was counted: the symbols of the benchmark are missing".to_owned()),
    }
}

/// Builds the benchmark; where it is, is cargo's to say.
fn build(root: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "-p", "paperwire-benches"]);
    cargo.args(["--example", "icount", "--message-format=json-render-diagnostics"]);
    forget_this_package(cargo.current_dir(root));
    let said = output(&mut cargo)?;
    let path = said.lines().filter(|line| line.contains("\"name\":\"icount\"")).find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        rest.split_once('"').map(|(path, _)| PathBuf::from(path))
    });
    path.ok_or_else(|| "cargo named no executable".to_owned())
}

/// What a command says; its complaints go to the terminal.
fn output(command: &mut Command) -> Result<String, String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("`{shown}` ended with {}", output.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[(&str, f64)]) -> Counts {
        let rows = rows.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Counts { on: ["1.95.0 (abc)".to_owned(), "x86_64 avx2".to_owned()], rows }
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let counts = counts(&[("wire: decode a frame", 2929.5), ("ring: push + pop", 98.0)]);
        assert_eq!(parse(&show(&counts)), Ok(counts));
        assert!(parse("words\n").unwrap_err().contains("not understood"));
    }

    #[test]
    fn both_more_and_less_are_told_with_both_numbers() {
        let baseline =
            counts(&[("a", 200.0), ("b", 200.0), ("c", 200.0), ("d", 28.0), ("gone", 5.0)]);
        let now = counts(&[("a", 205.8), ("b", 208.0), ("c", 192.0), ("d", 30.0), ("new", 7.0)]);
        let problem = compare(&baseline, &now).unwrap_err();
        assert!(!problem.contains("  a:"), "{problem}");
        assert_eq!(problem.lines().filter(|line| line.starts_with("  ")).count(), 4);
        assert!(problem.contains("  b: 200.0 -> 208.0 (+4.0 %)\n"), "{problem}");
        assert!(problem.contains("  c: 200.0 -> 192.0 (-4.0 %)\n"), "{problem}");
        assert!(problem.contains("  new: 7.0 instructions, and no baseline\n"), "{problem}");
        assert!(problem.contains("  gone: 5.0 instructions, and gone now\n"), "{problem}");
        assert_eq!(compare(&baseline, &baseline), Ok(Outcome::Same(5)));
    }

    #[test]
    fn counts_of_another_processor_are_not_compared() {
        let (baseline, mut now) = (counts(&[("a", 1.0)]), counts(&[("a", 2.0)]));
        "aarch64 plain".clone_into(&mut now.on[1]);
        let Ok(Outcome::Elsewhere(why)) = compare(&baseline, &now) else { panic!("compared") };
        assert!(why.contains("`x86_64 avx2`, here is `aarch64 plain`"), "{why}");
    }
}
