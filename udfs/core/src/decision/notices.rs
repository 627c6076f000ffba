//! Alerts and notices of flags, as they leave the operator.

use crate::decision::actions::{Action, Tag};
use crate::decision::decision_record::Decided;
use crate::decision::identifiers::{change_id, decision_id};
use crate::decision::json::JsonWriter;
use crate::decision::reason::ReasonSource;
use crate::events::AccountChange;

/// What an alert and a notice of flags have in common. What is `None`, and no tags, is left out.
#[derive(Debug)]
struct Notice<'a> {
    id: String,
    user_id: &'a str,
    event_time_ms: i64,
    flags: Vec<&'a str>,
    reasons: Vec<&'a str>,
    risk_score: i64,
    transaction_id: Option<&'a str>,
    event_id: Option<&'a str>,
    amount: Option<f64>,
    currency: Option<&'a str>,
    merchant_id: Option<&'a str>,
    user_country: Option<&'a str>,
}

impl<'a> Notice<'a> {
    fn of(decided: &'a Decided, base_currency: &'a str, user_country: Option<&'a str>) -> Self {
        let transaction = decided.transaction;
        Self {
            id: decision_id(&transaction.user_id, &transaction.transaction_id),
            user_id: &transaction.user_id,
            event_time_ms: transaction.timestamp,
            flags: decided.flags.to_vec(),
            reasons: decided.reasons.iter().map(|reason| reason.text.as_str()).collect(),
            risk_score: decided.judgement.risk_score,
            transaction_id: Some(&transaction.transaction_id),
            event_id: None,
            amount: Some(transaction.amount),
            currency: Some(decided.currency(base_currency)),
            merchant_id: transaction.merchant_id.as_deref(),
            user_country,
        }
    }

    fn of_change(change: &'a AccountChange, raised: &[&'a FlagOfChange]) -> Self {
        Self {
            id: change_id(&change.user_id, &change.event_id),
            user_id: &change.user_id,
            event_time_ms: change.timestamp,
            flags: raised.iter().map(|flag| flag.kind).collect(),
            reasons: raised.iter().map(|flag| flag.words.as_str()).collect(),
            risk_score: 0,
            transaction_id: None,
            event_id: Some(&change.event_id),
            amount: None,
            currency: None,
            merchant_id: None,
            user_country: None,
        }
    }

    fn alert_json(&self, action: Action, summary: Option<&str>, tags: &[Tag]) -> Vec<u8> {
        let mut json = self.start("alert", "alert_id");
        json.name("action");
        json.text(action.name());
        json.name("risk_score");
        json.integer(self.risk_score);
        self.write_flags(&mut json);
        write_text(&mut json, "summary", summary);
        if !tags.is_empty() {
            json.name("tags");
            json.texts(tags.iter().map(|tag| tag.name()));
        }
        self.end(json)
    }

    fn flag_json(&self) -> Vec<u8> {
        let mut json = self.start("flag", "flag_id");
        self.write_flags(&mut json);
        if self.risk_score != 0 {
            json.name("risk_score");
            json.integer(self.risk_score);
        }
        self.end(json)
    }

    fn start(&self, tag: &str, id: &str) -> JsonWriter {
        let mut json = JsonWriter::with_capacity(1024);
        json.open(b'{');
        json.name("type");
        json.text(tag);
        json.name(id);
        json.text(&self.id);
        json.name("user_id");
        json.text(self.user_id);
        json.name("event_time_ms");
        json.integer(self.event_time_ms);
        json
    }

    fn write_flags(&self, json: &mut JsonWriter) {
        json.name("flags");
        json.texts(self.flags.iter().copied());
        json.name("reasons");
        json.texts(self.reasons.iter().copied());
    }

    fn end(&self, mut json: JsonWriter) -> Vec<u8> {
        write_text(&mut json, "transaction_id", self.transaction_id);
        write_text(&mut json, "event_id", self.event_id);
        if let Some(amount) = self.amount {
            json.name("amount");
            json.float(amount);
        }
        write_text(&mut json, "currency", self.currency);
        write_text(&mut json, "merchant_id", self.merchant_id);
        write_text(&mut json, "user_country", self.user_country);
        json.close(b'}');
        json.bytes
    }
}

fn write_text(json: &mut JsonWriter, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        json.name(name);
        json.text(text);
    }
}

/// The alert on a decision. `user_country` is the home country of the user's profile.
pub fn alert_json(decided: &Decided, base_currency: &str, user_country: Option<&str>) -> Vec<u8> {
    let judgement = decided.judgement;
    Notice::of(decided, base_currency, user_country).alert_json(judgement.action, decided.summary, &judgement.tags)
}

/// The notice of some of an allowed payment's flags.
pub fn flag_notice_json(
    decided: &Decided,
    kinds: &[&'static str],
    base_currency: &str,
    user_country: Option<&str>,
) -> Vec<u8> {
    let mut notice = Notice::of(decided, base_currency, user_country);
    notice.flags.retain(|flag| kinds.contains(flag));
    let told = decided.reasons.iter();
    let told = told.filter(|reason| reason.source == ReasonSource::Flag && kinds.contains(&reason.name.as_str()));
    notice.reasons = told.map(|reason| reason.text.as_str()).collect();
    notice.flag_json()
}

/// A flag of an account's change, and in words why. `is_untold`: the user has not had it on that day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagOfChange {
    pub kind: &'static str,
    pub words: String,
    pub is_untold: bool,
}

/// The notice of those flags of an account's change that the user has not had on that day; `None` without any.
pub fn change_notice_json(change: &AccountChange, flags: &[FlagOfChange]) -> Option<Vec<u8>> {
    let untold: Vec<&FlagOfChange> = flags.iter().filter(|flag| flag.is_untold).collect();
    (!untold.is_empty()).then(|| Notice::of_change(change, &untold).flag_json())
}

/// All of them as an alert, where flags are to be alerts.
pub fn change_alert_json(change: &AccountChange, flags: &[FlagOfChange]) -> Vec<u8> {
    let all: Vec<&FlagOfChange> = flags.iter().collect();
    Notice::of_change(change, &all).alert_json(Action::Allow, None, &[])
}

/// Why a change by nobody in particular is to be audited.
pub fn audit_in_words(change: &AccountChange) -> String {
    let status = |known: &Option<_>| known.as_deref().unwrap_or("None").to_owned();
    let who = change.audit_user.as_deref().filter(|name| !name.is_empty()).unwrap_or("nobody");
    format!("account status changed from {} to {} by {who}", status(&change.old_status), status(&change.new_status))
}
