//! Wall time of every hot function by room, per unit: a frame, an event, a row, a call. Only the work is timed;
//! that of strategies and orders, call by call, holds one look at the clock. The indicators have a bench of their
//! own. Run one core free of other work: `taskset -c 1 cargo bench -p paperwire-benches --bench rooms`.

use std::cell::Cell;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use paperwire_benches::cases;
use paperwire_rt::clock::HostClock;

thread_local! {
    static CLOCK: HostClock = HostClock::new();
    static TOOK: Cell<u64> = const { Cell::new(0) };
}

fn timed(work: &mut dyn FnMut()) {
    CLOCK.with(|clock| {
        let from = clock.now();
        work();
        let took = clock.now().since(from).raw();
        TOOK.set(TOOK.get() + took);
    });
}

/// Time of so many units, from as many runs of the case as they take.
fn units(case: &cases::Case, count: u64) -> Duration {
    TOOK.set(0);
    let mut done = 0;
    while done < count {
        done += case.run(case.size, timed).max(1);
    }
    let took = u128::from(TOOK.get()) * u128::from(count) / u128::from(done);
    Duration::from_nanos(u64::try_from(took).unwrap_or(u64::MAX))
}

fn rooms(criterion: &mut Criterion) {
    let all = cases::all();
    for case in all.iter().filter(|case| !case.group.starts_with("per ")) {
        let mut group = criterion.benchmark_group(case.group);
        group.bench_function(&case.name, |b| b.iter_custom(|count| units(case, count)));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = rooms
}
criterion_main!(benches);
