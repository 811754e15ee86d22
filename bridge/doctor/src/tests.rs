//! The checks against made-up hosts, the command against this one.

mod kit;
mod table;

use super::text::report;
use super::*;
use kit::{Host, tuned};

#[test]
fn every_number_from_1_to_40_is_checked_once_and_has_a_reason() {
    let mut numbers: Vec<u8> =
        GROUPS.iter().flat_map(|group| group.checks.iter().map(|check| check.number)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<u8>>());
    assert_eq!(numbers.len(), CHECKS_LEN);
    for check in GROUPS.iter().flat_map(|group| group.checks) {
        assert!(check.name.len() <= 27, "{} does not fit its column", check.name);
        assert!(check.why.len() > 20, "{}", check.number);
    }
}

#[test]
fn a_tuned_host_is_graded_a_and_has_nothing_to_mend() {
    let examination = tuned().examine();
    let bad =
        examination.findings.iter().filter(|of| !matches!(of.grade, Grade::Good | Grade::Info));
    assert_eq!(bad.map(|of| (of.number, of.read.clone())).collect::<Vec<_>>(), []);
    assert_eq!(examination.grade, Letter::A);
    assert!(verdict::to_mend(&examination.findings).is_empty());
    let text = report(&examination, 100);
    assert!(text.contains("grade A: 33 good, 7 info, 0 warn, 0 fail, 0 unknown"), "{text}");
}

#[test]
fn the_quick_form_leaves_three_checks_open_and_gives_no_a() {
    let mut host = tuned();
    host.sample = None;
    let examination = host.examine();
    let open: Vec<u8> = examination
        .findings
        .iter()
        .filter(|of| of.grade == Grade::Unknown)
        .map(|of| of.number)
        .collect();
    assert_eq!(open, [19, 20, 38]);
    assert_eq!((examination.grade, examination.is_quick), (Letter::B, true));
}

/// Without any file, what needs files is unknown with a reason, and only facts are judged.
#[test]
fn an_empty_host_is_unknown_never_silently_good() {
    let mut host = Host::new();
    host.sample = None;
    let examination = host.examine();
    let known: Vec<u8> = examination
        .findings
        .iter()
        .filter(|of| of.grade != Grade::Unknown)
        .map(|of| of.number)
        .collect();
    assert_eq!(known, [31, 33, 34, 35, 36, 37, 39, 40]);
    for finding in &examination.findings {
        assert!(!finding.read.is_empty(), "{} says nothing", finding.number);
    }
    assert_eq!(examination.fingerprint.cpu, "unknown");
}

#[test]
fn a_grade_follows_the_documented_table() {
    let finding = |number: u8, grade| Finding {
        number,
        name: "",
        group: "",
        grade,
        read: String::new(),
        why: "",
        fix: None,
    };
    let check = |fails: u8, doubts: u8, has_noise: bool, expected: Letter| {
        let fail = (0..fails).map(|at| finding(at + 1, Grade::Fail));
        let doubt = (0..doubts).map(|at| finding(at + 21, Grade::Warn));
        let findings: Vec<Finding> = fail.chain(doubt).collect();
        assert_eq!(Letter::of(&findings, has_noise), expected, "{fails} fails, {doubts} doubts");
    };
    check(0, 3, true, Letter::A);
    check(0, 3, false, Letter::B);
    check(0, 4, true, Letter::B);
    check(0, 10, true, Letter::B);
    check(0, 11, true, Letter::C);
    check(2, 0, true, Letter::C);
    check(3, 0, true, Letter::D);
    check(6, 0, true, Letter::E);
    check(10, 0, true, Letter::F);
    let of = |finding| Letter::of(&[finding], true);
    assert_eq!(of(finding(36, Grade::Fail)), Letter::F, "a debug build");
    assert_eq!(of(finding(39, Grade::Unknown)), Letter::A, "recorded only");
    let unknowns: Vec<Finding> = (1..=4).map(|at| finding(at, Grade::Unknown)).collect();
    assert_eq!(Letter::of(&unknowns, true), Letter::B, "what is not known is a doubt");
}

#[test]
fn the_fingerprint_changes_with_the_host_and_hides_its_name() {
    let same = tuned().examine().fingerprint;
    assert_eq!(same.hash, tuned().examine().fingerprint.hash);
    let renamed = tuned().file("/proc/sys/kernel/hostname", "other").examine().fingerprint;
    assert_ne!(same.hash, renamed.hash);
    assert!(!serde_json::to_string(&same).unwrap().contains("box-of-mine"));
    let more = tuned().file("/proc/meminfo", "MemTotal:  65000001 kB").examine().fingerprint;
    assert_eq!(same.hash, more.hash, "a few KiB are no other host");
    assert_eq!((same.cores, same.memory_gib, same.isolated.as_str()), (4, 62, "2-3"));
}

#[test]
fn the_script_has_every_fix_as_a_command_or_comment_and_gathers_boot_parameters() {
    let examination = tuned()
        .file("/sys/devices/system/cpu/isolated", "")
        .file("/sys/devices/system/cpu/nohz_full", "")
        .file("/proc/swaps", "Filename Type\n/dev/evil\u{b}\trm partition\n")
        .examine();
    let script = script::script(&examination);
    assert!(script.starts_with("#!/bin/sh\n"), "{script}");
    assert!(script.contains("\nswapoff -a\n"), "{script}");
    let boot = "PARAMETERS='isolcpus=managed_irq,domain,2-3 nohz_full=2-3'";
    assert!(script.contains(boot), "{script}");
    assert_eq!(script.matches("grubby").count(), 2, "one place for all of them: {script}");
    // What was read stands in comments only.
    let lines = script.lines().filter(|line| line.contains("/dev/evil"));
    assert!(lines.clone().count() > 0 && lines.into_iter().all(|line| line.starts_with('#')));
}

#[test]
fn lines_keep_to_the_width_of_the_screen() {
    for width in [80, 120] {
        let text = report(&Host::new().examine(), width);
        // A path that is longer than its column stays in one piece, to be copied.
        let is_path = |line: &&str| line.split_whitespace().any(|word| word.starts_with('/'));
        let too_long = text.lines().filter(|line| line.len() > width && !is_path(line));
        let too_long: Vec<&str> = too_long.collect();
        assert_eq!(too_long, Vec::<&str>::new());
    }
}

#[test]
fn this_machine_is_examined_without_panic_and_everything_is_in_the_json() {
    let demands = kit::demands();
    let mut said = Vec::new();
    let examination = examine(&demands, 1, |text| said.push(text.to_owned()));
    assert_eq!(examination.findings.len(), CHECKS_LEN);
    assert!(!said.is_empty());
    assert_eq!(examination.noise.len(), examination.cores.examined().len());

    let json: serde_json::Value = serde_json::from_str(&examination.json()).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(findings.len(), CHECKS_LEN);
    for (index, finding) in findings.iter().enumerate() {
        assert_eq!(finding["number"], index + 1);
        for key in ["name", "group", "grade", "read", "why"] {
            assert!(finding[key].is_string(), "{finding}");
        }
        assert!(finding["fix"].is_string() || finding["fix"].is_null(), "{finding}");
    }
    assert!(json["grade"].is_string());
    assert_eq!(json["is_quick"], false);
    assert_eq!(json["fingerprint"]["hash"].as_str().unwrap().len(), 12);
    assert!(json["probe_tax"]["clock_read_ns"].is_number());
    assert!(json["noise"][0]["max_ns"].is_number());
    assert!(json["noise"][0]["usage"]["switches_by_force"].is_number());

    let quick = quick(&demands);
    assert_eq!(quick.findings.len(), CHECKS_LEN);
    assert_eq!(quick.fingerprint, examination.fingerprint);
    assert!(quick.line().contains(&quick.fingerprint.hash));
}

#[test]
fn letters_are_ordered_and_read_in_either_case() {
    assert!(Letter::A < Letter::F);
    assert_eq!("b".parse(), Ok(Letter::B));
    assert!("G".parse::<Letter>().is_err());
    assert_eq!(Letter::E.to_string(), "E");
}
