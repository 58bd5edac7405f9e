//! The Stripe accounts of the sandbox and the keys that open them. All are invented.

use serde_json::{Value, json};

use super::reply::ApiError;

/// What Stripe takes of a payment.
#[derive(Debug, Clone, Copy)]
pub struct Fees {
    /// Hundredths of a per cent for cards of the account's own region.
    pub home: i64,
    /// The same for other cards.
    pub abroad: i64,
    /// Fixed part, in minor units.
    pub fixed: i64,
    /// Value added tax on top, in hundredths of a per cent.
    pub tax: i64,
    /// Fee of a dispute, in minor units.
    pub dispute: i64,
}

/// A currency in which customers pay.
#[derive(Debug, Clone, Copy)]
pub struct Presentment {
    /// ISO 4217 code in lower case.
    pub currency: &'static str,
    /// Share of the payments, per cent.
    pub share: u64,
    /// Its mean worth in the settlement currency, in millionths; 1,000,000 for that currency itself.
    pub rate: i64,
}

/// A Stripe account.
#[derive(Debug)]
pub struct Account {
    /// Its id; the last ten characters stand in the ids of all its objects, as with Stripe.
    pub id: &'static str,
    /// Name of the business.
    pub name: &'static str,
    /// Two letters.
    pub country: &'static str,
    /// Settlement currency, in lower case.
    pub currency: &'static str,
    /// What its customers pay in; shares sum up to 100.
    pub presentment: &'static [Presentment],
    /// One-off payments of an average day of 2025, before growth.
    pub per_day: u64,
    /// Minor units of the currency for a cent of the price list: 1 for euros, 10 for Chilean pesos, which have no minor unit.
    pub scale: i64,
    /// What Stripe takes.
    pub fees: Fees,
}

const EUROPE: Fees = Fees { home: 150, abroad: 325, fixed: 25, tax: 0, dispute: 2_000 };
const ONLY_EUR: &[Presentment] = &[Presentment { currency: "eur", share: 100, rate: 1_000_000 }];

const fn spanish(id: &'static str, name: &'static str, per_day: u64) -> Account {
    Account { id, name, country: "ES", currency: "eur", presentment: ONLY_EUR, per_day, scale: 1, fees: EUROPE }
}

static LUMBRE: Account = spanish("acct_1LumbreTiendaES", "Tienda Lumbre", 24);
static MAIPO: Account = Account {
    country: "CL",
    currency: "clp",
    presentment: &[Presentment { currency: "clp", share: 100, rate: 1_000_000 }],
    scale: 10,
    fees: Fees { home: 290, abroad: 390, fixed: 0, tax: 1_900, dispute: 15_000 },
    ..spanish("acct_1MaipoVinosCL0", "Vinos del Maipo", 12)
};
static ATLANTICA: Account = Account {
    presentment: &[
        Presentment { currency: "eur", share: 50, rate: 1_000_000 },
        Presentment { currency: "usd", share: 38, rate: 918_000 },
        Presentment { currency: "gbp", share: 12, rate: 1_165_000 },
    ],
    ..spanish("acct_1AtlanticaMulti", "Editorial Atlántica", 14)
};
static BRISA: Account = spanish("acct_1BrisaEstudioES", "Estudio Brisa", 7);
static SCALE: Account = spanish("acct_1EscalaPruebaES", "Banco de pruebas", 60);

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `rk_`: reads what it was given.
    Restricted,
    /// `sk_`: everything.
    Secret,
    /// `pk_`: nothing of this API.
    Publishable,
}

/// An API key.
#[derive(Debug)]
pub struct Key {
    /// The key itself.
    pub secret: &'static str,
    /// Whose it is.
    pub account: &'static Account,
    /// Live or test mode: the two have different objects.
    pub live: bool,
    /// Kind.
    pub kind: Kind,
    /// Permission that a restricted key lacks.
    pub lacks: Option<&'static str>,
    /// It has been rolled, and its time is over.
    pub expired: bool,
    /// What it shows, for people.
    pub about: &'static str,
}

const fn restricted(secret: &'static str, account: &'static Account, about: &'static str) -> Key {
    Key { secret, account, live: false, kind: Kind::Restricted, lacks: None, expired: false, about }
}

/// All keys. Their names are part of the demo: tests and the documentation use them.
pub static KEYS: [Key; 9] = [
    restricted(
        "rk_test_demo_eur",
        &LUMBRE,
        "a shop in euros: about 40 payments a day, subscriptions, refunds, disputes",
    ),
    restricted("rk_test_demo_clp", &MAIPO, "Chilean pesos, a currency without minor unit; value added tax on the fees"),
    restricted("rk_test_demo_multi", &ATLANTICA, "euros, dollars and pounds, settled in euros"),
    Key { live: true, ..restricted("rk_live_demo_eur", &LUMBRE, "the shop's live mode: other objects, livemode true") },
    Key {
        lacks: Some("rak_dispute_read"),
        ..restricted("rk_test_forbidden_disputes", &BRISA, "a small studio; the key may not read disputes")
    },
    Key { expired: true, ..restricted("rk_test_expired", &BRISA, "401: the key has expired") },
    Key {
        kind: Kind::Secret,
        ..restricted("sk_test_demo_eur", &LUMBRE, "a secret key: may do more than the portal needs")
    },
    Key {
        kind: Kind::Publishable,
        ..restricted("pk_test_demo_eur", &LUMBRE, "a publishable key: every call is refused")
    },
    restricted("rk_test_scale", &SCALE, "as many payments a day as the control API says, for benchmarks"),
];

/// The key that opens the account whose size can be set.
pub const SCALE_KEY: &str = "rk_test_scale";

/// The key as Stripe repeats it in messages: its kind and its last four characters.
pub fn masked(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    let head: String = secret.splitn(3, '_').take(2).collect::<Vec<_>>().join("_");
    let tail: String = chars[chars.len().saturating_sub(4)..].iter().collect();
    if secret.matches('_').count() >= 2 && chars.len() > head.chars().count() + 5 {
        let stars = "*".repeat(chars.len() - head.chars().count() - 5);
        format!("{head}_{stars}{tail}")
    } else {
        format!("****{tail}")
    }
}

/// The key of a request, if it may be used at all.
pub fn key(secret: &str, revoked: bool) -> Result<&'static Key, ApiError> {
    let Some(key) = KEYS.iter().find(|key| key.secret == secret) else {
        return Err(ApiError::unauthorized(format!("Invalid API Key provided: {}", masked(secret))));
    };
    if key.expired || revoked {
        let message = format!("Expired API Key provided: {}", masked(secret));
        return Err(ApiError::unauthorized(message).with_code("api_key_expired"));
    }
    if key.kind == Kind::Publishable {
        let message = "This API call cannot be made with a publishable API key. Please use a secret API key. You can find \
                       a list of your API keys at https://dashboard.stripe.com/account/apikeys.";
        return Err(ApiError::unauthorized(message).with_code("secret_key_required"));
    }
    Ok(key)
}

/// All keys with what they show.
pub fn listed() -> Vec<Value> {
    let show =
        |key: &Key| json!({"key": key.secret, "account": key.account.id, "name": key.account.name, "about": key.about});
    KEYS.iter().map(show).collect()
}

impl Key {
    /// Refuses what the key may not do.
    pub fn require(&self, permission: &str) -> Result<(), ApiError> {
        let never = permission == "rak_accounts_kyc_basic_read" || permission.ends_with("_write");
        if self.kind == Kind::Secret || !(never || self.lacks == Some(permission)) {
            return Ok(());
        }
        Err(ApiError::permission(&masked(self.secret), self.account.id, permission))
    }
}
