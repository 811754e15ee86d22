//! The examination for people: groups of findings, then the grade and the fixes that are worth most.

use std::fmt::Write as _;

use super::verdict::to_mend;
use super::{Examination, Finding, GROUPS, Grade};

/// Fixes shown below the grade; `--fix-script` has all of them.
const FIXES_SHOWN: usize = 5;

const NAME_WIDTH: usize = 27;

/// Width of number, grade and name, where readings begin on wide screens.
const READ_INDENT: usize = 3 + 6 + NAME_WIDTH + 3;

/// Where everything below the name begins.
const BODY_INDENT: usize = 10;

/// Narrower screens have the reading below the name instead of beside it.
const WIDE: usize = 96;

/// The whole report in lines of `width`.
pub fn report(examination: &Examination, width: usize) -> String {
    let mut out = String::new();
    let print = &examination.fingerprint;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "host {}: {}, {} cores, {} GiB, Linux {}\nfeed on {}, engine on {}, waiting by {}; examined: cores {}",
        print.hash,
        print.cpu,
        print.cores,
        print.memory_gib,
        print.kernel,
        core(examination.cores.feed),
        core(examination.cores.engine),
        examination.cores.wait,
        examination.cores.examined(),
    );
    for group in &GROUPS {
        let _ = writeln!(out, "\n{}", group.name);
        for check in group.checks {
            let found = examination.findings.iter().find(|of| of.number == check.number);
            if let Some(finding) = found {
                finding_lines(&mut out, finding, width);
            }
        }
    }
    let _ = write!(out, "\n{}", verdict(examination, width));
    out
}

fn core(core: Option<usize>) -> String {
    core.map_or_else(|| "any core".to_owned(), |core| format!("core {core}"))
}

fn finding_lines(out: &mut String, finding: &Finding, width: usize) {
    // One line for each core.
    let read = finding.read.replace("; core ", "\ncore ");
    let name = format!("{:>3} {:<4}  {}", finding.number, finding.grade.as_str(), finding.name);
    if width >= WIDE || READ_INDENT + read.len() <= width {
        let head = format!("{name:<READ_INDENT$}");
        let indent = " ".repeat(READ_INDENT);
        paragraph(out, &head, &indent, &read, width);
    } else {
        let _ = writeln!(out, "{name}");
        let indent = " ".repeat(BODY_INDENT);
        paragraph(out, &indent, &indent, &read, width);
    }
    if matches!(finding.grade, Grade::Good | Grade::Info) {
        return;
    }
    let fix = finding.fix.as_ref().map(ToString::to_string);
    // What is unknown is perhaps not wrong: only the way to know it is of use.
    let why = (finding.grade != Grade::Unknown).then_some(finding.why);
    for (label, text) in [("why", why), ("fix", fix.as_deref())] {
        if let Some(text) = text {
            let head = format!("{:BODY_INDENT$}{label}  ", "");
            paragraph(out, &head, &" ".repeat(head.len()), text, width);
        }
    }
}

/// Text after `head`, its further lines after `indent`, all within `width`.
fn paragraph(out: &mut String, head: &str, indent: &str, text: &str, width: usize) {
    let lines = wrapped(text, width.saturating_sub(indent.len()));
    let _ = writeln!(out, "{head}{}", lines.join(&format!("\n{indent}")));
}

fn verdict(examination: &Examination, width: usize) -> String {
    let count = |grade| examination.findings.iter().filter(|of| of.grade == grade).count();
    let mut out = format!(
        "grade {}: {} good, {} info, {} warn, {} fail, {} unknown{}\n",
        examination.grade,
        count(Grade::Good),
        count(Grade::Info),
        count(Grade::Warn),
        count(Grade::Fail),
        count(Grade::Unknown),
        if examination.is_quick { "; without the noise test, which an A needs" } else { "" },
    );
    let open = to_mend(&examination.findings);
    if open.is_empty() {
        return out.trim_end().to_owned();
    }
    out.push_str("\nworth the most:\n");
    for finding in open.iter().take(FIXES_SHOWN) {
        let Some(fix) = &finding.fix else { continue };
        let head = format!("{:>3} {:<4}  ", finding.number, finding.grade.as_str());
        paragraph(&mut out, &head, &" ".repeat(BODY_INDENT), &fix.to_string(), width);
    }
    let _ = write!(
        out,
        "all {} as a script: paperwire doctor --fix-script; the way there: docs/tuning.md",
        open.len()
    );
    out
}

/// Breaks at line ends and blanks; a longer word gets a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.lines() {
        lines.push(String::new());
        for word in part.split_whitespace() {
            match lines.last_mut() {
                Some(line) if line.is_empty() => line.push_str(word),
                Some(line) if line.len() + 1 + word.len() <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
    }
    lines
}
