//! What a recording is of, before it is replayed: its pairs with their precisions, and the depth of its books.
//!
//! A tape tells it in its own `instrument` message. A capture is read once from end to end, and whatever is
//! concluded from it instead of being told is said.

use paperwire_config::Config;
use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::limits::{DEPTHS, SYMBOLS_MAX};
use paperwire_core::raw::RawKind;
use paperwire_feed::infer::{self, Digits};
use paperwire_feed::start;
use paperwire_feed::wire::cold::{AckMethod, ColdFrame, ColdReader};
use paperwire_tape::Source;

use crate::error::RunError;

/// What is known before the first frame.
pub(super) struct Survey {
    /// The pairs, as the venue lists them.
    pub(super) listed: Vec<Instrument>,
    /// Rows per side of every book.
    pub(super) depth: u16,
    /// The state of the venue before its list.
    pub(super) system: TradingStatus,
    /// What was concluded, for people.
    pub(super) notes: Vec<String>,
}

/// Looks through the file and leaves it where the replay starts. `wanted` names the symbols of a capture to
/// replay; none names all.
pub(super) fn survey(
    source: &mut Source,
    config: &Config,
    wanted: &[String],
) -> Result<Survey, RunError> {
    match source {
        Source::Tape(_) if !wanted.is_empty() => Err(RunError::Config(
            "--symbols chooses from a capture, and a tape is replayed with the symbols that it was \
             recorded with; leave it out"
                .to_owned(),
        )),
        Source::Tape(_) => tape(source, config),
        Source::Tsv(_) => capture(source, config, wanted),
    }
}

fn tape(source: &mut Source, config: &Config) -> Result<Survey, RunError> {
    let mut reader = ColdReader::new();
    let mut system = TradingStatus::Online;
    while let Some(record) = source.next()? {
        if record.kind != RawKind::Frame {
            continue;
        }
        match reader.read(record.payload) {
            Ok(ColdFrame::Instruments { is_snapshot: true, .. }) => {
                let listed = start::resolve(&config.session.symbols, reader.instruments())?;
                return Ok(Survey { listed, depth: config.feed.depth, system, notes: Vec::new() });
            }
            Ok(ColdFrame::Status { system: Some(told), .. }) => {
                system = TradingStatus::from_wire(&told);
            }
            _ => {}
        }
    }
    let why = "the tape ends before the list of instruments: its recording was cut in the first moments and holds \
               nothing to replay; record the session again";
    Err(RunError::Config(why.to_owned()))
}

/// What a capture shows of one pair.
struct Shown {
    of: Instrument,
    digits: Digits,
    /// Depth that an acknowledgement names.
    acknowledged: Option<u16>,
    /// Levels of the deepest whole book.
    rows: Option<usize>,
}

impl Shown {
    /// Rows per side that its books are kept to, as the venue offers them.
    fn depth(&self) -> Option<u16> {
        let shown =
            self.rows.and_then(|rows| DEPTHS.into_iter().find(|depth| usize::from(*depth) >= rows));
        // An acknowledgement may be of another connection than the books; no book has more rows than it should.
        shown.max(self.acknowledged)
    }
}

fn capture(source: &mut Source, config: &Config, wanted: &[String]) -> Result<Survey, RunError> {
    let mut reader = ColdReader::new();
    let mut all: Vec<Shown> = Vec::new();
    let mut acknowledged: Vec<(String, u16)> = Vec::new();
    while let Some(record) = source.next()? {
        let frame = record.payload;
        let Some(of) = infer::instrument_of(frame) else {
            acknowledged.extend(depth_of(frame, &mut reader));
            continue;
        };
        if !wanted.is_empty() && !wanted.iter().any(|name| name.as_str() == of.name.as_str()) {
            continue;
        }
        let at = all.iter().position(|known| known.of.name == of.name).unwrap_or_else(|| {
            all.push(Shown { of, digits: Digits::default(), acknowledged: None, rows: None });
            all.len() - 1
        });
        all[at].digits.add(frame);
        all[at].rows = infer::depth_shown(frame).max(all[at].rows);
    }
    source.rewind()?;
    for shown in &mut all {
        let of_it = acknowledged.iter().filter(|(name, _)| name.as_str() == shown.of.name.as_str());
        shown.acknowledged = of_it.map(|(_, depth)| *depth).max();
    }
    check(&all, wanted)?;
    let (depth, said) = common_depth(&all, config.feed.depth)?;
    let mut notes = vec![format!(
        "{}: precisions inferred from the wire's digits; order minimums are unknown and not applied",
        names(&all)
    )];
    notes.extend(said);
    notes.extend(all.iter().filter_map(altered));
    let listed = all.iter().map(|shown| shown.of).collect();
    Ok(Survey { listed, depth, system: TradingStatus::Online, notes })
}

fn names(all: &[Shown]) -> String {
    let names: Vec<&str> = all.iter().map(|shown| shown.of.name.as_str()).collect();
    names.join(", ")
}

/// Symbol and depth of the acknowledgement of a book.
fn depth_of(frame: &[u8], reader: &mut ColdReader) -> Option<(String, u16)> {
    let key = b"\"depth\":";
    let (text, at) = (frame, frame.windows(key.len()).position(|window| window == key)?);
    let Ok(ColdFrame::Ack(ack)) = reader.read(frame) else { return None };
    if ack.method != AckMethod::Subscribe || ack.error.is_some() {
        return None;
    }
    let rest = text[at + key.len()..].iter().skip_while(|byte| byte.is_ascii_whitespace());
    let digits = rest.take_while(|byte| byte.is_ascii_digit());
    let depth = digits.fold(0u16, |n, b| n.saturating_mul(10).saturating_add(u16::from(b - b'0')));
    Some((ack.symbol?.to_string(), depth)).filter(|_| DEPTHS.contains(&depth))
}

fn check(all: &[Shown], wanted: &[String]) -> Result<(), RunError> {
    let is_there = |name: &&String| all.iter().any(|shown| shown.of.name.as_str() == name.as_str());
    let absent: Vec<&str> =
        wanted.iter().filter(|name| !is_there(name)).map(String::as_str).collect();
    if !absent.is_empty() {
        return Err(RunError::Config(format!(
            "the capture holds no book or trade of {}",
            absent.join(", ")
        )));
    }
    match all.len() {
        0 => Err(RunError::Config("the capture holds no book or trade".to_owned())),
        1..=SYMBOLS_MAX => Ok(()),
        count => {
            let some: Vec<&str> = all.iter().take(3).map(|shown| shown.of.name.as_str()).collect();
            Err(RunError::Config(format!(
                "the capture holds {count} symbols, and at most {SYMBOLS_MAX} can be replayed at once; choose \
                 some, such as --symbols {}",
                some.join(",")
            )))
        }
    }
}

/// The depth of every book, and how it is known.
fn common_depth(all: &[Shown], configured: u16) -> Result<(u16, Option<String>), RunError> {
    let mut known = all.iter().filter_map(|shown| Some((shown.depth()?, shown)));
    let Some((depth, first)) = known.next() else {
        let text =
            format!("no book shows its depth; {configured} rows a side are kept, as configured");
        return Ok((configured, Some(text)));
    };
    if let Some((other, shown)) = known.find(|(other, _)| *other != depth) {
        let (this, that) = (first.of.name, shown.of.name);
        return Err(RunError::Config(format!(
            "the books of the capture have different depths ({this} {depth}, {that} {other} rows a side); \
             choose symbols of one depth, such as --symbols {this}"
        )));
    }
    let is_told = first.acknowledged == Some(depth);
    let name = first.of.name;
    let said = (!is_told).then(|| {
        format!("depth {depth} inferred from the snapshot of {name}: no acknowledgement names it")
    });
    Ok((depth, said))
}

/// What is said of numbers that the venue did not write so.
fn altered(shown: &Shown) -> Option<String> {
    let (least, most) = shown.digits.altered()?;
    let name = shown.of.name;
    Some(format!(
        "{name}: the digits are not the wire's ({least} beside {most}): a JSON library wrote this capture again; \
         checksums cannot verify, so no book of it is believed; record frames as they arrive"
    ))
}

#[cfg(test)]
mod tests;
