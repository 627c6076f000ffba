//! Whom a transaction counts for, and whose history is read for it.

/// A kind of entity with a history of its own; the order is that of the look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    Merchant,
    Device,
    Beneficiary,
    Ip,
    Category,
    Channel,
    EntryMode,
    MerchantCountry,
    City,
    CategoryHour,
    CategoryChannel,
    Bin,
    Attribute,
}

impl EntityKind {
    pub const ALL: [Self; 13] = [
        Self::Merchant,
        Self::Device,
        Self::Beneficiary,
        Self::Ip,
        Self::Category,
        Self::Channel,
        Self::EntryMode,
        Self::MerchantCountry,
        Self::City,
        Self::CategoryHour,
        Self::CategoryChannel,
        Self::Bin,
        Self::Attribute,
    ];

    /// Kinds that nearly all users share, but the last, attribute: no distinct users are counted for them. The order is
    /// that of `Context::categories`.
    pub const CATEGORIES: [Self; 8] = [
        Self::Category,
        Self::Channel,
        Self::EntryMode,
        Self::MerchantCountry,
        Self::City,
        Self::CategoryHour,
        Self::CategoryChannel,
        Self::Bin,
    ];

    /// As stores and files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Device => "device",
            Self::Beneficiary => "beneficiary",
            Self::Ip => "ip",
            Self::Category => "category",
            Self::Channel => "channel",
            Self::EntryMode => "entry_mode",
            Self::MerchantCountry => "merchant_country",
            Self::City => "city",
            Self::CategoryHour => "category_hour",
            Self::CategoryChannel => "category_channel",
            Self::Bin => "bin",
            Self::Attribute => "attribute",
        }
    }

    /// The kind of a name, `None` for a name that is none.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Is it one that nearly all users share?
    pub fn is_broad(self) -> bool {
        !matches!(self, Self::Merchant | Self::Device | Self::Beneficiary | Self::Ip)
    }
}
