use paperwire_core::event::Seq;
use paperwire_core::thread::ThreadLook;
use paperwire_core::time::HostNs;

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

/// The verdict on a call that is one of many of its length, or of none.
fn judge(losses: &Losses, from: u64, to: u64, is_repeated: bool) -> Attribution {
    let call = call(from, to);
    let verdict = |loss| losses.judge(call.span(), &loss, || is_repeated);
    losses.loss(&call).map_or(Attribution::Unknown, verdict)
}

#[test]
fn a_call_during_which_the_thread_did_not_run_is_the_hosts() {
    // A look each millisecond. The thread ran but for the third to the sixth, in which another had the core.
    let looks = [
        (0, 0, 0),
        (1000, 1000, 0),
        (2000, 2000, 0),
        (3000, 2000, 1000),
        (4000, 2000, 2000),
        (5000, 2000, 3000),
        (6000, 2000, 4000),
        (7000, 3000, 4000),
        (8000, 4000, 4000),
        (20000, 16000, 4000),
    ];
    for spins in [true, false] {
        let losses = losses(spins, &looks);
        assert_eq!(judge(&losses, 1900, 6100, false), Attribution::Host);
        // The same stall inside of a call that was long by itself: less than half of it.
        assert_eq!(judge(&losses, 1900, 19000, false), Attribution::Strategy);
        let loss = losses.loss(&call(1500, 6500)).unwrap();
        assert_eq!([loss.least, loss.most, loss.waited], [DurationNs::from_micros(4000); 3]);
        // It ran, and what else takes less than two milliseconds the looks do not show.
        assert_eq!(judge(&losses, 100, 1900, false), Attribution::Unknown);
        assert_eq!(judge(&losses, 100, 1900, true), Attribution::Strategy);
    }
}

#[test]
fn inside_of_a_call_idle_is_lost_whether_the_thread_sleeps_between_two_or_not() {
    // Neither ran nor waited for sixty milliseconds: the guest did not exist.
    let looks = [(0, 0, 0), (1000, 50, 0), (2000, 100, 0), (62000, 110, 0), (63000, 160, 0)];
    for spins in [true, false] {
        let losses = losses(spins, &looks);
        assert_eq!(judge(&losses, 1500, 62300, false), Attribution::Host);
        assert_eq!(judge(&losses, 1500, 62300, true), Attribution::Host);
    }
}

#[test]
fn a_parked_threads_sleep_next_to_a_call_is_no_loss_and_leaves_it_open() {
    // It ran three milliseconds in a row and slept before and after.
    let looks = [(0, 0, 0), (1000, 400, 0), (2000, 1400, 0), (3000, 2400, 0), (4000, 3000, 0)];
    let parked = losses(false, &looks);
    assert_eq!(judge(&parked, 600, 3600, false), Attribution::Strategy);
    // A short call between two sleeps can have been either, one that comes again and again cannot.
    let looks = [(0, 0, 0), (1000, 300, 0), (2000, 600, 0)];
    let parked = losses(false, &looks);
    assert_eq!(judge(&parked, 1200, 1400, false), Attribution::Unknown);
    assert_eq!(judge(&parked, 1200, 1400, true), Attribution::Strategy);
    // On a thread that does not sleep the idle is the stall.
    assert_eq!(judge(&losses(true, &looks), 1200, 1400, false), Attribution::Host);
    // What waited for the core may have done so before the call, and is never laid to the strategy.
    let waited = losses(false, &[(0, 0, 0), (1000, 300, 0), (2000, 850, 400)]);
    assert_eq!(judge(&waited, 1200, 1900, true), Attribution::Unknown);
}

#[test]
fn what_nobody_looked_at_is_not_known() {
    let losses = losses(true, &[(1000, 0, 0), (4000, 3000, 0)]);
    for (from, to) in [(0, 500), (900, 3100), (3900, 6100), (4500, 7600)] {
        assert_eq!(judge(&losses, from, to, true), Attribution::Unknown, "{from} to {to}");
    }
    assert_eq!(judge(&losses, 1000, 4000, false), Attribution::Strategy);
    assert_eq!(judge(&Losses::new(true), 1, 2, true), Attribution::Unknown);
}

#[test]
fn old_looks_make_room() {
    let mut losses = Losses::new(true);
    for i in 0..2 * LOOKS_MAX as u64 {
        let ran = DurationNs::from_micros(1_000 * i);
        losses.push(ThreadLook { at: us(1_000 * i), ran, waited: DurationNs::ZERO });
    }
    assert_eq!(judge(&losses, 10_000, 20_000, false), Attribution::Unknown);
    let end = 1_000 * (2 * LOOKS_MAX as u64 - 10);
    assert_eq!(judge(&losses, end - 50_000, end, false), Attribution::Strategy);
}

#[test]
fn short_calls_are_repeated_when_most_have_one_length_and_nobody_waited() {
    let spans = |micros: &[u64], waited: u64| {
        let loss = |span| {
            let [least, waited] = [0, waited].map(DurationNs::from_micros);
            losses::Loss { least, most: DurationNs::from_micros(span), waited }
        };
        let mut repetition = Repetition::default();
        micros.iter().for_each(|span| repetition.note(&call(0, *span), Some(&loss(*span))));
        let last = micros[micros.len() - 1];
        repetition.is_repeated(&call(0, last), &loss(last))
    };
    assert!(spans(&[50, 55, 48, 300, 52, 51, 900, 47, 50, 53], 0));
    // Another had the core; too few; of any length; as short as an interrupt; too long for this rule.
    assert!(!spans(&[50; 20], 40));
    assert!(!spans(&[50; 7], 0));
    assert!(!spans(&[30, 50, 90, 170, 300, 520, 900, 1_500, 40, 70, 120, 220, 400, 50], 0));
    assert!(!spans(&[12; 20], 0));
    assert!(!spans(&[2_000; 20], 0));
}

#[test]
fn the_longest_are_shown_in_order_and_the_hosts_are_counted_apart() {
    let mut judged = Judged::default();
    for (index, span) in (0u64..).zip([30, 900, 20, 50, 50, 10, 11, 12, 13, 14, 700]) {
        let attribution = if span >= 700 { Attribution::Host } else { Attribution::Strategy };
        let call = call(index * 1000, index * 1000 + span);
        assert!(judged.add(&LongCall { attribution, ..LongCall::unseen(&call) }), "{span}");
    }
    let spans: Vec<u64> = judged.longest.iter().map(|of| of.outlier.span().raw() / 1000).collect();
    assert_eq!(spans, [900, 700, 50, 50, 30, 20, 14, 13]);
    let of = &judged.strategies[1];
    assert_eq!((of.host, of.strategy, of.unknown, of.of_host.len()), (2, 9, 0, 2));
    assert!(!judged.add(&LongCall::unseen(&call(1, 13))), "shorter than all that are kept");
}
