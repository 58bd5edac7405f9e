//! What is going on in all tenants: how many of everything, what is wrong and with whom.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::domain::ids::SourceId;
use crate::domain::lang::Text;
use crate::services::Services;
use crate::services::error::ServiceError;
use crate::services::paging::{page, with_one_more};
use crate::services::run_history::line_text;
use crate::store::operator::{log, overview};

pub use crate::store::operator::log::CauseLine;
pub use crate::store::operator::overview::{Cause, Counts, Example, Filter, Named, SourceRow};

impl Services {
    /// How many there are of everything, what is wrong, most sources first, and which sealing keys are missing.
    pub async fn operator_overview(&self) -> Result<(Counts, Vec<Cause>, BTreeSet<String>), ServiceError> {
        let missing_keys = self.missing_keys().await?;
        let mut tx = self.operator_database.begin().await?;
        let counts = overview::counts(&mut tx).await?;
        Ok((counts, overview::causes(&mut tx).await?, missing_keys))
    }

    /// A page of sources of all tenants, newest first.
    pub async fn operator_sources(
        &self,
        filter: &Filter,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<SourceRow>, Option<Uuid>), ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let rows = overview::sources(&mut tx, filter, before, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.id))
    }

    /// What the newest runs of a source said, newest line first, each with its sentence.
    pub async fn operator_log(&self, source: SourceId, limit: u32) -> Result<Vec<(CauseLine, Text)>, ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let (tenant, provider) = log::place(&mut tx, source).await?.ok_or(ServiceError::NotFound)?;
        let provider = self.connectors.get(&provider).map(|connector| connector.provider());
        let lines = log::lines(&mut tx, tenant, source, i64::from(limit)).await?;
        let told = |one: CauseLine| {
            let text = line_text(&one.line, provider);
            (one, text)
        };
        Ok(lines.into_iter().map(told).collect())
    }
}
