//! What may be asked over HTTP, and the guards before it.

pub(crate) mod control;
mod pages;
pub(crate) mod read;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use utoipa::ToSchema;

use crate::source::Refusal;
use crate::{App, live, metrics, now, openapi};

/// Everything.
pub(crate) fn all(app: App) -> Router {
    let guarded = read::routes()
        .route("/api/control", post(control::control))
        .route("/api/ws-ticket", post(control::ticket))
        .route("/api/openapi.json", get(openapi::document))
        .route("/metrics", get(metrics::metrics))
        .fallback(unknown)
        .layer(from_fn_with_state(app.clone(), guard));
    Router::new()
        .route("/", get(pages::index))
        .route("/assets/{name}", get(pages::asset))
        .route("/login", post(control::log_in))
        .route("/logout", post(control::log_out))
        .route("/api/login", get(control::login_state))
        .route("/healthz", get(control::health))
        .route("/readyz", get(control::ready))
        .route("/ws/live", get(live::upgrade))
        .merge(guarded)
        .layer(from_fn_with_state(app.clone(), own_page_only))
        .with_state(app)
}

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
        (self.0, axum::Json(self.1)).into_response()
    }
}

async fn unknown() -> Failure {
    Failure::missing("there is nothing here; /api/openapi.json describes what there is")
}

/// Only this server's own page, or a program, under this server's own names; and headers for every answer.
async fn own_page_only(State(app): State<App>, request: Request, next: Next) -> Response {
    if !app.access.is_own(request.headers()) {
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

/// Who is let in, and how often.
async fn guard(
    State(app): State<App>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    if !app.access.may_ask(from.ip(), now()) {
        let text = "20 questions a second and 40 at once is the limit: ask less often";
        let mut answer =
            Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text).into_response();
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return answer;
    }
    match app.access.pass(request.headers(), now()) {
        Some(pass) => {
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        None => {
            let text = "send `Authorization: Bearer TOKEN`, or log in on the page";
            Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", text).into_response()
        }
    }
}
