//! Who may see and who may order: token, login, one-time tickets, origin, and how often somebody may ask.
//!
//! Without a token only loopback is served, and only by its own names: a page elsewhere on the web that
//! points a browser here is refused by the `Host` and `Origin` it cannot choose. With a token everything but the
//! page itself, which holds nothing, needs it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Uri, header};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How long a login lasts.
const LOGIN_LASTS: Duration = Duration::from_secs(12 * 3600);
/// How long a ticket for the WebSocket may lie.
const TICKET_LASTS: Duration = Duration::from_secs(30);
/// Logins and tickets kept; the oldest makes room.
const KEPT_MAX: usize = 256;
/// Questions of one address: so many at once, so many a second in the long run.
const BURST: f64 = 40.0;
const PER_SECOND: f64 = 20.0;
/// The same for attempts to log in.
const LOGIN_BURST: f64 = 5.0;
const LOGIN_PER_SECOND: f64 = 0.2;
/// Addresses remembered.
const ADDRESSES_MAX: usize = 4096;

/// Name of the login cookie.
pub(crate) const COOKIE: &str = "paperwire_login";

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// No token is asked for here.
    Open,
    /// It brought the token.
    Token,
    /// It brought the cookie of a login.
    Login,
}

impl Pass {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "no token asked for",
            Self::Token => "token",
            Self::Login => "login",
        }
    }
}

/// What guards the doors.
#[derive(Debug)]
pub(crate) struct Access {
    token: Option<[u8; 32]>,
    names: Vec<String>,
    random: SystemRandom,
    doors: Mutex<Doors>,
}

#[derive(Debug, Default)]
struct Doors {
    logins: HashMap<[u8; 32], Instant>,
    tickets: HashMap<[u8; 32], Instant>,
    asked: HashMap<(IpAddr, Door), Bucket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Door {
    Ask,
    Login,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

impl Access {
    /// Doors of a server at `bind` that is also known by `names` (host or host:port).
    pub(crate) fn new(token: Option<&str>, bind: SocketAddr, names: &[String]) -> Self {
        let mut known: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        known.push(bind.ip().to_string());
        known.push(format!("[{}]", bind.ip()));
        if bind.ip().is_loopback() {
            known.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        Self {
            token: token.map(digest),
            names: known,
            random: SystemRandom::new(),
            doors: Mutex::default(),
        }
    }

    pub(crate) const fn needs_token(&self) -> bool {
        self.token.is_some()
    }

    /// Compared by digests, in a time that does not depend on where they differ.
    pub(crate) fn is_token(&self, given: &str) -> bool {
        self.token.is_some_and(|token| token.ct_eq(&digest(given)).into())
    }

    /// Whether the request may see what is not public.
    pub(crate) fn pass(&self, headers: &HeaderMap, now: Instant) -> Option<Pass> {
        if self.token.is_none() {
            return Some(Pass::Open);
        }
        let bearer = header_text(headers, header::AUTHORIZATION.as_str())
            .and_then(|value| value.strip_prefix("Bearer "));
        let key = header_text(headers, "x-api-key");
        if bearer.or(key).is_some_and(|given| self.is_token(given)) {
            return Some(Pass::Token);
        }
        let cookie = login_cookie(headers)?;
        let ends = self.doors().logins.get(&digest(cookie)).copied()?;
        (ends > now).then_some(Pass::Login)
    }

    /// Whether the request names this server as its host, and comes from its own page if from any.
    pub(crate) fn is_own(&self, headers: &HeaderMap) -> bool {
        let is_host = header_text(headers, "host").is_some_and(|host| self.is_known(host));
        let is_origin = header_text(headers, "origin").is_none_or(|origin| {
            origin.parse::<Uri>().is_ok_and(|uri| {
                let own = header_text(headers, "host").unwrap_or_default();
                let authority = uri.authority().map_or("", |authority| authority.as_str());
                authority.eq_ignore_ascii_case(own) || self.names.iter().any(|n| n == authority)
            })
        });
        is_host && is_origin
    }

    fn is_known(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host.as_str(),
        };
        // An unspecified bind address has whatever names the network gives it; the token guards it.
        let is_any = self.names.iter().any(|known| known == "0.0.0.0" || known == "::");
        is_any || self.names.iter().any(|known| known == name || *known == host)
    }

    /// Opens a login; the text for its cookie.
    pub(crate) fn log_in(&self, now: Instant) -> String {
        let secret = self.secret();
        keep(&mut self.doors().logins, digest(&secret), now + LOGIN_LASTS, now);
        secret
    }

    pub(crate) fn log_out(&self, headers: &HeaderMap) {
        if let Some(cookie) = login_cookie(headers) {
            self.doors().logins.remove(&digest(cookie));
        }
    }

    /// A ticket that opens one WebSocket, soon.
    pub(crate) fn ticket(&self, now: Instant) -> String {
        let secret = self.secret();
        keep(&mut self.doors().tickets, digest(&secret), now + TICKET_LASTS, now);
        secret
    }

    pub(crate) fn use_ticket(&self, ticket: &str, now: Instant) -> bool {
        self.doors().tickets.remove(&digest(ticket)).is_some_and(|ends| ends > now)
    }

    /// Whether the address may ask once more.
    pub(crate) fn may_ask(&self, address: IpAddr, now: Instant) -> bool {
        self.take((address, Door::Ask), BURST, PER_SECOND, now)
    }

    /// Whether the address may try to log in once more.
    pub(crate) fn may_log_in(&self, address: IpAddr, now: Instant) -> bool {
        self.take((address, Door::Login), LOGIN_BURST, LOGIN_PER_SECOND, now)
    }

    fn take(&self, of: (IpAddr, Door), burst: f64, per_second: f64, now: Instant) -> bool {
        let mut doors = self.doors();
        if doors.asked.len() >= ADDRESSES_MAX {
            // A full bucket says nothing that a new one would not.
            doors.asked.retain(|_, bucket| now.duration_since(bucket.at) < Duration::from_secs(60));
        }
        let bucket = doors.asked.entry(of).or_insert(Bucket { left: burst, at: now });
        let refilled = now.duration_since(bucket.at).as_secs_f64() * per_second;
        bucket.left = (bucket.left + refilled).min(burst);
        bucket.at = now;
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }

    fn secret(&self) -> String {
        let mut bytes = [0u8; 32];
        self.random.fill(&mut bytes).expect("the system has randomness");
        crate::hex(&bytes)
    }

    fn doors(&self) -> MutexGuard<'_, Doors> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(kept: &mut HashMap<[u8; 32], Instant>, key: [u8; 32], ends: Instant, now: Instant) {
    kept.retain(|_, ends| *ends > now);
    if kept.len() >= KEPT_MAX {
        let oldest = kept.iter().min_by_key(|(_, ends)| **ends).map(|(key, _)| *key);
        oldest.and_then(|oldest| kept.remove(&oldest));
    }
    kept.insert(key, ends);
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn login_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = header_text(headers, header::COOKIE.as_str())?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

#[cfg(test)]
mod tests;
