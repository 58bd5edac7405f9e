//! The static site as Blob Storage serves it: files, an index document, a 404 document. Nothing is cached by the
//! browser without asking, because on this machine files change under it.

use std::path::{Path, PathBuf};

use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};

/// A folder of files.
pub struct Site {
    root: PathBuf,
}

impl Site {
    /// The site below `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Answers a request for a file.
    pub fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
        }
        match self.read(path) {
            Some((file, content)) => found(&file, content, headers),
            None => self.missing(),
        }
    }

    fn missing(&self) -> Response {
        let page = std::fs::read_to_string(self.root.join("404.html"));
        let page = page.unwrap_or_else(|_| {
            "<!doctype html><html lang=\"en\"><title>404</title><h1>404</h1><p>There is no such page. <a href=\"/\">Home</a></p></html>".to_owned()
        });
        (StatusCode::NOT_FOUND, Html(page)).into_response()
    }

    /// The file behind a path. A folder means its index; hidden files and everything outside the root do not exist.
    fn read(&self, path: &str) -> Option<(PathBuf, Vec<u8>)> {
        let path = unescape(path.strip_prefix('/')?)?;
        let bad = |segment: &str| segment.starts_with('.') || segment.contains(['\\', ':', '\0']);
        if path.split('/').any(bad) {
            return None;
        }
        let mut file = self.root.join(&path);
        if path.is_empty() || path.ends_with('/') {
            file.push("index.html");
        }
        // Links may lead out of the folder; what they lead to counts.
        let file = file.canonicalize().ok()?;
        if !file.starts_with(self.root.canonicalize().ok()?) || !file.is_file() {
            return None;
        }
        let content = std::fs::read(&file).ok()?;
        Some((file, content))
    }
}

fn found(file: &Path, content: Vec<u8>, headers: &HeaderMap) -> Response {
    let digest = Sha256::digest(&content);
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..12]));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let unchanged = known.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    });
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, content_type(file))], content).into_response()
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "csv" => "text/csv; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Percent-decoding; none if the escapes are broken or the result is not UTF-8.
fn unescape(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
