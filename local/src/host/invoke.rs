//! One job invocation: the envelope goes to `POST /<FunctionName>`, and the answer decides success or failure.

use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use super::worker::{Handle, Unavailable};
use super::{HOST_VERSION, HttpClient};
use crate::clock::random_uuid;

/// Why an invocation failed.
#[derive(Debug, Error)]
pub enum Failure {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("the handler could not be reached or broke off: {0}")]
    Broken(String),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("answered {0} with content type `{1}`, the host takes only application/json")]
    NotJson(StatusCode, String),
    #[error("answered with JSON that is no object: {0}")]
    NoObject(String),
    #[error(
        "answered 2xx with an empty or null body: the real host would hang until functionTimeout and then kill the handler; answer `{{}}`"
    )]
    Hangs,
    #[error("took longer than functionTimeout; the handler was killed, and every other invocation with it")]
    TimedOut,
}

/// Sends envelopes to the handler.
#[derive(Debug, Clone)]
pub struct Invoker {
    pub client: HttpClient,
    pub worker: Handle,
    /// `functionTimeout` of `host.json`.
    pub timeout: Duration,
}

impl Invoker {
    /// Runs one job and logs one line about it.
    pub async fn job(&self, function: &str, envelope: Value) -> Result<(), Failure> {
        let id = random_uuid();
        let started = Instant::now();
        let call = self.call(function, envelope, id);
        let outcome = self.limited(function, call).await.unwrap_or(Err(Failure::TimedOut));
        let ms = started.elapsed().as_millis();
        match &outcome {
            Ok(logs) => {
                for line in logs {
                    tracing::info!(%id, "{function} | {line}");
                }
                tracing::info!(%id, "{function} succeeded in {ms} ms");
            }
            Err(failure) => tracing::error!(%id, "{function} failed in {ms} ms: {failure}"),
        }
        outcome.map(|_| ())
    }

    /// Nothing when the call exceeds `functionTimeout`: then the handler is killed, and all its other work with it.
    pub async fn limited<T>(&self, function: &str, call: impl Future<Output = T>) -> Option<T> {
        let outcome = tokio::time::timeout(self.timeout, call).await;
        if outcome.is_err() {
            let why = format!("`{function}` exceeded functionTimeout");
            self.worker.restart(&why).await;
        }
        outcome.ok()
    }

    async fn call(&self, function: &str, envelope: Value, id: Uuid) -> Result<Vec<String>, Failure> {
        let address = self.worker.address().await?;
        let broken = |error: &dyn std::error::Error| Failure::Broken(error.to_string());
        // A stream of unknown length, because the real host sends envelopes chunked.
        let text = Bytes::from(envelope.to_string());
        let body = Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(text)]));
        let request = Request::post(format!("http://{address}/{function}"))
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header(header::USER_AGENT, format!("Azure-Functions-Host/{HOST_VERSION}"))
            .header("x-azure-functions-hostversion", HOST_VERSION)
            .header("x-azure-functions-invocationid", id.to_string())
            .header("traceparent", traceparent())
            .body(body)
            .map_err(|error| broken(&error))?;
        let exchange = async {
            let (parts, body) = self.client.request(request).await.map_err(|error| broken(&error))?.into_parts();
            Ok((parts, body.collect().await.map_err(|error| broken(&error))?.to_bytes()))
        };
        let (parts, body) = match exchange.await {
            Ok(answer) => answer,
            Err(failure) => {
                // Or the message would be delivered to the dead address until it is a dead letter.
                self.worker.left(address).await;
                return Err(failure);
            }
        };
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        verdict(parts.status, kind, &body)
    }
}

/// A fresh W3C trace context, not sampled.
fn traceparent() -> String {
    let span = random_uuid().simple().to_string();
    format!("00-{}-{}-00", random_uuid().simple(), &span[..16])
}

/// Success (with the answer's `Logs`) or failure. `Outputs` need bindings, which no job here has.
fn verdict(status: StatusCode, kind: &str, body: &[u8]) -> Result<Vec<String>, Failure> {
    if !status.is_success() {
        return Err(Failure::Status(status));
    }
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Failure::NotJson(status, kind.to_owned()));
    }
    if body.trim_ascii().is_empty() {
        return Err(Failure::Hangs);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Null) => Err(Failure::Hangs),
        Ok(Value::Object(answer)) => {
            let logs = answer.get("Logs").and_then(Value::as_array).into_iter().flatten();
            Ok(logs.filter_map(|line| line.as_str().map(str::to_owned)).collect())
        }
        Ok(other) => Err(Failure::NoObject(other.to_string())),
        Err(error) => Err(Failure::NoObject(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::worker::State;

    const JSON: &str = "application/json; charset=utf-8";

    #[test]
    fn a_json_object_with_2xx_is_success() {
        assert!(verdict(StatusCode::OK, JSON, b"{}").unwrap().is_empty());
        let logs = verdict(StatusCode::CREATED, JSON, br#"{"Outputs":{},"Logs":["a"],"ReturnValue":null}"#).unwrap();
        assert_eq!(logs, ["a"]);
    }

    #[tokio::test]
    async fn a_broken_invocation_ends_when_the_handler_s_death_is_noticed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (steer, worker) = Handle::steered(State::Ready { address, pid: 1 });
        let invoker = Invoker { client: super::super::http_client(), worker, timeout: Duration::MAX };
        let death = async {
            drop(listener.accept().await.unwrap());
            drop(listener);
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            steer.send_replace(State::Ended);
        };
        let (outcome, ()) = tokio::join!(
            async { (invoker.job("run_sync", Value::Null).await, *invoker.worker.state().borrow()) },
            death
        );
        assert!(matches!(outcome, (Err(Failure::Broken(_)), State::Ended)), "{outcome:?}");
    }

    #[test]
    fn an_empty_or_null_body_is_the_hang() {
        assert!(matches!(verdict(StatusCode::OK, JSON, b" \n"), Err(Failure::Hangs)));
        assert!(matches!(verdict(StatusCode::OK, JSON, b"null"), Err(Failure::Hangs)));
    }

    #[test]
    fn everything_else_is_failure() {
        assert!(matches!(verdict(StatusCode::OK, "text/plain", b"{}"), Err(Failure::NotJson(..))));
        assert!(matches!(verdict(StatusCode::OK, "", b"{}"), Err(Failure::NotJson(..))));
        assert!(matches!(verdict(StatusCode::OK, JSON, b"{"), Err(Failure::NoObject(_))));
        assert!(matches!(verdict(StatusCode::OK, JSON, b"[1]"), Err(Failure::NoObject(_))));
        assert!(matches!(verdict(StatusCode::FOUND, JSON, b"{}"), Err(Failure::Status(_))));
        assert!(matches!(verdict(StatusCode::INTERNAL_SERVER_ERROR, JSON, b"{}"), Err(Failure::Status(_))));
    }
}
