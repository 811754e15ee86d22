//! What may go wrong with a request, sorted by what helps against it: the one taxonomy of REST errors.
//!
//! The venue's own words, HTTP's status, a page of the edge and a broken way all become a [`Fault`]. It says
//! how often and how long after a request is made again, and what people can do once that did not help.

use std::time::Duration;

/// What a request met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The venue was asked too often.
    TooOften,
    /// The venue answers nothing from this address for a while; each request prolongs it.
    LockedOut,
    /// The venue is there and does not answer just now.
    Busy,
    /// The venue is in maintenance.
    Maintenance,
    /// Something else than the venue answered: the edge in front of it, a proxy, an empty body.
    Page,
    /// No connection, or no whole answer in time.
    Away,
    /// The answer is not what is documented.
    Malformed,
    /// The venue has no such pair.
    UnknownPair,
    /// The venue will not answer this at all.
    Refused,
    /// The program is to end.
    Stopped,
}

impl Fault {
    /// How often a request is made again, in a row.
    pub(super) const fn again_max(self) -> u32 {
        match self {
            Self::TooOften => 12,
            Self::LockedOut | Self::Page | Self::Away => 3,
            Self::Busy => 4,
            Self::Maintenance | Self::Malformed => 2,
            Self::UnknownPair | Self::Refused | Self::Stopped => 0,
        }
    }

    /// The wait before a request is made for the `again`-th time more, from 1, in units of a second.
    /// For [`Self::TooOften`] the limiter waits by itself.
    pub(super) const fn wait_s(self, again: u32) -> u32 {
        match self {
            // A lockout was seen to end within a minute or after a quarter of an hour.
            Self::LockedOut => 15 << again.saturating_sub(1),
            Self::Busy | Self::Maintenance | Self::Page => 1 << again.saturating_sub(1),
            Self::Away | Self::Malformed => again,
            Self::TooOften | Self::UnknownPair | Self::Refused | Self::Stopped => 0,
        }
    }

    /// Whether all requests of the process wait, not only this one.
    pub(super) const fn is_of_all(self) -> bool {
        matches!(self, Self::TooOften | Self::LockedOut)
    }

    /// Whether the venue as a whole gives nothing, so that another question would not help.
    pub const fn is_of_venue(self) -> bool {
        !matches!(self, Self::Malformed | Self::UnknownPair | Self::Refused)
    }

    /// What people can do.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::TooOften => {
                "the venue was asked too often: wait a minute, end other programs that ask it from this address, then try again"
            }
            Self::LockedOut => {
                "the venue locks this address out: ask nothing for a quarter of an hour, then try again"
            }
            Self::Busy => {
                "the venue is overloaded: try again in some minutes, what is there is kept"
            }
            Self::Maintenance => {
                "the venue is in maintenance: its status page says until when; try again after that"
            }
            Self::Page => {
                "something in front of the venue answered for it: try again later, or open the address in a browser to see what it says"
            }
            Self::Away => {
                "check the network and the address; try again later, what is there is kept"
            }
            Self::Malformed => {
                "the answer is not what is documented: try again later, and check the address"
            }
            Self::UnknownPair => "check the name of the pair",
            Self::Refused => {
                "the venue refuses this request for good: check the address and the pair"
            }
            Self::Stopped => "it goes on with the next run",
        }
    }

    /// Sorts the venue's own words.
    pub(super) fn of_words(error: &str) -> Self {
        let words = error.to_ascii_lowercase();
        let has = |part: &str| words.contains(part);
        if has("lockout") || has("locked out") {
            Self::LockedOut
        } else if has("too many") || has("rate limit") || has("throttled") || has("limit exceeded")
        {
            Self::TooOften
        } else if has("maintenance") {
            Self::Maintenance
        } else if has("unknown asset") || has("unknown pair") || has("invalid asset pair") {
            Self::UnknownPair
        } else if words.starts_with("eservice") || has("internal") || has("unavailable") {
            Self::Busy
        } else {
            Self::Refused
        }
    }

    /// Sorts an answer that is none of the venue's: by HTTP's status, then by what the page says.
    pub(super) fn of_page(status: u16, page: &str) -> Self {
        let says = page.get(..4096).unwrap_or(page).to_ascii_lowercase();
        match status {
            429 => Self::TooOften,
            _ if says.contains("error 1015") || says.contains("rate limited") => Self::TooOften,
            _ if says.contains("maintenance") => Self::Maintenance,
            401 | 404 | 405 | 410 | 414 | 451 => Self::Refused,
            408 | 425 => Self::Busy,
            500..=599 if !is_html(page) => Self::Busy,
            _ => Self::Page,
        }
    }
}

/// Why the venue gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {why}; {}", .fault.remedy())]
pub struct RestError {
    /// Its kind.
    pub fault: Fault,
    /// What was asked.
    pub url: String,
    /// The reason, in the words of whoever gave it.
    pub why: String,
}

/// A request that did not succeed, before anybody decided whether to make it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) fault: Fault,
    pub(super) why: String,
    /// What the answer itself asked to wait.
    pub(super) retry_after: Option<Duration>,
}

impl Failed {
    pub(super) fn new(fault: Fault, why: impl Into<String>) -> Self {
        Self { fault, why: why.into(), retry_after: None }
    }
}

pub(super) fn is_html(text: &str) -> bool {
    let begin = text.trim_start();
    let begin = begin.get(..64).unwrap_or(begin).to_ascii_lowercase();
    begin.starts_with("<!doctype") || begin.starts_with("<html") || begin.starts_with("<head")
}

/// A page in a few words: its title, or its beginning.
pub(super) fn gist(status: u16, text: &str) -> String {
    let title = || {
        let lower = text.to_ascii_lowercase();
        let from = lower.find("<title>")? + "<title>".len();
        let to = lower.get(from..)?.find("</title>")? + from;
        text.get(from..to)
    };
    let what = if text.trim().is_empty() {
        "an empty answer".to_owned()
    } else if is_html(text) {
        match title() {
            Some(title) => format!("an HTML page, \"{}\"", shown(title)),
            None => "an HTML page".to_owned(),
        }
    } else {
        format!("no JSON but \"{}\"", shown(text))
    };
    match status {
        200 => what,
        _ => format!("HTTP {status}, {what}"),
    }
}

/// The beginning of a foreign text, without anything that a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(120).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_venues_words_are_sorted_by_what_helps() {
        let check = |words: &str, fault| assert_eq!(Fault::of_words(words), fault, "{words}");
        check("EGeneral:Temporary lockout", Fault::LockedOut);
        check("EGeneral:Too many requests", Fault::TooOften);
        check("EAPI:Rate limit exceeded", Fault::TooOften);
        check("EService: Throttled: 1790000000", Fault::TooOften);
        check("EService:Unavailable", Fault::Busy);
        check("EService:Busy", Fault::Busy);
        check("EService:Deadline elapsed", Fault::Busy);
        check("EGeneral:Internal error", Fault::Busy);
        check("EService:Unavailable during maintenance", Fault::Maintenance);
        check("EQuery:Unknown asset pair", Fault::UnknownPair);
        check("EGeneral:Invalid arguments:since", Fault::Refused);
        check("EGeneral:Permission denied", Fault::Refused);
    }

    #[test]
    fn pages_are_sorted_by_status_and_told_by_their_title() {
        let check = |status, page: &str, fault, words: &str| {
            assert_eq!(Fault::of_page(status, page), fault, "{status} {page}");
            assert_eq!(gist(status, page), words);
        };
        let title = "<!DOCTYPE html><html><title>kraken.com | 520: Web server</title></html>";
        check(200, title, Fault::Page, "an HTML page, \"kraken.com | 520: Web server\"");
        check(520, "<html>", Fault::Page, "HTTP 520, an HTML page");
        check(429, "<html>rate limited", Fault::TooOften, "HTTP 429, an HTML page");
        check(
            503,
            "down for Maintenance",
            Fault::Maintenance,
            "HTTP 503, no JSON but \"down for Maintenance\"",
        );
        check(
            502,
            "bad gateway\x1b[31m",
            Fault::Busy,
            "HTTP 502, no JSON but \"bad gateway?[31m\"",
        );
        check(404, "", Fault::Refused, "HTTP 404, an empty answer");
        check(200, " ", Fault::Page, "an empty answer");
    }

    #[test]
    fn every_fault_is_tried_again_or_has_a_remedy_and_waits_are_bounded() {
        let all = [
            Fault::TooOften,
            Fault::LockedOut,
            Fault::Busy,
            Fault::Maintenance,
            Fault::Page,
            Fault::Away,
            Fault::Malformed,
            Fault::UnknownPair,
            Fault::Refused,
        ];
        for fault in all {
            assert!(!fault.remedy().is_empty());
            let waits: u32 = (1..=fault.again_max()).map(|again| fault.wait_s(again)).sum();
            assert!(waits <= 105, "{fault:?} waits {waits} s");
        }
    }
}
