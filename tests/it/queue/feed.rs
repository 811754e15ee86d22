//! What a level-2 subscriber is told of a session: two channels, each in order, late by chance.

use paperwire_core::num::Qty;
use paperwire_core::time::ExchNs;
use paperwire_exchange::matching::Trade;

use super::worlds::Session;
use crate::material::Random;

/// One message of either channel.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// The book after a step; what happened within several steps is netted.
    Book { upto: usize, at: ExchNs, shown: Option<Qty>, opposite: Qty },
    /// The trades of some steps, each with the number of its step.
    Trades(Vec<(usize, Trade)>),
}

/// Messages in the order of their arrival.
pub(super) fn of(session: &Session, random: &mut Random) -> Vec<Message> {
    // Most ms that a message of the book and of the trades is under way.
    let delay_ms = [(0, 0), (200, 200), (3_000, 50), (50, 3_000), (3_000, 3_000)][random.below(5)];
    let netted = [1, 1, 3, 8][random.below(4)];
    let bundled = [1, 1, 3][random.below(3)];
    let mut arrivals: Vec<(i64, usize, Message)> = Vec::new();
    let mut book_due = 0;
    let mut trades_due = 0;
    let mut trades = Vec::new();
    let last = session.steps.len() - 1;
    for (index, step) in session.steps.iter().enumerate() {
        let late = |due: &mut i64, most_ms: usize, random: &mut Random| {
            let delay = i64::try_from(random.below(most_ms + 1)).unwrap() * 1_000_000;
            *due = (step.at.raw() + delay).max(*due);
            // Ties between the channels go either way, ties within one by the stable sort.
            (*due, random.below(2))
        };
        if index == last || random.below(netted) == 0 {
            let (due, tie) = late(&mut book_due, delay_ms.0, random);
            let message = Message::Book {
                upto: index,
                at: step.at,
                shown: step.shown,
                opposite: step.opposite,
            };
            arrivals.push((due, tie, message));
        }
        trades.extend(step.trades.iter().map(|trade| (index, *trade)));
        if !trades.is_empty() && (index == last || random.below(bundled) == 0) {
            let (due, tie) = late(&mut trades_due, delay_ms.1, random);
            arrivals.push((due, tie, Message::Trades(std::mem::take(&mut trades))));
        }
    }
    arrivals.sort_by_key(|(due, ..)| *due);
    merge_ties(&mut arrivals);
    arrivals.into_iter().map(|(.., message)| message).collect()
}

/// Swaps neighbours of different channels that arrive at the same instant, by their lot.
fn merge_ties(arrivals: &mut [(i64, usize, Message)]) {
    for at in 1..arrivals.len() {
        let (before, after) = (&arrivals[at - 1], &arrivals[at]);
        let is_book = |message: &Message| matches!(message, Message::Book { .. });
        let is_tie = before.0 == after.0 && is_book(&before.2) != is_book(&after.2);
        if is_tie && after.1 == 1 {
            arrivals.swap(at - 1, at);
        }
    }
}
