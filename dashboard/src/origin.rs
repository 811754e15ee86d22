//! Under which names this server is known, and whether a request comes from its own page.
//!
//! A browser writes `Host` and `Origin` itself. A site that points its name here brings a foreign `Host`; a page that
//! another server of the same machine serves, on port 80 say, brings an `Origin` of another port.

use std::net::SocketAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};

/// A host as it is written in addresses, and the port if one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        // An address of version 6 has colons of its own, and stands in brackets.
        let ends_at = text.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match text[ends_at..].rfind(':') {
            Some(at) => (&text[..ends_at + at], Some(text[ends_at + at + 1..].parse().ok()?)),
            None => (text.as_str(), None),
        };
        let is_host = !host.is_empty() && !host.contains(['@', '/', ' ']);
        is_host.then(|| Self { host: host.to_owned(), port })
    }

    fn port_or(&self, usual: u16) -> u16 {
        self.port.unwrap_or(usual)
    }
}

/// Every name of this server.
#[derive(Debug)]
pub(crate) struct Names {
    /// Those that the address it listens at gives it.
    own: Vec<String>,
    /// Those of the configuration: a proxy serves the page under one of them.
    given: Vec<Authority>,
    /// Bound to every address of the machine: whatever name the network gives it is right, and the token guards it.
    is_any: bool,
}

impl Names {
    /// Of a server at `bind`; `given` are host or host:port.
    pub(crate) fn new(bind: SocketAddr, given: &[String]) -> Self {
        let ip = bind.ip();
        let mut own = vec![ip.to_string(), format!("[{ip}]")];
        if ip.is_loopback() {
            own.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let given = given.iter().filter_map(|name| Authority::parse(name)).collect();
        Self { own, given, is_any: ip.is_unspecified() }
    }

    /// Whether the request names this server, once, and comes from its own page if from any. `target` is the
    /// authority of a request line that names a server itself.
    pub(crate) fn is_own(&self, headers: &HeaderMap, target: Option<&str>) -> bool {
        let Some(host) = only(headers, &HOST).and_then(Authority::parse) else {
            return false;
        };
        let is_target =
            target.is_none_or(|target| Authority::parse(target).as_ref() == Some(&host));
        let is_origin = !headers.contains_key(ORIGIN)
            || only(headers, &ORIGIN).is_some_and(|origin| self.is_own_origin(origin, &host));
        is_target && is_origin && self.is_known(&host)
    }

    fn is_known(&self, host: &Authority) -> bool {
        let is_given = |given: &Authority| {
            given.host == host.host && (given.port.is_none() || given.port == host.port)
        };
        self.is_any || self.own.contains(&host.host) || self.given.iter().any(is_given)
    }

    /// A page is of this server when its origin is what the browser calls this server, or one that the configuration
    /// names. A port that is not written is that of the scheme.
    fn is_own_origin(&self, origin: &str, host: &Authority) -> bool {
        let (usual, authority) = match origin.split_once("://") {
            Some(("http", authority)) => (80, authority),
            Some(("https", authority)) => (443, authority),
            _ => return false,
        };
        let Some(page) = Authority::parse(authority) else { return false };
        let is_same =
            |of: &Authority| of.host == page.host && of.port_or(usual) == page.port_or(usual);
        is_same(host) || self.given.iter().any(is_same)
    }
}

/// A header that stands in the request exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.to_str().ok()).flatten()
}

/// Whether a header that says who asks stands in the request more than once: two servers could read it differently.
pub(crate) fn is_ambiguous(headers: &HeaderMap) -> bool {
    ["host", "origin", "authorization", "x-api-key"]
        .iter()
        .any(|name| headers.get_all(*name).iter().nth(1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn names(bind: &str, given: &[&str]) -> Names {
        let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
        Names::new(bind.parse().unwrap(), &given)
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused() {
        let local = names("127.0.0.1:8080", &[]);
        for (host, origin, is_own) in [
            ("127.0.0.1:8080", None, true),
            ("localhost:8080", Some("http://localhost:8080"), true),
            ("LOCALHOST:8080", None, true),
            ("[::1]:8080", Some("http://[::1]:8080"), true),
            // A tunnel gives the page another port, in both.
            ("localhost:9999", Some("http://localhost:9999"), true),
            ("rebound.example:8080", None, false),
            ("127.0.0.1.example", None, false),
            ("localhost.:8080", None, false),
            ("127.0.0.1:8080", Some("https://example.com"), false),
            ("127.0.0.1:8080", Some("http://127.0.0.1:9999"), false),
            ("127.0.0.1:8080", Some("http://127.0.0.1"), false),
            ("127.0.0.1:8080", Some("http://localhost"), false),
            ("localhost:8080", Some("https://localhost"), false),
            ("localhost:443", Some("http://localhost"), false),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8080@example.com"), false),
            ("127.0.0.1:8080", Some("null"), false),
            ("127.0.0.1:8080", Some(""), false),
            ("127.0.0.1:", None, false),
        ] {
            let mut of = vec![("host", host)];
            of.extend(origin.map(|origin| ("origin", origin)));
            assert_eq!(local.is_own(&headers(&of), None), is_own, "{host} {origin:?}");
        }
        assert!(!local.is_own(&HeaderMap::new(), None), "every request has a host");
        // Served on port 80, where neither writes it.
        let of = [("host", "127.0.0.1"), ("origin", "http://127.0.0.1")];
        assert!(names("127.0.0.1:80", &[]).is_own(&headers(&of), None));
    }

    #[test]
    fn a_name_of_the_configuration_is_a_host_and_an_origin() {
        let named = names("10.0.0.5:8080", &["desk.example", "other.example:8443"]);
        for (host, origin, is_own) in [
            ("desk.example", "https://desk.example", true),
            ("10.0.0.5:8080", "https://desk.example", true),
            ("10.0.0.5:8080", "http://desk.example:80", true),
            ("10.0.0.5:8080", "https://desk.example:9000", false),
            ("10.0.0.5:8080", "https://other.example:8443", true),
            ("10.0.0.5:8080", "https://other.example", false),
            ("localhost:8080", "http://localhost:8080", false),
        ] {
            let of = [("host", host), ("origin", origin)];
            assert_eq!(named.is_own(&headers(&of), None), is_own, "{host} {origin}");
        }
        assert!(names("0.0.0.0:8080", &[]).is_own(&headers(&[("host", "any.example")]), None));
    }

    #[test]
    fn a_request_names_its_server_once() {
        let local = names("127.0.0.1:8080", &[]);
        let twice = headers(&[("host", "127.0.0.1:8080"), ("host", "rebound.example")]);
        assert!(!local.is_own(&twice, None) && is_ambiguous(&twice));
        let origins = headers(&[
            ("host", "127.0.0.1:8080"),
            ("origin", "http://127.0.0.1:8080"),
            ("origin", "https://example.com"),
        ]);
        assert!(!local.is_own(&origins, None) && is_ambiguous(&origins));
        let once = headers(&[("host", "127.0.0.1:8080")]);
        assert!(local.is_own(&once, Some("127.0.0.1:8080")) && !is_ambiguous(&once));
        assert!(!local.is_own(&once, Some("rebound.example")), "the request line names another");
    }
}
