//! What may be asked over HTTP, and the guards before it.

pub(crate) mod control;
pub(crate) mod pages;
pub(crate) mod read;

use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Door, Pass, Shown};
use crate::connections::Peer;
use crate::origin::is_ambiguous;
use crate::source::Refusal;
use crate::{App, now};

/// Longest time of a request whose head was read, its body included.
const REQUEST_MAX: Duration = Duration::from_secs(15);

/// What went wrong, for programs and people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A word that does not change: `not_found`, `bad_request`, `unauthorized`, `forbidden`, `not_confirmed`, `too_many_requests`,
    /// `busy`, `not_ready`.
    #[schema(value_type = String)]
    error: &'static str,
    /// What to do about it.
    message: String,
}

/// A typed error as an answer.
#[derive(Debug)]
pub(crate) struct Failure(StatusCode, Problem);

impl Failure {
    pub(crate) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self(status, Problem { error, message: message.into() })
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(crate) fn unauthorized() -> Self {
        let text = "send `Authorization: Bearer TOKEN`, or log in on the page";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", text)
    }

    pub(crate) fn too_many(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message)
    }

    /// An address has shown too many wrong tokens; the right one is still taken.
    pub(crate) fn too_many_guesses() -> Self {
        Self::too_many("too many wrong tokens from this address: wait some seconds")
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing(message) => Self::missing(message),
            Refusal::Bad(message) => Self::bad(message),
            Refusal::Busy(message) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let is_too_many = self.0 == StatusCode::TOO_MANY_REQUESTS;
        let mut response = (self.0, axum::Json(self.1)).into_response();
        if is_too_many {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            // The next guess costs a connection, too.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

pub(crate) async fn unknown() -> Failure {
    Failure::missing("there is nothing here; /api/openapi.json describes what there is")
}

/// Tells the connection where its request stands, and gives up one that takes too long.
pub(crate) async fn in_time(
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    peer.conduct.begin();
    let answer = tokio::time::timeout(REQUEST_MAX, next.run(request)).await;
    peer.conduct.end();
    answer.unwrap_or_else(|_| {
        let text = "the request did not arrive whole in time";
        Failure::new(StatusCode::REQUEST_TIMEOUT, "timeout", text).into_response()
    })
}

/// Only this server's own page, or a program, under this server's own names; and headers for every answer.
pub(crate) async fn own_page_only(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    if is_ambiguous(request.headers()) {
        let text = "host, origin, authorization and x-api-key may each stand in a request once";
        return Failure::bad(text).into_response();
    }
    let target = request.uri().authority().map(|authority| authority.as_str());
    if !app.access.is_own(request.headers(), target) {
        let text = "another site sent this, or a name that is not this server's: add it to dashboard.names";
        return Failure::new(StatusCode::FORBIDDEN, "forbidden", text).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, pages::POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Who is let in at this door, and whether it is too often. A holder of the token or of a login is limited by its
/// own questions and no one else's, and its orders are taken always.
pub(crate) fn admit(
    app: &App,
    peer: &Peer,
    headers: &HeaderMap,
    door: Door,
) -> Result<Option<Pass>, Failure> {
    let (address, now) = (peer.address.ip(), now());
    let shown = app.access.shown(headers, now);
    let (is_let_in, pass) = match shown {
        Shown::Good(Pass::Open) => (app.access.may(door, address, now), Some(Pass::Open)),
        Shown::Good(pass) => {
            peer.conduct.is_holder();
            let is_order = door == Door::Order;
            (is_order || app.access.may_holder(headers, now), Some(pass))
        }
        Shown::Nothing => (app.access.may(door, address, now), None),
        Shown::Wrong if !app.access.may(Door::Guess, address, now) => {
            return Err(Failure::too_many_guesses());
        }
        Shown::Wrong => (app.access.may(door, address, now), None),
    };
    if is_let_in {
        return Ok(pass);
    }
    Err(Failure::too_many("20 questions a second and 40 at once is the limit: ask less often"))
}

/// Whoever is let in may ask.
pub(crate) async fn guard(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_order = request.method() == Method::POST && request.uri().path() == "/api/control";
    let door = if is_order { Door::Order } else { Door::Ask };
    match admit(&app, &peer, request.headers(), door) {
        Ok(Some(pass)) => {
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        Ok(None) => Failure::unauthorized().into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// Everybody may ask, but not too often, and nobody may guess.
pub(crate) async fn open_door(
    State((app, door)): State<(App, Door)>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&app, &peer, request.headers(), door) {
        Ok(_) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}
