//! The price list of the subscriptions and the coupons.

/// What can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Basic,
    Pro,
    ProYearly,
    /// Weekly.
    Box,
    /// Monthly, with usage on top.
    Metered,
    /// The usage part of [`Self::Metered`]: a price, nothing to subscribe to by itself.
    Usage,
}

impl Plan {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Basic, Self::Pro, Self::ProYearly, Self::Box, Self::Metered, Self::Usage];

    /// Name of the product.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "Plan Básico",
            Self::Pro => "Plan Pro",
            Self::ProYearly => "Plan Pro anual",
            Self::Box => "Caja semanal",
            Self::Metered => "Plan Datos",
            Self::Usage => "Plan Datos (uso)",
        }
    }

    /// Cents of the price list for one unit and period.
    pub const fn cents(self) -> i64 {
        match self {
            Self::Basic => 1_900,
            Self::Pro => 4_900,
            Self::ProYearly => 49_000,
            Self::Box => 1_250,
            Self::Metered => 2_900,
            Self::Usage => 2,
        }
    }

    /// Stripe's name of the period.
    pub const fn interval(self) -> &'static str {
        match self {
            Self::ProYearly => "year",
            Self::Box => "week",
            _ => "month",
        }
    }

    /// The prices of a subscription's items.
    pub const fn items(self) -> &'static [Self] {
        match self {
            Self::Basic => &[Self::Basic],
            Self::Pro => &[Self::Pro],
            Self::ProYearly => &[Self::ProYearly],
            Self::Box => &[Self::Box],
            Self::Metered => &[Self::Metered, Self::Usage],
            Self::Usage => &[Self::Usage],
        }
    }

    /// The plan of a subscription: per cent of all.
    pub const fn of_share(share: u64) -> Self {
        match share {
            0..38 => Self::Basic,
            38..66 => Self::Pro,
            66..78 => Self::ProYearly,
            78..90 => Self::Box,
            _ => Self::Metered,
        }
    }

    /// How many of a hundred leave after a period.
    pub const fn churn(self) -> u64 {
        match self {
            Self::ProYearly => 24,
            Self::Box => 3,
            _ => 6,
        }
    }
}

/// What makes a subscription cheaper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coupon {
    /// A fifth off for three months.
    Welcome,
    /// A tenth off for ever.
    Friends,
    /// A fixed sum off for ever.
    Partner,
    /// Half of the first invoice.
    Start,
}

impl Coupon {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Welcome, Self::Friends, Self::Partner, Self::Start];
    /// Months of [`Self::Welcome`].
    pub const MONTHS: u32 = 3;

    /// Id, which is what people type.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Welcome => "BIENVENIDA20",
            Self::Friends => "AMIGOS10",
            Self::Partner => "SOCIOS5",
            Self::Start => "ESTRENO50",
        }
    }

    /// Stripe's name of how long it lasts.
    pub const fn duration(self) -> &'static str {
        match self {
            Self::Welcome => "repeating",
            Self::Friends | Self::Partner => "forever",
            Self::Start => "once",
        }
    }

    /// Per cent off, if it is a share.
    pub const fn percent(self) -> Option<i64> {
        match self {
            Self::Welcome => Some(20),
            Self::Friends => Some(10),
            Self::Partner => None,
            Self::Start => Some(50),
        }
    }

    /// Minor units off, if it is a sum; `scale` as in the account.
    pub const fn amount(self, scale: i64) -> Option<i64> {
        match self {
            Self::Partner => Some(500 * scale),
            _ => None,
        }
    }

    /// The coupon of a subscription: per cent of all.
    pub const fn of_share(share: u64) -> Option<Self> {
        match share {
            0..14 => Some(Self::Welcome),
            14..22 => Some(Self::Friends),
            22..26 => Some(Self::Partner),
            26..30 => Some(Self::Start),
            _ => None,
        }
    }

    /// What it takes off a sum.
    pub fn off(self, sum: i64, scale: i64) -> i64 {
        match (self.percent(), self.amount(scale)) {
            (Some(percent), _) => (sum * percent + 50) / 100,
            (None, Some(amount)) => amount.min(sum),
            (None, None) => 0,
        }
    }
}
