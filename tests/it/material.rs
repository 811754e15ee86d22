//! Frames to test with: made by the exchange's own publisher without a socket, and the real captures.

use paperwire_core::instrument::Instrument;
use paperwire_core::raw::RawKind;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_exchange::MarketConfig;
use paperwire_exchange::publish::{Topic, Venue};
use paperwire_feed::infer;
use paperwire_feed::wire::cold::{ColdFrame, ColdReader};
use paperwire_tape::Source;

/// A session as frames with their receive times.
pub(crate) struct Material {
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) depth: u16,
    pub(crate) frames: Vec<(u64, Vec<u8>)>,
}

/// Books and trades of the three default pairs for some seconds of the seeded market.
pub(crate) fn simulated(seed: u64, seconds: u64, depth: u16) -> Material {
    let start = ExchNs::parse_rfc3339(b"2026-03-02T09:00:00Z").unwrap();
    let mut config = MarketConfig::new(seed);
    config.start = Some(start);
    let mut venue = Venue::new(&config).unwrap();
    let mut reader = ColdReader::new();
    let listed = venue.snapshot(Topic::Instrument);
    assert!(matches!(reader.read(listed.as_bytes()), Ok(ColdFrame::Instruments { .. })));
    let names = ["BTC/USD", "XRP/USD", "XRP/BTC"];
    let instruments: Vec<Instrument> = names
        .iter()
        .map(|name| *reader.instruments().iter().find(|of| of.name.as_str() == *name).unwrap())
        .collect();
    let mut frames = Vec::new();
    for name in names {
        let symbol = venue.market().symbol(name).unwrap();
        for topic in [Topic::Book(symbol, depth), Topic::Trade(symbol)] {
            venue.watch(topic);
            frames.push((0, venue.snapshot(topic).into_bytes()));
        }
    }
    let mut out = Vec::new();
    venue.advance_to(start.plus(DurationNs::from_secs(seconds)), &mut out);
    for frame in out {
        let rx = frame.at.since(start).raw();
        frames.push((rx, frame.text.as_bytes().to_vec()));
    }
    Material { instruments, depth, frames }
}

/// A real capture, or `None` with a loud line where there is none.
pub(crate) fn captured(name: &str, depth: u16) -> Option<Material> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/kraken");
    let folder = std::env::var("PAPERWIRE_CAPTURES").unwrap_or_else(|_| default.to_owned());
    let path = format!("{folder}/ws/{name}");
    let Ok(mut source) = Source::open(path.as_ref()) else {
        eprintln!("SKIPPED: capture {name} not found; set PAPERWIRE_CAPTURES to its folder");
        return None;
    };
    let mut frames = Vec::new();
    while let Some(record) = source.next().unwrap() {
        assert_eq!(record.kind, RawKind::Frame);
        frames.push((record.rx.raw(), record.payload.to_vec()));
    }
    let instrument = frames.iter().find_map(|(_, frame)| infer::instrument_of(frame)).unwrap();
    Some(Material { instruments: vec![instrument], depth, frames })
}

/// All sessions there are.
pub(crate) fn all() -> Vec<Material> {
    let captures = [
        ("btcusd_d10_20260801.tsv", 10),
        ("btcusd_d25_20260802.tsv", 25),
        ("xrpusd_d25_20260802.tsv", 25),
    ];
    let captures = captures.iter().filter_map(|(name, depth)| captured(name, *depth));
    [simulated(7, 120, 25)].into_iter().chain(captures).collect()
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough for choosing what to break.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }
}
