//! Identifiers: `UUIDv7`, made here and never by the database (`PostgreSQL` 15 has no `uuidv7()`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock::Clock;
use super::random::Random;

/// A fresh `UUIDv7` whose time part is the clock's now.
pub fn new_id(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let millis = clock.now().unix_timestamp_nanos() / 1_000_000;
    let mut bytes = [0_u8; 10];
    random.fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(0), &bytes).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A client of the consultancy.
    TenantId
);
impl TenantId {
    /// Stands for the platform itself where work belongs to no tenant: no row of `tenants` has this id.
    pub const PLATFORM: Self = Self(Uuid::nil());
}

id!(
    /// A person who signs in.
    UserId
);
id!(
    /// A connected external account.
    SourceId
);
id!(
    /// An access to a provider that a client gave.
    CredentialId
);
id!(
    /// One run of a source.
    SyncId
);
id!(
    /// A metric of a tenant.
    MetricId
);
id!(
    /// A piece of background work.
    JobId
);

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    struct Fixed;
    impl Clock for Fixed {
        fn now(&self) -> time::OffsetDateTime {
            datetime!(2026-11-23 10:00 UTC)
        }
    }
    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn an_id_is_a_uuid_of_version_seven_with_the_clocks_time() {
        let id = new_id(&Fixed, &Fixed);
        assert_eq!(id.get_version_num(), 7);
        let (seconds, _) = id.get_timestamp().map(|stamp| stamp.to_unix()).unwrap();
        assert_eq!(seconds, 1_795_428_000);
    }
}
