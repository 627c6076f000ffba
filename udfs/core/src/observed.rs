//! A transaction between its features and its decision: its state is written, its features are made.

use std::sync::Arc;

use crate::context::EnrichmentStatus;
use crate::events::Transaction;
use crate::profiles::{BlockEntry, IpFeed, UserProfile};
use crate::rules::facts::Facts;
use crate::rules::rulebook::RaisedFlag;

/// One transaction of a batch, as rules, decision and reasons read it. Its features are a row of the batch's matrix.
#[derive(Clone, Debug)]
pub struct Observed<'a> {
    pub transaction: &'a Transaction<'a>,
    /// Where its record stands in the batch.
    pub place: usize,
    /// The amount in major units of the base currency.
    pub amount: f64,
    pub late: bool,
    pub stale_history: bool,
    /// The user has more events than are remembered of one.
    pub limited_history: bool,
    pub status: EnrichmentStatus,
    pub user: Option<Arc<UserProfile>>,
    /// By the newest change of the account's status that said so.
    pub verified: Option<bool>,
    pub ip: Option<Arc<IpFeed>>,
    /// The entries of the block list that are in force for its parties.
    pub blocked: Vec<BlockEntry>,
    /// Its compliance flags that the user has not had on that day before (none where each flag makes an alert).
    pub untold: Vec<&'static str>,
    /// What rules know beside its features; all unknown where no rule reads it.
    pub facts: Facts,
    /// The flags that rules raised.
    pub by_rules: Vec<RaisedFlag>,
}
