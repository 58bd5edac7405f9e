//! The resources of the API: address, permission and filters of each.

/// A resource that can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    BalanceTransactions,
    Charges,
    Coupons,
    Customers,
    Disputes,
    Events,
    Intents,
    Invoices,
    Payouts,
    Prices,
    Products,
    Refunds,
    Subscriptions,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::BalanceTransactions,
        Self::Charges,
        Self::Coupons,
        Self::Customers,
        Self::Disputes,
        Self::Events,
        Self::Intents,
        Self::Invoices,
        Self::Payouts,
        Self::Prices,
        Self::Products,
        Self::Refunds,
        Self::Subscriptions,
    ];

    /// The resource at this part of an address.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == path)
    }

    /// Its part of the address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::BalanceTransactions => "balance_transactions",
            Self::Charges => "charges",
            Self::Coupons => "coupons",
            Self::Customers => "customers",
            Self::Disputes => "disputes",
            Self::Events => "events",
            Self::Intents => "payment_intents",
            Self::Invoices => "invoices",
            Self::Payouts => "payouts",
            Self::Prices => "prices",
            Self::Products => "products",
            Self::Refunds => "refunds",
            Self::Subscriptions => "subscriptions",
        }
    }

    /// What an error message calls one of them.
    pub fn noun(self) -> &'static str {
        let path = self.path();
        path.strip_suffix('s').unwrap_or(path)
    }

    /// The area of a restricted key's permissions, as in `rak_charge_read`.
    pub const fn area(self) -> &'static str {
        match self {
            Self::BalanceTransactions => "balance_transaction_source",
            // Refunds belong to the charges.
            Self::Charges | Self::Refunds => "charge",
            Self::Coupons => "coupon",
            Self::Customers => "customer",
            Self::Disputes => "dispute",
            Self::Events => "event",
            Self::Intents => "payment_intent",
            Self::Invoices => "invoice",
            Self::Payouts => "payout",
            Self::Prices => "plan",
            Self::Products => "product",
            Self::Subscriptions => "subscription",
        }
    }

    /// Filters, each with the place of its value in the object.
    pub const fn filters(self) -> &'static [(&'static str, &'static str)] {
        const CUSTOMER: (&str, &str) = ("customer", "/customer");
        const INTENT: (&str, &str) = ("payment_intent", "/payment_intent");
        const CHARGE: (&str, &str) = ("charge", "/charge");
        const STATUS: (&str, &str) = ("status", "/status");
        match self {
            Self::BalanceTransactions => {
                &[("currency", "/currency"), ("source", "/source"), ("type", "/type"), ("payout", "")]
            }
            Self::Charges => &[CUSTOMER, INTENT],
            Self::Customers => &[("email", "/email")],
            Self::Disputes | Self::Refunds => &[CHARGE, INTENT],
            Self::Events => &[("type", ""), ("types[]", "")],
            Self::Intents => &[CUSTOMER],
            Self::Invoices => &[CUSTOMER, STATUS, ("subscription", "/parent/subscription_details/subscription")],
            Self::Payouts => &[STATUS],
            Self::Prices => &[("product", "/product"), ("currency", "/currency")],
            Self::Subscriptions => &[CUSTOMER, ("status", ""), ("price", "/items/data/0/price/id")],
            Self::Coupons | Self::Products => &[],
        }
    }
}
