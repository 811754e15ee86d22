//! The rules by hand, and against a queue in which every order is known.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The book shows this in total at our price.
    Book(i64),
    /// A print at our price.
    Print(i64),
    /// A print through our price.
    Through(i64),
}
use Event::{Book, Print, Through};

fn ms(ms: i64) -> ExchNs {
    ExchNs::new(ms * 1_000_000)
}

/// Ten lots join behind `shown` at 0 ms; each row is a stamp, an event, and what follows from it:
/// the bound (-1 is unknown) and the lots filled.
#[track_caller]
fn check(shown: Option<i64>, rows: &[(i64, Event, i64, i64)]) {
    let mut queue = QueuePosition::enter(shown.map(Qty::new), ms(0));
    let mut left = Qty::new(10);
    for (at, event, ahead, filled) in rows {
        let fill = match *event {
            Book(shown) => {
                queue.on_level(Qty::new(shown), ms(*at));
                Qty::ZERO
            }
            Print(qty) => queue.on_print_at(Qty::new(qty), ms(*at), left),
            Through(qty) => queue.on_print_through(Qty::new(qty), ms(*at), left),
        };
        left -= fill;
        let got = (queue.ahead().map_or(-1, Qty::raw), fill.raw());
        assert_eq!(got, (*ahead, *filled), "{event:?} at {at} ms");
    }
    assert_eq!(queue.ahead_at_entry(), shown.map(Qty::new));
}

#[test]
fn trades_first_move_the_queue_and_the_book_that_follows_adds_nothing() {
    check(Some(8), &[(10, Print(3), 5, 0), (10, Book(5), 5, 0), (20, Print(6), 0, 1)]);
}

#[test]
fn book_first_moves_the_queue_and_the_print_that_follows_adds_nothing() {
    check(Some(8), &[(10, Book(5), 5, 0), (10, Print(3), 5, 0), (20, Print(6), 0, 1)]);
}

#[test]
fn both_orders_mixed_count_every_match_once() {
    check(
        Some(20),
        &[
            (10, Print(4), 16, 0),
            (20, Book(11), 11, 0), // the 4, and 5 more
            (20, Print(5), 11, 0),
            (30, Book(9), 9, 0),
            (40, Print(3), 8, 0), // 2 of them are in the book, 1 is not
            (40, Book(8), 8, 0),
        ],
    );
}

#[test]
fn a_cancel_is_behind_us_until_the_level_is_too_small_for_that() {
    check(
        Some(5),
        &[
            (10, Book(9), 5, 0), // 4 joined behind
            (20, Book(5), 5, 0), // 4 left: they may be the same
            (30, Book(2), 2, 0), // whoever left now was ahead
        ],
    );
}

#[test]
fn a_cancel_ahead_is_believed_against_prints_only_when_it_is_too_old_to_be_one() {
    let cancelled = (10, Book(2), 2, 0);
    check(Some(5), &[cancelled, (900, Print(3), 2, 0), (910, Print(3), 0, 1)]);
    check(Some(5), &[cancelled, (1_010, Print(3), 2, 0)]); // the window includes its end
    check(Some(5), &[cancelled, (1_011, Print(3), 0, 1)]);
}

#[test]
fn old_falls_are_forgotten_and_young_ones_are_not() {
    check(
        Some(30),
        &[
            (10, Book(20), 20, 0),
            (800, Book(15), 15, 0),
            (1_500, Print(8), 12, 0), // the fall of 10 is too old, that of 5 is not
            (1_600, Print(2), 10, 0),
        ],
    );
}

#[test]
fn more_falls_than_are_kept_apart_share_the_age_of_the_newest() {
    check(
        Some(30),
        &[
            (0, Book(28), 28, 0),
            (100, Book(26), 26, 0),
            (200, Book(24), 24, 0),
            (300, Book(22), 22, 0),
            (1_000, Book(20), 20, 0), // joins the fourth
            (1_900, Print(6), 18, 0), // of 10, the 6 of the first three are forgotten
        ],
    );
}

#[test]
fn orders_that_join_are_behind_us() {
    check(Some(5), &[(10, Book(50), 5, 0), (20, Print(7), 0, 2), (30, Book(48), 0, 0)]);
}

#[test]
fn a_match_hidden_by_an_order_that_joined_in_the_same_message_still_counts() {
    check(Some(5), &[(10, Book(5), 5, 0), (10, Print(3), 2, 0), (20, Print(3), 0, 1)]);
}

#[test]
fn partial_fills_add_up_to_the_order_and_stop_there() {
    check(
        Some(2),
        &[(10, Print(5), 0, 3), (20, Print(4), 0, 4), (30, Print(9), 0, 3), (40, Print(9), 0, 0)],
    );
}

#[test]
fn a_print_through_our_price_fills_whatever_the_queue() {
    check(Some(99), &[(10, Through(4), 0, 4), (20, Print(1), 0, 1), (30, Through(9), 0, 5)]);
    check(None, &[(10, Through(4), 0, 4), (20, Book(7), 0, 0), (30, Print(2), 0, 2)]);
}

#[test]
fn a_price_outside_the_visible_depth_has_no_bound_until_it_is_seen() {
    check(
        None,
        &[
            (10, Print(50), -1, 0),
            (20, Book(7), 7, 0),
            (20, Print(3), 7, 0), // in that book already
            (30, Print(8), 0, 1),
        ],
    );
}

#[test]
fn what_was_matched_before_we_joined_is_not_ours() {
    check(Some(4), &[(0, Print(9), 4, 0), (0, Through(9), 4, 0), (-5, Book(0), 4, 0)]);
}

#[test]
fn nobody_ahead_means_first_in_line() {
    check(Some(0), &[(1, Print(3), 0, 3), (1, Book(6), 0, 0), (2, Print(1), 0, 1)]);
}

/// What happens at the one price, on our side of the book.
#[derive(Clone, Copy, Debug)]
enum Act {
    Join(i64),
    /// The order at this place, counted from the front and wrapped, leaves.
    Cancel(usize),
    Take(i64),
}

#[derive(Clone, Copy, Debug)]
enum Told {
    Level { upto: usize, shown: i64, at: ExchNs },
    Print { upto: usize, qty: i64, at: ExchNs, is_through: bool },
}

/// Our order of `ours` lots among known ones: the truth after every act, and the two channels.
struct Truth {
    ahead: Vec<i64>,
    filled: Vec<i64>,
    book: VecDeque<Told>,
    trades: VecDeque<Told>,
}

fn take(queue: &mut VecDeque<i64>, mut qty: i64) -> i64 {
    let before = qty;
    while let (true, Some(first)) = (qty > 0, queue.front_mut()) {
        let part = qty.min(*first);
        *first -= part;
        qty -= part;
        if *first == 0 {
            queue.pop_front();
        }
    }
    before - qty
}

/// Plays the acts; `lag_ms` stamps prints late, and a book message goes out where `cut` says so.
fn play(first: &[i64], ours: i64, acts: &[(Act, i64, i64, bool)]) -> Truth {
    let mut ahead: VecDeque<i64> = first.iter().copied().collect();
    let mut behind: VecDeque<i64> = VecDeque::new();
    let mut truth = Truth {
        ahead: vec![ahead.iter().sum()],
        filled: vec![0],
        book: VecDeque::new(),
        trades: VecDeque::new(),
    };
    let (mut filled, mut now) = (0, 0);
    for (index, &(act, wait, lag, cut)) in acts.iter().enumerate() {
        now += wait;
        let upto = index + 1;
        match act {
            Act::Join(qty) => behind.push_back(qty),
            Act::Cancel(place) if ahead.len() + behind.len() > 0 => {
                let place = place % (ahead.len() + behind.len());
                if place < ahead.len() {
                    ahead.remove(place);
                } else {
                    behind.remove(place - ahead.len());
                }
            }
            Act::Cancel(_) => {}
            Act::Take(qty) => {
                // Where we are, whatever passes those ahead is ours first. The feed knows a world
                // without us: there it goes on to those behind, and then through the price.
                let passed = qty - take(&mut ahead, qty);
                filled = ours.min(filled + passed);
                let through = passed - take(&mut behind, passed);
                for (qty, is_through) in [(qty - through, false), (through, true)] {
                    if qty > 0 {
                        let at = ms(now + lag);
                        truth.trades.push_back(Told::Print { upto, qty, at, is_through });
                    }
                }
            }
        }
        if cut {
            let shown = ahead.iter().chain(&behind).sum();
            truth.book.push_back(Told::Level { upto, shown, at: ms(now) });
        }
        truth.ahead.push(ahead.iter().sum());
        truth.filled.push(filled);
    }
    truth
}

fn acts() -> impl Strategy<Value = Vec<(Act, i64, i64, bool)>> {
    let act = prop_oneof![
        3 => (1i64..12).prop_map(Act::Join),
        2 => any::<usize>().prop_map(Act::Cancel),
        2 => (1i64..15).prop_map(Act::Take),
    ];
    // Waits both short and long against the window; a print's stamp is late by at most the window.
    let wait = prop_oneof![4 => 0i64..300, 1 => 900i64..2_500];
    let lag = prop_oneof![2 => Just(0i64), 1 => 0i64..=1_000];
    prop::collection::vec((act, wait, lag, prop::bool::weighted(0.6)), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_bound_is_never_less_than_the_truth_and_fills_never_more(
        first in prop::collection::vec(1i64..12, 0..6),
        ours in 1i64..30,
        acts in acts(),
        picks in prop::collection::vec(any::<bool>(), 0..120),
    ) {
        let mut truth = play(&first, ours, &acts);
        let shown = first.iter().sum();
        let mut queue = QueuePosition::enter(Some(Qty::new(shown)), ms(-1));
        let (mut left, mut known, mut by_prints, mut is_crossed) = (ours, 0, shown, false);
        let mut picks = picks.into_iter().chain(std::iter::repeat(true));
        loop {
            let (one, other) = if picks.next().unwrap() {
                (&mut truth.book, &mut truth.trades)
            } else {
                (&mut truth.trades, &mut truth.book)
            };
            let Some(told) = one.pop_front().or_else(|| other.pop_front()) else { break };
            match told {
                Told::Level { upto, shown, at } => {
                    queue.on_level(Qty::new(shown), at);
                    known = known.max(upto);
                }
                Told::Print { upto, qty, at, is_through } => {
                    let (qty, open) = (Qty::new(qty), Qty::new(left));
                    let fill = if is_through {
                        is_crossed = true;
                        queue.on_print_through(qty, at, open)
                    } else {
                        by_prints = 0.max(by_prints - qty.raw());
                        queue.on_print_at(qty, at, open)
                    };
                    left -= fill.raw();
                    known = known.max(upto);
                    prop_assert!(ours - left <= truth.filled[upto], "filled before the real order");
                }
            }
            let ahead = queue.ahead().unwrap().raw();
            prop_assert!(ahead >= truth.ahead[known], "{ahead} < {}", truth.ahead[known]);
            prop_assert!(is_crossed || ahead <= by_prints, "prints alone would prove more");
        }
    }
}
