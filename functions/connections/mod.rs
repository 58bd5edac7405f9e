//! The accesses that the tenant gave: which there are, and what each may read.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::lang::Lang;
use crate::http::extract::Admin;
use crate::http::operation::get;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::wire::List;
use crate::services::error::ServiceError;
use crate::services::sharing::AccessView;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().route(
        get("/api/connections", "connections", "The accesses that sources can be read with.").ok::<List<Connection>>(),
        list,
    )
}

#[derive(Serialize, ToSchema)]
struct Connection {
    id: Uuid,
    provider: String,
    label: String,
    test_mode: bool,
    permissions: Vec<Permission>,
    sources: i64,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// Whether a stream may be read: `missing` names what is lacking, in the provider's words.
#[derive(Serialize, ToSchema)]
#[schema(as = ConnectionPermission)]
struct Permission {
    stream: &'static str,
    name: &'static str,
    missing: Option<String>,
}

impl Connection {
    fn new(view: AccessView, lang: Lang) -> Self {
        Self {
            id: view.row.id,
            provider: view.row.provider,
            label: view.row.label,
            test_mode: view.row.test_mode,
            permissions: view
                .permissions
                .into_iter()
                .map(|(stream, missing)| Permission { stream: stream.key, name: stream.name.get(lang), missing })
                .collect(),
            sources: view.row.sources,
            created_at: view.row.created_at,
        }
    }
}

async fn list(State(app): State<AppState>, Admin(caller): Admin) -> Result<impl IntoResponse, ServiceError> {
    let found = app.services.accesses(&caller).await?;
    let items = found.into_iter().map(|view| Connection::new(view, caller.request.lang));
    Ok(axum::Json(List::whole(items.collect())))
}
