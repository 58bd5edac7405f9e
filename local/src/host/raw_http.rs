//! HTTP functions as the handler sees them: the request itself, no envelope. Two modes, chosen in `host.json`.
//!
//! *Forwarding* (older hosts) rebuilds the request: repeated query keys merge into one value joined by commas, a body
//! without `Content-Length` is lost, most content headers are dropped, the answer is buffered. *Proxying* streams both
//! ways. In both, statuses pass unchanged, redirects are not followed, and an unreachable handler is an empty 500.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header, request};
use http_body_util::BodyExt;
use url::form_urlencoded::{byte_serialize, parse};
use uuid::Uuid;

use super::{HOST_VERSION, HttpClient};

/// The proxy gives up when nothing has moved for this long.
const IDLE: Duration = Duration::from_mins(4);
const INVOCATION_ID: HeaderName = HeaderName::from_static("x-azure-functions-invocationid");
const HOST_VERSION_NAME: HeaderName = HeaderName::from_static("x-azure-functions-hostversion");
const PROXY_ID: HeaderName = HeaderName::from_static("x-ms-invocation-id");
/// Headers of one connection, not of the message.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// .NET files these under the content; forwarding copies only `Content-Type` and `Content-Length` of them.
const DROPPED_CONTENT_HEADERS: [&str; 9] = [
    "allow",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-location",
    "content-md5",
    "content-range",
    "expires",
    "last-modified",
];

/// Removes what belongs to one connection, including what `Connection` names.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in named.iter().map(String::as_str).chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// The request as forwarding rebuilds it.
pub fn forwarded(request: Request<Body>, address: SocketAddr, id: Uuid) -> Result<Request<Body>, http::Error> {
    let (mut parts, body) = request.into_parts();
    let has_body = parts.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    strip_hop_by_hop(&mut parts.headers);
    for name in DROPPED_CONTENT_HEADERS {
        parts.headers.remove(name);
    }
    if !has_body {
        parts.headers.remove(header::CONTENT_TYPE);
    }
    let id = HeaderValue::try_from(id.to_string())?;
    // Appended: a client's own copy stays in front, so the first value proves nothing.
    parts.headers.append(INVOCATION_ID, id);
    parts.headers.append(HOST_VERSION_NAME, HeaderValue::from_static(HOST_VERSION));
    let product = format!("Azure-Functions-Host/{HOST_VERSION}");
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.map_or_else(|| product.clone(), |agent| format!("{agent} {product}"));
    parts.headers.insert(header::USER_AGENT, HeaderValue::try_from(agent)?);
    let target = format!("{}{}", cut(parts.uri.path()), merged_query(parts.uri.query()));
    rebuild(&parts, &target, address, if has_body { body } else { Body::empty() })
}

/// The request as the proxy passes it.
pub fn proxied(request: Request<Body>, address: SocketAddr, id: Uuid) -> Result<Request<Body>, http::Error> {
    let (mut parts, body) = request.into_parts();
    strip_hop_by_hop(&mut parts.headers);
    let id = HeaderValue::try_from(id.to_string())?;
    parts.headers.insert(PROXY_ID, id.clone());
    parts.headers.insert(INVOCATION_ID, id);
    parts.headers.insert(HOST_VERSION_NAME, HeaderValue::from_static(HOST_VERSION));
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    rebuild(&parts, &target, address, body)
}

fn rebuild(parts: &request::Parts, target: &str, to: SocketAddr, body: Body) -> Result<Request<Body>, http::Error> {
    let uri: Uri = format!("http://{to}{target}").parse()?;
    let mut request = Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = parts.headers.clone();
    Ok(request)
}

/// Forwarding works on the unescaped address, so an escaped `?` or `#` ends the path.
fn cut(path: &str) -> &str {
    let lower = path.to_ascii_lowercase();
    let end = ["%3f", "%23"].iter().filter_map(|mark| lower.find(mark)).min();
    &path[..end.unwrap_or(path.len())]
}

/// The query rebuilt from a dictionary whose keys ignore case: `a=1&b=2&A=3` becomes `?a=1%2C3&b=2`.
fn merged_query(query: Option<&str>) -> String {
    let mut merged: Vec<(String, String)> = Vec::new();
    for (key, value) in parse(query.unwrap_or_default().as_bytes()) {
        match merged.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => merged.push((key.into_owned(), value.into_owned())),
        }
    }
    let escape = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let pairs: Vec<String> = merged.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Sends the request in the mode asked for and brings the answer back; empty 500 if the handler cannot be reached.
pub async fn send(client: &HttpClient, request: Request<Body>, to: SocketAddr, id: Uuid, proxying: bool) -> Response {
    let rebuilt = if proxying { proxied(request, to, id) } else { forwarded(request, to, id) };
    let answer = match rebuilt {
        Ok(request) => exchange(client, request, proxying).await,
        Err(error) => Err(error.to_string()),
    };
    answer.unwrap_or_else(|why| {
        tracing::error!(%id, "the handler did not answer: {why}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

async fn exchange(client: &HttpClient, request: Request<Body>, proxying: bool) -> Result<Response, String> {
    let call = client.request(request);
    let answer = if proxying {
        tokio::time::timeout(IDLE, call).await.map_err(|_| "no answer for 240 s".to_owned())?
    } else {
        call.await
    };
    let (mut parts, body) = answer.map_err(|error| error.to_string())?.into_parts();
    strip_hop_by_hop(&mut parts.headers);
    let body = if proxying {
        Body::from_stream(idle_limited(Body::new(body)))
    } else {
        Body::from(body.collect().await.map_err(|error| error.to_string())?.to_bytes())
    };
    Ok(Response::from_parts(parts, body))
}

/// Ends the stream with an error when nothing has come for [`IDLE`].
fn idle_limited(body: Body) -> impl futures_util::Stream<Item = Result<Bytes, axum::Error>> {
    futures_util::stream::unfold(body.into_data_stream(), |mut stream| async {
        let next = tokio::time::timeout(IDLE, stream.next()).await;
        let item = next.unwrap_or_else(|idle| Some(Err(axum::Error::new(idle))))?;
        Some((item, stream))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::nil();

    fn to() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 9))
    }

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from("abc")).unwrap()
    }

    fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn forwarding_merges_repeated_query_keys() {
        let sent = forwarded(request("/api/x?dims=a%3A1&q=a+b&DIMS=b&flag", &[]), to(), ID).unwrap();
        assert_eq!(sent.uri().path_and_query().unwrap(), "/api/x?dims=a%3A1%2Cb&q=a%20b&flag=");
    }

    #[test]
    fn proxying_leaves_the_query_alone() {
        let sent = proxied(request("/api/a%3Fb?dims=a%3A1&dims=b&q=a+b", &[]), to(), ID).unwrap();
        assert_eq!(sent.uri().path_and_query().unwrap(), "/api/a%3Fb?dims=a%3A1&dims=b&q=a+b");
    }

    #[test]
    fn an_escaped_question_mark_ends_a_forwarded_path() {
        let sent = forwarded(request("/api/a%3Fb?x=1", &[]), to(), ID).unwrap();
        assert_eq!(sent.uri().path_and_query().unwrap(), "/api/a?x=1");
    }

    #[tokio::test]
    async fn forwarding_loses_a_chunked_body() {
        let headers = [("transfer-encoding", "chunked"), ("content-type", "text/csv")];
        let sent = forwarded(request("/", &headers), to(), ID).unwrap();
        assert!(!sent.headers().contains_key("content-type"));
        assert!(sent.into_body().collect().await.unwrap().to_bytes().is_empty());
        let sent = proxied(request("/", &headers), to(), ID).unwrap();
        assert_eq!(sent.into_body().collect().await.unwrap().to_bytes(), "abc");
    }

    #[test]
    fn forwarding_keeps_only_type_and_length_of_the_content_headers() {
        let headers = [
            ("host", "portal.example"),
            ("cookie", "a=b"),
            ("content-type", "text/csv"),
            ("content-length", "3"),
            ("content-encoding", "gzip"),
            ("content-disposition", "inline"),
        ];
        let sent = forwarded(request("/", &headers), to(), ID).unwrap();
        for name in ["host", "cookie", "content-type", "content-length"] {
            assert!(sent.headers().contains_key(name), "{name}");
        }
        for name in ["content-encoding", "content-disposition"] {
            assert!(!sent.headers().contains_key(name), "{name}");
        }
        assert!(proxied(request("/", &headers), to(), ID).unwrap().headers().contains_key("content-encoding"));
    }

    #[test]
    fn a_forged_invocation_id_stays_in_front_when_forwarded_and_is_replaced_when_proxied() {
        let headers = [("X-Azure-Functions-InvocationId", "forged"), ("user-agent", "curl/8")];
        let nil = ID.to_string();
        let sent = forwarded(request("/", &headers), to(), ID).unwrap();
        assert_eq!(all(sent.headers(), "x-azure-functions-invocationid"), ["forged", nil.as_str()]);
        assert_eq!(all(sent.headers(), "user-agent"), [format!("curl/8 Azure-Functions-Host/{HOST_VERSION}")]);
        let sent = proxied(request("/", &headers), to(), ID).unwrap();
        assert_eq!(all(sent.headers(), "x-azure-functions-invocationid"), [nil.as_str()]);
        assert_eq!(all(sent.headers(), "x-ms-invocation-id"), [nil.as_str()]);
        assert_eq!(all(sent.headers(), "user-agent"), ["curl/8"]);
    }

    #[test]
    fn connection_headers_go_no_further() {
        let headers = [("connection", "keep-alive, X-Private"), ("x-private", "1"), ("te", "trailers")];
        let sent = proxied(request("/", &headers), to(), ID).unwrap();
        for name in ["connection", "x-private", "te"] {
            assert!(!sent.headers().contains_key(name), "{name}");
        }
    }
}
