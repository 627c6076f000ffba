//! From what a batch has learned to the bytes that leave, with the model as a callback.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::context::EnrichmentStatus;
use crate::decision::actions::Action;
use crate::decision::decision_record::{Origin, duplicate_json};
use crate::decision::judge::Prediction;
use crate::decision::notices::{change_alert_json, change_notice_json};
use crate::decision::reply::refused_reply_json;
use crate::decision::shadow::Truths;
use crate::engine::batch::{Learning, Outcome, words_of};
use crate::engine::{Duplicate, Learned};
use crate::frame::{Destination, Output};
use crate::observed::Observed;
use crate::reasons::decider::{Decider, Explanation, Judged, Records};
use crate::state::answer::{Answer, Answers};

/// Duplicates that say something else than the first are counted among the tags.
const DUPLICATE_DIFFERS: &str = "duplicate_differs";
/// What is replied of a transaction that failed after it was learned; the log has the cause.
const UNDECIDED: &str = "the transaction could not be decided, because of an unexpected error";
/// Probability, margin, anomaly, coverage: what the model says of one row.
const SCORES: usize = 4;

/// What decides on a batch.
pub struct Scoring<'s, 'py> {
    pub decider: &'s Decider,
    /// A `udfs.scoring.model.Model`.
    pub model: &'s Bound<'py, PyAny>,
    /// Of each record.
    pub origins: &'s [RecordOrigin<'s>],
    /// Of each record: is a reply wanted? Empty where none is.
    pub replies: &'s [bool],
    pub width: usize,
    /// Of the features that are published for other systems.
    pub published: &'s [usize],
}

/// Where a record came from.
#[derive(Clone, Debug)]
pub struct RecordOrigin<'o> {
    pub source: Cow<'o, str>,
    pub partition: Option<String>,
    pub offset: Option<i64>,
}

/// What came of a batch: the records of each transaction that was learned, in order, and what is counted.
pub struct Scored<'py> {
    pub decided: Vec<Row<Records>>,
    pub counts: Bound<'py, PyDict>,
}

/// Records that become dead letters: their places, and what came of them.
pub type DeadRecords<'py> = Vec<(usize, Bound<'py, PyTuple>)>;

/// One transaction, or why it could not be decided.
type Row<T> = Result<T, String>;

impl<'py> Scoring<'_, 'py> {
    /// Decide on all transactions that were learned.
    pub fn score(&self, py: Python<'py>, learning: &Learning<'_>, features: &[f64]) -> PyResult<Scored<'py>> {
        let observed: Vec<&Observed> = learning.outcomes.iter().filter_map(observed_of).collect();
        let rows: Vec<&[f64]> = features.chunks_exact(self.width.max(1)).take(observed.len()).collect();
        let judged = self.judged(py, &observed, &rows)?;
        let counts = self.counts(py, learning, &observed, &rows, &judged)?;
        let decided = self.decided(py, &observed, &rows, judged)?;
        Ok(Scored { decided, counts })
    }

    /// What came of all records, as tuples.
    pub fn outcomes(
        &self,
        py: Python<'py>,
        learning: &Learning<'_>,
        decided: Vec<Row<Records>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let mut decided = decided.into_iter();
        let outcomes = PyList::empty(py);
        for outcome in &learning.outcomes {
            outcomes.append(self.outcome(py, outcome, &mut decided)?)?;
        }
        Ok(outcomes)
    }

    /// The outputs of all records; those that become dead letters have none, but their place and what came of them.
    pub fn outputs(
        &self,
        py: Python<'py>,
        learning: &Learning<'_>,
        decided: Vec<Row<Records>>,
    ) -> PyResult<(Vec<Vec<Output>>, DeadRecords<'py>)> {
        let mut decided = decided.into_iter();
        let mut dead = Vec::new();
        let mut outputs = Vec::with_capacity(learning.outcomes.len());
        for (place, outcome) in learning.outcomes.iter().enumerate() {
            outputs.push(match outcome {
                Outcome::Refused(refused) => {
                    dead.push((place, self.outcome(py, outcome, &mut decided)?));
                    self.refused_reply(place, &refused.reason)
                }
                Outcome::Learned(Learned::Transaction(_)) => match decided.next() {
                    Some(Ok(records)) => outputs_of(records),
                    failed => {
                        let reply = self.refused_reply(place, UNDECIDED);
                        dead.push((place, self.outcome(py, outcome, &mut failed.into_iter())?));
                        reply
                    }
                },
                Outcome::Learned(learned) => {
                    self.output_of(learned).into_iter().chain(self.duplicate_reply(place, learned)).collect()
                }
            });
        }
        Ok((outputs, dead))
    }

    fn wants_reply(&self, place: usize) -> bool {
        self.replies.get(place).copied().unwrap_or_default()
    }

    fn refused_reply(&self, place: usize, reason: &str) -> Vec<Output> {
        let reply = || Output { destination: Destination::Replies, value: refused_reply_json(reason), action: None };
        self.wants_reply(place).then(reply).into_iter().collect()
    }

    fn duplicate_reply(&self, place: usize, learned: &Learned<'_>) -> Option<Output> {
        let Learned::Duplicate(Duplicate { transaction, differs, answer }) = learned else { return None };
        let value = || duplicate_json(transaction, *differs, answer.known());
        self.wants_reply(place).then(|| Output { destination: Destination::Replies, value: value(), action: None })
    }

    /// The output of what is no transaction that was learned now, if it has one.
    fn output_of(&self, learned: &Learned<'_>) -> Option<Output> {
        let (destination, value, action) = match learned {
            Learned::Duplicate(Duplicate { transaction, differs, answer }) => {
                (Destination::Decisions, duplicate_json(transaction, *differs, answer.known()), None)
            }
            Learned::Flagged { change, flags } if self.decider.settings.flag_alerts => {
                (Destination::Alerts, change_alert_json(change, flags), Some(Action::Allow))
            }
            Learned::Flagged { change, flags } => {
                (Destination::Flags, change_notice_json(change, flags)?, Some(Action::Allow))
            }
            _ => return None,
        };
        Some(Output { destination, value, action })
    }

    fn judged(&self, py: Python<'py>, observed: &[&Observed], rows: &[&[f64]]) -> PyResult<Vec<Row<Judged>>> {
        if observed.is_empty() {
            return Ok(Vec::new());
        }
        let (predictions, failed) = self.predictions(py, rows)?;
        let decider = self.decider;
        Ok(py.detach(|| {
            let mut truths = Truths::default();
            let mut of_row = |row: usize| {
                if let Some(reason) = failed.get(&row) {
                    return Err(reason.clone());
                }
                let judge = || decider.judge(observed[row], rows[row], predictions[row], &mut truths);
                match catch_unwind(AssertUnwindSafe(judge)) {
                    Ok(Ok(judged)) => Ok(judged),
                    Ok(Err(not_a_number)) => Err(format!("ValueError: {not_a_number}")),
                    Err(panic) => Err(words_of(&*panic)),
                }
            };
            (0..observed.len()).map(&mut of_row).collect()
        }))
    }

    /// What the model says of each row, and of which rows it failed, with why.
    fn predictions(&self, py: Python<'py>, rows: &[&[f64]]) -> PyResult<(Vec<Prediction>, HashMap<usize, String>)> {
        let size = rows.len() * self.width * size_of::<f32>();
        let matrix = PyBytes::new_with(py, size, |bytes| {
            // A value beyond float32 is infinite.
            for (place, value) in bytes.chunks_exact_mut(size_of::<f32>()).zip(rows.iter().copied().flatten()) {
                place.copy_from_slice(&(*value as f32).to_ne_bytes());
            }
            Ok(())
        })?;
        let (scores, failed): (Bound<'py, PyBytes>, HashMap<usize, String>) =
            self.model.call_method1("score", (matrix,))?.extract()?;
        let (values, _) = scores.as_bytes().as_chunks::<{ size_of::<f64>() }>();
        let values: Vec<f64> = values.iter().map(|bytes| f64::from_ne_bytes(*bytes)).collect();
        let (scores, _) = values.as_chunks::<SCORES>();
        if scores.len() != rows.len() {
            return Err(PyValueError::new_err(format!("{} scores of {} transactions", scores.len(), rows.len())));
        }
        let of = |[probability, margin, anomaly, coverage]: &[f64; SCORES]| Prediction {
            probability: *probability,
            margin: *margin,
            anomaly: *anomaly,
            coverage: *coverage,
        };
        Ok((scores.iter().map(of).collect(), failed))
    }

    fn decided(
        &self,
        py: Python<'py>,
        observed: &[&Observed],
        rows: &[&[f64]],
        judged: Vec<Row<Judged>>,
    ) -> PyResult<Vec<Row<Records>>> {
        let mut ready = Vec::with_capacity(judged.len());
        for (row, judged) in judged.into_iter().enumerate() {
            ready.push(match judged {
                Ok(judged) if judged.is_explained() => self.explained(py, row, observed[row])?.map(|why| (judged, why)),
                Ok(judged) => Ok((judged, Explanation::default())),
                Err(reason) => Err(reason),
            });
        }
        let (origins, replies, decider) = (self.origins, self.replies, self.decider);
        Ok(py.detach(|| {
            let of_row = |(row, ready): (usize, Row<(Judged, Explanation)>)| {
                let (judged, why) = ready?;
                let RecordOrigin { source, partition, offset } = &origins[observed[row].place];
                let origin = Origin { source, partition: partition.as_deref(), offset: *offset };
                let wants_reply = replies.get(observed[row].place).copied().unwrap_or_default();
                let records = || decider.records(observed[row], rows[row], &judged, &why, Some(origin), wants_reply);
                catch_unwind(AssertUnwindSafe(records)).map_err(|panic| words_of(&*panic))
            };
            ready.into_iter().enumerate().map(of_row).collect()
        }))
    }

    /// Why the model scored a row as it did. What fails is that row's.
    fn explained(&self, py: Python<'py>, row: usize, observed: &Observed) -> PyResult<Row<Explanation>> {
        let zone = observed.user.as_ref().and_then(|user| user.timezone.as_deref());
        let told = self.model.call_method1("explain", (row, zone, observed.transaction.timestamp));
        let told = told.and_then(|told| told.extract());
        match told {
            Ok((contributions, deviations, clock)) => Ok(Ok(Explanation { contributions, deviations, clock })),
            Err(error) if error.is_instance_of::<PyException>(py) => Ok(Err(in_words(py, &error))),
            Err(error) => Err(error),
        }
    }

    fn outcome(
        &self,
        py: Python<'py>,
        outcome: &Outcome<'_>,
        decided: &mut impl Iterator<Item = Row<Records>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let bytes = |record: &[u8]| PyBytes::new(py, record);
        match outcome {
            Outcome::Learned(Learned::Transaction(_)) => match decided.next() {
                Some(Ok(records)) => {
                    let (alert, notice) =
                        (records.alert.as_deref().map(bytes), records.flag_notice.as_deref().map(bytes));
                    ("decision", bytes(&records.decision), records.action.name(), alert, notice).into_pyobject(py)
                }
                Some(Err(reason)) => ("undecided", reason).into_pyobject(py),
                None => ("undecided", "the core decided on too few transactions").into_pyobject(py),
            },
            Outcome::Learned(learned) => match self.output_of(learned) {
                None => ("nothing",).into_pyobject(py),
                Some(Output { destination: Destination::Decisions, value, .. }) => {
                    ("duplicate", bytes(&value)).into_pyobject(py)
                }
                Some(Output { destination, value, .. }) => {
                    let kind = if destination == Destination::Alerts { "alert" } else { "flag" };
                    (kind, bytes(&value), Action::Allow.name()).into_pyobject(py)
                }
            },
            Outcome::Refused(refused) => ("refused", refused.kind.name(), refused.reason.as_str()).into_pyobject(py),
        }
    }

    /// late, erased, newest_event_ms (of the last transaction), enrichment, rule_hits, tags, and online: user, time and values;
    /// where something is in shadow, shadow_hits, shadow_differs and shadow_errors; and guarded, where a rule has guardrails.
    fn counts(
        &self,
        py: Python<'py>,
        learning: &Learning<'_>,
        observed: &[&Observed],
        rows: &[&[f64]],
        judged: &[Row<Judged>],
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut enrichment: HashMap<&str, u64> = HashMap::new();
        for observed in observed.iter().filter(|observed| observed.status != EnrichmentStatus::Ok) {
            *enrichment.entry(observed.status.name()).or_default() += 1;
        }
        let (mut hits, mut tags): (HashMap<&str, u64>, HashMap<&str, u64>) = Default::default();
        let rules = &self.decider.rulebook.rule_set().rules;
        let shadow = ShadowCounts::of(self.decider, judged);
        for judged in judged.iter().flatten() {
            for rule in judged.result.hits.iter().filter_map(|hit| rules.get(usize::from(*hit))) {
                *hits.entry(&rule.id).or_default() += 1;
            }
            for tag in &judged.judgement.tags {
                *tags.entry(tag.name()).or_default() += 1;
            }
        }
        let differs = |outcome: &&Outcome| {
            matches!(outcome, Outcome::Learned(Learned::Duplicate(Duplicate { differs: true, .. })))
        };
        let differing = learning.outcomes.iter().filter(differs).count() as u64;
        if differing > 0 {
            tags.insert(DUPLICATE_DIFFERS, differing);
        }
        let counts = PyDict::new(py);
        counts.set_item("late", observed.iter().filter(|observed| observed.late).count())?;
        let is_erased = |outcome: &&Outcome| matches!(outcome, Outcome::Learned(Learned::Erased(_)));
        counts.set_item("erased", learning.outcomes.iter().filter(is_erased).count())?;
        counts.set_item("newest_event_ms", observed.last().map(|observed| observed.transaction.timestamp))?;
        counts.set_item("enrichment", enrichment)?;
        counts.set_item("rule_hits", hits)?;
        counts.set_item("tags", tags)?;
        if let Some(shadow) = shadow {
            counts.set_item("shadow_hits", shadow.hits)?;
            counts.set_item("shadow_differs", shadow.differs)?;
            counts.set_item("shadow_errors", shadow.errors)?;
        }
        if self.decider.rulebook.has_guarded() {
            counts.set_item("guarded", guarded(self.decider, judged))?;
        }
        if !self.published.is_empty() {
            counts.set_item("online", self.online(py, observed, rows)?)?;
        }
        Ok(counts)
    }

    fn online(&self, py: Python<'py>, observed: &[&Observed], rows: &[&[f64]]) -> PyResult<Bound<'py, PyList>> {
        let online = PyList::empty(py);
        for (observed, row) in observed.iter().zip(rows).filter(|(observed, _)| !observed.late) {
            let of = |position: &usize| row.get(*position).copied().unwrap_or(f64::NAN);
            let values: Vec<f64> = self.published.iter().map(of).collect();
            online.append((&*observed.transaction.user_id, observed.transaction.timestamp, values))?;
        }
        Ok(online)
    }
}

/// What a batch answers to its transactions.
pub fn answers<'a>(learning: &Learning<'a>, decided: &[Row<Records>]) -> Answers<'a> {
    let mut answers = Answers::default();
    let mut decided = decided.iter();
    for (place, outcome) in learning.outcomes.iter().enumerate() {
        match outcome {
            Outcome::Learned(Learned::Transaction(observed)) => {
                if let Some(Ok(Records { action, risk_score, .. })) = decided.next() {
                    let transaction = observed.transaction;
                    answers.add(&transaction.user_id, &transaction.transaction_id, Answer::new(*action, *risk_score));
                }
            }
            Outcome::Learned(Learned::Erased(user_id)) => answers.forget(user_id, place),
            _ => {}
        }
    }
    answers
}

/// Those of a decided transaction.
fn outputs_of(records: Records) -> Vec<Output> {
    let Records { action, decision, alert, flag_notice, reply, .. } = records;
    let output = |destination, value| Output { destination, value, action: Some(action) };
    let mut outputs = vec![output(Destination::Decisions, decision)];
    if let Some(alert) = alert {
        outputs.push(output(Destination::Alerts, alert));
    } else if let Some(notice) = flag_notice {
        outputs.push(output(Destination::Flags, notice));
    }
    if let Some(reply) = reply {
        outputs.push(output(Destination::Replies, reply));
    }
    outputs
}

fn observed_of<'o, 'a>(outcome: &'o Outcome<'a>) -> Option<&'o Observed<'a>> {
    match outcome {
        Outcome::Learned(Learned::Transaction(observed)) => Some(observed),
        _ => None,
    }
}

/// What is counted of the sets in shadow, by set, and of their hits by set and rule, as `SET/RULE`.
#[derive(Default)]
struct ShadowCounts<'d> {
    hits: HashMap<String, u64>,
    /// Decisions that would have been others.
    differs: HashMap<&'d str, u64>,
    errors: HashMap<&'d str, u64>,
}

impl<'d> ShadowCounts<'d> {
    fn of(decider: &'d Decider, judged: &[Row<Judged>]) -> Option<Self> {
        let shadows = decider.shadows.as_ref()?;
        let mut counts = Self::default();
        let mut of_rules = Vec::new();
        for (place, set) in shadows.sets().enumerate() {
            let (mut differs, mut errors) = (0, 0);
            of_rules.clear();
            of_rules.resize(set.rulebook.rule_set().rules.len(), 0u64);
            for judged in judged.iter().flatten() {
                let Some(shadowed) = judged.shadowed.get(place) else { continue };
                match shadowed.action {
                    None => errors += 1,
                    Some(action) => differs += u64::from(action != judged.judgement.action),
                }
                for hit in &shadowed.hits {
                    if let Some(count) = of_rules.get_mut(usize::from(*hit)) {
                        *count += 1;
                    }
                }
            }
            // The set in force and a candidate may have one name.
            for (known, count) in [(&mut counts.differs, differs), (&mut counts.errors, errors)] {
                if count > 0 {
                    *known.entry(&set.name).or_default() += count;
                }
            }
            let hits = set.rulebook.rule_set().rules.iter().zip(&of_rules).filter(|(_, count)| **count > 0);
            for (rule, count) in hits {
                *counts.hits.entry(format!("{}/{}", set.name, rule.id)).or_default() += count;
            }
        }
        Some(counts)
    }
}

/// Of each rule with guardrails that is live for some of the users: their payments, its hits among them, and of these the
/// ones with an action, and the blocked ones.
fn guarded<'d>(decider: &'d Decider, judged: &[Row<Judged>]) -> HashMap<&'d str, (u64, u64, u64, u64)> {
    let mut counts: HashMap<&str, (u64, u64, u64, u64)> = HashMap::new();
    for judged in judged.iter().flatten() {
        for place in decider.rulebook.guarded(judged.shares) {
            let Some(rule) = decider.rulebook.rule(place) else { continue };
            let (payments, hits, alerts, blocks) = counts.entry(&rule.id).or_default();
            let action = judged.judgement.action;
            *payments += 1;
            if judged.result.hits.contains(&place) {
                *hits += 1;
                *alerts += u64::from(action != Action::Allow);
                *blocks += u64::from(action == Action::HardBlock);
            }
        }
    }
    counts
}

/// As Python writes an error: its type and its message.
fn in_words(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    format!("{name}: {}", error.value(py))
}
