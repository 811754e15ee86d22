//! What each fault does to the text of a message.

use paperwire_core::time::{DurationNs, ExchNs, Rfc3339};

use super::{FaultKind, Outgoing};
use crate::publish::Frame;

/// Applies a fault to what would be sent; false when this message offers nothing to spoil.
pub(super) fn apply(
    kind: FaultKind,
    frame: &Frame,
    late: DurationNs,
    cross: impl Fn(&Frame) -> Option<(String, String)>,
    out: &mut Outgoing,
) -> bool {
    let Some(text) = out.texts.last_mut() else {
        return false;
    };
    match kind {
        FaultKind::BadChecksum => replace(text, bad_checksum(text)),
        FaultKind::ChangedDigit => replace(text, changed_digit(text)),
        FaultKind::Malformed => {
            text.truncate(text.len() / 2);
            true
        }
        FaultKind::Lost => {
            out.texts.pop();
            true
        }
        FaultKind::Crossed => {
            let Some((crossed, repaired)) = cross(frame) else {
                return false;
            };
            out.texts.push(crossed);
            out.before_next = Some(repaired);
            true
        }
        FaultKind::DuplicateTrades => {
            let again = text.clone();
            out.texts.push(again);
            true
        }
        FaultKind::LateTrades => replace(text, late_times(text, late)),
        FaultKind::Drop
        | FaultKind::Stall
        | FaultKind::Silent
        | FaultKind::Refuse
        | FaultKind::RateLimit
        | FaultKind::Maintenance => false,
    }
}

fn replace(text: &mut String, changed: Option<String>) -> bool {
    changed.map(|changed| *text = changed).is_some()
}

fn bad_checksum(text: &str) -> Option<String> {
    let key = "\"checksum\":";
    let start = text.find(key)? + key.len();
    let end = start + text[start..].find(',')?;
    let checksum: u32 = text[start..end].parse().ok()?;
    Some(format!("{}{}{}", &text[..start], checksum ^ 1, &text[end..]))
}

/// Turns the last digit of the first quantity that is not zero.
fn changed_digit(text: &str) -> Option<String> {
    let key = "\"qty\":";
    let mut from = 0;
    loop {
        let start = from + text[from..].find(key)? + key.len();
        let end = start + text[start..].find('}')?;
        if text[start..end].bytes().any(|b| (b'1'..=b'9').contains(&b)) {
            // 9 becomes 1, so that the quantity never becomes zero.
            let last = text[start..end].bytes().next_back()?;
            let other = if last == b'9' { '1' } else { char::from(last + 1) };
            return Some(format!("{}{other}{}", &text[..end - 1], &text[end..]));
        }
        from = end;
    }
}

fn late_times(text: &str, late: DurationNs) -> Option<String> {
    let key = "\"timestamp\":\"";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(key) {
        let start = at + key.len();
        let end = start + rest[start..].find('"')?;
        let then = ExchNs::parse_rfc3339(&rest.as_bytes()[start..end])?;
        let at = ExchNs::new(then.raw() - i64::try_from(late.raw()).ok()?);
        out.push_str(&rest[..start]);
        out.push_str(&Rfc3339 { at, fraction: 6 }.to_string());
        rest = &rest[end..];
    }
    out.push_str(rest);
    Some(out)
}
