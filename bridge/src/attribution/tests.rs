mod live;

use paperwire_core::event::Seq;

use super::*;

const fn us(micros: u64) -> HostNs {
    HostNs::new(micros * 1_000)
}

/// Looks as microseconds: at, ran, waited.
fn losses(spins: bool, looks: &[(u64, u64, u64)]) -> Losses {
    let mut losses = Losses::new(spins);
    for (at, ran, waited) in looks {
        let span = DurationNs::from_micros;
        losses.push(ThreadLook { at: us(*at), ran: span(*ran), waited: span(*waited) });
    }
    losses
}

fn call(from: u64, to: u64) -> Outlier {
    Outlier { strategy: 1, seq: Seq(9), from: us(from), to: us(to) }
}

#[test]
fn a_call_during_which_the_thread_did_not_run_is_the_hosts() {
    // Ran all the time but for 700 us of the second millisecond, in which another had the core.
    let looks = [(0, 0, 0), (1000, 1000, 0), (2000, 1300, 700), (3000, 2300, 700)];
    for spins in [true, false] {
        let losses = losses(spins, &looks);
        let judge = |from, to| losses.judge(&call(from, to)).0;
        assert_eq!(judge(100, 400), Doing::Strategy);
        assert_eq!(judge(1100, 1900), Doing::Host);
        // The same stall inside of a call that was long by itself: less than half of it.
        assert_eq!(judge(500, 2500), Doing::Strategy);
        assert_eq!(judge(2100, 2200), Doing::Strategy);
        assert_eq!(losses.lost(us(500), us(2500)), Some(DurationNs::from_micros(700)));
    }
}

#[test]
fn what_a_hypervisor_takes_is_seen_on_a_thread_that_spins() {
    // Neither ran nor waited: the guest did not exist.
    let looks = [(0, 0, 0), (1000, 1000, 0), (5000, 1000, 0), (6000, 2000, 0)];
    assert_eq!(losses(true, &looks).judge(&call(1001, 4900)).0, Doing::Host);
    // A thread that sleeps between two events looks just so when it sleeps.
    assert_eq!(losses(false, &looks).judge(&call(1001, 4900)).0, Doing::Strategy);
}

#[test]
fn what_nobody_looked_at_is_not_known() {
    let losses = losses(true, &[(1000, 0, 0), (2000, 1000, 0)]);
    for (from, to) in [(0, 500), (900, 1100), (1900, 2100), (2500, 2600)] {
        assert_eq!(losses.judge(&call(from, to)).0, Doing::Unknown, "{from} to {to}");
    }
    assert_eq!(losses.judge(&call(1000, 2000)).0, Doing::Strategy);
    assert_eq!(Losses::new(true).judge(&call(1, 2)).0, Doing::Unknown);
}

#[test]
fn old_looks_make_room() {
    let mut losses = Losses::new(true);
    for i in 0..2 * LOOKS_MAX as u64 {
        let ran = DurationNs::from_micros(i);
        losses.push(ThreadLook { at: us(i), ran, waited: DurationNs::ZERO });
    }
    assert_eq!(losses.judge(&call(10, 20)).0, Doing::Unknown);
    let end = 2 * LOOKS_MAX as u64 - 10;
    assert_eq!(losses.judge(&call(end - 50, end)).0, Doing::Strategy);
}

#[test]
fn the_longest_are_shown_in_order_and_the_hosts_are_counted_apart() {
    let mut judged = Judged::default();
    for (index, span) in (0u64..).zip([30, 900, 20, 50, 50, 10, 11, 12, 13, 14, 700]) {
        let doing = if span >= 700 { Doing::Host } else { Doing::Strategy };
        let call = call(index * 1000, index * 1000 + span);
        assert!(judged.add(&LongCall { doing, ..LongCall::unseen(&call) }), "{span}");
    }
    let spans: Vec<u64> = judged.longest.iter().map(|of| of.outlier.span().raw() / 1000).collect();
    assert_eq!(spans, [900, 700, 50, 50, 30, 20, 14, 13]);
    let of = &judged.strategies[1];
    assert_eq!((of.host, of.strategy, of.unknown, of.of_host.len()), (2, 9, 0, 2));
    assert!(!judged.add(&LongCall::unseen(&call(1, 13))), "shorter than all that are kept");
}
