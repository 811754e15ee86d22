//! Our rings against bare `rtrb` of the same slot: through one thread, and out and back
//! between two.

use paperwire_core::event::{MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::limits::MARKET_RING_LEN;
use paperwire_core::ring::{Consumer, Producer, ring};
use paperwire_core::time::ExchNs;

fn event(seq: u64) -> MarketEvent {
    let (seq, exch, stamps) = (Seq(seq), ExchNs::new(1), Stamps::default());
    MarketEvent { seq, exch, stamps, symbol: None, kind: MarketKind::Timer }
}

/// Our ring.
pub fn connected() -> (Producer<MarketEvent>, Consumer<MarketEvent>) {
    ring(MARKET_RING_LEN)
}

/// Sends `count` events through our ring on one thread; returns the sum of their numbers.
pub fn through_ours(count: u64) -> u64 {
    let (mut producer, mut consumer) = connected();
    through(&mut producer, &mut consumer, count)
}

/// The same through one that is there.
pub fn through(
    producer: &mut Producer<MarketEvent>,
    consumer: &mut Consumer<MarketEvent>,
    count: u64,
) -> u64 {
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

/// One end of a pair of rings, in either make.
pub trait End: Send {
    /// Sends; there is room.
    fn send(&mut self, event: MarketEvent);
    /// Takes what has come.
    fn take(&mut self) -> Option<MarketEvent>;
}

/// An end of two of our rings.
#[derive(Debug)]
pub struct Ours(Producer<MarketEvent>, Consumer<MarketEvent>);

/// An end of two bare `rtrb` rings.
#[derive(Debug)]
pub struct Bare(rtrb::Producer<MarketEvent>, rtrb::Consumer<MarketEvent>);

impl End for Ours {
    fn send(&mut self, event: MarketEvent) {
        let _ = self.0.push(event);
    }
    fn take(&mut self) -> Option<MarketEvent> {
        self.1.pop()
    }
}

impl End for Bare {
    fn send(&mut self, event: MarketEvent) {
        let _ = self.0.push(event);
    }
    fn take(&mut self) -> Option<MarketEvent> {
        self.1.pop().ok()
    }
}

/// Two connected ends of our rings.
pub fn ours() -> (Ours, Ours) {
    let (out, there) = ring(MARKET_RING_LEN);
    let (back, home) = ring(MARKET_RING_LEN);
    (Ours(out, home), Ours(back, there))
}

/// Two connected ends of bare rings.
pub fn bare() -> (Bare, Bare) {
    let (out, there) = rtrb::RingBuffer::new(MARKET_RING_LEN);
    let (back, home) = rtrb::RingBuffer::new(MARKET_RING_LEN);
    (Bare(out, home), Bare(back, there))
}

/// Sends `count` events back as they come.
pub fn echo(end: &mut impl End, count: u64) {
    let mut left = count;
    while left > 0 {
        match end.take() {
            Some(event) => {
                end.send(event);
                left -= 1;
            }
            None => std::hint::spin_loop(),
        }
    }
}

/// `count` events out and back, one after the other.
pub fn round_trips(end: &mut impl End, count: u64) {
    for seq in 0..count {
        end.send(event(seq));
        while end.take().is_none() {
            std::hint::spin_loop();
        }
    }
}
