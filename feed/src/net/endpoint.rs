//! The address of a venue, and whom to believe there.

use std::net::Ipv6Addr;

use paperwire_core::secret::masked_url;
use paperwire_core::text::Plain;
use paperwire_core::time::DurationNs;

use super::failure::ConnectError;

/// Where to connect and whom to believe.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// A name or an address; an IPv6 address without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
    pub(super) is_tls: bool,
    /// A certificate to trust instead of the public authorities, in DER.
    pub(super) trusted: Option<Vec<u8>>,
    /// How long a read looks into the network card itself; zero leaves it to the machine.
    pub(super) busy_poll: DurationNs,
}

impl Endpoint {
    /// Reads `wss://host[:port][/path]` or `ws://...`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// [`ConnectError::Url`].
    pub fn parse(url: &str) -> Result<Self, ConnectError> {
        let refused =
            |why: &'static str| ConnectError::Url { url: masked_url(&Plain(url).to_string()), why };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| refused("it does not begin with wss:// or ws://"))?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "wss" => true,
            "ws" => false,
            _ => return Err(refused("it does not begin with wss:// or ws://")),
        };
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        if authority.contains('@') {
            return Err(refused("a user name or password has no place in it"));
        }
        if path.bytes().any(|byte| !byte.is_ascii_graphic()) || path.contains('#') {
            return Err(refused("its path holds a blank, a sign that is not ASCII, or a fragment"));
        }
        let (host, port) = host_and_port(authority).map_err(refused)?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let port = port.unwrap_or(if is_tls { 443 } else { 80 });
        let host = host.to_owned();
        Ok(Self { host, port, path, is_tls, trusted: None, busy_poll: DurationNs::ZERO })
    }

    /// Trusts exactly this certificate instead of the public authorities; those when there is none.
    #[must_use]
    pub fn trusting(mut self, certificate_der: Option<&[u8]>) -> Self {
        self.trusted = certificate_der.map(<[u8]>::to_vec);
        self
    }

    /// Lets every connection poll the network card for so long; zero leaves it to the machine.
    #[must_use]
    pub const fn polling(mut self, span: DurationNs) -> Self {
        self.busy_poll = span;
        self
    }

    /// The address as text, for logs; what may be secret in its query is masked.
    pub fn url(&self) -> String {
        let scheme = if self.is_tls { "wss" } else { "ws" };
        masked_url(&format!("{scheme}://{}{}", self.authority(), self.path))
    }

    /// Host and port as a URL and the `Host` header write them.
    pub(super) fn authority(&self) -> String {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Cuts `host`, `host:port`, `[address]` or `[address]:port`.
fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("a bracket is not closed")?;
            host.parse::<Ipv6Addr>().map_err(|_| "what is in brackets is no IPv6 address")?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err("something stands between the bracket and the path"),
            }
        }
        None => match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address stands in brackets: wss://[::1]:443");
            }
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty()
        || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
    {
        return Err("it names no host");
    }
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match port.map(number) {
        None => Ok((host, None)),
        Some(Some(port)) => Ok((host, Some(port))),
        Some(None) => Err("its port is not a number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_their_standard_says() {
        for (url, shown) in [
            ("wss://ws.kraken.com/v2", "wss://ws.kraken.com:443/v2"),
            ("ws://127.0.0.1:21100", "ws://127.0.0.1:21100/"),
            ("WSS://localhost?a=1", "wss://localhost:443/?a=***"),
            ("wss://[::1]", "wss://[::1]:443/"),
            ("ws://[2001:db8::7]:8443/v2", "ws://[2001:db8::7]:8443/v2"),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap().url(), shown, "{url}");
        }
        for url in [
            "",
            "http://ws.kraken.com",
            "ws.kraken.com/v2",
            "wss://",
            "wss://:443/v2",
            "wss://host:0/",
            "wss://host:65536/",
            "wss://host:/",
            "wss://::1/v2",
            "wss://[::1/v2",
            "wss://[::1]443",
            "wss://[host]/",
            "wss://me:secret@host/",
            "wss://host/a b",
            "wss://host/\r\nHost: other",
            "wss://ho\u{1b}st/",
        ] {
            let error = Endpoint::parse(url).unwrap_err().to_string();
            assert!(!error.contains(char::is_control) && !error.contains("secret"), "{error:?}");
        }
    }
}
