//! The record of one scored transaction, and that of a transaction that was sent again.

use crate::context::EnrichmentStatus;
use crate::decision::actions::Action;
use crate::decision::identifiers::decision_id;
use crate::decision::json::JsonWriter;
use crate::decision::judge::{Judgement, Prediction};
use crate::decision::logged_features::FeatureLog;
use crate::decision::reason::Reason;
use crate::decision::shadow::{Shadowed, Shadows};
use crate::events::Transaction;
use crate::rules::rulebook::{RuleResult, Rulebook};

/// Bytes of a decision without features and reasons, roughly.
const USUAL_BYTES: usize = 1024;

/// Where a record came from: a file's path, or topic, partition and offset where the source has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    pub source: &'a str,
    pub partition: Option<&'a str>,
    pub offset: Option<i64>,
}

/// The versions of control elements in force, as the JSON object that each decision holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlVersions {
    json: Box<[u8]>,
}

impl ControlVersions {
    /// In the order in which they are to be written.
    pub fn new<'a>(versions: impl IntoIterator<Item = (&'a str, i64)>) -> Self {
        let mut json = JsonWriter::default();
        json.open(b'{');
        for (name, version) in versions {
            json.any_name(name);
            json.integer(version);
        }
        json.close(b'}');
        Self { json: json.bytes.into() }
    }
}

/// What all decisions of one bundle, rule set and configuration have in common.
#[derive(Clone, Copy, Debug)]
pub struct InForce<'a> {
    pub bundle_version: &'a str,
    pub base_currency: &'a str,
    pub rulebook: &'a Rulebook,
    pub control_versions: &'a ControlVersions,
    pub shadows: Option<&'a Shadows>,
    pub feature_log: &'a FeatureLog,
}

/// One decision: what was seen, what was said of it, and why.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    pub transaction: &'a Transaction<'a>,
    pub features: &'a [f64],
    pub prediction: &'a Prediction,
    pub result: &'a RuleResult,
    pub judgement: &'a Judgement,
    /// Of each set in shadow.
    pub shadowed: &'a [Shadowed],
    pub flags: &'a [&'static str],
    pub summary: Option<&'a str>,
    pub reasons: &'a [Reason],
    pub status: EnrichmentStatus,
    pub late: bool,
    pub stale_history: bool,
    pub origin: Option<Origin<'a>>,
}

impl Decided<'_> {
    /// The currency of the amount.
    pub fn currency<'a>(&'a self, base_currency: &'a str) -> &'a str {
        self.transaction.currency.as_deref().filter(|currency| !currency.is_empty()).unwrap_or(base_currency)
    }

    /// The record as JSON.
    pub fn json(&self, in_force: &InForce) -> Vec<u8> {
        let mut json = JsonWriter::with_capacity(USUAL_BYTES + in_force.feature_log.expected_bytes());
        let (transaction, judgement) = (self.transaction, self.judgement);
        json.open(b'{');
        json.name("type");
        json.text("decision");
        json.name("decision_id");
        json.text(&decision_id(&transaction.user_id, &transaction.transaction_id));
        json.name("transaction_id");
        json.text(&transaction.transaction_id);
        json.name("user_id");
        json.text(&transaction.user_id);
        json.name("event_time_ms");
        json.integer(transaction.timestamp);
        json.name("amount");
        json.float(transaction.amount);
        json.name("currency");
        json.text(self.currency(in_force.base_currency));
        json.name("risk_score");
        json.integer(judgement.risk_score);
        json.name("probability");
        json.float(judgement.probability);
        json.name("coverage");
        json.float(self.prediction.coverage);
        json.name("action");
        json.text(judgement.action.name());
        json.name("tags");
        json.texts(judgement.tags.iter().map(|tag| tag.name()));
        json.name("flags");
        json.texts(self.flags.iter().copied());
        json.name("summary");
        json.optional_text(self.summary);
        json.name("reasons");
        json.open(b'[');
        self.reasons.iter().for_each(|reason| write_reason(reason, &mut json));
        json.close(b']');
        self.write_scores(in_force, &mut json);
        json.name("enrichment");
        json.text(self.status.name());
        json.name("late");
        json.flag(self.late);
        json.name("stale_history");
        json.flag(self.stale_history);
        json.name("merchant_id");
        json.optional_text(transaction.merchant_id.as_deref());
        json.name("origin");
        self.write_origin(&mut json);
        json.name("control_versions");
        json.raw(&in_force.control_versions.json);
        self.write_shadow(in_force, &mut json);
        in_force.feature_log.write(self.features, &mut json);
        json.close(b'}');
        json.bytes
    }

    fn write_scores(&self, in_force: &InForce, json: &mut JsonWriter) {
        json.name("model");
        json.open(b'{');
        json.name("bundle");
        json.text(in_force.bundle_version);
        json.name("probability");
        json.float(self.prediction.probability);
        json.name("xgboost");
        json.float(self.prediction.margin);
        json.name("anomaly");
        json.float(self.prediction.anomaly);
        json.close(b'}');
        json.name("rules");
        json.open(b'{');
        json.name("version");
        json.integer(in_force.rulebook.rule_set().version);
        json.name("score");
        json.integer(self.result.score);
        json.name("points");
        json.integer(self.result.points);
        json.name("hits");
        json.texts(self.result.hits.iter().filter_map(|hit| Some(in_force.rulebook.rule(*hit)?.id.as_str())));
        json.name("map");
        json.text(self.judgement.rule_map.name());
        if let lists @ [_, ..] = in_force.rulebook.lists() {
            json.name("lists");
            json.open(b'{');
            for (name, version) in lists {
                json.name(name);
                json.integer(*version);
            }
            json.close(b'}');
        }
        json.close(b'}');
    }

    /// Nothing where nothing is in shadow.
    fn write_shadow(&self, in_force: &InForce, json: &mut JsonWriter) {
        let Some(shadows) = in_force.shadows else { return };
        json.name("shadow");
        json.open(b'[');
        shadows.sets().zip(self.shadowed).for_each(|(set, shadowed)| set.write(shadowed, json));
        json.close(b']');
    }

    fn write_origin(&self, json: &mut JsonWriter) {
        let Some(origin) = self.origin else { return json.null() };
        json.open(b'{');
        json.name("source");
        json.text(origin.source);
        json.name("partition");
        json.optional_text(origin.partition);
        json.name("offset");
        match origin.offset {
            Some(offset) => json.integer(offset),
            None => json.null(),
        }
        json.close(b'}');
    }
}

fn write_reason(reason: &Reason, json: &mut JsonWriter) {
    json.open(b'{');
    json.name("source");
    json.text(reason.source.name());
    json.name("name");
    json.text(&reason.name);
    json.name("text");
    json.text(&reason.text);
    json.name("weight");
    json.float(reason.weight);
    if let Some(value) = reason.value {
        json.name("value");
        json.float(value);
    }
    if let Some(usual) = &reason.usual {
        json.name("usual");
        json.text(usual);
    }
    json.close(b'}');
}

/// The same transaction again: it names the decision already made and changes nothing.
pub fn duplicate_json(transaction: &Transaction, differs: bool, first: Option<(Action, i64)>) -> Vec<u8> {
    let mut json = JsonWriter::with_capacity(256);
    json.open(b'{');
    json.name("type");
    json.text("duplicate");
    json.name("decision_id");
    json.text(&decision_id(&transaction.user_id, &transaction.transaction_id));
    json.name("transaction_id");
    json.text(&transaction.transaction_id);
    json.name("user_id");
    json.text(&transaction.user_id);
    json.name("event_time_ms");
    json.integer(transaction.timestamp);
    json.name("differs");
    json.flag(differs);
    if let Some((action, risk_score)) = first {
        json.name("first_action");
        json.text(action.name());
        json.name("first_risk_score");
        json.integer(risk_score);
    }
    json.close(b'}');
    json.bytes
}
