//! Events as Python sees them, for tests and tools: field by field.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::codec::{Refusal, decode, decode_canonical};
use crate::events::{AttributeValue, Event, Text, Transaction};

/// An event by its fields (absent ones left out), the reason why it is none, or None where Python has to say.
///
/// `canonical`: the payload is what the codec in Python made of a record.
#[pyfunction]
#[pyo3(signature = (payload, canonical=false))]
pub fn decoded<'py>(py: Python<'py>, payload: &[u8], canonical: bool) -> PyResult<Bound<'py, PyAny>> {
    let event = if canonical { decode_canonical(payload) } else { decode(payload, &mut |_, _| {}) };
    match event {
        Ok(event) => Ok(fields_of(py, &event)?.into_any()),
        Err(Refusal::Bad(reason)) => Ok(reason.into_pyobject(py)?.into_any()),
        Err(Refusal::AskPython) => Ok(py.None().into_bound(py)),
    }
}

fn fields_of<'py>(py: Python<'py>, event: &Event<'_>) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    let texts = |pairs: &[(&str, &Option<Text<'_>>)]| -> PyResult<()> {
        for (name, text) in pairs {
            if let Some(text) = text {
                fields.set_item(name, &**text)?;
            }
        }
        Ok(())
    };
    match event {
        Event::Transaction(event) => return transaction_fields(py, event),
        Event::Login(event) => {
            fields.set_item("type", "login")?;
            fields.set_item("event_id", &*event.event_id)?;
            fields.set_item("user_id", &*event.user_id)?;
            fields.set_item("timestamp", event.timestamp)?;
            texts(&[("device_id", &event.device_id), ("ip_address", &event.ip_address), ("city", &event.city)])?;
            if let Some(success) = event.success {
                fields.set_item("success", success)?;
            }
        }
        Event::AccountChange(event) => {
            fields.set_item("type", "account_change")?;
            fields.set_item("event_id", &*event.event_id)?;
            fields.set_item("user_id", &*event.user_id)?;
            fields.set_item("timestamp", event.timestamp)?;
            texts(&[("old_status", &event.old_status), ("new_status", &event.new_status)])?;
            texts(&[("reason", &event.reason), ("audit_user", &event.audit_user)])?;
        }
        Event::Label(event) => {
            fields.set_item("type", "label")?;
            fields.set_item("event_id", &*event.event_id)?;
            fields.set_item("transaction_id", &*event.transaction_id)?;
            fields.set_item("user_id", &*event.user_id)?;
            fields.set_item("timestamp", event.timestamp)?;
            fields.set_item("known_at", event.known_at)?;
            fields.set_item("is_fraud", event.is_fraud)?;
            texts(&[("merchant_id", &event.merchant_id), ("resolution_code", &event.resolution_code)])?;
        }
        Event::Erasure(event) => {
            fields.set_item("type", "erasure")?;
            fields.set_item("event_id", &*event.event_id)?;
            fields.set_item("user_id", &*event.user_id)?;
            fields.set_item("timestamp", event.timestamp)?;
        }
    }
    Ok(fields)
}

fn transaction_fields<'py>(py: Python<'py>, event: &Transaction<'_>) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("type", "transaction")?;
    fields.set_item("transaction_id", &*event.transaction_id)?;
    fields.set_item("user_id", &*event.user_id)?;
    fields.set_item("timestamp", event.timestamp)?;
    fields.set_item("amount", event.amount)?;
    fields.set_item("kind", event.kind.name())?;
    if let Some(result) = event.auth_result {
        fields.set_item("auth_result", result.name())?;
    }
    for (name, text) in [
        ("currency", &event.currency),
        ("merchant_id", &event.merchant_id),
        ("merchant_category", &event.merchant_category),
        ("merchant_country", &event.merchant_country),
        ("channel", &event.channel),
        ("entry_mode", &event.entry_mode),
        ("device_id", &event.device_id),
        ("session_id", &event.session_id),
        ("card_id", &event.card_id),
        ("ip_address", &event.ip_address),
        ("city", &event.city),
        ("country", &event.country),
        ("beneficiary_id", &event.beneficiary_id),
        ("email_domain", &event.email_domain),
    ] {
        if let Some(text) = text {
            fields.set_item(name, &**text)?;
        }
    }
    for (name, number) in [
        ("latitude", event.latitude),
        ("longitude", event.longitude),
        ("distance_from_home_km", event.distance_from_home_km),
        ("account_tenure_months", event.account_tenure_months),
        ("txns_last_1h", event.txns_last_1h),
    ] {
        if let Some(number) = number {
            fields.set_item(name, number)?;
        }
    }
    if let Some(used) = event.otp_used {
        fields.set_item("otp_used", used)?;
    }
    if !event.attributes.is_empty() {
        let attributes = PyDict::new(py);
        for (name, value) in &event.attributes {
            match value {
                AttributeValue::Text(text) => attributes.set_item(&**name, &**text)?,
                AttributeValue::Number(number) => attributes.set_item(&**name, number)?,
            }
        }
        fields.set_item("attributes", attributes)?;
    }
    Ok(fields)
}
