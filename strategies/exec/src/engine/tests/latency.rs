//! What takes time: nobody knows anything before the message has come.

use super::*;

#[test]
fn a_strategy_sees_no_trace_of_a_fill_before_its_ack() {
    let mut rig = with_latency([0, 10, 0, 1000]);
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.timer();
    rig.pass_ms(50); // filled at the venue; the message is still a second away
    let desk = rig.desks[0].lock().unwrap();
    assert!(desk.heard.is_empty());
    assert_eq!(desk.cash_seen.last(), Some(&usd(100.0)), "the fee is gone from its cash");
}

#[test]
fn nor_does_it_see_its_order_gone() {
    let mut rig = with_latency([0, 10, 0, 1000]);
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.timer();
    rig.pass_ms(50);
    assert_eq!(rig.desks[0].lock().unwrap().orders_seen.last(), Some(&1));
}

#[test]
fn protect_takes_its_way_too() {
    let mut rig = with_latency([0, 50, 0, 0]);
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.pass_ms(100);
    let exits = Exits { stop: ExitLevel::At(Px::new(990_000)), ..Exits::KEEP };
    rig.say(Signal { exits, ..worth(BTC, Action::Protect, 1.0) });
    rig.book(BTC, 979_995, 980_005); // a millisecond later
    assert_eq!(rig.fills().len(), 1, "the stop cannot be at the venue yet");
}

#[test]
fn a_print_from_before_the_entry_does_not_stop_it() {
    let mut rig = Rig::new();
    rig.now_ms += 100;
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(0.5), KEEP));
    let at = ExchNs::new(50 * 1_000_000);
    let trade = TradeTick {
        at,
        px: Px::new(900_000),
        qty: lots(5),
        taker: OrderSide::Sell,
        ..Default::default()
    };
    rig.event(BTC, MarketKind::Trade { trade, is_snapshot: false });
    assert_eq!(rig.fills().len(), 1, "matched before the position was entered");
}

#[test]
fn a_refused_cancel_does_not_give_a_fill_away() {
    let mut rig = with_latency([0, 10, 10, 1000]);
    rig.say(worth(BTC, Action::Buy, 50.0));
    rig.pass_ms(50);
    rig.say(Signal::cancel(BTC, 7, why()));
    assert!(rig.desks[0].lock().unwrap().heard.is_empty(), "NoSuchOrder at once means: filled");
}

#[test]
fn a_refused_close_does_not_give_a_fill_away() {
    let mut rig = with_latency([0, 10, 10, 1000]);
    rig.say(worth(BTC, Action::Buy, 50.0).bracket(ExitLevel::PctFromFill(1.0), KEEP));
    rig.pass_ms(2_000);
    rig.desks[0].lock().unwrap().heard.clear();
    rig.book(BTC, 979_995, 980_005); // stopped out; not told yet
    rig.say(Signal::close(BTC, why()));
    assert!(rig.desks[0].lock().unwrap().heard.is_empty(), "NoPosition at once means: stopped out");
}

#[test]
fn known_stop_follows_break_even_while_messages_are_under_way() {
    let mut rig = with_latency([0, 10, 0, 1000]);
    let exits =
        Exits { stop: ExitLevel::PctFromFill(5.0), break_even_pct: Some(1.0), ..Exits::KEEP };
    rig.say(Signal { exits, ..worth(BTC, Action::Buy, 50.0) });
    rig.pass_ms(3_000);
    rig.book(BTC, 1_019_995, 1_020_005); // the stop moves to the entry
    let actual = rig.world().account().position(BTC).stop;
    assert_eq!(actual, Some(Px::new(1_000_005)));
    assert_eq!(rig.engine.slots[0].known.positions[0].stop, actual);
}
