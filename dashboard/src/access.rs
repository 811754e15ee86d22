//! Who may see and who may order: token, login, one-time tickets, origin, and how often somebody may ask.
//!
//! Without a token only loopback is served, and only by its own names: a page elsewhere on the web that
//! points a browser here is refused by the `Host` and `Origin` it cannot choose. With a token everything but the
//! page itself, which holds nothing, needs it.
//!
//! Whoever brings the token or a login is limited by nobody else's requests: wrong guesses and questions without
//! credentials are counted by address, requests of a holder by holder, and a holder's orders not at all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use paperwire_core::secret::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::origin::Names;

/// How long a login lasts.
const LOGIN_LASTS: Duration = Duration::from_secs(12 * 3600);
/// How long a ticket for the WebSocket may lie.
const TICKET_LASTS: Duration = Duration::from_secs(30);
/// Logins and tickets kept; the oldest makes room.
const KEPT_MAX: usize = 256;
/// Addresses and holders remembered; those beyond share one bucket a door.
const ASKERS_MAX: usize = 4096;
/// After so long every bucket is full again, and a full one says nothing that a new one would not.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_secs(1);

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

/// What a request brought to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It may pass.
    Good(Pass),
    /// It brought nothing, or a login that has ended.
    Nothing,
    /// A token that is not this run's.
    Wrong,
}

/// What is counted: so many at once, so many a second in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Door {
    /// The page's own files.
    File,
    /// A question.
    Ask,
    /// An order where no token is asked for.
    Order,
    /// A wrong token, login or ticket.
    Guess,
}

impl Door {
    const fn limit(self) -> Limit {
        match self {
            Self::File => Limit { burst: 80.0, per_second: 40.0 },
            Self::Ask => Limit { burst: 40.0, per_second: 20.0 },
            Self::Order => Limit { burst: 20.0, per_second: 10.0 },
            Self::Guess => Limit { burst: 5.0, per_second: 0.2 },
        }
    }
}

/// Questions of one holder of the token or of a login, whatever the address.
const HOLDER: Limit = Limit { burst: 400.0, per_second: 100.0 };

#[derive(Clone, Copy, Debug)]
struct Limit {
    burst: f64,
    per_second: f64,
}

/// What guards the doors.
#[derive(Debug)]
pub(crate) struct Access {
    token: Option<[u8; 32]>,
    names: Names,
    random: SystemRandom,
    doors: Mutex<Doors>,
}

#[derive(Debug, Default)]
struct Doors {
    logins: HashMap<[u8; 32], Instant>,
    tickets: HashMap<[u8; 32], Instant>,
    asked: HashMap<Asker, Bucket>,
    /// When those were last looked through for ones to forget.
    swept: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Asker {
    Address(IpAddr, Door),
    /// All addresses for which there was no room.
    Others(Door),
    Holder([u8; 32]),
    OtherHolders,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whoever has one IPv6 address has its whole network of 2^64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(of) => {
            let [a, b, c, d, ..] = of.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Access {
    /// Doors of a server at `bind` that is also known by `names` (host or host:port).
    pub(crate) fn new(token: Option<&Secret>, bind: SocketAddr, names: &[String]) -> Self {
        Self {
            token: token.map(|token| digest(token.reveal())),
            names: Names::new(bind, names),
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

    /// What the request brought to be let in.
    pub(crate) fn shown(&self, headers: &HeaderMap, now: Instant) -> Shown {
        if self.token.is_none() {
            return Shown::Good(Pass::Open);
        }
        if let Some(given) = token_of(headers) {
            let is_token = self.is_token(given);
            return if is_token { Shown::Good(Pass::Token) } else { Shown::Wrong };
        }
        // A login is 256 random bits: nobody guesses one, and a page of an earlier run brings one that has ended.
        let ends = login_cookie(headers)
            .and_then(|cookie| self.doors().logins.get(&digest(cookie)).copied());
        match ends {
            Some(ends) if ends > now => Shown::Good(Pass::Login),
            _ => Shown::Nothing,
        }
    }

    /// Whether the request names this server as its host, and comes from its own page if from any.
    pub(crate) fn is_own(&self, headers: &HeaderMap, target: Option<&str>) -> bool {
        self.names.is_own(headers, target)
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

    /// Whether the address may come to this door once more.
    pub(crate) fn may(&self, door: Door, address: IpAddr, now: Instant) -> bool {
        let own = Asker::Address(network(address), door);
        self.take(own, Asker::Others(door), door.limit(), now)
    }

    /// Whether the holder of the token or of a login may ask once more.
    pub(crate) fn may_holder(&self, headers: &HeaderMap, now: Instant) -> bool {
        let shown = token_of(headers).or_else(|| login_cookie(headers)).unwrap_or_default();
        self.take(Asker::Holder(digest(shown)), Asker::OtherHolders, HOLDER, now)
    }

    fn take(&self, of: Asker, others: Asker, limit: Limit, now: Instant) -> bool {
        let mut doors = self.doors();
        // A flood of addresses costs one look through all of them each second, not one a request.
        let is_due = doors.swept.is_none_or(|at| now.duration_since(at) >= SWEEP_EVERY);
        if doors.asked.len() >= ASKERS_MAX && is_due {
            doors.swept = Some(now);
            doors.asked.retain(|_, bucket| now.duration_since(bucket.at) < FORGOTTEN_AFTER);
        }
        let has_room = doors.asked.len() < ASKERS_MAX || doors.asked.contains_key(&of);
        let key = if has_room { of } else { others };
        let bucket = doors.asked.entry(key).or_insert(Bucket { left: limit.burst, at: now });
        let refilled = now.duration_since(bucket.at).as_secs_f64() * limit.per_second;
        bucket.left = (bucket.left + refilled).min(limit.burst);
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

/// The token of a request, right or wrong.
fn token_of(headers: &HeaderMap) -> Option<&str> {
    let bearer = header_text(headers, header::AUTHORIZATION.as_str())
        .and_then(|value| value.strip_prefix("Bearer "));
    bearer.or_else(|| header_text(headers, "x-api-key"))
}

fn login_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = header_text(headers, header::COOKIE.as_str())?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

#[cfg(test)]
mod tests;
