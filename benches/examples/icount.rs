//! Every hot function once, for `valgrind --tool=callgrind` to count its instructions; `cargo xtask icount` runs and
//! reads it. Says first what the counts depend on, then the name and units of each case, in the order of the dumps.
#![expect(clippy::print_stdout, reason = "a command that prints its result")]

use paperwire_benches::cases;

/// Collection is on in here alone (`--toggle-collect`).
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    std::hint::black_box(work)();
}

/// The counters are written down and start from zero after this (`--dump-after`).
#[inline(never)]
fn case_end(units: u64) {
    std::hint::black_box(units);
}

/// Code is chosen by what the processor can do, so counts are of one kind of it.
fn features() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return "avx2";
    }
    "plain"
}

fn main() {
    println!("{} {}", std::env::consts::ARCH, features());
    for case in cases::all() {
        let units = case.run(case.size, counted);
        case_end(units);
        println!("{units} {}: {}", case.group, case.name);
    }
}
