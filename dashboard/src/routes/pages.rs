//! The page itself and its files.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Failure;
use crate::assets;

/// The page loads nothing from elsewhere and runs no text as a program. Plotly sets styles of its elements.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

pub(crate) async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], assets::index()).into_response()
}

/// A file by its name with the hash of its content; it may be kept for ever.
pub(crate) async fn asset(Path(name): Path<String>) -> Result<Response, Failure> {
    let asset = assets::find(&name).ok_or_else(|| {
        Failure::missing(format!("no file {name:?}; reload the page, it is of another version"))
    })?;
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.body).into_response())
}
