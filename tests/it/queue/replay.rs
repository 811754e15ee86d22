//! The model driven by the messages of a session, each fill held against the real order.

use paperwire_core::num::Qty;
use paperwire_core::time::ExchNs;
use paperwire_exchange::matching::Trade;
use paperwire_exec::queue::QueuePosition;

use super::feed::Message;
use super::worlds::{Ours, Session};

/// When the order and the model were filled, as steps.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) real_first: Option<usize>,
    pub(super) real_complete: Option<usize>,
    pub(super) model_first: Option<usize>,
    pub(super) model_complete: Option<usize>,
    pub(super) is_cut: bool,
    /// Orders that traded.
    pub(super) takers: usize,
    /// Of them, up to and with each step.
    takers_upto: Vec<usize>,
}

impl Outcome {
    /// How many orders traded after one step and up to another.
    pub(super) fn takers_between(&self, from: usize, to: usize) -> usize {
        self.takers_upto[to] - self.takers_upto[from]
    }
}

/// Where a print hits our order's side.
enum Place {
    At,
    Through,
    Elsewhere,
}

fn place(ours: Ours, trade: &Trade) -> Place {
    if trade.taker == ours.side {
        Place::Elsewhere
    } else if trade.px == ours.px {
        Place::At
    } else if ours.is_behind(trade.px) {
        Place::Through
    } else {
        Place::Elsewhere
    }
}

/// Plays the messages; panics where the model is ahead of the real order.
pub(super) fn replay(session: &Session, messages: &[Message]) -> Outcome {
    let (ours, steps) = (session.ours, &session.steps);
    let mut outcome = Outcome { is_cut: session.is_cut, ..Outcome::default() };
    for step in steps {
        outcome.takers += usize::from(!step.trades.is_empty());
        outcome.takers_upto.push(outcome.takers);
    }
    outcome.real_first = steps.iter().position(|step| !step.filled.is_zero());
    outcome.real_complete = steps.iter().position(|step| step.filled == ours.qty);

    let mut queue: Option<QueuePosition> = None;
    let (mut filled, mut crossed) = (Qty::ZERO, Qty::ZERO);
    // The newest step that any message has told of.
    let mut known = 0;
    let mut is_crossed = false;
    for message in messages {
        match message {
            Message::Book { upto, at, shown, opposite } => {
                known = known.max(*upto);
                // The first book that is not older than the order's arrival.
                if queue.is_none() && *upto >= session.arrival {
                    queue = Some(QueuePosition::enter(*shown, *at));
                } else if let (Some(queue), Some(shown)) = (&mut queue, shown) {
                    queue.on_level(*shown, *at);
                }
                if queue.is_some() {
                    // Offers that were there before have filled us already.
                    let fresh = Qty::ZERO.max(*opposite - crossed);
                    crossed = *opposite;
                    is_crossed |= !fresh.is_zero();
                    filled += fresh.min(ours.qty - filled);
                    note(&mut outcome, filled, ours.qty, *upto);
                }
            }
            Message::Trades(trades) => {
                for (step, trade) in trades {
                    known = known.max(*step);
                    let Some(queue) = &mut queue else { continue };
                    let left = ours.qty - filled;
                    filled += match place(ours, trade) {
                        Place::At => queue.on_print_at(trade.qty, trade.at, left),
                        Place::Through => queue.on_print_through(trade.qty, trade.at, left),
                        Place::Elsewhere => Qty::ZERO,
                    };
                    // Offers in a book that was faster than this print belong to a later taker.
                    let upto = if is_crossed { known } else { *step };
                    assert!(filled <= steps[upto].filled, "print of step {step}: {session:?}");
                    note(&mut outcome, filled, ours.qty, upto);
                }
            }
        }
        assert!(filled <= steps[known].filled, "step {known}: {session:?}");
    }
    outcome
}

fn note(outcome: &mut Outcome, filled: Qty, all: Qty, step: usize) {
    if !filled.is_zero() {
        outcome.model_first.get_or_insert(step);
    }
    if filled == all {
        outcome.model_complete.get_or_insert(step);
    }
}

/// The trap: a queue that shrinks by what the book loses and by what is printed.
#[derive(Debug)]
pub(super) struct Naive {
    ahead: Qty,
    shown: Qty,
    entered_at: ExchNs,
}

impl Naive {
    /// Whether such a model is filled at our price, at any moment, beyond the real order.
    pub(super) fn is_too_early(session: &Session, messages: &[Message]) -> bool {
        let mut naive: Option<Self> = None;
        let (mut filled, mut known) = (Qty::ZERO, 0);
        for message in messages {
            match message {
                Message::Book { upto, at, shown, .. } => {
                    known = known.max(*upto);
                    let Some(shown) = *shown else { continue };
                    if let Some(naive) = &mut naive {
                        let fall = Qty::ZERO.max(naive.shown - shown);
                        naive.ahead -= fall.min(naive.ahead);
                        naive.shown = shown;
                    } else if *upto >= session.arrival {
                        naive = Some(Self { ahead: shown, shown, entered_at: *at });
                    }
                }
                Message::Trades(trades) => {
                    for (step, trade) in trades {
                        known = known.max(*step);
                        let Some(naive) = &mut naive else { continue };
                        let is_new = trade.at > naive.entered_at;
                        if is_new && matches!(place(session.ours, trade), Place::At) {
                            filled += trade.qty - trade.qty.min(naive.ahead);
                            naive.ahead -= trade.qty.min(naive.ahead);
                        }
                    }
                }
            }
            if filled.min(session.ours.qty) > session.steps[known].filled {
                return true;
            }
        }
        false
    }
}
