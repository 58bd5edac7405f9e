//! Shapes that several functions answer with. Wire types are their own: a renamed column is not an API change.

use std::borrow::Cow;

use serde::Serialize;
use time::Date;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::comparison::Compare;
use crate::domain::lang::Lang;
use crate::domain::source::SourceStatus;
use crate::services::figures::Base;
use crate::services::sources::failure_sentence;

pub use crate::domain::freshness::Freshness;
pub use crate::domain::number::Number;

/// Why figures are not told, besides fields with unusable values.
pub const FIGURES_FAIL: &[&str] = &["grain_too_fine", "unknown_dimension", "dimensions_not_combined", "range_too_long"];

/// Every list.
#[derive(Debug, Serialize)]
pub struct List<T> {
    /// This page's items.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let next = Option::<String>::schema();
        ObjectBuilder::new().property("items", items).property("next_cursor", next).into()
    }
}

/// Written out, because a derived one would give the lists of all types the same name.
impl<T: ToSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T> List<T> {
    /// A list that fits on one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// The roles that a request may name; services read them as text, so that a wrong one is a field's error of theirs.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum MemberRole {
    /// Reads.
    Viewer,
    /// Manages, too.
    Admin,
}

/// An earlier range.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Base)]
pub struct BaseBody {
    mode: Compare,
    from: Date,
    to: Date,
}

impl From<Base> for BaseBody {
    fn from(base: Base) -> Self {
        Self { mode: base.mode, from: base.from, to: base.to }
    }
}

/// One sentence: what is the matter and who does what.
pub fn status_text(kind: &str, waits_for_choice: bool, status: SourceStatus, code: Option<&str>, lang: Lang) -> String {
    if let Some(code) = code {
        return failure_text(code, lang);
    }
    let (es, en) = match status {
        SourceStatus::NotConnected if kind == "file" => ("Aún no hay ningún archivo.", "No file yet."),
        SourceStatus::NotConnected => ("Falta conectar la cuenta.", "The account is not connected yet."),
        SourceStatus::Connected if waits_for_choice => {
            ("Conectada: falta elegir la propiedad.", "Connected: the property is still to be chosen.")
        }
        SourceStatus::Connected => ("Todo en orden.", "All is well."),
        SourceStatus::Syncing => ("Actualizando los datos…", "Updating the data…"),
        SourceStatus::RateLimited => {
            ("El servicio pide esperar; seguiremos solos.", "The service asks to wait; we will go on by ourselves.")
        }
        SourceStatus::Error => ("La última actualización falló.", "The last update failed."),
        SourceStatus::NeedsReauth => ("Hay que volver a conectar la cuenta.", "The account must be connected again."),
        SourceStatus::Paused => ("En pausa.", "Paused."),
    };
    match lang {
        Lang::Es => es.to_owned(),
        Lang::En => en.to_owned(),
    }
}

/// The sentence of a failure's code.
pub fn failure_text(code: &str, lang: Lang) -> String {
    failure_sentence(code).get(lang).to_owned()
}
