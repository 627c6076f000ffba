//! What the stores know about a user, merchant, device, IP address or e-mail domain, and who is blocked.
//!
//! Moments are epoch milliseconds UTC, money is in major units of the base currency. `None`: not known.

use std::sync::Arc;

use crate::events::AttributeValue;

/// One user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserProfile {
    pub home_latitude: Option<f64>,
    pub home_longitude: Option<f64>,
    pub home_country: Option<Box<str>>,
    pub timezone: Option<Arc<str>>,
    pub kyc_level: Option<i64>,
    pub account_opened_at: Option<i64>,
    pub date_of_birth: Option<i64>,
    pub credit_limit: Option<f64>,
    pub avg_monthly_spend: Option<f64>,
    pub is_vip: Option<bool>,
    pub prior_fraud_count: Option<i64>,
    pub last_unblocked_at: Option<i64>,
    pub attributes: Vec<(Box<str>, AttributeValue<'static>)>,
}

/// One merchant; its buckets are an `EntityHistory`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MerchantProfile {
    pub category: Option<Box<str>>,
    pub country: Option<Box<str>>,
    pub first_seen_at: Option<i64>,
}

/// One device as the bank's device registry knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceProfile {
    pub blacklisted: Option<bool>,
    pub registered_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub is_active: Option<bool>,
}

/// An external feed's word on an IP address: risk 0 to 100.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpFeed {
    pub ip_risk_score: Option<f64>,
    pub vpn: Option<bool>,
}

/// An external feed's word on an e-mail domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainFeed {
    pub registered_at: Option<i64>,
}

/// What kind of party a block list names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockType {
    User,
    Card,
    Device,
    Merchant,
    Ip,
}

impl BlockType {
    pub const ALL: [Self; 5] = [Self::User, Self::Card, Self::Device, Self::Merchant, Self::Ip];

    /// As block lists write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Card => "card",
            Self::Device => "device",
            Self::Merchant => "merchant",
            Self::Ip => "ip",
        }
    }

    /// The type of a name, `None` for a name that is none.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One entry of a block list; in force until `expires_at` (`None`: for good).
#[derive(Clone, Debug, PartialEq)]
pub struct BlockEntry {
    pub kind: BlockType,
    pub value: Box<str>,
    pub reason_code: Option<Box<str>>,
    pub source_system: Option<Box<str>>,
    pub expires_at: Option<i64>,
}

impl BlockEntry {
    /// Does the entry count at this event time?
    pub fn in_force(&self, timestamp_ms: i64) -> bool {
        self.expires_at.is_none_or(|expires_at| timestamp_ms < expires_at)
    }
}
