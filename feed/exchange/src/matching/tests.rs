use paperwire_core::trade::OrderSide;
use proptest::prelude::*;

use super::*;
use crate::market::listing::instrument;

/// Ten-cent ticks, whole lots, no minimums: the rules under test are the queue's.
fn plain() -> Instrument {
    let mut rules = instrument("BTC/USD", 1, 0, 1, 1, "0");
    rules.qty_increment = Qty::new(1);
    rules
}

/// The same book as a flat list, oldest first, matched by scanning it.
#[derive(Default)]
struct Naive {
    orders: Vec<(OrderId, OrderSide, i64, i64)>,
    fills: Vec<(i64, i64)>,
}

impl Naive {
    fn submit(&mut self, id: OrderId, order: Order) {
        let limit = order.kind.limit().map(Px::raw);
        let mut left = order.qty.raw();
        while left > 0 {
            let crossing = self.orders.iter().enumerate().filter(|(_, o)| {
                o.1 == order.side.opposite()
                    && limit.is_none_or(|l| {
                        if order.side == OrderSide::Buy { o.2 <= l } else { o.2 >= l }
                    })
            });
            // The first of equals is the oldest, because the list is in time order.
            let best = match order.side {
                OrderSide::Buy => crossing.min_by_key(|(at, o)| (o.2, *at)),
                OrderSide::Sell => crossing.min_by_key(|(at, o)| (-o.2, *at)),
            };
            let Some((at, _)) = best else { break };
            let qty = left.min(self.orders[at].3);
            self.fills.push((self.orders[at].2, qty));
            self.orders[at].3 -= qty;
            left -= qty;
            if self.orders[at].3 == 0 {
                self.orders.remove(at);
            }
        }
        if left > 0 && order.kind.rests() {
            self.orders.push((id, order.side, limit.unwrap(), left));
        }
    }

    fn levels(&self, side: OrderSide) -> Vec<(i64, i64)> {
        let mut totals = BTreeMap::new();
        for (_, _, px, qty) in self.orders.iter().filter(|o| o.1 == side) {
            *totals.entry(*px).or_insert(0) += qty;
        }
        let ascending = totals.into_iter();
        if side == OrderSide::Sell { ascending.collect() } else { ascending.rev().collect() }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Submit(Order),
    Cancel(prop::sample::Index),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let px = (90i64..110).prop_map(Px::new);
    let kind = px.prop_flat_map(|px| {
        prop_oneof![
            5 => Just(OrderKind::Limit(px)),
            2 => Just(OrderKind::PostOnly(px)),
            1 => Just(OrderKind::Ioc(px)),
            1 => Just(OrderKind::Market),
        ]
    });
    let side = prop_oneof![Just(OrderSide::Buy), Just(OrderSide::Sell)];
    let order = (side, 1i64..20, kind)
        .prop_map(|(side, qty, kind)| Action::Submit(Order { side, qty: Qty::new(qty), kind }));
    let cancel = any::<prop::sample::Index>().prop_map(Action::Cancel);
    prop::collection::vec(prop_oneof![3 => order, 1 => cancel], 1..120)
}

proptest! {
    #[test]
    fn the_engine_agrees_with_a_naive_book(actions in actions()) {
        let mut engine = Engine::new(plain(), 100);
        let mut naive = Naive::default();
        let mut changes = Vec::new();
        let mut ids = Vec::new();
        let (mut sent, mut cancelled, mut dropped) = (0, 0, 0);
        for action in actions {
            match action {
                Action::Submit(order) => {
                    let Ok(receipt) = engine.submit(order, ExchNs::new(1), &mut changes) else {
                        prop_assert!(matches!(order.kind, OrderKind::PostOnly(_)));
                        continue;
                    };
                    sent += order.qty.raw();
                    dropped += (order.qty - receipt.filled - receipt.resting).raw();
                    naive.submit(receipt.id, order);
                    ids.push(receipt.id);
                }
                Action::Cancel(which) if !ids.is_empty() => {
                    let id = *which.get(&ids);
                    let there = naive.orders.iter().position(|o| o.0 == id);
                    let got = engine.cancel(id, &mut changes);
                    prop_assert_eq!(got.is_ok(), there.is_some());
                    if let (Ok(qty), Some(at)) = (got, there) {
                        prop_assert_eq!(qty.raw(), naive.orders.remove(at).3);
                        cancelled += qty.raw();
                    }
                }
                Action::Cancel(_) => {}
            }
            prop_assert!(!engine.is_crossed());
            for (side, half) in [(OrderSide::Buy, BookSide::Bid), (OrderSide::Sell, BookSide::Ask)] {
                let levels: Vec<_> = engine.levels(half).map(|(p, q)| (p.raw(), q.raw())).collect();
                prop_assert_eq!(levels, naive.levels(side));
            }
            for (id, .., qty) in &naive.orders {
                prop_assert_eq!(engine.left(*id), Some(Qty::new(*qty)));
            }
        }
        let trades: Vec<Trade> = changes
            .iter()
            .filter_map(|c| if let Change::Trade(t) = c { Some(*t) } else { None })
            .collect();
        let fills: Vec<_> = trades.iter().map(|t| (t.px.raw(), t.qty.raw())).collect();
        prop_assert_eq!(&fills, &naive.fills);
        for (at, trade) in trades.iter().enumerate() {
            prop_assert_eq!(trade.trade_id, 100 + u64::try_from(at).unwrap());
        }
        // Every lot sent in is traded (twice: by its maker and its taker), resting, or gone.
        let traded: i64 = fills.iter().map(|f| f.1).sum();
        let rests: i64 = naive.orders.iter().map(|o| o.3).sum();
        prop_assert_eq!(sent, 2 * traded + rests + cancelled + dropped);
    }

    #[test]
    fn level_changes_alone_rebuild_the_book(actions in actions()) {
        let mut engine = Engine::new(plain(), 1);
        let mut changes = Vec::new();
        for action in actions {
            if let Action::Submit(order) = action {
                let _ = engine.submit(order, ExchNs::new(1), &mut changes);
            }
        }
        let mut rebuilt: [BTreeMap<i64, Qty>; 2] = Default::default();
        for change in changes {
            let Change::Level { side, px, qty } = change else { continue };
            let half = &mut rebuilt[usize::from(side == BookSide::Ask)];
            if qty.is_zero() {
                prop_assert!(half.remove(&rank(side, px)).is_some(), "only what was there goes");
            } else {
                half.insert(rank(side, px), qty);
            }
        }
        for (at, side) in [BookSide::Bid, BookSide::Ask].into_iter().enumerate() {
            let want: Vec<_> = engine.levels(side).map(|(px, qty)| (rank(side, px), qty)).collect();
            let got: Vec<_> = rebuilt[at].iter().map(|(rank, qty)| (*rank, *qty)).collect();
            prop_assert_eq!(got, want);
        }
    }
}

#[test]
fn the_oldest_order_at_a_price_fills_first() {
    let mut engine = Engine::new(plain(), 1);
    let mut changes = Vec::new();
    let mut rest = |engine: &mut Engine, qty| {
        let kind = OrderKind::Limit(Px::new(100));
        let order = Order { side: OrderSide::Sell, qty: Qty::new(qty), kind };
        engine.submit(order, ExchNs::new(1), &mut changes).unwrap().id
    };
    let (first, second) = (rest(&mut engine, 5), rest(&mut engine, 5));
    let taker = Order { side: OrderSide::Buy, qty: Qty::new(6), kind: OrderKind::Market };
    engine.submit(taker, ExchNs::new(2), &mut Vec::new()).unwrap();
    assert_eq!((engine.find(first), engine.left(first)), (None, None));
    assert_eq!(engine.front(BookSide::Ask), Some((second, Px::new(100), Qty::new(4))));
}

#[test]
fn orders_that_break_a_rule_are_refused_and_change_nothing() {
    let mut rules = instrument("XRP/USD", 5, 8, 5, 10_0000_0000, "0.5");
    rules.qty_increment = Qty::new(10);
    let mut engine = Engine::new(rules, 1);
    let mut check = |px, qty, kind: fn(Px) -> OrderKind, want| {
        let order = Order { side: OrderSide::Buy, qty: Qty::new(qty), kind: kind(Px::new(px)) };
        let got = engine.submit(order, ExchNs::new(1), &mut Vec::new());
        assert_eq!(got.map(|_| ()), want, "{order:?}");
    };
    //    price,     quantity,       kind,             result
    check(200_001, 20_0000_0000, OrderKind::Limit, Err(Reject::Tick));
    check(0, 20_0000_0000, OrderKind::Limit, Err(Reject::Tick));
    check(200_000, 20_0000_0001, OrderKind::Limit, Err(Reject::Lot));
    check(200_000, 9_0000_0000, OrderKind::Limit, Err(Reject::QtyMin));
    check(1_000, 10_0000_0000, OrderKind::Limit, Err(Reject::CostMin));
    check(200_000, 10_0000_0000, OrderKind::PostOnly, Ok(()));
    assert_eq!(engine.level_count(BookSide::Bid), 1);
    let sell = |kind| Order { side: OrderSide::Sell, qty: Qty::new(10_0000_0000), kind };
    let post = sell(OrderKind::PostOnly(Px::new(200_000)));
    assert_eq!(engine.submit(post, ExchNs::new(1), &mut Vec::new()), Err(Reject::WouldTake));
    engine.set_status(TradingStatus::LimitOnly);
    let market = sell(OrderKind::Market);
    assert_eq!(engine.submit(market, ExchNs::new(1), &mut Vec::new()), Err(Reject::Status));
}
