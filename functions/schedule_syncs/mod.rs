//! Timer, every minute: starts the runs that are due and sends lost messages again.

use axum::extract::State;

use crate::http::invocation::{Body, Outcome};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().post("/schedule_syncs", run)
}

async fn run(State(app): State<AppState>, body: Body) -> Outcome {
    let Some(_) = body.ok().filter(|call| call.has("timer")) else { return Outcome::NotAnInvocation };
    match app.services.schedule_syncs().await {
        Ok(done) => Outcome::Done(format!("started {}, resent {}", done.started, done.resent)),
        Err(error) => Outcome::failed(&error),
    }
}
