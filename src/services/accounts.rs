//! Choosing the account that a source reads, and declaring the metrics that it will feed.

use std::collections::BTreeSet;

use super::audit_trail::Act;
use super::connect::not_connected;
use super::error::ServiceError;
use super::{Caller, Services};
use crate::connectors::contract::Provider;
use crate::domain::aggregate::Stored;
use crate::domain::ids::{CredentialId, MetricId, SourceId, TenantId};
use crate::domain::period::Grain;
use crate::domain::secret::Secret;
use crate::domain::source::SyncTrigger;
use crate::store::metrics::{Declared, Translation};
use crate::store::{StoreError, Tx, datapoints, metrics, records, sources, streams};

impl Services {
    /// Chooses the account a source reads and starts its first run.
    pub(crate) async fn choose_account(
        &self,
        caller: &Caller,
        id: SourceId,
        account: &str,
    ) -> Result<(), ServiceError> {
        let source = self.source(caller, id).await?;
        if !source.config.0.properties.iter().any(|known| known.id == account) {
            return Err(ServiceError::field(
                "property_id",
                "unknown_property",
                "La cuenta conectada no ve esa propiedad; elija una de la lista.",
                "The connected account does not see that property; choose one of the list.",
            ));
        }
        if source.config.0.property.as_ref().is_some_and(|chosen| chosen.id == account) {
            return Ok(());
        }
        let credential = source.credential_id.map(CredentialId).ok_or_else(not_connected)?;
        let token = self.access(caller.tenant, credential).await??;
        self.choose_account_with(caller, id, account, &token).await
    }

    pub(crate) async fn choose_account_with(
        &self,
        caller: &Caller,
        id: SourceId,
        account: &str,
        token: &Secret,
    ) -> Result<(), ServiceError> {
        let source = self.source(caller, id).await?;
        let connector = self.connector(&source)?;
        let details = connector.account(token, account, self.now()).await?;
        let mut tx = self.database.tenant(caller.tenant).await?;
        let source = sources::find_for_update(&mut tx, caller.tenant, id).await?.ok_or(ServiceError::NotFound)?;
        let mut config = source.config.0.clone();
        let chosen = config.properties.iter().find(|known| known.id == account).cloned();
        // Another account's figures, and runs that read it, must not stay under this source.
        self.cancel_runs(&mut tx, caller.tenant, id).await?;
        datapoints::delete_all(&mut tx, caller.tenant, id).await?;
        records::delete_all(&mut tx, caller.tenant, id).await?;
        streams::delete_all(&mut tx, caller.tenant, id).await?;
        sources::reset_history(&mut tx, caller.tenant, id).await?;
        config.property = chosen;
        config.created = details.created;
        let zone = details
            .zone
            .or(config.zone_wanted.take())
            .or(source.zone)
            .unwrap_or_else(|| caller.settings.zone.name().to_owned());
        let currency = details.currency.or(source.currency);
        sources::set_config(&mut tx, caller.tenant, id, &config, Some((&zone, currency.as_deref()))).await?;
        self.declare_provider_metrics(&mut tx, caller.tenant, id, connector.provider()).await?;
        // Should we die before the run is started below, the timer starts it.
        sources::set_next_due(&mut tx, caller.tenant, id, Some(self.now())).await?;
        let detail = serde_json::json!({ "property": account });
        self.audit(&mut tx, caller, Act::new("source.account_chosen", format!("source/{id}")).detail(detail)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.start_sync(caller.tenant, id, SyncTrigger::Connect, None).await?;
        Ok(())
    }

    async fn declare_provider_metrics(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        source: SourceId,
        provider: &Provider,
    ) -> Result<(), ServiceError> {
        metrics::lock(tx, tenant).await?;
        for metric in provider.metrics {
            let english = Translation { name: metric.name.en.into(), definition: metric.definition.en.into() };
            let declared = Declared {
                id: MetricId(self.new_id()),
                key: metric.key,
                name: metric.name.es,
                definition: metric.definition.es,
                translations: [("en", english)].into(),
                provider: provider.key,
                unit: metric.unit,
                additivity: metric.additivity,
                good_direction: metric.good_direction.as_str(),
                formula: metric.formula,
                endpoint: metric.endpoint,
                field: metric.field,
            };
            let id = metrics::ensure(tx, tenant, &declared, self.now()).await?;
            let dim_sets: Vec<BTreeSet<String>> = (provider.dim_sets)(metric.key)
                .into_iter()
                .map(|set| set.iter().map(|name| (*name).to_owned()).collect())
                .collect();
            metrics::set_stored(tx, tenant, id, &Stored { source, grain: Grain::Day, dim_sets }).await?;
            let of: Vec<&str> = provider
                .streams
                .iter()
                .filter(|stream| stream.metrics.contains(&metric.key))
                .map(|stream| stream.key)
                .collect();
            metrics::set_streams(tx, tenant, id, source, &of).await?;
        }
        Ok(())
    }
}
