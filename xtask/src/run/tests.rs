use super::*;

fn read(lines: &[&str]) -> (Tally, Vec<bool>) {
    let mut tally = Tally::default();
    let hidden = lines.iter().map(|line| tally.take(line)).collect();
    (tally, hidden)
}

#[test]
fn the_words_of_nextest_are_counted_and_passes_are_not_shown() {
    let (tally, hidden) = read(&[
        "        PASS [   0.005s] paperwire-core num::tests::prices_add\n",
        "        PASS [   1.250s] (  2/108) paperwire-feed agent::tests::resync\n",
        "        FAIL [   0.010s] paperwire-feed agent::tests::stale\n",
        "     Summary [   1.3s] 3 tests run: 2 passed (1 slow), 1 failed, 0 skipped\n",
    ]);
    assert_eq!(hidden, [true, true, false, false]);
    assert_eq!((tally.passed, tally.failed), (2, 1));
    let want = [
        ("paperwire-core num::tests::prices_add".to_owned(), 5),
        ("paperwire-feed agent::tests::resync".to_owned(), 1250),
    ];
    assert_eq!(tally.times, want);
}

#[test]
fn the_words_of_libtest_are_counted() {
    let (tally, hidden) = read(&[
        "test num::tests::prices_add ... ok\n",
        "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; finished in 0.01s\n",
        "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured\n",
    ]);
    assert_eq!(hidden, [false; 3]);
    assert_eq!((tally.passed, tally.failed), (15, 2));
}

#[test]
fn what_only_looks_like_a_result_is_passed_on() {
    let (tally, hidden) = read(&["PASS\n", "the test result: fine\n", "\n", "0 passed\n"]);
    assert_eq!(hidden, [false; 4]);
    assert_eq!(tally, Tally::default());
}

#[test]
fn times_are_milliseconds() {
    for (text, want) in [("0.005", Some(5)), ("12.5", Some(12_500)), ("1", None), ("x.y", None)] {
        assert_eq!(millis(text), want);
    }
}

fn check_step(commands: &'static [Cmd]) -> (Result<(), String>, Report) {
    let mut report = Report::default();
    let step = Step { name: "x", about: "", action: Action::Commands(commands) };
    let result = run(Path::new("."), &step, &mut report);
    (result, report)
}

#[test]
fn a_command_that_fails_or_is_missing_fails_its_step() {
    const OK: Cmd = Cmd { args: &["true"], env: &[], has_tests: true, only_with: None };
    assert_eq!(check_step(&[OK]).0, Ok(()));
    let failed = check_step(&[OK, Cmd { args: &["false"], ..OK }]).0.unwrap_err();
    assert!(failed.contains("`false` ended with"), "{failed}");
    let missing = check_step(&[Cmd { args: &["paperwire-no-such-program"], ..OK }]).0.unwrap_err();
    assert!(missing.contains("could not be started"), "{missing}");
}

#[test]
fn a_check_without_its_subject_is_skipped_aloud() {
    const CMD: Cmd =
        Cmd { args: &["false"], env: &[], has_tests: false, only_with: Some("no/such/file") };
    let (result, report) = check_step(&[CMD]);
    assert_eq!(result, Ok(()));
    assert_eq!(report.skipped, ["SKIPPED x: there is no no/such/file"]);
}
