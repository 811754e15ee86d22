//! tmp
use paperwire_core::time::DurationNs;
use paperwire_exchange::market::{EventKind, MarketConfig};
use paperwire_exchange::matching::BookSide;
use paperwire_exchange::publish::{Topic, Venue};
fn main() {
    let seed = std::env::args().nth(1).map_or(1, |a| a.parse().unwrap());
    let t0 = std::time::Instant::now();
    let mut venue = Venue::new(&MarketConfig::new(seed)).unwrap();
    println!("new {:?}", t0.elapsed());
    let syms: Vec<_> = ["BTC/USD", "XRP/USD", "XRP/BTC", "ETH/USD"].iter().map(|n| venue.market().symbol(n).unwrap()).collect();
    for s in &syms { venue.watch(Topic::Book(*s, 25)); venue.watch(Topic::Book(*s,10)); venue.watch(Topic::Trade(*s)); }
    let secs = 600u64;
    let start = venue.market().now();
    let mut frames = Vec::new();
    let mut spread = [0.0; 4]; let mut n = 0.0; let mut minl=[9999usize;4]; let mut reg = std::collections::BTreeMap::new();
    let mut px0 = vec![];
    for s in &syms { px0.push(venue.market().fair_price(*s)); }
    for _ in 0..secs * 2 {
        let u = venue.market().now().plus(DurationNs::from_millis(500));
        venue.advance_to(u, &mut frames);
        *reg.entry(format!("{:?}", venue.market().regime())).or_insert(0) += 1;
        for (i, s) in syms.iter().enumerate() {
            let e = venue.market().engine(*s);
            if let (Some((b, _)), Some((a, _))) = (e.best(BookSide::Bid), e.best(BookSide::Ask)) { spread[i] += (a.raw() - b.raw()) as f64; }
            minl[i] = minl[i].min(e.level_count(BookSide::Bid)).min(e.level_count(BookSide::Ask));
        }
        n += 1.0;
    }
    println!("{secs}s played in {:?}, events {}, frames {} regimes {reg:?}", t0.elapsed(), venue.events_total(), frames.len());
    for (i, s) in syms.iter().enumerate() {
        let c = |t: Topic| frames.iter().filter(|f| f.topic == t).count() as f64 / secs as f64;
        let h = venue.market().history(*s);
        let live: Vec<_> = h.trades_after(start).collect();
        let r = venue.market().engine(*s).instrument();
        let vol: f64 = live.iter().map(|t| r.qty_f64(t.qty)).sum::<f64>() / (secs as f64 / 60.0);
        let past: f64 = h.trades().filter(|t| t.at <= start).map(|t| r.qty_f64(t.qty)).sum::<f64>() / 720.0;
        let past_n = h.trades().filter(|t| t.at <= start).count() as f64 / 720.0;
        let e = venue.market().engine(*s);
        let l25: Vec<_> = e.levels(BookSide::Bid).take(25).collect();
        println!("{i} d25 {:.1}/s d10 {:.1}/s trademsgs {:.2}/s trades {:.2}/s spread {:.2} minlv {} vol/min {:.3} past vol/min {:.3} ({past_n:.1}/min) px {:.6}->{:.6} span25 {} lv {}", c(Topic::Book(*s, 25)), c(Topic::Book(*s,10)), c(Topic::Trade(*s)), live.len() as f64 / secs as f64, spread[i] / n, minl[i], vol, past, px0[i], venue.market().fair_price(*s), l25[0].0.raw()-l25.last().unwrap().0.raw(), e.level_count(BookSide::Bid));
    }
    let both = frames.iter().filter(|f| matches!(f.topic, Topic::Book(..)) && !f.text.contains("\"bids\":[]") && !f.text.contains("\"asks\":[]")).count();
    println!("two-sided {both}");
    let _ = EventKind::Commit;
}
