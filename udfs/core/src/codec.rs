//! Bytes to events, by the contract of the events (docs/events.md).
//!
//! What is a sound event is decoded here. What is not JSON, or not of a field's type, and what is rare enough to be nobody's
//! business here (integers of 19 digits, unusual forms of dates, texts that Python would have to quote), is `AskPython`:
//! the codec in Python reads it too, and has the words of its own decoder. It gives back either a reason, or the event in
//! its canonical form, which `decode_canonical` reads.
//!
//! An optional field whose value cannot be read is dropped, and told: ids and results here, the others by Python.

use std::borrow::Cow;
use std::ops::Range;

use crate::blank_texts::is_blank_text;
use crate::codes::{CodeField, Told, UNREADABLE, kind_of, known_code, known_country, result_of};
use crate::events::{
    AccountChange, AttributeValue, Attributes, AuthorizationResult, Erasure, Event, Label, Login, Text, Transaction,
    TransactionKind,
};
use crate::json::Json;
use crate::lost_digits::{LOST_DIGITS, has_lost_digits};
use crate::moment::iso_moment_ms;
use crate::python_text::{ascii_repr, float_repr, strip};

const MAX_IDENTIFIER_LENGTH: usize = 64;
const MAX_TEXT_LENGTH: usize = 256;
const MAX_TEXT_BYTES: usize = 256;
const MAX_AMOUNT_MAJOR: f64 = 1e12;
/// 9999-12-31T23:59:59.999Z.
pub const MAX_TIMESTAMP_MS: i64 = 253_402_300_799_999;
/// Epoch seconds, days and calendar dates: as milliseconds they would be in 1970 to 1973, when nobody streamed payments.
pub const OTHER_UNITS: Range<i64> = 10_000..100_000_000_000;
/// Numbers of which some are calendar times, YYYYMMDDHHMM and YYYYMMDDHHMMSS; Python knows which.
pub const CALENDAR_TIMES: [Range<i64>; 2] = [197_001_010_000..210_001_010_000, 19_700_101_000_000..21_000_101_000_000];
const MAX_ATTRIBUTES: usize = 16;
const MAX_ATTRIBUTE_NAME: usize = 32;
const MAX_ATTRIBUTE_BYTES: usize = 64;
/// Integers of more digits are left to Python.
const MAX_INTEGER_DIGITS: usize = 18;
const QUOTED: usize = 64;

/// Why a record is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The reason of the dead letter.
    Bad(String),
    /// The codec in Python has to say.
    AskPython,
}

type Checked<T> = Result<T, Refusal>;

/// Decode one record. Unknown codes are kept, and told to `unknown`, and so are fields whose values are dropped.
pub fn decode<'a>(payload: &'a [u8], unknown: Told<'_>) -> Checked<Event<'a>> {
    if payload.is_empty() {
        return Err(Refusal::Bad("empty record".into()));
    }
    let text = std::str::from_utf8(payload).map_err(|_| Refusal::AskPython)?;
    parse(text, &mut Normalizer { unknown: Some(unknown) })
}

/// Decode what the codec in Python made of a record: the event's own fields, checked and in their form.
pub fn decode_canonical(payload: &[u8]) -> Checked<Event<'_>> {
    let text = std::str::from_utf8(payload).map_err(|_| Refusal::AskPython)?;
    parse(text, &mut Normalizer { unknown: None })
}

/// Brings optional values to their form; without `unknown` they have it already.
struct Normalizer<'t> {
    unknown: Option<Told<'t>>,
}

impl Normalizer<'_> {
    fn moment(&self, moment: Option<i64>) -> Checked<i64> {
        let is_calendar = |moment| self.unknown.is_some() && CALENDAR_TIMES.iter().any(|times| times.contains(&moment));
        match moment {
            Some(moment)
                if (0..=MAX_TIMESTAMP_MS).contains(&moment)
                    && !OTHER_UNITS.contains(&moment)
                    && !is_calendar(moment) =>
            {
                Ok(moment)
            }
            // Python has the words, which name the unit.
            _ => Err(Refusal::AskPython),
        }
    }

    /// An optional id: absent where it stands for a missing value, dropped where it is none.
    fn id<'a>(&mut self, id: Option<Identifier<'a>>, field: &'static str) -> Option<Text<'a>> {
        let Some(unknown) = &mut self.unknown else { return id };
        let id = stripped(id?);
        if is_blank_text(&id, false) {
            return None;
        }
        if !is_id(&id) || has_lost_digits(&id) {
            unknown(field, UNREADABLE);
            return None;
        }
        Some(id)
    }

    /// A text without space around it; absent where it stands for a missing value.
    fn text<'a>(&mut self, text: Option<Text<'a>>, is_country: bool) -> Checked<Option<Text<'a>>> {
        let Some(text) = text else { return Ok(None) };
        if self.unknown.is_none() {
            return Ok(Some(text));
        }
        if is_blank_text(&text, is_country) {
            return Ok(None);
        }
        let text = stripped(text);
        // Python drops it, and counts it.
        if text.len() > MAX_TEXT_BYTES { Err(Refusal::AskPython) } else { Ok(Some(text)) }
    }

    fn country<'a>(&mut self, text: Option<Text<'a>>, field: &'static str) -> Checked<Option<Text<'a>>> {
        let text = self.text(text, true)?;
        match (text, &mut self.unknown) {
            // What are capital letters, and which have accents, depends on the version of Unicode.
            (Some(text), Some(_)) if !text.is_ascii() => Err(Refusal::AskPython),
            (Some(text), Some(unknown)) => Ok(Some(known_country(field, text, &mut **unknown))),
            (text, _) => Ok(text),
        }
    }

    fn code<'a>(&mut self, text: Option<Text<'a>>, field: CodeField) -> Checked<Option<Text<'a>>> {
        let text = self.text(text, false)?;
        match (text, &mut self.unknown) {
            (Some(text), Some(_)) if !text.is_ascii() => Err(Refusal::AskPython),
            (Some(text), Some(unknown)) => Ok(known_code(field, text, &mut **unknown)),
            (text, _) => Ok(text),
        }
    }

    /// A domain in small letters; of a whole address what follows its last @.
    fn domain<'a>(&mut self, text: Option<Text<'a>>) -> Checked<Option<Text<'a>>> {
        match self.text(text, false)? {
            Some(text) if self.unknown.is_none() => Ok(Some(text)),
            Some(text) if !text.is_ascii() => Err(Refusal::AskPython),
            Some(text) => Ok(domain_of(text)),
            None => Ok(None),
        }
    }

    fn result(&mut self, text: Option<Text<'_>>) -> Checked<Option<AuthorizationResult>> {
        let Some(text) = text.filter(|text| !is_blank_text(text, false)) else { return Ok(None) };
        let result = result_of(&text);
        if result.is_none() {
            match &mut self.unknown {
                Some(unknown) => unknown("auth_result", UNREADABLE),
                None => return Err(Refusal::AskPython),
            }
        }
        Ok(result)
    }
}

fn parse<'a>(text: &'a str, normalizer: &mut Normalizer<'_>) -> Checked<Event<'a>> {
    let mut tag = None;
    if let Some(fields) = read_transaction(text, &mut tag) {
        return fields.checked(normalizer).map(|transaction| Event::Transaction(Box::new(transaction)));
    }
    let event = match tag.as_deref() {
        Some("login") => read_login(text),
        Some("account_change") => read_change(text),
        Some("label") => read_label(text),
        Some("erasure") => read_erasure(text),
        _ => None,
    };
    checked_other(event.ok_or(Refusal::AskPython)?, normalizer)
}

/// An id as the record has it: a text, or the decimal text of an integer.
type Identifier<'a> = Cow<'a, str>;

/// A transaction's fields as the record has them: of the right types, not yet checked.
#[derive(Default)]
struct TransactionFields<'a> {
    transaction_id: Option<Identifier<'a>>,
    user_id: Option<Identifier<'a>>,
    timestamp: Option<i64>,
    amount: Option<f64>,
    currency: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    auth_result: Option<Text<'a>>,
    merchant_id: Option<Identifier<'a>>,
    merchant_category: Option<Identifier<'a>>,
    merchant_country: Option<Text<'a>>,
    channel: Option<Text<'a>>,
    entry_mode: Option<Text<'a>>,
    device_id: Option<Identifier<'a>>,
    session_id: Option<Identifier<'a>>,
    card_id: Option<Identifier<'a>>,
    ip_address: Option<Text<'a>>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    city: Option<Text<'a>>,
    country: Option<Text<'a>>,
    otp_used: Option<bool>,
    beneficiary_id: Option<Identifier<'a>>,
    email_domain: Option<Text<'a>>,
    distance_from_home_km: Option<f64>,
    account_tenure_months: Option<f64>,
    txns_last_1h: Option<f64>,
    attributes: Option<Vec<(&'a str, Option<AttributeValue<'a>>)>>,
}

fn read_transaction<'a>(text: &'a str, tag: &mut Option<Text<'a>>) -> Option<TransactionFields<'a>> {
    let mut json = Json::new(text);
    let mut fields = TransactionFields::default();
    let degrees = |limit: f64| move |json: &mut Json<'a>| number(json).filter(|value| value.abs() <= limit);
    json.object(|name, json| {
        match name {
            "type" => read_tag(json, tag, "transaction")?,
            "transaction_id" => fields.transaction_id = Some(identifier(json)?),
            "user_id" => fields.user_id = Some(identifier(json)?),
            "timestamp" => fields.timestamp = Some(moment(json)?),
            "amount" => fields.amount = Some(not_negative(json)?),
            "currency" => fields.currency = json.optional(short_text)?,
            "kind" => fields.kind = json.optional(short_text)?,
            "auth_result" => fields.auth_result = json.optional(short_text)?,
            "merchant_id" => fields.merchant_id = json.optional(identifier)?,
            "merchant_category" => fields.merchant_category = json.optional(identifier)?,
            "merchant_country" => fields.merchant_country = json.optional(short_text)?,
            "channel" => fields.channel = json.optional(short_text)?,
            "entry_mode" => fields.entry_mode = json.optional(short_text)?,
            "device_id" => fields.device_id = json.optional(identifier)?,
            "session_id" => fields.session_id = json.optional(identifier)?,
            "card_id" => fields.card_id = json.optional(identifier)?,
            "ip_address" => fields.ip_address = json.optional(short_text)?,
            "latitude" => fields.latitude = json.optional(degrees(90.0))?,
            "longitude" => fields.longitude = json.optional(degrees(180.0))?,
            "city" => fields.city = json.optional(short_text)?,
            "country" => fields.country = json.optional(short_text)?,
            "otp_used" => fields.otp_used = json.optional(Json::flag)?,
            "beneficiary_id" => fields.beneficiary_id = json.optional(identifier)?,
            "email_domain" => fields.email_domain = json.optional(short_text)?,
            "distance_from_home_km" => fields.distance_from_home_km = json.optional(not_negative)?,
            "account_tenure_months" => fields.account_tenure_months = json.optional(not_negative)?,
            "txns_last_1h" => fields.txns_last_1h = json.optional(not_negative)?,
            "attributes" => fields.attributes = json.optional(attributes)?,
            _ => json.skip()?,
        }
        Some(())
    })?;
    json.end()?;
    let is_whole = fields.transaction_id.is_some() && fields.user_id.is_some() && fields.timestamp.is_some();
    (is_whole && fields.amount.is_some()).then_some(fields)
}

impl<'a> TransactionFields<'a> {
    fn checked(self, normalizer: &mut Normalizer<'_>) -> Checked<Transaction<'a>> {
        let transaction_id = required_id(self.transaction_id, "transaction_id")?;
        let user_id = required_id(self.user_id, "user_id")?;
        let timestamp = normalizer.moment(self.timestamp)?;
        let amount = self.amount.unwrap_or(0.0);
        if amount > MAX_AMOUNT_MAJOR {
            let amount = float_repr(amount);
            return bad(format!("amount: {amount} is above the limit of {MAX_AMOUNT_MAJOR:.0}"));
        }
        let mut event = Transaction::new(transaction_id, user_id, timestamp, amount);
        event.merchant_id = normalizer.id(self.merchant_id, "merchant_id");
        event.merchant_category = normalizer.id(self.merchant_category, "merchant_category");
        event.device_id = normalizer.id(self.device_id, "device_id");
        event.session_id = normalizer.id(self.session_id, "session_id");
        event.card_id = normalizer.id(self.card_id, "card_id");
        event.beneficiary_id = normalizer.id(self.beneficiary_id, "beneficiary_id");
        event.currency = checked_currency(self.currency)?;
        event.ip_address = normalizer.text(self.ip_address, false)?;
        event.city = normalizer.text(self.city, false)?;
        event.email_domain = normalizer.domain(self.email_domain)?;
        event.merchant_country = normalizer.country(self.merchant_country, "merchant_country")?;
        event.country = normalizer.country(self.country, "country")?;
        event.channel = normalizer.code(self.channel, CodeField::Channel)?;
        event.entry_mode = normalizer.code(self.entry_mode, CodeField::EntryMode)?;
        event.kind = checked_kind(self.kind)?;
        event.auth_result = normalizer.result(self.auth_result)?;
        event.attributes = match self.attributes.map(checked_attributes) {
            None => Attributes::new(),
            Some(Ok(attributes)) => attributes,
            // Python drops those that it cannot read, and counts them.
            Some(Err(_)) => return Err(Refusal::AskPython),
        };
        event.latitude = self.latitude;
        event.longitude = self.longitude;
        event.otp_used = self.otp_used;
        event.distance_from_home_km = self.distance_from_home_km;
        event.account_tenure_months = self.account_tenure_months;
        event.txns_last_1h = self.txns_last_1h;
        Ok(event)
    }
}

fn read_login(text: &str) -> Option<Event<'_>> {
    let mut json = Json::new(text);
    let (mut event_id, mut user_id, mut timestamp) = (None, None, None);
    let (mut device_id, mut ip_address, mut city, mut success, mut tag) = (None, None, None, None, None);
    json.object(|name, json| {
        match name {
            "type" => read_tag(json, &mut tag, "login")?,
            "event_id" => event_id = Some(identifier(json)?),
            "user_id" => user_id = Some(identifier(json)?),
            "timestamp" => timestamp = Some(moment(json)?),
            "device_id" => device_id = json.optional(identifier)?,
            "ip_address" => ip_address = json.optional(short_text)?,
            "city" => city = json.optional(short_text)?,
            "success" => success = json.optional(Json::flag)?,
            _ => json.skip()?,
        }
        Some(())
    })?;
    json.end()?;
    let (event_id, user_id, timestamp) = (event_id?, user_id?, timestamp?);
    Some(Event::Login(Login { event_id, user_id, timestamp, device_id, ip_address, city, success }))
}

fn read_change(text: &str) -> Option<Event<'_>> {
    let mut json = Json::new(text);
    let (mut event_id, mut user_id, mut timestamp, mut tag) = (None, None, None, None);
    let (mut old_status, mut new_status, mut reason, mut audit_user) = (None, None, None, None);
    json.object(|name, json| {
        match name {
            "type" => read_tag(json, &mut tag, "account_change")?,
            "event_id" => event_id = Some(identifier(json)?),
            "user_id" => user_id = Some(identifier(json)?),
            "timestamp" => timestamp = Some(moment(json)?),
            "old_status" => old_status = json.optional(short_text)?,
            "new_status" => new_status = json.optional(short_text)?,
            "reason" => reason = json.optional(short_text)?,
            "audit_user" => audit_user = json.optional(short_text)?,
            _ => json.skip()?,
        }
        Some(())
    })?;
    json.end()?;
    let (event_id, user_id, timestamp) = (event_id?, user_id?, timestamp?);
    Some(Event::AccountChange(AccountChange {
        event_id,
        user_id,
        timestamp,
        old_status,
        new_status,
        reason,
        audit_user,
    }))
}

fn read_label(text: &str) -> Option<Event<'_>> {
    let mut json = Json::new(text);
    let (mut event_id, mut transaction_id, mut user_id, mut tag) = (None, None, None, None);
    let (mut timestamp, mut known_at, mut is_fraud) = (None, None, None);
    let (mut merchant_id, mut resolution_code) = (None, None);
    json.object(|name, json| {
        match name {
            "type" => read_tag(json, &mut tag, "label")?,
            "event_id" => event_id = Some(identifier(json)?),
            "transaction_id" => transaction_id = Some(identifier(json)?),
            "user_id" => user_id = Some(identifier(json)?),
            "timestamp" => timestamp = Some(moment(json)?),
            "known_at" => known_at = Some(moment(json)?),
            "is_fraud" => is_fraud = Some(json.flag()?),
            "merchant_id" => merchant_id = json.optional(identifier)?,
            "resolution_code" => resolution_code = json.optional(short_text)?,
            _ => json.skip()?,
        }
        Some(())
    })?;
    json.end()?;
    Some(Event::Label(Label {
        event_id: event_id?,
        transaction_id: transaction_id?,
        user_id: user_id?,
        timestamp: timestamp?,
        known_at: known_at?,
        is_fraud: is_fraud?,
        merchant_id,
        resolution_code,
    }))
}

fn read_erasure(text: &str) -> Option<Event<'_>> {
    let mut json = Json::new(text);
    let (mut event_id, mut user_id, mut timestamp, mut tag) = (None, None, None, None);
    json.object(|name, json| {
        match name {
            "type" => read_tag(json, &mut tag, "erasure")?,
            "event_id" => event_id = Some(identifier(json)?),
            "user_id" => user_id = Some(identifier(json)?),
            "timestamp" => timestamp = Some(moment(json)?),
            _ => json.skip()?,
        }
        Some(())
    })?;
    json.end()?;
    Some(Event::Erasure(Erasure { event_id: event_id?, user_id: user_id?, timestamp: timestamp? }))
}

/// An event that is no transaction, checked and in its form; a transaction has had its own.
fn checked_other<'a>(event: Event<'a>, normalizer: &mut Normalizer<'_>) -> Checked<Event<'a>> {
    Ok(match event {
        Event::Transaction(_) => event,
        Event::Login(mut login) => {
            check_id(&login.event_id, "event_id")?;
            check_id(&login.user_id, "user_id")?;
            normalizer.moment(Some(login.timestamp))?;
            login.device_id = normalizer.id(login.device_id, "device_id");
            login.ip_address = normalizer.text(login.ip_address, false)?;
            login.city = normalizer.text(login.city, false)?;
            Event::Login(login)
        }
        Event::AccountChange(mut change) => {
            check_id(&change.event_id, "event_id")?;
            check_id(&change.user_id, "user_id")?;
            normalizer.moment(Some(change.timestamp))?;
            change.old_status = normalizer.text(change.old_status, false)?;
            change.new_status = normalizer.text(change.new_status, false)?;
            change.reason = normalizer.text(change.reason, false)?;
            change.audit_user = normalizer.text(change.audit_user, false)?;
            Event::AccountChange(change)
        }
        Event::Label(mut label) => {
            check_id(&label.event_id, "event_id")?;
            check_id(&label.user_id, "user_id")?;
            normalizer.moment(Some(label.timestamp))?;
            check_id(&label.transaction_id, "transaction_id")?;
            normalizer.moment(Some(label.known_at))?;
            if label.known_at < label.timestamp {
                return bad("known_at: a label cannot be known before its transaction's timestamp");
            }
            label.merchant_id = normalizer.id(label.merchant_id, "merchant_id");
            label.resolution_code = normalizer.text(label.resolution_code, false)?;
            Event::Label(label)
        }
        Event::Erasure(erasure) => {
            check_id(&erasure.event_id, "event_id")?;
            check_id(&erasure.user_id, "user_id")?;
            normalizer.moment(Some(erasure.timestamp))?;
            Event::Erasure(erasure)
        }
    })
}

fn bad<T>(reason: impl Into<String>) -> Checked<T> {
    Err(Refusal::Bad(reason.into()))
}

/// The record's tag, which may stand anywhere in it. `None` for another than this one, and where there are two.
fn read_tag<'a>(json: &mut Json<'a>, tag: &mut Option<Text<'a>>, expected: &str) -> Option<()> {
    if tag.is_some() {
        *tag = None;
        return None;
    }
    *tag = Some(json.string()?);
    (tag.as_deref() == Some(expected)).then_some(())
}

fn identifier<'a>(json: &mut Json<'a>) -> Option<Identifier<'a>> {
    if json.peek()? == b'"' {
        return json.string();
    }
    let (text, is_integer) = json.number()?;
    (is_integer && text.len() <= MAX_INTEGER_DIGITS && text != "-0").then_some(Cow::Borrowed(text))
}

fn short_text<'a>(json: &mut Json<'a>) -> Option<Text<'a>> {
    let text = json.string()?;
    (text.len() <= MAX_TEXT_LENGTH || text.chars().count() <= MAX_TEXT_LENGTH).then_some(text)
}

/// A finite number. Of an integer's negative zero Python says whether it has a sign.
fn number(json: &mut Json<'_>) -> Option<f64> {
    let (text, _) = json.number()?;
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && text != "-0").then_some(value)
}

fn not_negative(json: &mut Json<'_>) -> Option<f64> {
    number(json).filter(|value| *value >= 0.0)
}

/// Epoch milliseconds, or a date with an offset.
fn moment(json: &mut Json<'_>) -> Option<i64> {
    if json.peek()? == b'"' {
        return iso_moment_ms(&json.string()?);
    }
    let (text, is_integer) = json.number()?;
    if is_integer && text.len() <= MAX_INTEGER_DIGITS { text.parse().ok() } else { None }
}

/// Names and values; `None` where a name stands twice.
fn attributes<'a>(json: &mut Json<'a>) -> Option<Vec<(&'a str, Option<AttributeValue<'a>>)>> {
    let mut found: Vec<(&'a str, Option<AttributeValue<'a>>)> = Vec::new();
    json.object(|name, json| {
        let value = json.optional(|json| match json.peek()? {
            b'"' => json.string().map(AttributeValue::Text),
            b't' | b'f' => json.flag().map(|flag| AttributeValue::Number(f64::from(u8::from(flag)))),
            _ => number(json).map(AttributeValue::Number),
        })?;
        if found.len() <= MAX_ATTRIBUTES && found.iter().any(|(known, _)| *known == name) {
            return None;
        }
        found.push((name, value));
        Some(())
    })?;
    Some(found)
}

/// The same without absent values and empty texts: texts without space around them.
pub(crate) fn checked_attributes<'a>(values: Vec<(&'a str, Option<AttributeValue<'a>>)>) -> Checked<Attributes<'a>> {
    if values.len() > MAX_ATTRIBUTES {
        // Some may stand twice.
        return Err(Refusal::AskPython);
    }
    let mut found = Attributes::new();
    for (name, value) in values {
        if !is_attribute_name(name) {
            let quoted = ascii_repr(name, QUOTED).ok_or(Refusal::AskPython)?;
            return bad(format!("attributes: {quoted} is no name (a-z, then up to 31 of a-z, 0-9 and _)"));
        }
        match value {
            None => {}
            Some(AttributeValue::Text(text)) => {
                let text = stripped(text);
                if text.len() > MAX_ATTRIBUTE_BYTES {
                    let size = text.len();
                    return bad(format!(
                        "attributes.{name}: {size} bytes of UTF-8, at most {MAX_ATTRIBUTE_BYTES} are allowed"
                    ));
                }
                if !text.is_empty() {
                    found.push((Cow::Borrowed(name), AttributeValue::Text(text)));
                }
            }
            Some(number) => found.push((Cow::Borrowed(name), number)),
        }
    }
    Ok(found)
}

/// Is it a-z, then up to 31 of a-z, 0-9 and _?
pub fn is_attribute_name(name: &str) -> bool {
    let starts_well = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    starts_well && name.len() <= MAX_ATTRIBUTE_NAME && name.bytes().all(is_allowed)
}

fn stripped(text: Text<'_>) -> Text<'_> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(strip(text)),
        Cow::Owned(text) => Cow::Owned(strip(&text).into()),
    }
}

/// The domain of an ASCII text that is one, or an address. `None` where nothing follows the @.
pub fn domain_of(text: Text<'_>) -> Option<Text<'_>> {
    let domain = match text.rfind('@') {
        Some(at) => Cow::Owned(strip(&text[at + 1..]).to_owned()),
        None => text,
    };
    if is_blank_text(&domain, false) {
        return None;
    }
    if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Owned(domain.to_ascii_lowercase()));
    }
    Some(domain)
}

fn required_id<'a>(id: Option<Identifier<'a>>, field: &str) -> Checked<Text<'a>> {
    let id = id.ok_or(Refusal::AskPython)?;
    check_id(&id, field)?;
    Ok(id)
}

/// An id has 1 to 64 printable ASCII characters without a space.
pub fn is_id(id: &str) -> bool {
    (1..=MAX_IDENTIFIER_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A required id; one that stands for a missing value is none: strangers would share it.
fn check_id(id: &str, field: &str) -> Checked<()> {
    let is_blank = is_blank_text(id, false);
    if is_id(id) && !is_blank && !has_lost_digits(id) {
        return Ok(());
    }
    let quoted = ascii_repr(id, QUOTED).ok_or(Refusal::AskPython)?;
    if is_id(id) && !is_blank {
        return bad(format!("{field}: {quoted} {LOST_DIGITS}"));
    }
    if is_id(id) {
        return bad(format!("{field}: {quoted} stands for a missing value"));
    }
    bad(format!("{field}: {quoted} is not an id of 1 to 64 printable ASCII characters without spaces"))
}

/// A currency is not dropped: without it the amount would be in the base currency.
fn checked_currency(text: Option<Text<'_>>) -> Checked<Option<Text<'_>>> {
    let Some(text) = text else { return Ok(None) };
    if is_blank_text(&text, false) {
        return Ok(None);
    }
    if is_currency_code(&text) {
        return Ok(Some(text));
    }
    if !text.is_ascii() {
        return Err(Refusal::AskPython);
    }
    let code = strip(&text).to_ascii_uppercase();
    if is_currency_code(&code) {
        return Ok(Some(Cow::Owned(code)));
    }
    let quoted = ascii_repr(&text, 8).ok_or(Refusal::AskPython)?;
    bad(format!("currency: {quoted} is not an ISO 4217 code of three letters"))
}

/// Has a text the form of an ISO 4217 code?
pub fn is_currency_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A kind is not dropped: without it the transaction would be a purchase.
fn checked_kind(text: Option<Text<'_>>) -> Checked<TransactionKind> {
    let Some(text) = text.filter(|text| !is_blank_text(text, false)) else { return Ok(TransactionKind::Purchase) };
    if let Some(kind) = kind_of(&text) {
        return Ok(kind);
    }
    let quoted = ascii_repr(&text, QUOTED).ok_or(Refusal::AskPython)?;
    bad(format!("kind: {quoted} is not one of purchase, refund, reversal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(text: &str) -> Checked<Event<'_>> {
        decode(text.as_bytes(), &mut |_, _| {})
    }

    #[test]
    fn a_transaction_needs_its_id_user_time_and_amount() {
        let event = decoded(r#"{"transaction_id":7,"user_id":"U1","timestamp":1,"amount":5,"extra":[{}]}"#);
        let expected = Transaction::new("7".into(), "U1".into(), 1, 5.0);
        assert_eq!(event, Ok(Event::Transaction(Box::new(expected))));
        assert_eq!(decoded(r#"{"user_id":"U1","timestamp":1,"amount":5}"#), Err(Refusal::AskPython));
    }

    #[test]
    fn the_tag_may_stand_anywhere() {
        let event = decoded(r#"{"event_id":"E1","user_id":"U1","timestamp":1,"type":"login"}"#);
        assert!(matches!(event, Ok(Event::Login(_))));
        assert_eq!(decoded(r#"{"type":"teapot"}"#), Err(Refusal::AskPython));
    }

    #[test]
    fn reasons_name_the_field() {
        let reason = |fields: &str| match decoded(&format!(r#"{{"user_id":"U1","timestamp":1,{fields}}}"#)) {
            Err(Refusal::Bad(reason)) => reason,
            other => format!("{other:?}"),
        };
        assert_eq!(
            reason(r#""transaction_id":"a b","amount":1"#),
            "transaction_id: 'a b' is not an id of 1 to 64 printable ASCII characters without spaces"
        );
        assert_eq!(reason(r#""transaction_id":"N/A","amount":1"#), "transaction_id: 'N/A' stands for a missing value");
        assert_eq!(
            reason(r#""transaction_id":"a","amount":1e13"#),
            "amount: 10000000000000.0 is above the limit of 1000000000000"
        );
    }

    #[test]
    fn what_stands_for_nothing_is_absent_and_what_is_no_id_is_dropped_and_told() {
        let mut told = Vec::new();
        let text = r#"{"transaction_id":"a","user_id":"U1","timestamp":1,"amount":5,"merchant_id":"Joe's Diner","kind":null,
            "device_id":"","card_id":"\\N","city":"-","country":"usa","merchant_country":"Narnia","currency":" eur ",
            "auth_result":"maybe","email_domain":"GMail.com","channel":"N/A"}"#;
        let event = decode(text.as_bytes(), &mut |field, text| told.push((field, text.to_string())));
        let mut expected = Transaction::new("a".into(), "U1".into(), 1, 5.0);
        expected.country = Some("US".into());
        expected.merchant_country = Some("NARNIA".into());
        expected.currency = Some("EUR".into());
        expected.email_domain = Some("gmail.com".into());
        assert_eq!(event, Ok(Event::Transaction(Box::new(expected))));
        let counted = [("merchant_id", UNREADABLE), ("merchant_country", "NARNIA"), ("auth_result", UNREADABLE)];
        assert_eq!(told, counted.map(|(field, text)| (field, text.to_string())));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, &mut |_, _| {});
        }

        #[test]
        fn no_values_make_it_panic(id in ".{0,70}", amount: f64, time in ".{0,30}", channel in ".{0,20}", name in "[a-z_é]{0,40}") {
            let quote = |text: &str| format!("{text:?}");
            let text = format!(
                r#"{{"transaction_id":{},"user_id":"U","timestamp":{},"amount":{amount},"channel":{},"attributes":{{"{name}":1}}}}"#,
                quote(&id), quote(&time), quote(&channel),
            );
            let _ = decoded(&text);
        }
    }
}
