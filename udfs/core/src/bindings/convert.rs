//! From Python's objects to the core's: settings once, records as the stores give them.

use std::borrow::Cow;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::attributes::{Attribute, AttributeHolder, AttributeKind};
use crate::bindings::entities::EntityHistory;
use crate::entities::buckets::BucketSettings;
use crate::entities::risk::MOST_RISK_DAYS;
use crate::events::AttributeValue;
use crate::money::Money;
use crate::profiles::{BlockEntry, BlockType, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile};
use crate::records::{KeyKind, Record, RecordSettings};
use crate::state::settings::{HabitSettings, UserStateSettings, WindowSettings};
use crate::stored_records::decode;

/// Of a store in memory, whose records are given again whenever they are asked for.
const MOST_RECORDS: usize = 1 << 20;

/// A store's bytes as a record of the core, for adapters that need not know what is in it.
#[pyclass(module = "udfs.core._native")]
pub struct StoredRecord {
    record: Record,
    complete_through_ms: Option<i64>,
}

#[pymethods]
impl StoredRecord {
    /// The record of a key. Raises ValueError for a key of no kind; bytes that are no record make one that is unreadable.
    #[new]
    fn new(key: &str, value: &[u8]) -> PyResult<Self> {
        let (kind, _) = KeyKind::of(key).ok_or_else(|| error(format!("{key:?} is no key")))?;
        Ok(Self { record: decode(kind, value), complete_through_ms: None })
    }

    /// Are the bytes no record of their kind?
    #[getter]
    fn is_unreadable(&self) -> bool {
        matches!(self.record, Record::Unreadable)
    }

    /// Is it an entity's history?
    #[getter]
    fn is_history(&self) -> bool {
        matches!(self.record, Record::History(_))
    }

    /// How far a history is complete, in place of what its row says.
    #[setter]
    fn set_complete_through_ms(&mut self, complete_through_ms: i64) {
        self.complete_through_ms = Some(complete_through_ms);
    }
}

impl StoredRecord {
    fn record(&self) -> Record {
        let mut record = self.record.clone();
        if let (Record::History(history), Some(complete_through_ms)) = (&mut record, self.complete_through_ms) {
            history.complete_through_ms = complete_through_ms;
        }
        record
    }
}

/// A field of a Python object.
pub fn field<'py, T>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
{
    object.getattr(name)?.extract::<T>().map_err(Into::into)
}

pub fn error(message: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(message.to_string())
}

/// `udfs.state.settings.UserStateSettings`, and the bytes that decoded users may take.
pub fn state_settings(settings: &Bound<'_, PyAny>, cache_bytes: usize) -> PyResult<UserStateSettings> {
    let (windows, habits) = (settings.getattr("windows")?, settings.getattr("habits")?);
    Ok(UserStateSettings {
        cache_bytes,
        snapshot_every: field(settings, "snapshot_every")?,
        snapshot_after_ms: field(settings, "snapshot_after_ms")?,
        compact_slack: field(settings, "compact_slack")?,
        max_events: field(settings, "max_events")?,
        windows: WindowSettings {
            five_minutes_ms: field(&windows, "five_minutes_ms")?,
            hour_ms: field(&windows, "hour_ms")?,
            day_ms: field(&windows, "day_ms")?,
            lateness_ms: field(&windows, "lateness_ms")?,
            forget_batch: field(&windows, "forget_batch")?,
        },
        habits: HabitSettings {
            devices: field(&habits, "devices")?,
            countries: field(&habits, "countries")?,
            cities: field(&habits, "cities")?,
            merchants: field(&habits, "merchants")?,
            categories: field(&habits, "categories")?,
            ip_addresses: field(&habits, "ip_addresses")?,
            beneficiaries: field(&habits, "beneficiaries")?,
            days: field(&habits, "days")?,
        },
    })
}

/// `udfs.entities.buckets.BucketSettings`.
pub fn bucket_settings(settings: &Bound<'_, PyAny>) -> PyResult<BucketSettings> {
    let days = |name: &str| -> PyResult<Vec<i64>> {
        let days: Vec<i64> = field(settings, name)?;
        if days.len() > MOST_RISK_DAYS {
            return Err(error(format!("{name} holds more than {MOST_RISK_DAYS} spans")));
        }
        Ok(days)
    };
    Ok(BucketSettings {
        label_delay_ms: field(settings, "label_delay_ms")?,
        activity_delay_ms: field(settings, "activity_delay_ms")?,
        prior_weight: field(settings, "prior_weight")?,
        prior_fraud_rate: field(settings, "prior_fraud_rate")?,
        risk_days: days("risk_days")?,
        other_risk_days: days("other_risk_days")?,
        broad_risk_days: days("broad_risk_days")?,
    })
}

/// `udfs.stores.settings.CacheSettings`; `None` of a store in memory, whose records are always fresh.
pub fn record_settings(settings: Option<&Bound<'_, PyAny>>) -> PyResult<RecordSettings> {
    let Some(settings) = settings else {
        return Ok(RecordSettings {
            fresh_ms: i64::MAX,
            refresh_ahead_ms: 0,
            stale_ms: i64::MAX,
            entries: MOST_RECORDS,
        });
    };
    Ok(RecordSettings {
        fresh_ms: field(settings, "fresh_ms")?,
        refresh_ahead_ms: field(settings, "refresh_ahead_ms")?,
        stale_ms: field(settings, "stale_ms")?,
        entries: field(settings, "entries")?,
    })
}

/// `udfs.records.attributes.Attribute`.
pub fn attribute(attribute: &Bound<'_, PyAny>) -> PyResult<Attribute> {
    let (kind, holder): (String, String) = (field(attribute, "kind")?, field(attribute, "holder")?);
    Ok(Attribute {
        name: field::<String>(attribute, "name")?.into(),
        kind: if kind == "text" { AttributeKind::Text } else { AttributeKind::Number },
        holder: if holder == "event" { AttributeHolder::Event } else { AttributeHolder::Profile },
    })
}

/// Rates as (currency, valid from in epoch milliseconds, digits, exponent): digits x 10^exponent base units for one.
pub fn money(base_currency: &str, rates: &[(String, i64, u128, i32)]) -> PyResult<Money> {
    let mut money = Money::new(base_currency);
    for (currency, valid_from_ms, digits, exponent) in rates {
        money.add_rate(currency, *valid_from_ms, *digits, *exponent).map_err(error)?;
    }
    Ok(money)
}

/// `udfs.records.profiles.BlockEntry`.
pub fn block_entry(entry: &Bound<'_, PyAny>) -> PyResult<BlockEntry> {
    let kind: String = field(entry, "type")?;
    Ok(BlockEntry {
        kind: block_type(&kind)?,
        value: field::<String>(entry, "value")?.into(),
        reason_code: text(entry, "reason_code")?,
        source_system: text(entry, "source_system")?,
        expires_at: field(entry, "expires_at")?,
    })
}

/// The type of a party. Raises ValueError for a name that is none.
pub fn block_type(name: &str) -> PyResult<BlockType> {
    BlockType::of(name).ok_or_else(|| error(format!("{name:?} is no type of a block list's entry")))
}

/// What a store gave for a key: one of udfs.records.profiles, an EntityHistory, a StoredRecord, None or UNREADABLE.
pub fn record(object: &Bound<'_, PyAny>) -> PyResult<Record> {
    if object.is_none() {
        return Ok(Record::Absent);
    }
    if let Ok(stored) = object.cast::<StoredRecord>() {
        return Ok(stored.borrow().record());
    }
    if let Ok(history) = object.cast::<EntityHistory>() {
        return Ok(Record::History(Box::new(history.borrow().history())));
    }
    let name = object.get_type().name()?.to_string();
    Ok(match name.as_str() {
        "UserProfile" => Record::User(Arc::new(user_profile(object)?)),
        "MerchantProfile" => Record::Merchant(Arc::new(MerchantProfile {
            category: text(object, "category")?,
            country: text(object, "country")?,
            first_seen_at: field(object, "first_seen_at")?,
        })),
        "DeviceProfile" => Record::Device(Arc::new(DeviceProfile {
            blacklisted: field(object, "blacklisted")?,
            registered_at: field(object, "registered_at")?,
            last_used_at: field(object, "last_used_at")?,
            is_active: field(object, "is_active")?,
        })),
        "IpFeed" => {
            Record::Ip(Arc::new(IpFeed { ip_risk_score: field(object, "ip_risk_score")?, vpn: field(object, "vpn")? }))
        }
        "DomainFeed" => Record::Domain(Arc::new(DomainFeed { registered_at: field(object, "registered_at")? })),
        _ => Record::Unreadable,
    })
}

fn user_profile(object: &Bound<'_, PyAny>) -> PyResult<UserProfile> {
    let mut attributes = Vec::new();
    if let Some(values) = field::<Option<Bound<'_, PyDict>>>(object, "attributes")? {
        for (name, value) in values.iter() {
            let value = match value.extract::<String>() {
                Ok(text) => AttributeValue::Text(Cow::Owned(text)),
                Err(_) => AttributeValue::Number(value.extract()?),
            };
            attributes.push((name.extract::<String>()?.into(), value));
        }
    }
    Ok(UserProfile {
        home_latitude: field(object, "home_latitude")?,
        home_longitude: field(object, "home_longitude")?,
        home_country: text(object, "home_country")?,
        timezone: field::<Option<String>>(object, "timezone")?.map(Into::into),
        kyc_level: field(object, "kyc_level")?,
        account_opened_at: field(object, "account_opened_at")?,
        date_of_birth: field(object, "date_of_birth")?,
        credit_limit: field(object, "credit_limit")?,
        avg_monthly_spend: field(object, "avg_monthly_spend")?,
        is_vip: field(object, "is_vip")?,
        prior_fraud_count: field(object, "prior_fraud_count")?,
        last_unblocked_at: field(object, "last_unblocked_at")?,
        attributes,
    })
}

fn text(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Box<str>>> {
    Ok(field::<Option<String>>(object, name)?.map(Into::into))
}
