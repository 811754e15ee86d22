//! Wall time of the indicators, a series of rows at a time; criterion's throughput is that of one row.
//! Run one core free of other work: `taskset -c 1 cargo bench -p paperwire-benches --bench indicators`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use paperwire_benches::indicators::{Body, PER_BAR, PER_TRADE};
use paperwire_benches::walk::Series;

/// Enough that making an instrument does not weigh.
const ROWS: usize = 10_000;

fn group(criterion: &mut Criterion, name: &str, bodies: &[(&str, Body)]) {
    let series = Series::new(ROWS);
    let mut group = criterion.benchmark_group(format!("{name}, {ROWS} of them"));
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, body) in bodies {
        group.bench_function(*name, |b| b.iter(|| body(&series)));
    }
    group.finish();
}

fn indicators(criterion: &mut Criterion) {
    group(criterion, "per bar", PER_BAR);
    group(criterion, "per trade or change of the touch", PER_TRADE);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = indicators
}
criterion_main!(benches);
