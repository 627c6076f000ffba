//! The stores' bytes as records: MessagePack maps by field name.
//!
//! Fields that are not known are skipped and absent ones are not known, so that writers and readers may be of different
//! versions.

use std::borrow::Cow;
use std::sync::Arc;

use crate::blank_texts::is_blank_text;
use crate::codec::{Refusal, checked_attributes};
use crate::codes::known_country;
use crate::entities::buckets::BucketRow;
use crate::entities::history::EntityHistory;
use crate::entities::kinds::EntityKind;
use crate::events::{AttributeValue, Attributes};
use crate::msgpack::reader::{Malformed, Reader};
use crate::profiles::{DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile};
use crate::records::{KeyKind, Record};

type Read<T> = Result<T, Malformed>;

/// The record of a kind of key; `Unreadable` for bytes that are none.
pub fn decode(kind: KeyKind, bytes: &[u8]) -> Record {
    let mut reader = Reader::new(bytes);
    let record = match kind {
        KeyKind::User => user(&mut reader).map(|profile| Record::User(Arc::new(profile))),
        KeyKind::Merchant => merchant(&mut reader).map(|profile| Record::Merchant(Arc::new(profile))),
        KeyKind::Device => device(&mut reader).map(|profile| Record::Device(Arc::new(profile))),
        KeyKind::Ip => ip(&mut reader).map(|feed| Record::Ip(Arc::new(feed))),
        KeyKind::Domain => domain(&mut reader).map(|feed| Record::Domain(Arc::new(feed))),
        KeyKind::History(_) => history(&mut reader).map(|history| Record::History(Box::new(history))),
    };
    record.and_then(|record| reader.end().map(|()| record)).unwrap_or(Record::Unreadable)
}

/// Call `read` at each value of a map, with its name; it has to read the value. `id` must be among the names.
fn fields<'a>(
    reader: &mut Reader<'a>,
    id: &str,
    mut read: impl FnMut(&'a str, &mut Reader<'a>) -> Read<()>,
) -> Read<()> {
    let before = *reader;
    let mut has_id = false;
    for _ in 0..reader.map()? {
        let name = reader.text()?;
        if name == id {
            has_id = true;
            reader.text()?;
        } else {
            read(name, reader)?;
        }
    }
    if has_id { Ok(()) } else { Err(before.malformed("a record with its id")) }
}

fn user(reader: &mut Reader) -> Read<UserProfile> {
    let mut profile = UserProfile::default();
    fields(reader, "user_id", |name, reader| {
        match name {
            "home_latitude" => profile.home_latitude = reader.optional(|reader| within(reader, -90.0, 90.0))?,
            "home_longitude" => profile.home_longitude = reader.optional(|reader| within(reader, -180.0, 180.0))?,
            "home_country" => profile.home_country = country(reader)?,
            "timezone" => profile.timezone = reader.optional(Reader::text)?.map(Into::into),
            "kyc_level" => profile.kyc_level = reader.optional(Reader::int)?,
            "account_opened_at" => profile.account_opened_at = reader.optional(Reader::int)?,
            "date_of_birth" => profile.date_of_birth = reader.optional(Reader::int)?,
            "credit_limit" => profile.credit_limit = reader.optional(Reader::float)?,
            "avg_monthly_spend" => profile.avg_monthly_spend = reader.optional(Reader::float)?,
            "is_vip" => profile.is_vip = reader.optional(Reader::flag)?,
            "prior_fraud_count" => profile.prior_fraud_count = reader.optional(Reader::int)?,
            "last_unblocked_at" => profile.last_unblocked_at = reader.optional(Reader::int)?,
            "risk_score_history" => list(reader, Reader::float).map(drop)?,
            "address_history" => list(reader, |reader| reader.text().map(drop)).map(drop)?,
            "attributes" => profile.attributes = attributes(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(profile)
}

fn merchant(reader: &mut Reader) -> Read<MerchantProfile> {
    let mut profile = MerchantProfile::default();
    fields(reader, "merchant_id", |name, reader| {
        match name {
            "category" => profile.category = text(reader)?,
            "country" => profile.country = country(reader)?,
            "first_seen_at" => profile.first_seen_at = reader.optional(Reader::int)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(profile)
}

fn device(reader: &mut Reader) -> Read<DeviceProfile> {
    let mut profile = DeviceProfile::default();
    fields(reader, "device_id", |name, reader| {
        match name {
            "blacklisted" => profile.blacklisted = reader.optional(Reader::flag)?,
            "registered_at" => profile.registered_at = reader.optional(Reader::int)?,
            "last_used_at" => profile.last_used_at = reader.optional(Reader::int)?,
            "is_active" => profile.is_active = reader.optional(Reader::flag)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(profile)
}

fn ip(reader: &mut Reader) -> Read<IpFeed> {
    let mut feed = IpFeed::default();
    fields(reader, "ip_address", |name, reader| {
        match name {
            "ip_risk_score" => feed.ip_risk_score = reader.optional(|reader| within(reader, 0.0, 100.0))?,
            "vpn" => feed.vpn = reader.optional(Reader::flag)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(feed)
}

fn domain(reader: &mut Reader) -> Read<DomainFeed> {
    let mut feed = DomainFeed::default();
    fields(reader, "email_domain", |name, reader| {
        match name {
            "registered_at" => feed.registered_at = reader.optional(Reader::int)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(feed)
}

fn history(reader: &mut Reader) -> Read<EntityHistory> {
    let before = *reader;
    let mut row = BucketRow::default();
    let (mut kind, mut columns, mut has_end) = (None, 0, false);
    fields(reader, "id", |name, reader| {
        match name {
            "entity" => {
                let before = *reader;
                kind = Some(EntityKind::of(reader.text()?).ok_or_else(|| before.malformed("a kind of entity"))?);
            }
            "complete_through_ms" => (row.complete_through_ms, has_end) = (reader.int()?, true),
            "first_hour" => (row.first_hour, columns) = (reader.optional(Reader::int)?, columns + 1),
            "hours" => (row.hours, columns) = (list(reader, Reader::int)?, columns + 1),
            "transactions" => (row.transactions, columns) = (list(reader, Reader::int)?, columns + 1),
            "frauds" => (row.frauds, columns) = (list(reader, Reader::int)?, columns + 1),
            "users_1d" => (row.users_1d, columns) = (list(reader, Reader::int)?, columns + 1),
            "users_7d" => (row.users_7d, columns) = (list(reader, Reader::int)?, columns + 1),
            "withdrawn" => row.withdrawn = list(reader, pair)?,
            "amounts" => row.amounts = list(reader, Reader::int)?,
            "reported" => row.reported = list(reader, Reader::int)?,
            "log_amounts" => row.log_amounts = list(reader, Reader::int)?,
            "log_amount_squares" => row.log_amount_squares = list(reader, Reader::int)?,
            "figures_from_hour" => row.figures_from_hour = reader.int()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    match kind {
        Some(kind) if has_end && columns == NEEDED_COLUMNS => {
            EntityHistory::new(row, kind).map_err(|_| before.malformed("sound buckets"))
        }
        _ => Err(before.malformed("a whole row of buckets")),
    }
}

/// Fields of a row beside id, entity and end that have no default.
const NEEDED_COLUMNS: u32 = 6;

fn pair(reader: &mut Reader) -> Read<(i64, i64)> {
    let before = *reader;
    if reader.array()? != 2 {
        return Err(before.malformed("a pair"));
    }
    Ok((reader.int()?, reader.int()?))
}

fn list<'a, T>(reader: &mut Reader<'a>, mut read: impl FnMut(&mut Reader<'a>) -> Read<T>) -> Read<Vec<T>> {
    (0..reader.array()?).map(|_| read(reader)).collect()
}

fn text(reader: &mut Reader) -> Read<Option<Box<str>>> {
    Ok(reader.optional(Reader::text)?.map(Into::into))
}

/// A country's code, as the codec makes it of an event's. `fraud load` writes codes; a text with accents stays as it is.
fn country(reader: &mut Reader) -> Read<Option<Box<str>>> {
    let found = text(reader)?.filter(|text| !is_blank_text(text, true));
    Ok(found.map(|text| match text.is_ascii() {
        true => known_country("country", Cow::Borrowed(&*text), &mut |_, _| {}).into(),
        false => text,
    }))
}

fn within(reader: &mut Reader, least: f64, most: f64) -> Read<f64> {
    let before = *reader;
    let value = reader.float()?;
    if (least..=most).contains(&value) { Ok(value) } else { Err(before.malformed("a number within its limits")) }
}

/// Checked and put in their form, as the codec does it for events.
fn attributes(reader: &mut Reader) -> Read<Vec<(Box<str>, AttributeValue<'static>)>> {
    if reader.nil() {
        return Ok(Vec::new());
    }
    let before = *reader;
    let mut values = Vec::new();
    for _ in 0..reader.map()? {
        let name = reader.text()?;
        let value = reader.optional(attribute_value)?;
        values.push((name, value));
    }
    let checked: Result<Attributes<'_>, Refusal> = checked_attributes(values);
    let checked = checked.map_err(|_| before.malformed("attributes that are allowed"))?;
    Ok(checked.into_iter().map(|(name, value)| ((&*name).into(), owned(value))).collect())
}

fn attribute_value<'a>(reader: &mut Reader<'a>) -> Read<AttributeValue<'a>> {
    let before = *reader;
    if let Ok(text) = reader.text() {
        return Ok(AttributeValue::Text(Cow::Borrowed(text)));
    }
    *reader = before;
    if let Ok(flag) = reader.flag() {
        return Ok(AttributeValue::Number(f64::from(u8::from(flag))));
    }
    *reader = before;
    reader.float().map(AttributeValue::Number)
}

fn owned(value: AttributeValue) -> AttributeValue<'static> {
    match value {
        AttributeValue::Text(text) => AttributeValue::Text(Cow::Owned(text.into_owned())),
        AttributeValue::Number(number) => AttributeValue::Number(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn golden(name: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
        std::fs::read(folder.join(format!("{name}.bin"))).expect("golden bytes stand in tests/golden")
    }

    #[test]
    fn rows_of_every_version_are_read() {
        for name in ["entity_row_1", "entity_row_2_device", "entity_row_2_category"] {
            let record = decode(KeyKind::History(EntityKind::Device), &golden(name));
            assert!(matches!(record, Record::History(_)), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_damage_makes_reading_panic(place: prop::sample::Index, byte: u8, bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut row = golden("entity_row_2_category");
            let place = place.index(row.len());
            row[place] = byte;
            for bytes in [row, bytes] {
                for kind in [KeyKind::User, KeyKind::Ip, KeyKind::History(EntityKind::Ip)] {
                    if let Record::History(mut history) = decode(kind, &bytes) {
                        history.as_of(1_767_225_600_000, &Default::default());
                    }
                }
            }
        }
    }
}
