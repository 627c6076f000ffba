//! A transaction as the log keeps it.

use crate::msgpack::reader::{Malformed, Reader};
use crate::msgpack::writer::Writer;
use crate::state::answer::Answer;
use crate::state::entries::TRANSACTION;
use crate::state::texts::{Symbol, Texts};

pub(super) const TRANSACTION_FIELDS: usize = 18;
/// Versions that kept no answers wrote one field less.
pub(super) const ANSWERED_FIELDS: usize = TRANSACTION_FIELDS + 1;

/// What windows, habits and duplicates need to remember of one transaction; its texts are those of its user's `Texts`.
///
/// `remembered_ms` is the user's newest event time when this one was accepted: its id is known until 48 h after that.
/// `minor` is the amount in minor units of the base currency. `late`: more than a day behind the newest event.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionEntry {
    pub sequence: i64,
    pub timestamp_ms: i64,
    pub remembered_ms: i64,
    pub minor: u64,
    latitude: f64,
    longitude: f64,
    pub transaction_id: Box<str>,
    pub merchant: Option<Symbol>,
    pub category: Option<Symbol>,
    pub device: Option<Symbol>,
    pub country: Option<Symbol>,
    pub city: Option<Symbol>,
    pub ip_address: Option<Symbol>,
    pub beneficiary: Option<Symbol>,
    pub late: bool,
    pub refund: bool,
    pub declined: bool,
    pub night: bool,
    /// What its decision says; none until its batch is decided.
    pub answer: Answer,
}

/// The texts of an entry that is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryTexts<'a> {
    pub merchant_id: Option<&'a str>,
    pub category: Option<&'a str>,
    pub device_id: Option<&'a str>,
    pub country: Option<&'a str>,
    pub city: Option<&'a str>,
    pub ip_address: Option<&'a str>,
    pub beneficiary_id: Option<&'a str>,
}

/// The numbers and flags of an entry that is to be made; degrees may be absent each for itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryNumbers {
    pub sequence: i64,
    pub timestamp_ms: i64,
    pub remembered_ms: i64,
    pub minor: u64,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub late: bool,
    pub refund: bool,
    pub declined: bool,
    pub night: bool,
}

impl TransactionEntry {
    /// An entry whose texts are held by `texts` from here on, until `release`.
    pub fn new(transaction_id: &str, numbers: EntryNumbers, words: EntryTexts, texts: &mut Texts) -> Self {
        Self {
            sequence: numbers.sequence,
            timestamp_ms: numbers.timestamp_ms,
            remembered_ms: numbers.remembered_ms,
            minor: numbers.minor,
            latitude: numbers.latitude.unwrap_or(f64::NAN),
            longitude: numbers.longitude.unwrap_or(f64::NAN),
            transaction_id: transaction_id.into(),
            merchant: texts.hold_some(words.merchant_id),
            category: texts.hold_some(words.category),
            device: texts.hold_some(words.device_id),
            country: texts.hold_some(words.country),
            city: texts.hold_some(words.city),
            ip_address: texts.hold_some(words.ip_address),
            beneficiary: texts.hold_some(words.beneficiary_id),
            late: numbers.late,
            refund: numbers.refund,
            declined: numbers.declined,
            night: numbers.night,
            answer: Answer::default(),
        }
    }

    /// Degrees north, where they are known.
    pub fn latitude(&self) -> Option<f64> {
        (!self.latitude.is_nan()).then_some(self.latitude)
    }

    /// Degrees east, where they are known.
    pub fn longitude(&self) -> Option<f64> {
        (!self.longitude.is_nan()).then_some(self.longitude)
    }

    /// Latitude and longitude in degrees, where both are known.
    pub fn place(&self) -> Option<(f64, f64)> {
        self.latitude().zip(self.longitude())
    }

    /// A copy that holds its texts itself.
    pub fn held_again(&self, texts: &mut Texts) -> Self {
        self.symbols().into_iter().for_each(|symbol| texts.hold_again(symbol));
        self.clone()
    }

    /// Let go of the texts: the entry must not be used after it.
    pub fn release(&self, texts: &mut Texts) {
        self.symbols().into_iter().for_each(|symbol| texts.release(symbol));
    }

    /// The log's bytes.
    pub fn write(&self, texts: &Texts, out: &mut Writer) {
        out.array(1 + ANSWERED_FIELDS);
        self.write_fields(texts, out);
        self.answer.write(out);
    }

    /// The same without the answer, for a transaction whose id is not known any more.
    pub fn write_unanswered(&self, texts: &Texts, out: &mut Writer) {
        out.array(1 + TRANSACTION_FIELDS);
        self.write_fields(texts, out);
    }

    fn write_fields(&self, texts: &Texts, out: &mut Writer) {
        out.int(TRANSACTION);
        out.int(self.sequence);
        out.text(&self.transaction_id);
        out.int(self.timestamp_ms);
        out.int(self.remembered_ms);
        out.flag(self.late);
        out.unsigned(self.minor);
        out.flag(self.refund);
        out.flag(self.declined);
        out.flag(self.night);
        for symbol in self.symbols() {
            out.optional_text(texts.text_of(symbol));
        }
        out.optional_float(self.latitude());
        out.optional_float(self.longitude());
    }

    fn symbols(&self) -> [Option<Symbol>; 7] {
        [self.merchant, self.category, self.device, self.country, self.city, self.ip_address, self.beneficiary]
    }

    pub(super) fn read(reader: &mut Reader, texts: &mut Texts, is_answered: bool) -> Result<Self, Malformed> {
        let sequence = reader.int()?;
        let transaction_id = reader.text()?;
        let timestamp_ms = reader.int()?;
        let remembered_ms = reader.int()?;
        let late = reader.flag()?;
        let minor = reader.unsigned()?;
        let (refund, declined, night) = (reader.flag()?, reader.flag()?, reader.flag()?);
        let words = EntryTexts {
            merchant_id: reader.optional(Reader::text)?,
            category: reader.optional(Reader::text)?,
            device_id: reader.optional(Reader::text)?,
            country: reader.optional(Reader::text)?,
            city: reader.optional(Reader::text)?,
            ip_address: reader.optional(Reader::text)?,
            beneficiary_id: reader.optional(Reader::text)?,
        };
        let (latitude, longitude) = (reader.optional(Reader::float)?, reader.optional(Reader::float)?);
        let numbers = EntryNumbers {
            sequence,
            timestamp_ms,
            remembered_ms,
            minor,
            latitude,
            longitude,
            late,
            refund,
            declined,
            night,
        };
        let answer = if is_answered { Answer::read(reader)? } else { Answer::default() };
        Ok(Self { answer, ..Self::new(transaction_id, numbers, words, texts) })
    }
}
