//! Runs checks one after another, times them, and sums up what passed and what was skipped.
//!
//! The first failing check ends the run with its name and how to repeat it alone. Output of test
//! runs is passed on line by line and read for counts and times on the way.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::steps::{Action, Cmd, Step};
use crate::tools::forget_this_package;
use crate::{icount, tidy, tools, world};

const SLOWEST_LEN: usize = 5;

/// What was learnt on the way.
#[derive(Debug, Default)]
struct Report {
    times: Vec<(&'static str, Duration)>,
    skipped: Vec<String>,
    tally: Tally,
}

/// Counts and times of single tests, read from the runners' own words.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    passed: u64,
    failed: u64,
    /// Name and milliseconds.
    times: Vec<(String, u64)>,
}

/// Runs the checks; an error says which one failed.
pub(crate) fn steps(root: &Path, steps: &[&'static Step]) -> Result<(), String> {
    let start = now();
    let mut report = Report::default();
    let mut failure = None;
    for step in steps {
        println!("== {}: {}", step.name, step.about);
        let step_start = now();
        let result = run(root, step, &mut report);
        let took = step_start.elapsed();
        report.times.push((step.name, took));
        match result {
            Ok(()) => println!("== {}: {}", step.name, seconds(took)),
            Err(problem) => {
                failure = Some(format!(
                    "FAILED {}: {problem}\nrun it alone with: cargo xtask test --step {}",
                    step.name, step.name
                ));
                break;
            }
        }
    }
    let has_test_step = steps.iter().any(|step| step.name == "test");
    if failure.is_none() && has_test_step && report.tally.passed == 0 {
        failure = Some("FAILED test: no test ran at all".to_owned());
    }
    sum_up(&report, start.elapsed());
    failure.map_or(Ok(()), Err)
}

fn run(root: &Path, step: &Step, report: &mut Report) -> Result<(), String> {
    match &step.action {
        Action::Tidy => tidy::run(root),
        Action::World => world::run(root, &[]),
        Action::Icount => {
            if let Err(reason) = tools::ensure(&tools::VALGRIND, root) {
                skip(report, step.name, &reason);
                return Ok(());
            }
            match icount::check(root)? {
                icount::Outcome::Same(count) => {
                    println!("{count} functions take as many instructions as before");
                }
                icount::Outcome::Elsewhere(reason) => skip(report, step.name, &reason),
            }
            Ok(())
        }
        Action::Commands(commands) => run_all(root, step, commands, report),
        Action::Needs { tools, commands, otherwise } => {
            if step.name == "test"
                && let Err(reason) = tools::captures(root)
            {
                skip(report, "captures", &reason);
            }
            if step.name == "history"
                && let Err(reason) = tools::timescale(root)
            {
                skip(report, "timescale", &reason);
            }
            for tool in *tools {
                if let Err(reason) = tools::ensure(tool, root) {
                    let instead = match otherwise.is_empty() {
                        true => "",
                        false => "; running the plainer way instead",
                    };
                    skip(report, step.name, &format!("{reason}{instead}"));
                    return run_all(root, step, otherwise, report);
                }
            }
            run_all(root, step, commands, report)
        }
    }
}

fn run_all(root: &Path, step: &Step, commands: &[Cmd], report: &mut Report) -> Result<(), String> {
    for command in commands {
        match command.only_with {
            Some(file) if !root.join(file).exists() => {
                skip(report, step.name, &format!("there is no {file}"));
            }
            _ => run_command(root, command, &mut report.tally)?,
        }
    }
    Ok(())
}

fn skip(report: &mut Report, name: &str, reason: &str) {
    let line = format!("SKIPPED {name}: {reason}");
    println!("{line}");
    report.skipped.push(line);
}

fn run_command(root: &Path, command: &Cmd, tally: &mut Tally) -> Result<(), String> {
    let shown = command.args.join(" ");
    let Some((program, args)) = command.args.split_first() else {
        return Err("a step without a command".to_owned());
    };
    let mut child = Command::new(program);
    child.args(args).current_dir(root).stdin(Stdio::null());
    forget_this_package(&mut child);
    child.envs(command.env.iter().copied());

    let status = if command.has_tests { read_along(&mut child, tally) } else { child.status() };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("`{shown}` could not be started: {error}")),
    }
}

/// Runs a command whose both outputs are passed on as they come, and read.
fn read_along(child: &mut Command, tally: &mut Tally) -> std::io::Result<std::process::ExitStatus> {
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (from_stdout, from_stderr) = std::thread::scope(|scope| {
        let out = scope.spawn(|| stdout.map(|pipe| pass_on(pipe, &mut std::io::stdout())));
        let err = stderr.map(|pipe| pass_on(pipe, &mut std::io::stderr()));
        (out.join().ok().flatten(), err)
    });
    for part in [from_stdout, from_stderr].into_iter().flatten() {
        tally.passed += part.passed;
        tally.failed += part.failed;
        tally.times.extend(part.times);
    }
    child.wait()
}

fn pass_on(pipe: impl Read, to: &mut impl Write) -> Tally {
    let mut tally = Tally::default();
    let mut lines = BufReader::new(pipe);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // One line per passed test is read, not shown: hundreds of them hide what failed.
        let is_shown = !tally.take(&String::from_utf8_lossy(&line));
        if is_shown {
            // Nobody may be listening any more; the exit code still counts.
            let _ = to.write_all(&line);
        }
        line.clear();
    }
    tally
}

impl Tally {
    /// Reads one line of nextest or libtest; true when it only says that one test passed.
    fn take(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // `PASS [   0.005s] ( 1/40) crate::module test::name`, the count in newer versions.
            ["PASS", rest @ ..] if line.contains("s]") => {
                let millis = line
                    .split_once('[')
                    .and_then(|(_, rest)| rest.split_once("s]"))
                    .and_then(|(time, _)| millis(time.trim()));
                let name = rest.iter().rev().take(2).rev().copied().collect::<Vec<_>>().join(" ");
                if let Some(millis) = millis {
                    self.times.push((name, millis));
                }
                return true;
            }
            // `Summary [   1.2s] 40 tests run: 39 passed, 1 failed, 2 skipped`
            ["Summary", ..] => {
                self.passed += count_before(&words, "passed");
                self.failed += count_before(&words, "failed");
            }
            // `test result: ok. 12 passed; 0 failed; ...`
            ["test", "result:", ..] => {
                self.passed += count_before(&words, "passed");
                self.failed += count_before(&words, "failed");
            }
            _ => {}
        }
        false
    }
}

/// The number in front of a word: 39 in `39 passed,`, also in `39 passed (1 slow),`.
fn count_before(words: &[&str], what: &str) -> u64 {
    words
        .windows(2)
        .find(|pair| pair[1].trim_end_matches([',', ';', '.']) == what)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

/// Milliseconds of `1.234`.
fn millis(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.')?;
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(whole.parse::<u64>().ok()? * 1000 + fraction.parse::<u64>().ok()?)
}

fn sum_up(report: &Report, total: Duration) {
    let mut times = report.times.clone();
    times.sort_by_key(|&(_, took)| std::cmp::Reverse(took));
    println!("\nslowest steps:");
    for (name, took) in times.iter().take(SLOWEST_LEN) {
        println!("  {:>9}  {name}", seconds(*took));
    }
    let mut tests: Vec<_> = report.tally.times.iter().collect();
    tests.sort_by_key(|(_, millis)| std::cmp::Reverse(*millis));
    if !tests.is_empty() {
        println!("slowest tests:");
    }
    for (name, millis) in tests.into_iter().take(SLOWEST_LEN) {
        println!("  {:>9}  {name}", seconds(Duration::from_millis(*millis)));
    }
    println!("total {}", seconds(total));
    for line in &report.skipped {
        println!("{line}");
    }
    let Tally { passed, failed, .. } = report.tally;
    if passed + failed > 0 {
        println!("{passed} passed, {failed} failed");
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "this tool times its own steps, not the market")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
