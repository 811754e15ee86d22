//! Broken input: whatever arrives, a book that is called live is the exchange's.

use paperwire_core::agent::StoppedClock;
use paperwire_core::checksum::{LevelText, book_checksum};
use paperwire_core::event::MarketEvent;
use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::HostNs;
use paperwire_feed::market::{BookState, EventSink, MarketFeed, Outcome, Probe};

use crate::material::{self, Material, Random};

struct Nowhere(u64);

impl EventSink for Nowhere {
    fn push(&mut self, _: MarketEvent) {
        self.0 += 1;
    }
}

struct Rig {
    market: MarketFeed,
    sink: Nowhere,
}

impl Rig {
    fn new(material: &Material) -> Self {
        let market = MarketFeed::new(&material.instruments, material.depth);
        Self { market, sink: Nowhere(0) }
    }

    fn feed(&mut self, rx: u64, frame: &[u8]) -> Outcome {
        let rx = HostNs::new(rx);
        let mut probe = Probe::new(&StoppedClock, rx, rx);
        self.market.on_frame(rx, frame, &mut probe, &mut self.sink)
    }

    /// The checksum of the ten best levels as they stand, made from the integers.
    fn checksum(&self, symbol: SymbolId) -> u32 {
        let book = self.market.book(symbol);
        let texts =
            |side| book.levels(side).map(|l| LevelText::new(l.px, l.qty)).collect::<Vec<_>>();
        book_checksum(texts(BookSide::Ask).iter(), texts(BookSide::Bid).iter())
    }
}

fn stated_checksum(frame: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(frame).ok()?;
    let rest = text.split_once("\"checksum\":")?.1;
    rest[..rest.find([',', '}'])?].parse().ok()
}

fn mutate(frame: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = frame.to_vec();
    for _ in 0..=random.below(3) {
        if out.is_empty() {
            break;
        }
        let at = random.below(out.len());
        match random.below(6) {
            0 => out[at] ^= 1 << random.below(8),
            1 => out[at] = b"0123456789.,:{}[]\"-e "[random.below(21)],
            2 => out.truncate(at),
            3 => drop(out.remove(at)),
            4 => out.insert(at, b"0123456789.,:{}[]\"-e "[random.below(21)]),
            _ => {
                let end = (at + 1 + random.below(40)).min(out.len());
                let piece = out[at..end].to_vec();
                out.splice(at..at, piece);
            }
        }
    }
    out
}

/// A million damaged frames amid true ones. Whenever the feed accepts a damaged frame and still calls
/// the book live, its ten best levels are those that the frame's checksum states.
#[test]
fn a_million_mutations_never_make_a_wrong_book_live() {
    const MUTATIONS: usize = 1_000_000;
    let sessions = material::all();
    let mut random = Random(20_260_802);
    let mut done = 0;
    let mut refused = 0u64;
    while done < MUTATIONS {
        for material in &sessions {
            let mut rig = Rig::new(material);
            for (rx, frame) in &material.frames {
                // A damaged copy comes instead of the true frame once in a while, and the session
                // then has a hole; otherwise it comes before it.
                let is_lost = random.below(50) == 0;
                for _ in 0..4 {
                    let damaged = mutate(frame, &mut random);
                    done += 1;
                    let before = rig.market.counters().checksums_ok;
                    let outcome = rig.feed(*rx, &damaged);
                    refused += u64::from(matches!(outcome, Outcome::Desync(..)));
                    if rig.market.counters().checksums_ok > before {
                        let stated = stated_checksum(&damaged);
                        let is_true = (0u16..).zip(&material.instruments).any(|(index, _)| {
                            let symbol = SymbolId(index);
                            rig.market.state(symbol) == BookState::Live
                                && Some(rig.checksum(symbol)) == stated
                        });
                        assert!(is_true, "live and wrong: {}", String::from_utf8_lossy(&damaged));
                    }
                }
                if !is_lost {
                    rig.feed(*rx, frame);
                }
            }
        }
    }
    assert!(refused > 10_000, "damage was noticed");
}

#[test]
fn one_changed_digit_in_the_ten_is_noticed_and_only_that_symbol_is_quarantined() {
    let material = material::simulated(11, 20, 25);
    // The first update of XRP/USD that sets a level within its ten best.
    let mut rig = Rig::new(&material);
    let mut struck = None;
    for (index, (rx, frame)) in material.frames.iter().enumerate() {
        rig.feed(*rx, frame);
        let text = String::from_utf8(frame.clone()).unwrap();
        if index < 20 || !text.contains("book\",\"type\":\"update") || !text.contains("XRP/USD") {
            continue;
        }
        let best = rig.market.book(SymbolId(1)).levels(BookSide::Bid).next().unwrap();
        let of = material.instruments[1];
        let level =
            format!(r#"{{"price":{},"qty":{}}}"#, of.show_px(best.px), of.show_qty(best.qty));
        if text.contains(&level) {
            let changed =
                level.replace("}", "").trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let mut qty = level.into_bytes();
            let last = qty.len() - 2;
            assert!(last > changed);
            let original = String::from_utf8(qty.clone()).unwrap();
            qty[last] = if qty[last] == b'9' { b'8' } else { qty[last] + 1 };
            struck = Some((index, text.replace(&original, std::str::from_utf8(&qty).unwrap())));
            break;
        }
    }
    let (index, damaged) = struck.expect("the best bid changes within twenty seconds");
    let mut rig = Rig::new(&material);
    for (rx, frame) in &material.frames[..index] {
        rig.feed(*rx, frame);
    }
    let outcome = rig.feed(material.frames[index].0, damaged.as_bytes());
    let second = SymbolSet::only(SymbolId(1));
    assert!(matches!(outcome, Outcome::Desync(of, _) if of == second), "{outcome:?}");
    let states: Vec<_> = (0..3).map(|s| rig.market.state(SymbolId(s))).collect();
    assert_eq!(states, [BookState::Live, BookState::Resync, BookState::Live]);
    // Nothing revives it but a verified snapshot.
    for (rx, frame) in &material.frames[index + 1..] {
        rig.feed(*rx, frame);
    }
    assert_eq!(rig.market.state(SymbolId(1)), BookState::Resync);
    assert_eq!(rig.market.state(SymbolId(0)), BookState::Live);
}
