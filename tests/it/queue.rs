//! The queue model of resting paper orders against the matching engine of the built-in exchange.
//!
//! Each session plays one random flow into two engines: one holds our order, the other does not.
//! The model sees what a level-2 subscriber sees of the second (`feed`), and must never be filled
//! before or beyond the order in the first (`worlds`).
//!
//! **Which comparisons are valid.** Until the real order's first fill the engines differ by our
//! order only. After it, what we took from a taker went in the other world to those behind us, to
//! worse prices, or into the book as liquidity of the other side at or through our price. The first
//! two change nothing that reaches our price: what is better than it, and the whole other side, are
//! still alike, so fills stay comparable one by one. The third makes two markets of one: a later
//! buyer meets an offer there that we have used up here. So a session ends with the taker that
//! leaves such an offer, unless our order is complete by then; that taker itself still counts.
//! Once the real order is complete, the model can only be late, in any market.
//!
//! Post-only orders are left out of the flow: one that would have met us is refused in our world
//! and rests in the other. A level-2 feed cannot tell it from the rest of a taker, so the rule that
//! offers at our price fill us is too good by exactly those; the last test here shows it.

use paperwire_core::instrument::{AssetName, Instrument, SymbolName, TradingStatus};
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;
use paperwire_exchange::matching::{Engine, Order, OrderKind, Reject};

use crate::material::Random;
use replay::{Naive, Outcome, replay};
use worlds::session;

mod feed;
mod replay;
mod worlds;

const SESSIONS: u64 = 10_000;

/// One price unit a tick, whole lots, no minimums: the rules under test are the queue's.
fn plain() -> Instrument {
    Instrument {
        name: SymbolName::from("A/B").unwrap(),
        base: AssetName::from("A").unwrap(),
        quote: AssetName::from("B").unwrap(),
        price_precision: 0,
        qty_precision: 0,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

/// How late the model is, in takers, over the sessions in which the real order got that far.
#[derive(Default)]
struct Lateness {
    real: usize,
    takers: Vec<usize>,
}

impl Lateness {
    fn add(&mut self, real: Option<usize>, model: Option<usize>, outcome: &Outcome) {
        let Some(real) = real else {
            assert!(model.is_none(), "the model has what the real order never got");
            return;
        };
        self.real += 1;
        if let Some(model) = model {
            assert!(model >= real, "step {model} filled the model, {real} the order");
            self.takers.push(outcome.takers_between(real, model));
        }
    }

    fn row(&mut self, name: &str) -> String {
        self.takers.sort_unstable();
        let exact = self.takers.iter().filter(|late| **late == 0).count();
        let late = |percent: usize| self.takers[(self.takers.len() - 1) * percent / 100];
        let never = self.real - self.takers.len();
        let (exact, never) = (percent(exact, self.real), percent(never, self.real));
        let (p50, p90, p99) = (late(50), late(90), late(99));
        format!("{name:<10}{:>7}{exact:>9}{p50:>7}{p90:>7}{p99:>7}{never:>9}", self.real)
    }
}

fn percent(count: usize, of: usize) -> String {
    let tenths = (count * 1_000 + of / 2) / of;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[test]
fn the_model_is_never_filled_before_nor_beyond_a_real_order() {
    let mut first = Lateness::default();
    let mut complete = Lateness::default();
    let (mut idle, mut cut, mut too_early, mut takers) = (0, 0, 0, 0);
    for seed in 0..SESSIONS {
        let mut random = Random(seed);
        let session = session(&mut random);
        let messages = feed::of(&session, &mut random);
        let outcome = replay(&session, &messages);
        first.add(outcome.real_first, outcome.model_first, &outcome);
        complete.add(outcome.real_complete, outcome.model_complete, &outcome);
        idle += usize::from(outcome.real_first.is_none());
        cut += usize::from(outcome.is_cut);
        takers += outcome.takers;
        too_early += usize::from(Naive::is_too_early(&session, &messages));
    }
    eprintln!(
        "{SESSIONS} sessions with {takers} takers; never filled: {idle}, ended by own impact: {cut}"
    );
    eprintln!("fill       orders    exact    p50    p90    p99    never   (p: takers later)");
    eprintln!("{}\n{}", first.row("first"), complete.row("complete"));
    eprintln!("a model that counts every match twice is too early in {too_early}");
    let filled = usize::try_from(SESSIONS).unwrap() - idle;
    assert!(complete.real * 2 > filled, "the flow completes most orders that it touches");
    assert!(too_early * 20 > filled, "a wrong model is found out");
}

#[test]
fn a_post_only_order_that_would_have_met_us_rests_only_where_we_are_not() {
    let order = |side, kind| Order { side, qty: Qty::new(5), kind };
    let px = Px::new(100);
    let offer = order(OrderSide::Sell, OrderKind::PostOnly(px));
    let mut changes = Vec::new();
    let mut without_us = Engine::new(plain(), 1);
    let resting = without_us.submit(offer, ExchNs::new(2), &mut changes).unwrap();
    assert_eq!(without_us.left(resting.id), Some(Qty::new(5)));
    let mut with_us = Engine::new(plain(), 1);
    let ours = order(OrderSide::Buy, OrderKind::PostOnly(px));
    with_us.submit(ours, ExchNs::new(1), &mut changes).unwrap();
    let refused = with_us.submit(offer, ExchNs::new(2), &mut changes);
    assert_eq!(refused, Err(Reject::WouldTake));
}
