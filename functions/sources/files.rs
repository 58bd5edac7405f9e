//! Looking at a file and importing it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::SourceId;
use crate::domain::lang::Lang;
use crate::http::body::{FileForm, Refusal};
use crate::http::error::Problem;
use crate::http::extract::{Admin, IdPath};
use crate::http::operation::post;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::services::csv_import::{FILE_FAILURES, FilePreview, ImportReport, Rejected};
use crate::services::error::ServiceError;

/// The routes with files, whose bodies may be larger.
pub fn routes() -> Routes {
    Routes::new()
        .route(
            post(
                "/api/sources/{id}/preview",
                "preview_file",
                "What a file looks like, as a proposal of how to read it.",
            )
            .ok::<FilePreview>()
            .fails(409, &["not_a_file_source"])
            .fails(422, FILE_FAILURES),
            preview,
        )
        .route(
            post("/api/sources/{id}/files", "import_file", "Imports a file.")
                .ok::<ImportBody>()
                .fails(409, &["not_a_file_source", "paused", "metric_differs", "shape_differs", "limit_datapoints"])
                .fails(422, FILE_FAILURES)
                .fails(422, &["too_many_values"])
                .fails_with::<ImportBody>(422, &["rows_rejected"]),
            import,
        )
}

#[derive(Serialize, ToSchema)]
#[schema(as = Import)]
struct ImportBody {
    rows_read: u32,
    imported: u32,
    unchanged: u32,
    empty: u32,
    rejected: Vec<RejectedBody>,
    rejected_total: u32,
    applied: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RejectedRow)]
struct RejectedBody {
    line: u32,
    column: Option<String>,
    reason: &'static str,
    detail: String,
}

impl RejectedBody {
    fn new(row: &Rejected, lang: Lang) -> Self {
        Self {
            line: row.line,
            column: row.column.clone(),
            reason: row.reason.code(),
            detail: match lang {
                Lang::Es => row.es(),
                Lang::En => row.en(),
            },
        }
    }
}

impl ImportBody {
    fn new(report: &ImportReport, lang: Lang) -> Self {
        Self {
            rows_read: report.rows_read,
            imported: report.imported,
            unchanged: report.unchanged,
            empty: report.empty,
            rejected: report.rejected.iter().map(|row| RejectedBody::new(row, lang)).collect(),
            rejected_total: report.rejected_total,
            applied: report.applied,
        }
    }
}

async fn preview(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
    form: FileForm,
) -> Result<impl IntoResponse, Refusal> {
    Ok(axum::Json(app.services.preview_file(&caller, id, form.file.to_vec()).await?))
}

async fn import(
    State(app): State<AppState>,
    Admin(caller): Admin,
    IdPath(id): IdPath<SourceId>,
    form: FileForm,
) -> Result<Response, Refusal> {
    let mapping = form.mapping.ok_or_else(|| {
        ServiceError::field("mapping", "required", "Falta la asignación de columnas.", "The column mapping is missing.")
    })?;
    let lang = caller.request.lang;
    let report = app.services.import_file(&caller, id, form.file.to_vec(), &mapping, form.replace).await?;
    let body = ImportBody::new(&report, lang);
    if report.applied {
        return Ok(axum::Json(body).into_response());
    }
    let problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "rows_rejected",
        "Rows rejected",
        "Hay filas que no se pueden leer y se eligió todo o nada: no se ha importado ninguna.",
        "Some rows cannot be read and you chose all or nothing: none was imported.",
    );
    Ok(problem.with_members(&body).into_response())
}
