//! Our rings against bare `rtrb` of the same slot: through one thread, and there and back between two.

use paperwire_core::event::{MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::MARKET_RING_LEN;
use paperwire_core::ring::ring;
use paperwire_core::time::ExchNs;

fn event(seq: u64) -> MarketEvent {
    let (exch, symbol) = (ExchNs::new(1), SymbolId(0));
    MarketEvent { seq: Seq(seq), exch, stamps: Stamps::default(), symbol, kind: MarketKind::Timer }
}

/// Sends `count` events through our ring on one thread; returns the sum of their numbers.
pub fn through_ours(count: u64) -> u64 {
    let (mut producer, mut consumer) = ring(MARKET_RING_LEN);
    let mut sum = 0;
    for seq in 0..count {
        let _ = producer.push(event(seq));
        sum += consumer.pop().map_or(0, |event| event.seq.0);
    }
    sum
}

/// The same through bare `rtrb`.
pub fn through_bare(count: u64) -> u64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(MARKET_RING_LEN);
    let mut sum = 0;
    for seq in 0..count {
        let _ = producer.push(event(seq));
        sum += consumer.pop().map_or(0, |event| event.seq.0);
    }
    sum
}

/// `count` events to another thread and back through two of our rings.
pub fn hop_ours(count: u64) {
    let (mut out, mut there) = ring::<MarketEvent>(MARKET_RING_LEN);
    let (mut back, mut home) = ring::<MarketEvent>(MARKET_RING_LEN);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut left = count;
            while left > 0 {
                if let Some(event) = there.pop() {
                    let _ = back.push(event);
                    left -= 1;
                }
                std::hint::spin_loop();
            }
        });
        for seq in 0..count {
            let _ = out.push(event(seq));
            while home.pop().is_none() {
                std::hint::spin_loop();
            }
        }
    });
}

/// The same through two bare `rtrb` rings.
pub fn hop_bare(count: u64) {
    let (mut out, mut there) = rtrb::RingBuffer::<MarketEvent>::new(MARKET_RING_LEN);
    let (mut back, mut home) = rtrb::RingBuffer::<MarketEvent>::new(MARKET_RING_LEN);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut left = count;
            while left > 0 {
                if let Ok(event) = there.pop() {
                    let _ = back.push(event);
                    left -= 1;
                }
                std::hint::spin_loop();
            }
        });
        for seq in 0..count {
            let _ = out.push(event(seq));
            while home.pop().is_err() {
                std::hint::spin_loop();
            }
        }
    });
}
