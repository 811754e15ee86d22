//! Texts that must never be printed, and addresses as they may be printed.
//!
//! A [`Secret`] has no `Display`, its `Debug` is a mask, and nothing serialises it: whoever needs the text says
//! [`Secret::reveal`], which is easy to find. An address may carry a password or a key; [`masked_url`] is what of it
//! reaches a terminal, a log, a tape or a database.

use std::fmt;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// A token, a password, or an address that is as good as one.
///
/// ```compile_fail
/// let secret = paperwire_core::secret::Secret::new("swordfish".to_owned());
/// let _ = format!("{secret}");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text out of sight.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one who is to get it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "\"\"" } else { MASK })
    }
}

/// The address without what may be secret in it: user and password before the host, and the value of each part of
/// the query. Any other text comes back as it is.
///
/// ```
/// use paperwire_core::secret::masked_url;
///
/// let shown = masked_url("wss://me:swordfish@host:9/v2?key=abc&raw");
/// assert_eq!(shown, "wss://***@host:9/v2?key=***&***");
/// assert_eq!(masked_url("wss://host/v2"), "wss://host/v2");
/// assert_eq!(masked_url("kraken"), "kraken");
/// ```
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (place, query) = match rest.split_once(['?', '#']) {
        Some((place, query)) => (place, Some((&rest[place.len()..=place.len()], query))),
        None => (rest, None),
    };
    // A password may hold a slash that nobody escaped: the last sign of the whole place separates it.
    let place = match place.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => place.to_owned(),
    };
    let query = query.map_or_else(String::new, |(mark, query)| {
        let one = |part: &str| match part.split_once('=') {
            Some((key, value)) if !value.is_empty() => format!("{key}={MASK}"),
            Some(_) => part.to_owned(),
            None if part.is_empty() => String::new(),
            None => MASK.to_owned(),
        };
        mark.to_owned() + &query.split('&').map(one).collect::<Vec<_>>().join("&")
    });
    format!("{scheme}://{place}{query}")
}

/// Whether something of the address is not for everybody's eyes.
pub fn has_credentials(url: &str) -> bool {
    masked_url(url) != url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_its_text_to_nobody_who_does_not_ask_for_it() {
        let secret = Secret::new("swordfish".to_owned());
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "*** Some(\n    ***,\n)");
        assert_eq!(secret.reveal(), "swordfish");
        assert_eq!(format!("{:?}", Secret::default()), "\"\"");
    }

    #[test]
    fn an_address_keeps_host_and_path_and_loses_what_opens_it() {
        for (url, shown) in [
            ("https://u@host/", "https://***@host/"),
            ("postgres://u:p@h:5432/db", "postgres://***@h:5432/db"),
            ("https://u:pa/ss@host/path", "https://***@host/path"),
            ("https://u:p@ss@host/path", "https://***@host/path"),
            ("https://host/a?b=&c=d&&e", "https://host/a?b=&c=***&&***"),
            ("https://host/a?next=http://x?y=z", "https://host/a?next=***"),
            ("https://host/#access=1", "https://host/#access=***"),
            ("data/history.db", "data/history.db"),
            ("://", "://"),
        ] {
            assert_eq!(masked_url(url), shown);
            assert_eq!(has_credentials(url), shown != url, "{url}");
            assert_eq!(masked_url(shown), shown, "a mask stays");
        }
    }
}
