//! The edge before a tiny origin.

use axum::Json;
use axum::routing::any;
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::settings::tests::TempDir;

const ID: &str = "11111111-2222-3333-4444-555555555555";

async fn origin() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let echo = |request: Request| async move {
        let headers: Vec<_> =
            request.headers().iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        let own = [("referrer-policy", "no-referrer"), ("cache-control", "no-store")];
        (StatusCode::IM_A_TEAPOT, own, Json(json!({"target": request.uri().to_string(), "headers": headers})))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(echo))).await });
    address
}

async fn edge(site: &TempDir) -> (Router, SocketAddr) {
    let root = site.path().join("static-site");
    std::fs::create_dir_all(root.join("js")).unwrap();
    std::fs::write(root.join("index.html"), "<h1>home</h1>").unwrap();
    std::fs::write(root.join("js/app.mjs"), "export {}").unwrap();
    std::fs::write(root.join(".hidden"), "secret").unwrap();
    std::fs::write(site.path().join("outside.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(site.path().join("outside.txt"), root.join("link.txt")).unwrap();
    let headers = [("referrer-policy", "same-origin"), ("x-frame-options", "DENY")];
    let headers = headers.map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).to_vec();
    let host = origin().await;
    let edge = Edge::new(crate::host::http_client(), host, HeaderValue::from_static(ID), root, headers);
    (edge.router(), host)
}

async fn send(edge: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let peer = ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 4711)));
    let mut request = Request::builder().method(method).uri(path).extension(peer);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    edge.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn forged_front_door_headers_are_replaced() {
    let site = TempDir::new();
    let (edge, host) = edge(&site).await;
    let forged = [
        ("host", "portal.example"),
        ("x-azure-fdid", "forged"),
        ("x-azure-socketip", "198.51.100.1"),
        ("X-Azure-Anything", "1"),
        ("x-forwarded-for", "198.51.100.1"),
        ("x-forwarded-host", "evil.example"),
        ("cookie", "a=b"),
    ];
    let response = send(&edge, Method::GET, "/api/x?y=1&y=2", &forged).await;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    let got: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(got["target"], "/api/x?y=1&y=2");
    let all = |name: &str| -> Vec<String> {
        let pairs = got["headers"].as_array().unwrap().iter().filter(|pair| pair[0] == name);
        pairs.map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(all("x-azure-fdid"), [ID]);
    for name in ["x-azure-socketip", "x-azure-clientip", "x-forwarded-for"] {
        assert_eq!(all(name), ["203.0.113.7"], "{name}");
    }
    assert_eq!(all("x-forwarded-host"), ["portal.example"]);
    assert_eq!(all("x-forwarded-proto"), ["http"]);
    assert_eq!(all("host"), [host.to_string()], "the origin's own name");
    assert_eq!(all("cookie"), ["a=b"]);
    assert_eq!(all("x-azure-ref").len(), 1);
    assert!(all("x-azure-anything").is_empty());
}

#[tokio::test]
async fn security_headers_are_on_every_answer_and_the_api_s_own_stay() {
    let site = TempDir::new();
    let (edge, _) = edge(&site).await;
    let api = send(&edge, Method::GET, "/api/x", &[]).await;
    assert_eq!(api.headers()["referrer-policy"], "no-referrer");
    assert_eq!(api.headers()["cache-control"], "no-store");
    assert_eq!(api.headers()["x-frame-options"], "DENY");
    for (method, path) in [(Method::GET, "/"), (Method::GET, "/none"), (Method::POST, "/"), (Method::GET, "/..")] {
        let response = send(&edge, method, path, &[]).await;
        assert_eq!(response.headers()["x-frame-options"], "DENY", "{path}");
        assert!(response.headers().contains_key("x-azure-ref"), "{path}");
    }
}

#[tokio::test]
async fn only_the_api_reaches_the_host() {
    let site = TempDir::new();
    let (edge, _) = edge(&site).await;
    for path in ["/admin/functions/run_sync", "/run_sync", "/api", "/apix/y"] {
        assert_eq!(send(&edge, Method::GET, path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(send(&edge, Method::POST, path, &[]).await.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    for path in ["/api/../admin/host/status", "/api/%2e%2e/run_sync", "/api/.%2E/run_sync", "/api/..%2frun_sync"] {
        assert_eq!(send(&edge, Method::POST, path, &[]).await.status(), StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn files_come_with_type_tag_and_no_cache() {
    let site = TempDir::new();
    let (edge, _) = edge(&site).await;
    let home = send(&edge, Method::GET, "/", &[]).await;
    assert_eq!(home.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(text(home).await, "<h1>home</h1>");
    let module = send(&edge, Method::GET, "/js/app.mjs", &[]).await;
    assert_eq!(module.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(module.headers()["cache-control"], "no-cache");
    let tag = module.headers()["etag"].to_str().unwrap().to_owned();
    let again = send(&edge, Method::GET, "/js/app.mjs", &[("if-none-match", tag.as_str())]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(send(&edge, Method::HEAD, "/js/app.mjs", &[]).await.status(), StatusCode::OK);
    let refused = send(&edge, Method::POST, "/", &[]).await;
    assert_eq!(refused.headers()["allow"], "GET, HEAD");
}

#[tokio::test]
async fn nothing_outside_the_site_is_served() {
    let site = TempDir::new();
    let (edge, _) = edge(&site).await;
    for path in [
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/js/..%2f..%2foutside.txt",
        "/link.txt",
        "/.hidden",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/js%5c..%5c..%5coutside.txt",
        "/js",
        "/%ff",
        "/%0",
    ] {
        let response = send(&edge, Method::GET, path, &[]).await;
        assert!(response.status().is_client_error(), "{path}: {}", response.status());
        assert!(!text(response).await.contains("secret"), "{path}");
    }
}
