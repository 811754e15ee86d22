//! Every route with the guards before it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::access::Door;
use crate::routes::{self, control, pages, read};
use crate::{App, live, metrics, openapi};

/// Longest body of a request: an order or a login has some hundred bytes.
const BODY_LEN_MAX: usize = 4 << 10;
/// Everything.
pub(crate) fn all(app: App) -> Router {
    let guarded = read::routes()
        .route("/api/control", post(control::control))
        .route("/api/ws-ticket", post(control::ticket))
        .route("/api/openapi.json", get(openapi::document))
        .route("/metrics", get(metrics::metrics))
        .fallback(routes::unknown)
        .layer(from_fn_with_state(app.clone(), routes::guard));
    let files = Router::new()
        .route("/", get(pages::index))
        .route("/assets/{name}", get(pages::asset))
        .layer(from_fn_with_state((app.clone(), Door::File), routes::open_door));
    let public = Router::new()
        .route("/logout", post(control::log_out))
        .route("/api/login", get(control::login_state))
        .layer(from_fn_with_state((app.clone(), Door::Ask), routes::open_door));
    Router::new()
        // These two count by themselves: only what is wrong.
        .route("/login", post(control::log_in))
        .route("/ws/live", get(live::upgrade))
        // A watchdog that asks often must not be told that the program is unwell.
        .route("/healthz", get(control::health))
        .route("/readyz", get(control::ready))
        .merge(files)
        .merge(public)
        .merge(guarded)
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(from_fn_with_state(app.clone(), routes::own_page_only))
        .layer(from_fn(routes::in_time))
        .with_state(app)
}
