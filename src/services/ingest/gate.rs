//! What a connector may ask of the engine while it reads: whether a request may be sent, taken from the shared bucket a
//! few at a time, and what is stored of its account.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use tokio::sync::Mutex;

use crate::connectors::contract::{Allowance, Gate, Stored};
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::sentences::codes;
use crate::domain::ids::{CredentialId, SourceId, TenantId};
use crate::store::request_buckets::{self, Bucket};
use crate::store::{Database, StoreError, records};

/// A wait that is worth sleeping through.
const SHORT_WAIT: f64 = 5.0;
/// Part of a second's gain that is taken at a time: few round trips, and little is lost when a run ends.
const PORTION: f64 = 0.5;

/// The gate of one run.
pub struct RequestGate {
    pub database: Database,
    pub tenant: TenantId,
    pub credential: CredentialId,
    pub account: String,
    pub stock: Mutex<HashMap<&'static str, f64>>,
}

impl RequestGate {
    fn bucket(&self, endpoint: &'static str) -> Bucket<'_> {
        Bucket { credential: self.credential, account: &self.account, endpoint }
    }

    async fn take(&self, endpoint: &'static str, allowance: Allowance) -> Result<(f64, f64), StoreError> {
        let wanted = (allowance.per_second * PORTION).floor().clamp(1.0, allowance.burst.max(1.0));
        let mut tx = self.database.tenant(self.tenant).await?;
        let rates = (allowance.per_second, allowance.burst);
        let taken = request_buckets::take(&mut tx, self.tenant, self.bucket(endpoint), rates, wanted).await?;
        tx.commit().await?;
        Ok(taken)
    }

    async fn halve(&self, endpoint: &'static str) -> Result<(), StoreError> {
        let mut tx = self.database.tenant(self.tenant).await?;
        request_buckets::slow_down(&mut tx, self.tenant, self.bucket(endpoint)).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl Gate for RequestGate {
    async fn pass(&self, endpoint: &'static str, allowance: Allowance) -> Result<(), ConnectorError> {
        let mut stock = self.stock.lock().await;
        let left = stock.entry(endpoint).or_default();
        while *left < 1.0 {
            let (taken, wait) = self.take(endpoint, allowance).await.map_err(|error| {
                tracing::error!(tenant = %self.tenant, error = ?error, "The allowance of requests could not be counted");
                ConnectorError::transient("platform_error", "see the log")
            })?;
            *left += taken;
            if taken >= 1.0 {
                break;
            }
            if wait > SHORT_WAIT {
                let kind = FailureKind::RateLimited {
                    retry_after: Duration::from_secs_f64(wait.min(86_400.0)),
                    scope: format!("own_{endpoint}"),
                };
                let cause = format!("the own allowance of {endpoint} is used up for {wait:.0} s");
                return Err(ConnectorError::new(kind, codes::REQUESTS_SPENT, cause));
            }
            tokio::time::sleep(Duration::from_secs_f64(wait.max(0.01))).await;
        }
        *left -= 1.0;
        Ok(())
    }

    async fn slow_down(&self, endpoint: &'static str) {
        self.stock.lock().await.insert(endpoint, 0.0);
        if let Err(error) = self.halve(endpoint).await {
            tracing::error!(tenant = %self.tenant, error = ?error, "An allowance of requests could not be halved");
        }
    }
}

/// What is stored of the account of one run.
pub struct StoredSums {
    pub database: Database,
    pub tenant: TenantId,
    pub source: SourceId,
}

#[async_trait]
impl Stored for StoredSums {
    async fn sums(&self, stream: &str, measure: &str) -> Result<BTreeMap<String, Decimal>, ConnectorError> {
        let sums = async {
            let mut tx = self.database.tenant(self.tenant).await?;
            records::totals(&mut tx, self.tenant, self.source, stream, measure).await
        };
        sums.await.map_err(|error| {
            tracing::error!(tenant = %self.tenant, error = ?error, "What is stored of an account could not be summed");
            ConnectorError::transient("platform_error", "see the log")
        })
    }
}
