//! What every feature family may look at: one transaction, and what was known when it came.

use crate::attributes::Attribute;
use crate::entities::broad::BroadFigures;
use crate::entities::kinds::EntityKind;
use crate::entities::risk::EntityRisk;
use crate::events::Transaction;
use crate::profiles::{DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile};
use crate::state::account_history::AccountHistory;
use crate::state::entries::TransactionEntry;
use crate::state::habits::Habits;
use crate::state::recent::RecentTransactions;
use crate::state::sums::Sums;
use crate::state::texts::Texts;
use crate::state::window::Windows;

/// How good the answer of the stores was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrichmentStatus {
    /// Fresh values.
    Ok,
    /// There is neither a store nor a reference file to ask.
    NotConfigured,
    /// At least one is older than allowed, the store being down.
    Stale,
    /// One is missing, or cannot be read.
    Degraded,
}

impl EnrichmentStatus {
    /// As decisions write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotConfigured => "not_configured",
            Self::Stale => "stale",
            Self::Degraded => "degraded",
        }
    }
}

/// One transaction at event time `time_ms`. Windows hold the transaction itself, habits and `previous` do not.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub transaction: &'a Transaction<'a>,
    /// The same as the state remembers it: its texts as symbols, to ask `habits` and to compare with `previous`.
    /// `entry.country` is the country of the payment, or else the merchant's.
    pub entry: &'a TransactionEntry,
    /// Event time, epoch milliseconds UTC.
    pub time_ms: i64,
    /// The amount in minor units of the base currency.
    pub minor: u64,
    /// Minor units per major unit of the base currency.
    pub scale: i64,
    /// The amount in major units of the base currency.
    pub amount: f64,
    /// Hour 0 to 23 and weekday 0 (Monday) to 6 in the user's timezone.
    pub local_hour: u32,
    pub local_weekday: u32,
    /// The transactions of the last 48 hours, this one included unless it is late.
    pub recent: RecentTransactions<'a>,
    /// `None` for a late transaction.
    pub windows: Option<Windows>,
    /// The last transaction at or before `time_ms`.
    pub previous: Option<&'a TransactionEntry>,
    pub habits: &'a Habits,
    /// The user's earlier transactions of this day (UTC) and the 6 and 29 before; `None` for a late transaction.
    pub week: Option<Sums>,
    pub month: Option<Sums>,
    pub account: &'a AccountHistory,
    /// The user's texts: the symbol of one that comes from elsewhere, such as the home country.
    pub texts: &'a Texts,
    pub user: Option<&'a UserProfile>,
    pub merchant: Option<&'a MerchantProfile>,
    pub device: Option<&'a DeviceProfile>,
    pub ip: Option<&'a IpFeed>,
    pub domain: Option<&'a DomainFeed>,
    pub merchant_risk: Option<EntityRisk>,
    pub device_risk: Option<EntityRisk>,
    pub beneficiary_risk: Option<EntityRisk>,
    pub ip_risk: Option<EntityRisk>,
    /// The history of the user as a beneficiary.
    pub received: Option<EntityRisk>,
    /// The figures of the transaction's categories, in the order of `EntityKind::CATEGORIES`.
    pub categories: [Option<BroadFigures>; EntityKind::CATEGORIES.len()],
    /// The bank's own attributes, in the order of the feature set.
    pub attributes: &'a [Attribute],
    /// The figures of each text attribute's value, in that order.
    pub attribute_figures: &'a [Option<BroadFigures>],
    /// One of the histories may still be changed by later arrivals.
    pub stale_history: bool,
    /// Is the device on the block list?
    pub device_listed: bool,
    pub status: EnrichmentStatus,
}
