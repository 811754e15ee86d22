//! Valid frames of extreme values through feed and engine, with every strategy: nothing panics, nothing
//! of an account leaves what is counted.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/extremes/drive.rs"]
mod drive;

fuzz_target!(|plan: &[u8]| {
    let mut session = drive::Drive::new();
    session.play(plan);
    assert_eq!(session.outcome.benched, 0, "a strategy panicked");
});
