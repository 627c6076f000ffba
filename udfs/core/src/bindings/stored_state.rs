//! A user's stored state as Python sees it, for tests and tools: field by field.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::msgpack::reader::Malformed;
use crate::state::account_history::AccountHistory;
use crate::state::entries::{LogEntry, LoginEntry, TransactionEntry};
use crate::state::habits::Habits;
use crate::state::known::Known;
use crate::state::snapshot;
use crate::state::sums::Sums;
use crate::state::texts::Texts;

type Fields<'py> = PyResult<Bound<'py, PyDict>>;

/// An entry of a user's log by its fields. Raises ValueError for bytes of an unknown layout.
#[pyfunction]
pub fn stored_entry<'py>(py: Python<'py>, entry: &[u8]) -> Fields<'py> {
    let mut texts = Texts::default();
    let entry = LogEntry::decode(entry, &mut texts).map_err(error)?;
    match &entry {
        LogEntry::Transaction(entry) => transaction_fields(py, entry, &texts),
        LogEntry::Login(login) => login_fields(py, login),
        LogEntry::Account(change) => {
            let fields = PyDict::new(py);
            fields.set_item("kind", "account")?;
            fields.set_item("sequence", change.sequence)?;
            fields.set_item("event_id", &*change.event_id)?;
            fields.set_item("timestamp_ms", change.timestamp_ms)?;
            fields.set_item("remembered_ms", change.remembered_ms)?;
            fields.set_item("unblocked", change.unblocked)?;
            fields.set_item("verified", change.verified)?;
            Ok(fields)
        }
        LogEntry::Label(label) => {
            let fields = PyDict::new(py);
            fields.set_item("kind", "label")?;
            fields.set_item("sequence", label.sequence)?;
            fields.set_item("transaction_id", &*label.transaction_id)?;
            fields.set_item("known_at_ms", label.known_at_ms)?;
            fields.set_item("is_fraud", label.is_fraud)?;
            Ok(fields)
        }
        LogEntry::Zone(zone) => {
            let fields = PyDict::new(py);
            fields.set_item("kind", "zone")?;
            fields.set_item("sequence", zone.sequence)?;
            fields.set_item("timezone", zone.timezone.as_deref())?;
            Ok(fields)
        }
        LogEntry::Flags(flags) => {
            let fields = PyDict::new(py);
            fields.set_item("kind", "flags")?;
            fields.set_item("sequence", flags.sequence)?;
            fields.set_item("day", flags.day)?;
            fields.set_item("kinds", flags.kinds.iter().map(|kind| &**kind).collect::<Vec<_>>())?;
            Ok(fields)
        }
    }
}

/// A user's snapshot by its fields. Raises ValueError for bytes of an unknown layout.
#[pyfunction]
pub fn stored_snapshot<'py>(py: Python<'py>, snapshot: &[u8]) -> Fields<'py> {
    let mut texts = Texts::default();
    let stored = snapshot::decode(snapshot, &mut texts).map_err(error)?;
    let fields = PyDict::new(py);
    fields.set_item("sequence", stored.sequence)?;
    fields.set_item("newest_ms", stored.newest_ms)?;
    fields.set_item("timezone", stored.timezone.as_deref())?;
    let before = stored.before.as_ref().map(|entry| transaction_fields(py, entry, &texts)).transpose()?;
    fields.set_item("before", before)?;
    set_habits(&fields, &stored.habits, &texts)?;
    let hours = PyDict::new(py);
    for known in stored.hourly.hours() {
        hours.set_item(known.hour, (known.count, known.minor))?;
    }
    fields.set_item("hours", hours)?;
    fields.set_item("hours_complete_from", stored.hourly.complete_from())?;
    set_account(&fields, &stored.account)?;
    let flag_days = PyDict::new(py);
    for (kind, newest, mask) in stored.flag_days.iter() {
        flag_days.set_item(kind, (newest, mask))?;
    }
    fields.set_item("flag_days", flag_days)?;
    fields.set_item("limited_ms", stored.limited_ms)?;
    Ok(fields)
}

fn set_habits(fields: &Bound<'_, PyDict>, habits: &Habits, texts: &Texts) -> PyResult<()> {
    let py = fields.py();
    fields.set_item("lifetime", numbers(&habits.lifetime))?;
    fields.set_item("peak", habits.peak)?;
    fields.set_item("first_ms", habits.first_ms)?;
    fields.set_item("night_count", habits.night_count)?;
    fields.set_item("newest_day", habits.newest_day)?;
    let days = PyDict::new(py);
    for (day, sums) in &habits.days {
        days.set_item(day, numbers(sums))?;
    }
    fields.set_item("days", days)?;
    for (name, known) in [
        ("devices", &habits.devices),
        ("countries", &habits.countries),
        ("cities", &habits.cities),
        ("merchants", &habits.merchants),
        ("categories", &habits.categories),
        ("ip_addresses", &habits.ip_addresses),
        ("beneficiaries", &habits.beneficiaries),
    ] {
        fields.set_item(name, first_seen(py, known, texts)?)?;
    }
    let spend = PyDict::new(py);
    for (category, spent) in habits.category_spend() {
        spend.set_item(texts.text(*category), (spent.count, spent.total))?;
    }
    fields.set_item("category_spend", spend)?;
    fields.set_item("category_total", habits.category_total)?;
    let dealings = PyDict::new(py);
    for (merchant, with) in habits.merchant_dealings() {
        dealings.set_item(texts.text(*merchant), (with.purchased, with.refunded, with.refunds))?;
    }
    fields.set_item("merchant_dealings", dealings)
}

fn set_account(fields: &Bound<'_, PyDict>, account: &AccountHistory) -> PyResult<()> {
    let py = fields.py();
    let logins = account.logins().iter().map(|login| login_fields(py, login)).collect::<PyResult<Vec<_>>>()?;
    fields.set_item("logins", PyList::new(py, logins)?)?;
    fields.set_item("unblocked_ms", &account.unblocked_ms)?;
    fields.set_item("verifications", &account.verifications)?;
    let labels = PyDict::new(py);
    for label in account.labels() {
        labels.set_item(&*label.transaction_id, (label.known_at_ms, label.is_fraud))?;
    }
    fields.set_item("labels", labels)
}

fn transaction_fields<'py>(py: Python<'py>, entry: &TransactionEntry, texts: &Texts) -> Fields<'py> {
    let fields = PyDict::new(py);
    fields.set_item("kind", "transaction")?;
    fields.set_item("sequence", entry.sequence)?;
    fields.set_item("transaction_id", &*entry.transaction_id)?;
    fields.set_item("timestamp_ms", entry.timestamp_ms)?;
    fields.set_item("remembered_ms", entry.remembered_ms)?;
    fields.set_item("late", entry.late)?;
    fields.set_item("minor", entry.minor)?;
    fields.set_item("refund", entry.refund)?;
    fields.set_item("declined", entry.declined)?;
    fields.set_item("night", entry.night)?;
    for (name, symbol) in [
        ("merchant_id", entry.merchant),
        ("category", entry.category),
        ("device_id", entry.device),
        ("country", entry.country),
        ("city", entry.city),
        ("ip_address", entry.ip_address),
        ("beneficiary_id", entry.beneficiary),
    ] {
        fields.set_item(name, texts.text_of(symbol))?;
    }
    fields.set_item("latitude", entry.latitude())?;
    fields.set_item("longitude", entry.longitude())?;
    fields.set_item("answer", entry.answer.known().map(|(action, risk_score)| (action.name(), risk_score)))?;
    Ok(fields)
}

fn login_fields<'py>(py: Python<'py>, login: &LoginEntry) -> Fields<'py> {
    let fields = PyDict::new(py);
    fields.set_item("kind", "login")?;
    fields.set_item("sequence", login.sequence)?;
    fields.set_item("event_id", &*login.event_id)?;
    fields.set_item("timestamp_ms", login.timestamp_ms)?;
    fields.set_item("remembered_ms", login.remembered_ms)?;
    fields.set_item("success", login.success)?;
    fields.set_item("device_id", login.device_id.as_deref())?;
    fields.set_item("city", login.city.as_deref())?;
    Ok(fields)
}

/// Values by when they were first seen, the most recently used last.
fn first_seen<'py>(py: Python<'py>, known: &Known, texts: &Texts) -> Fields<'py> {
    let fields = PyDict::new(py);
    for (value, first_ms) in known.iter() {
        fields.set_item(texts.text(value), first_ms)?;
    }
    Ok(fields)
}

fn numbers(sums: &Sums) -> (u64, u128, u128) {
    (sums.count, sums.total, sums.squares)
}

fn error(malformed: Malformed) -> PyErr {
    PyValueError::new_err(malformed.to_string())
}
