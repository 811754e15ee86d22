//! Wall time of the hot functions. Run one core free of other work:
//! `taskset -c 1 cargo bench -p paperwire-benches`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use paperwire_benches::{Ours, frames, ring, rivals};

/// Each frame of a session in turn, from the snapshot on again at its end.
fn cycle(frames: &[Vec<u8>]) -> impl FnMut() -> usize + use<> {
    let (mut at, len) = (0, frames.len());
    move || {
        let now = at;
        at = if at + 1 == len { 0 } else { at + 1 };
        now
    }
}

fn books(criterion: &mut Criterion) {
    let set = frames::load(2_000);
    let kind = if set.is_real { "captured" } else { "made-up" };
    let mut group = criterion.benchmark_group(format!("{kind} BTC/USD depth 25, per frame"));
    group.throughput(Throughput::Elements(1));
    let mut ours = Ours::new(&set.instrument, set.depth);
    let mut next = cycle(&set.books);
    group.bench_function("decode, single pass", |b| {
        b.iter(|| ours.decode(&set.books[next()]));
    });
    let mut next = cycle(&set.books);
    group.bench_function("decode + apply + checksum, single pass", |b| {
        b.iter(|| assert!(ours.verify(&set.books[next()])));
    });
    let mut simd = rivals::SimdJson::new(&set.instrument, set.depth);
    let mut next = cycle(&set.books);
    group.bench_function("decode + apply + checksum, simd-json", |b| {
        b.iter(|| assert!(simd.verify(&set.books[next()])));
    });
    let mut serde = rivals::SerdeJson::new(&set.instrument, set.depth);
    let mut next = cycle(&set.books);
    group.bench_function("decode + apply + checksum, serde_json", |b| {
        b.iter(|| assert!(serde.verify(&set.books[next()])));
    });
    group.finish();
}

fn rings(criterion: &mut Criterion) {
    const COUNT: u64 = 1_000;
    let mut group = criterion.benchmark_group("ring of 128-byte events, 1000 events");
    group.throughput(Throughput::Elements(COUNT));
    for (name, body) in [
        ("one thread, ours", ring::through_ours as fn(u64) -> u64),
        ("one thread, bare rtrb", ring::through_bare),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(|| COUNT, body, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, books, rings);
criterion_main!(benches);
