//! The guard must see every kind of allocation of an armed thread, and nothing of others.

use paperwire_rt::alloc_guard::{self, GuardedAlloc};

#[global_allocator]
static ALLOC: GuardedAlloc = GuardedAlloc;

#[test]
fn an_armed_thread_is_counted_and_others_are_not() {
    let mut kept = Vec::<u64>::with_capacity(1);
    let ((), none) = alloc_guard::count(|| kept.push(1));
    assert_eq!(none, 0);
    let (grown, some) = alloc_guard::count(|| {
        kept.push(2); // reallocates
        vec![0u8; 10] // allocates zeroed
    });
    assert_eq!(some, 2);
    let ((), freed) = alloc_guard::count(|| drop(grown));
    assert_eq!(freed, 1);

    let (quiet, loud) = alloc_guard::count(|| {
        std::thread::scope(|scope| scope.spawn(|| alloc_guard::count(|| ())).join().is_ok())
    });
    assert!(quiet);
    assert!(loud > 0, "spawning a thread allocates on the spawning one");
}
