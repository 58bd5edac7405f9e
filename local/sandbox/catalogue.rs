//! The people, Analytics accounts and properties of the sandbox's Google. All are invented.

use chrono_tz::Tz;

/// A Google account that can give consent.
#[derive(Debug)]
pub struct Person {
    /// Sign-in address, also the key of consents and tokens.
    pub email: &'static str,
    /// Name on the consent page.
    pub name: &'static str,
    /// Analytics accounts this person sees.
    pub accounts: &'static [Account],
}

/// An Analytics account: a folder of properties.
#[derive(Debug)]
pub struct Account {
    /// Number in `accounts/{id}`.
    pub id: u64,
    /// Name in `accountSummaries`.
    pub name: &'static str,
    /// Its properties.
    pub properties: &'static [Property],
}

/// What the Data API does with a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It answers.
    Open,
    /// Every report is 429: its hourly tokens are always used up by somebody else.
    Exhausted,
    /// Listed in `accountSummaries`, but every call about it is 403.
    Forbidden,
}

/// What is odd about a property's reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Nothing.
    None,
    /// The person may not see revenue: zeros, and a note in the metadata.
    NoRevenue,
    /// Rows of few users are withheld.
    Thresholded,
    /// Reports over more than a month are made from a sample.
    Sampled,
    /// Days beyond the newest ones of a report stand under `(other)`.
    FullTable,
}

/// A GA4 property.
#[derive(Debug)]
pub struct Property {
    /// Number in `properties/{id}`.
    pub id: u64,
    /// Display name.
    pub name: &'static str,
    /// Reporting zone: the calendar of all its dates.
    pub zone: Tz,
    /// ISO 4217 code of its money.
    pub currency: &'static str,
    /// Sessions of an average day of 2023, before growth.
    pub base_sessions: u64,
    /// Mean basket of a purchase, in hundredths of the currency.
    pub basket_hundredths: u64,
    /// Smallest step of a price, in hundredths of the currency: 1 for cents, 100 where prices are whole.
    pub price_step: u64,
    /// Index into [`super::ga4::fields::COUNTRIES`] of the market that brings most visits.
    pub home: usize,
    /// What the Data API does with it.
    pub access: Access,
    /// What is odd about it.
    pub quirk: Quirk,
}

const fn madrid(id: u64, name: &'static str, base_sessions: u64, access: Access) -> Property {
    Property {
        id,
        name,
        zone: Tz::Europe__Madrid,
        currency: "EUR",
        base_sessions,
        basket_hundredths: 6_850,
        price_step: 1,
        home: 0,
        access,
        quirk: Quirk::None,
    }
}

const fn odd(id: u64, name: &'static str, quirk: Quirk) -> Property {
    Property { quirk, ..madrid(id, name, 260, Access::Open) }
}

const fn bogota(id: u64, name: &'static str, base_sessions: u64, access: Access) -> Property {
    Property {
        zone: Tz::America__Bogota,
        currency: "COP",
        basket_hundredths: 14_500_000,
        price_step: 10_000,
        home: 2,
        ..madrid(id, name, base_sessions, access)
    }
}

const fn santiago(id: u64, name: &'static str, base_sessions: u64, access: Access) -> Property {
    Property {
        zone: Tz::America__Santiago,
        currency: "CLP",
        basket_hundredths: 3_490_000,
        price_step: 1_000,
        home: 4,
        ..madrid(id, name, base_sessions, access)
    }
}

const fn los_angeles(id: u64, name: &'static str, base_sessions: u64) -> Property {
    Property {
        zone: Tz::America__Los_Angeles,
        currency: "USD",
        home: 8,
        ..madrid(id, name, base_sessions, Access::Open)
    }
}

/// Everybody who can sign in; the first one is preselected on the consent page.
pub static PEOPLE: [Person; 3] = [
    Person {
        email: "cliente@lumbre.example",
        name: "Tienda Lumbre",
        accounts: &[Account {
            id: 1_000_001,
            name: "Tienda Lumbre",
            properties: &[madrid(310_000_001, "Tienda Lumbre (web)", 900, Access::Open)],
        }],
    },
    Person {
        email: "ana@agencia.example",
        name: "Ana, Agencia Norte",
        accounts: &[
            Account {
                id: 2_000_001,
                name: "Agencia Norte",
                properties: &[
                    madrid(310_000_101, "Clínica Alba", 240, Access::Open),
                    madrid(310_000_102, "Librería Faro", 410, Access::Open),
                    madrid(310_000_429, "Panel compartido (cuota agotada)", 300, Access::Exhausted),
                ],
            },
            Account {
                id: 2_000_002,
                name: "Agencia Andina",
                properties: &[
                    bogota(310_000_201, "Café Serranía", 520, Access::Open),
                    bogota(310_000_403, "Posada Macarena (sin permiso)", 150, Access::Forbidden),
                ],
            },
            Account {
                id: 2_000_003,
                name: "Agencia Austral",
                properties: &[
                    santiago(310_000_301, "Vinos del Maipo", 680, Access::Open),
                    santiago(310_000_302, "Refugio Lago Azul", 130, Access::Open),
                ],
            },
        ],
    },
    Person {
        email: "eva@laboratorio.example",
        name: "Eva, Laboratorio",
        accounts: &[Account {
            id: 3_000_001,
            name: "Laboratorio",
            properties: &[
                los_angeles(310_000_501, "Pacific Books (Los Ángeles)", 350),
                odd(310_000_502, "Sin ingresos (permiso restringido)", Quirk::NoRevenue),
                odd(310_000_503, "Con umbral de privacidad", Quirk::Thresholded),
                odd(310_000_504, "Con muestreo", Quirk::Sampled),
                odd(310_000_505, "Tabla llena: (other)", Quirk::FullTable),
            ],
        }],
    },
];

/// The person with this address.
pub fn person(email: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.email == email)
}

impl Person {
    /// The account and property with this number, if this person sees it.
    pub fn property(&self, id: u64) -> Option<(&'static Account, &'static Property)> {
        let accounts: &'static [Account] = self.accounts;
        accounts
            .iter()
            .flat_map(|account| account.properties.iter().map(move |property| (account, property)))
            .find(|(_, property)| property.id == id)
    }
}
