//! The whole portal as people, upstreams and accidents see it: real processes on their own data, spoken to over HTTP.
//!
//! Most tests share one portal (`shared`), each with sources of its own; those that move its clock or end a Google grant
//! have it for themselves. What kills or restarts a portal starts its own. The oracles are the sandbox's request log,
//! recomputed here with integers, and plain SQL as the database's administrator.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod accidents;
mod alone;
mod browser;
mod door;
mod figures;
mod isolation;
mod mail;
mod oracle;
mod outages;
mod portal;
mod processes;
mod sandbox;
mod wait;
