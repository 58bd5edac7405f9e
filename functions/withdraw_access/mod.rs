//! Queue `withdrawals`: gives one access back at its provider.

use axum::extract::State;

use crate::http::invocation::{Body, Outcome};
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::services::jobs::JobMessage;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().post("/withdraw_access", run)
}

async fn run(State(app): State<AppState>, body: Body) -> Outcome {
    let Some(call) = body.ok().filter(|call| call.has("job")) else { return Outcome::NotAnInvocation };
    // What cannot be read goes to the broker's dead letters, where an operator looks.
    let Some(message) = call.value::<JobMessage>("job") else { return Outcome::NotAnInvocation };
    app.services.withdraw_access(message).await.into()
}
