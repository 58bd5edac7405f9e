//! What is going on in all tenants: how many of everything, what is wrong and with whom.

use uuid::Uuid;

use crate::services::Services;
use crate::services::error::ServiceError;
use crate::services::paging::{page, with_one_more};
use crate::store::operator::overview;

pub use crate::store::operator::overview::{Cause, Counts, Example, Filter, Named, SourceRow};

impl Services {
    /// How many there are of everything, and what is wrong, most sources first.
    pub async fn operator_overview(&self) -> Result<(Counts, Vec<Cause>), ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let counts = overview::counts(&mut tx).await?;
        Ok((counts, overview::causes(&mut tx).await?))
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
}
