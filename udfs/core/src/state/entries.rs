//! The user's log in keyed state: one small msgpack array an event, in the order of arrival.
//!
//! The first element of each array is its tag: kind and version of the layout at once. A new layout gets a new tag and
//! the old one is read for ever (tests/golden holds bytes of each).

use std::sync::Arc;

use crate::msgpack::reader::{Malformed, Reader};
use crate::msgpack::writer::Writer;
use crate::state::texts::Texts;

mod others;
mod transaction;
pub use others::{AccountEntry, FlagEntry, LabelEntry, LoginEntry, ZoneEntry};
use transaction::{ANSWERED_FIELDS, TRANSACTION_FIELDS};
pub use transaction::{EntryNumbers, EntryTexts, TransactionEntry};

const TRANSACTION: i64 = 1;
const LOGIN: i64 = 2;
const ACCOUNT: i64 = 3;
const LABEL: i64 = 4;
const ZONE: i64 = 5;
const FLAGS: i64 = 6;

/// The id of a transaction's entry; `None` for bytes of any other entry.
pub fn transaction_id_of(entry: &[u8]) -> Option<&str> {
    let mut reader = Reader::new(entry);
    reader.array().ok()?;
    if reader.int().ok()? != TRANSACTION {
        return None;
    }
    reader.int().ok()?;
    reader.text().ok()
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum LogEntry {
    Transaction(TransactionEntry),
    Login(Arc<LoginEntry>),
    Account(Arc<AccountEntry>),
    Label(LabelEntry),
    Zone(ZoneEntry),
    Flags(FlagEntry),
}

impl LogEntry {
    /// The entry of one item of the log; the texts of a transaction are held by `texts` from here on.
    pub fn decode(bytes: &[u8], texts: &mut Texts) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let entry = Self::read(&mut reader, texts)?;
        reader.end()?;
        Ok(entry)
    }

    /// The next value of a reader.
    pub fn read(reader: &mut Reader, texts: &mut Texts) -> Result<Self, Malformed> {
        let before = *reader;
        let length = reader.array()?;
        let tag = reader.int()?;
        let (fields, entry) = match tag {
            TRANSACTION if length > TRANSACTION_FIELDS => {
                let is_answered = length > ANSWERED_FIELDS;
                let fields = if is_answered { ANSWERED_FIELDS } else { TRANSACTION_FIELDS };
                (fields, Self::Transaction(TransactionEntry::read(reader, texts, is_answered)?))
            }
            LOGIN if length > 7 => (7, Self::Login(Arc::new(LoginEntry::read(reader)?))),
            ACCOUNT if length > 5 => {
                let (fields, has_verified) = if length > 6 { (6, true) } else { (5, false) };
                let entry = AccountEntry {
                    sequence: reader.int()?,
                    event_id: reader.text()?.into(),
                    timestamp_ms: reader.int()?,
                    remembered_ms: reader.int()?,
                    unblocked: reader.flag()?,
                    verified: if has_verified { Some(reader.flag()?) } else { None },
                };
                (fields, Self::Account(Arc::new(entry)))
            }
            LABEL if length > 4 => {
                let entry = LabelEntry {
                    sequence: reader.int()?,
                    transaction_id: reader.text()?.into(),
                    known_at_ms: reader.int()?,
                    is_fraud: reader.flag()?,
                };
                (4, Self::Label(entry))
            }
            ZONE if length > 2 => {
                let entry =
                    ZoneEntry { sequence: reader.int()?, timezone: reader.optional(Reader::text)?.map(Into::into) };
                (2, Self::Zone(entry))
            }
            FLAGS if length > 3 => {
                let (sequence, day, count) = (reader.int()?, reader.int()?, reader.array()?);
                let kinds = (0..count).map(|_| reader.text().map(Into::into)).collect::<Result<_, _>>()?;
                (3, Self::Flags(FlagEntry { sequence, day, kinds }))
            }
            tag if tag > FLAGS => return Err(before.unknown_layout("an entry of a known layout", tag)),
            _ => return Err(before.malformed("an entry of a known layout")),
        };
        reader.skip_many(length - 1 - fields)?; // what a later program may have added
        Ok(entry)
    }

    /// The log's bytes.
    pub fn encode(&self, texts: &Texts) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Transaction(entry) => entry.write(texts, &mut out),
            Self::Login(entry) => entry.write(&mut out),
            Self::Account(entry) => entry.write(&mut out),
            Self::Label(entry) => entry.write(&mut out),
            Self::Zone(entry) => entry.write(&mut out),
            Self::Flags(entry) => entry.write(&mut out),
        }
        out.bytes
    }

    /// Its number in the user's log.
    pub fn sequence(&self) -> i64 {
        match self {
            Self::Transaction(entry) => entry.sequence,
            Self::Login(entry) => entry.sequence,
            Self::Account(entry) => entry.sequence,
            Self::Label(entry) => entry.sequence,
            Self::Zone(entry) => entry.sequence,
            Self::Flags(entry) => entry.sequence,
        }
    }
}
