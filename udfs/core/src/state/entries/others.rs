//! Logins, changes of the account and of the timezone, labels and flags as the log keeps them.

use std::sync::Arc;

use crate::msgpack::reader::{Malformed, Reader};
use crate::msgpack::writer::Writer;
use crate::state::entries::{ACCOUNT, FLAGS, LABEL, LOGIN, ZONE};

/// One login attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct LoginEntry {
    pub sequence: i64,
    pub event_id: Box<str>,
    pub timestamp_ms: i64,
    pub remembered_ms: i64,
    pub success: Option<bool>,
    pub device_id: Option<Box<str>>,
    pub city: Option<Box<str>>,
}

impl LoginEntry {
    /// The log's bytes.
    pub fn write(&self, out: &mut Writer) {
        out.array(8);
        out.int(LOGIN);
        out.int(self.sequence);
        out.text(&self.event_id);
        out.int(self.timestamp_ms);
        out.int(self.remembered_ms);
        out.optional_flag(self.success);
        out.optional_text(self.device_id.as_deref());
        out.optional_text(self.city.as_deref());
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(Self {
            sequence: reader.int()?,
            event_id: reader.text()?.into(),
            timestamp_ms: reader.int()?,
            remembered_ms: reader.int()?,
            success: reader.optional(Reader::flag)?,
            device_id: reader.optional(Reader::text)?.map(Into::into),
            city: reader.optional(Reader::text)?.map(Into::into),
        })
    }
}

/// One change of the account's status.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountEntry {
    pub sequence: i64,
    pub event_id: Box<str>,
    pub timestamp_ms: i64,
    pub remembered_ms: i64,
    pub unblocked: bool,
    /// Whether the change verified the user or took that back; `None` if it did neither.
    pub verified: Option<bool>,
}

/// What one of the user's transactions turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelEntry {
    pub sequence: i64,
    pub transaction_id: Box<str>,
    pub known_at_ms: i64,
    pub is_fraud: bool,
}

/// The timezone that the user's profile names from here on; `None` if it names none, or there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneEntry {
    pub sequence: i64,
    pub timezone: Option<Arc<str>>,
}

/// Compliance flags told for the first time on a day of event time (UTC, days since 1970-01-01).
#[derive(Clone, Debug, PartialEq)]
pub struct FlagEntry {
    pub sequence: i64,
    pub day: i64,
    pub kinds: Vec<Box<str>>,
}

impl AccountEntry {
    /// The log's bytes.
    pub fn write(&self, out: &mut Writer) {
        out.array(if self.verified.is_some() { 7 } else { 6 });
        out.int(ACCOUNT);
        out.int(self.sequence);
        out.text(&self.event_id);
        out.int(self.timestamp_ms);
        out.int(self.remembered_ms);
        out.flag(self.unblocked);
        if let Some(verified) = self.verified {
            out.flag(verified);
        }
    }
}

impl LabelEntry {
    /// The log's bytes.
    pub fn write(&self, out: &mut Writer) {
        out.array(5);
        out.int(LABEL);
        out.int(self.sequence);
        out.text(&self.transaction_id);
        out.int(self.known_at_ms);
        out.flag(self.is_fraud);
    }
}

impl ZoneEntry {
    /// The log's bytes.
    pub fn write(&self, out: &mut Writer) {
        out.array(3);
        out.int(ZONE);
        out.int(self.sequence);
        out.optional_text(self.timezone.as_deref());
    }
}

impl FlagEntry {
    /// The log's bytes.
    pub fn write(&self, out: &mut Writer) {
        out.array(4);
        out.int(FLAGS);
        out.int(self.sequence);
        out.int(self.day);
        out.array(self.kinds.len());
        self.kinds.iter().for_each(|kind| out.text(kind));
    }
}
