//! The edge: what Front Door is in production. `/api/*` goes to the Functions host, everything else is the static site.
//!
//! Inbound `X-Azure-*`, `X-Forwarded-*` and `X-FD-*` are removed and set anew, so the handler may believe them once the
//! `X-Azure-FDID` is right. Every answer gets the security headers that the API does not set itself.
//!
//! By itself it answers 400 for a path with dot segments and 502 when the host does not answer in time. A request that is
//! none never gets here: the HTTP server answers 414 for an address over 65,534 bytes (Front Door: over 8,192) and 431 for
//! headers that are too large, both without a body and without our headers.

pub mod site;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};

use crate::clock::random_uuid;
use crate::host::HttpClient;
use crate::host::raw_http::strip_hop_by_hop;
use site::Site;

/// The front end gives up on the origin after this long.
const ORIGIN_LIMIT: Duration = Duration::from_secs(230);
const REFERENCE: HeaderName = HeaderName::from_static("x-azure-ref");

/// The edge's view of the world.
pub struct Edge {
    client: HttpClient,
    host: SocketAddr,
    front_door_id: HeaderValue,
    site: Site,
    security_headers: Vec<(HeaderName, HeaderValue)>,
}

impl Edge {
    /// An edge before the host at `host`. `security_headers` are `customHeaders` of `host.json`: one list for all.
    pub fn new(
        client: HttpClient,
        host: SocketAddr,
        front_door_id: HeaderValue,
        site: PathBuf,
        security_headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Self {
        Self { client, host, front_door_id, site: Site::new(site), security_headers }
    }

    /// The edge's service; it needs the peer's address (`into_make_service_with_connect_info`).
    pub fn router(self) -> Router {
        Router::new().fallback(handle).with_state(Arc::new(self))
    }

    async fn origin(&self, mut request: Request, peer: SocketAddr, reference: &HeaderValue) -> Response {
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let Ok(uri) = format!("http://{}{target}", self.host).parse::<Uri>() else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        if self.rewrite(request.headers_mut(), peer, reference).is_err() {
            return StatusCode::BAD_REQUEST.into_response();
        }
        *request.uri_mut() = uri;
        *request.version_mut() = http::Version::HTTP_11;
        match tokio::time::timeout(ORIGIN_LIMIT, self.client.request(request)).await {
            Ok(Ok(answer)) => {
                let (mut parts, body) = answer.into_parts();
                strip_hop_by_hop(&mut parts.headers);
                Response::from_parts(parts, Body::new(body))
            }
            Ok(Err(error)) => {
                tracing::error!("the host did not answer: {error}");
                StatusCode::BAD_GATEWAY.into_response()
            }
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }

    /// The request headers that the origin gets. `Host` becomes the origin's own name.
    fn rewrite(
        &self,
        headers: &mut HeaderMap,
        peer: SocketAddr,
        reference: &HeaderValue,
    ) -> Result<(), http::header::InvalidHeaderValue> {
        strip_hop_by_hop(headers);
        let ours = |name: &str| ["x-azure-", "x-forwarded-", "x-fd-"].iter().any(|prefix| name.starts_with(prefix));
        let forged: Vec<HeaderName> = headers.keys().filter(|name| ours(name.as_str())).cloned().collect();
        for name in forged {
            headers.remove(name);
        }
        let client = HeaderValue::try_from(peer.ip().to_string())?;
        if let Some(public) = headers.insert(header::HOST, HeaderValue::try_from(self.host.to_string())?) {
            headers.insert("x-forwarded-host", public);
        }
        headers.insert("x-forwarded-for", client.clone());
        headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
        headers.insert("x-azure-clientip", client.clone());
        headers.insert("x-azure-socketip", client);
        headers.insert("x-azure-fdid", self.front_door_id.clone());
        headers.insert(REFERENCE, reference.clone());
        Ok(())
    }
}

async fn handle(
    State(edge): State<Arc<Edge>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let reference = HeaderValue::try_from(random_uuid().simple().to_string());
    let reference = reference.unwrap_or(HeaderValue::from_static("none"));
    let path = request.uri().path();
    let mut response = if climbs(path) {
        // Front Door resolves dot segments before it matches routes; nothing honest sends them.
        StatusCode::BAD_REQUEST.into_response()
    } else if path.starts_with("/api/") {
        edge.origin(request, peer, &reference).await
    } else {
        edge.site.answer(request.method(), path, request.headers())
    };
    let headers = response.headers_mut();
    for (name, value) in &edge.security_headers {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(REFERENCE, reference);
    response
}

/// Whether a segment of the path is `.` or `..`, escaped or not.
fn climbs(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").replace('\\', "/");
    path.split('/').any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
