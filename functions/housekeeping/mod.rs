//! Timer, every hour: removes what nobody needs any more, and seals anew what an old key seals.

use axum::extract::State;

use crate::http::invocation::{Body, Outcome};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().post("/housekeeping", run)
}

async fn run(State(app): State<AppState>, body: Body) -> Outcome {
    let Some(_) = body.ok().filter(|call| call.has("timer")) else { return Outcome::NotAnInvocation };
    match app.services.housekeeping().await {
        Ok(done) => Outcome::Done(format!(
            "removed {} sessions, {} tokens, {} jobs, {} keys, {} audit entries, {} runs, {} tenants; sealed {} values anew",
            done.sessions, done.tokens, done.jobs, done.keys, done.audit, done.runs, done.tenants, done.resealed
        )),
        Err(error) => Outcome::failed(&error),
    }
}
