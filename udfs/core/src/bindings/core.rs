//! The core as Python sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::bindings::convert;
use crate::bindings::decider::PyDecider;
use crate::bindings::decision::{origin_of, settings_of};
use crate::bindings::framed;
use crate::bindings::port::PythonPort;
use crate::bindings::replay::{self, Rules};
use crate::bindings::scoring::{self, RecordOrigin, Scored, Scoring};
use crate::engine::batch::{self, Admission, Decoded, Incoming, Learning, Outcome};
use crate::engine::enrichment::Enrichment;
use crate::engine::{EarlyRules, Engine, Learned};
use crate::features;
use crate::frame::{self, FramedOrigin};
use crate::records::{KeyKind, Records};
use crate::rules::past::Past;
use crate::rules::population::Population;
use crate::rules::python::{PyPopulation, PyRulebook, past_of_name, python_error};
use crate::rules::rulebook::Rulebook;
use crate::state::user::Write;

/// Users' state, stores' records and features of one operator instance. Not to be used by two threads at once.
#[pyclass(module = "udfs.core._native")]
pub struct Core {
    engine: Engine,
    admission: Admission,
    features: Vec<f64>,
    /// The windows that a replay gives.
    replayed: Vec<Past>,
}

#[pymethods]
impl Core {
    /// See `udfs/core/_native.pyi`.
    #[new]
    #[pyo3(signature = (*, state, cache_bytes, buckets, cache, base_currency, rates, timezone, attributes,
                        latest_timestamp_ms, future_tolerance_ms))]
    #[allow(clippy::too_many_arguments)] // all are named where it is called
    fn new(
        state: &Bound<'_, PyAny>,
        cache_bytes: usize,
        buckets: &Bound<'_, PyAny>,
        cache: Option<&Bound<'_, PyAny>>,
        base_currency: &str,
        rates: Vec<(String, i64, u128, i32)>,
        timezone: &str,
        attributes: Vec<Bound<'_, PyAny>>,
        latest_timestamp_ms: Option<i64>,
        future_tolerance_ms: i64,
    ) -> PyResult<Self> {
        let attributes = attributes.iter().map(convert::attribute).collect::<PyResult<Vec<_>>>()?;
        let records = Records::new(convert::record_settings(cache)?);
        let enrichment = Enrichment::new(records, convert::bucket_settings(buckets)?, &attributes);
        let settings = convert::state_settings(state, cache_bytes)?;
        let money = convert::money(base_currency, &rates)?;
        let width = features::width_with(&attributes);
        Ok(Self {
            engine: Engine::new(settings, enrichment, money, timezone, attributes, width),
            admission: Admission { latest_timestamp_ms, future_tolerance_ms },
            features: Vec::new(),
            replayed: Vec::new(),
        })
    }

    /// Decode, admit and learn records. Gives what came of each, and what is to be written to the users' states.
    fn learn_batch<'py>(
        &mut self,
        py: Python<'py>,
        keys: Vec<String>,
        payloads: Vec<Option<Bound<'py, PyBytes>>>,
        arrived_at_ms: Vec<Option<i64>>,
        port: Py<PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let records = incoming(Some(&keys), &payloads, &arrived_at_ms)?;
        self.with_learned(py, &records, port, false, |_, decoded, learning, _| {
            let unknown = unknown_codes(decoded);
            let outcomes = learning.outcomes.iter().map(|outcome| outcome_tuple(py, outcome));
            let outcomes = PyList::new(py, outcomes.collect::<PyResult<Vec<_>>>()?)?;
            let writes = writes_list(py, learning)?;
            PyTuple::new(
                py,
                [
                    outcomes.into_any(),
                    writes.into_any(),
                    unknown.into_pyobject(py)?.into_any(),
                    learning.misses.into_pyobject(py)?.into_any(),
                ],
            )
        })
    }

    /// Decode, admit and learn records, and decide on them by the decider and the model.
    #[pyo3(signature = (keys, payloads, arrived_at_ms, origins, port, decider, model, published, python_decodes))]
    #[allow(clippy::too_many_arguments)] // one call a batch
    fn score_batch<'py>(
        &mut self,
        py: Python<'py>,
        keys: Vec<String>,
        payloads: Vec<Option<Bound<'py, PyBytes>>>,
        arrived_at_ms: Vec<Option<i64>>,
        origins: Vec<Bound<'py, PyAny>>,
        port: Py<PyAny>,
        decider: &Bound<'py, PyDecider>,
        model: &Bound<'py, PyAny>,
        published: Vec<usize>,
        python_decodes: bool,
    ) -> PyResult<Bound<'py, PyTuple>> {
        if origins.len() != keys.len() {
            return Err(PyValueError::new_err("an origin of each record is needed"));
        }
        let width = self.engine.width();
        let records = incoming(Some(&keys), &payloads, &arrived_at_ms)?;
        let origins = origins.iter().map(record_origin).collect::<PyResult<Vec<_>>>()?;
        self.with_learned(py, &records, port, python_decodes, |engine, decoded, learning, features| {
            let decider = decider.borrow();
            let scoring = Scoring {
                decider: &decider.decider,
                model,
                origins: &origins,
                replies: &[],
                width,
                published: &published,
            };
            let Scored { decided, counts } = scoring.score(py, learning, features)?;
            engine.keep_answers(&decoded.events, learning, &scoring::answers(learning, &decided));
            PyTuple::new(
                py,
                [
                    scoring.outcomes(py, learning, decided)?.into_any(),
                    writes_list(py, learning)?.into_any(),
                    unknown_codes(decoded).into_pyobject(py)?.into_any(),
                    learning.misses.into_pyobject(py)?.into_any(),
                    counts.into_any(),
                ],
            )
        })
    }

    /// As `score_batch`, of a frame of records. `source` and `arrived_at_ms` are those of records that do not say theirs.
    #[pyo3(signature = (frame, source, arrived_at_ms, port, decider, model, published, python_decodes))]
    #[allow(clippy::too_many_arguments)] // one call a batch
    fn score_frame<'py>(
        &mut self,
        py: Python<'py>,
        frame: &Bound<'py, PyBytes>,
        source: &str,
        arrived_at_ms: Option<i64>,
        port: Py<PyAny>,
        decider: &Bound<'py, PyDecider>,
        model: &Bound<'py, PyAny>,
        published: Vec<usize>,
        python_decodes: bool,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let width = self.engine.width();
        let (records, framed) = frame::records(frame.as_bytes(), arrived_at_ms)
            .map_err(|no_frame| PyValueError::new_err(no_frame.to_string()))?;
        let origins: Vec<_> = framed.iter().map(|origin| framed_origin(*origin, source)).collect();
        let replies: Vec<_> = framed.iter().map(|origin| origin.wants_reply).collect();
        self.with_learned(py, &records, port, python_decodes, |engine, decoded, learning, features| {
            let decider = decider.borrow();
            let scoring = Scoring {
                decider: &decider.decider,
                model,
                origins: &origins,
                replies: &replies,
                width,
                published: &published,
            };
            let Scored { decided, counts } = scoring.score(py, learning, features)?;
            engine.keep_answers(&decoded.events, learning, &scoring::answers(learning, &decided));
            let (outputs, dead) = scoring.outputs(py, learning, decided)?;
            let (entries, others) = frame::entries_and_others(&learning.writes, &records);
            counts.set_item("outputs", framed::output_counts(&outputs))?;
            counts.set_item("arrived_at_ms", framed::arrivals(&records))?;
            counts.set_item("records", records.len())?;
            let answer = py.detach(|| frame::answer(&entries, &outputs));
            let others = others.into_iter().map(|(place, write)| write_tuple(py, place, write));
            PyTuple::new(
                py,
                [
                    PyBytes::new(py, &answer).into_any(),
                    framed::dead_letters(py, dead, &records, &origins)?.into_any(),
                    PyList::new(py, others.collect::<PyResult<Vec<_>>>()?)?.into_any(),
                    unknown_codes(decoded).into_pyobject(py)?.into_any(),
                    learning.misses.into_pyobject(py)?.into_any(),
                    counts.into_any(),
                ],
            )
        })
    }

    /// Decode, admit and learn records of a history, each of its own user's key; nothing of the states is to be written.
    #[pyo3(signature = (payloads, port, rules=None))]
    fn replay_batch<'py>(
        &mut self,
        py: Python<'py>,
        payloads: Vec<Bound<'py, PyBytes>>,
        port: Py<PyAny>,
        rules: Option<(Py<PyRulebook>, Py<PyPopulation>)>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let rules: Option<Rules> =
            rules.map(|(rulebook, population)| (rulebook.get().rulebook.clone(), population.get().population.clone()));
        if let Some((rulebook, population)) = &rules {
            self.engine.early_rules = early_rules(rulebook, population, self.engine.tells_facts);
        }
        let of_rules = rules.iter().flat_map(|(rulebook, _)| rulebook.past_hours().iter().copied());
        self.engine.past_hours = lengths_of(of_rules.chain(self.replayed.iter().map(|past| past.hours)));
        let (width, replayed) = (self.engine.width(), self.replayed.clone());
        let arrived_at_ms = vec![None; payloads.len()];
        let payloads: Vec<_> = payloads.into_iter().map(Some).collect();
        let records = incoming(None, &payloads, &arrived_at_ms)?;
        self.with_learned(py, &records, port, false, |engine, decoded, learning, features| {
            let told = replay::Told { windows: &replayed, facts: engine.tells_facts };
            replay::columns(py, decoded, learning, features, width, rules.as_ref(), told)
        })
    }

    /// The features of the transactions that the last batch learned, as native float64, row by row.
    fn features<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes_of(py, &self.features, f64::to_ne_bytes)
    }

    /// The same as float32, as the model reads them. A value beyond float32 is infinite.
    fn model_input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes_of(py, &self.features, |value| (value as f32).to_ne_bytes())
    }

    /// How many features a transaction has.
    #[getter]
    fn width(&self) -> usize {
        self.engine.width()
    }

    /// How many users are decoded in memory, and how many bytes they take, about.
    #[getter]
    fn cached(&self) -> (usize, usize) {
        (self.engine.users.len(), self.engine.users.bytes())
    }

    /// How often a key was asked for whose record was here and fresh.
    #[getter]
    fn hits(&self) -> u64 {
        self.engine.enrichment.records.hits
    }

    /// Forget a decoded user.
    fn evict(&mut self, user_id: &str) {
        self.engine.users.evict(user_id);
    }

    /// Forget all decoded users.
    fn evict_all(&mut self) {
        self.engine.users.evict_all();
    }

    /// Put all records of a store in memory, as (key, record): it is not asked any more but for keys that were forgotten.
    /// Raises ValueError for a key of no kind.
    fn hold_records(&mut self, records: &Bound<'_, PyAny>) -> PyResult<()> {
        for item in records.try_iter()? {
            let (key, object): (String, Bound<'_, PyAny>) = item?.extract()?;
            let (kind, id) = KeyKind::of(&key).ok_or_else(|| PyValueError::new_err(format!("{key:?} is no key")))?;
            self.engine.enrichment.records.put(kind, id, convert::record(&object)?, 0);
        }
        self.engine.enrichment.records.hold_all();
        Ok(())
    }

    /// Forget what is known of a key of the stores. Raises ValueError for a key of no kind.
    fn forget_record(&mut self, key: &str) -> PyResult<()> {
        let (kind, id) = KeyKind::of(key).ok_or_else(|| PyValueError::new_err(format!("{key:?} is no key")))?;
        self.engine.enrichment.records.forget(kind, id);
        Ok(())
    }

    /// Add an entry to the block list, beside others on its party.
    fn add_block(&mut self, entry: &Bound<'_, PyAny>) -> PyResult<()> {
        self.engine.block_list.add(convert::block_entry(entry)?);
        Ok(())
    }

    /// The entry takes the place of all that the block list holds on its party.
    fn put_block(&mut self, entry: &Bound<'_, PyAny>) -> PyResult<()> {
        self.engine.block_list.put(convert::block_entry(entry)?);
        Ok(())
    }

    /// The block list holds nothing on the party any more.
    fn remove_block(&mut self, kind: &str, value: &str) -> PyResult<()> {
        self.engine.block_list.remove(convert::block_type(kind)?, value);
        Ok(())
    }

    /// From the next batch on the values of windows with these names, such as `count(last 7 days)`, and facts are among the
    /// columns of `replay_batch`. Raises RuleError for a name of no window.
    fn replay_also(&mut self, py: Python<'_>, windows: Vec<String>, facts: bool) -> PyResult<()> {
        self.replayed = windows_of(py, &windows)?;
        self.engine.tells_facts = facts;
        Ok(())
    }

    /// Of names such as `count(last 7 days)` their values for a payment that the last batch learned, by the state of its user;
    /// NaN for what is not known. Raises RuleError for another name.
    fn windows(&self, py: Python<'_>, user_id: &str, time_ms: i64, names: Vec<String>) -> PyResult<Vec<f64>> {
        let past = windows_of(py, &names)?;
        let lengths: Vec<u16> = past.iter().map(|past| past.hours).collect();
        let windows = self.engine.past_of(user_id, time_ms, &lengths);
        Ok(past.iter().map(|past| past.value(&windows)).collect())
    }

    /// From the next batch on flags are raised by a DecisionSettings.
    fn use_decision(&mut self, settings: &Bound<'_, PyAny>) -> PyResult<()> {
        self.engine.decision = settings_of(settings)?;
        Ok(())
    }

    /// From the next batch on flags are raised for these rules, and facts computed for them and for candidates.
    fn use_rules(&mut self, rulebook: &PyRulebook, population: &PyPopulation, candidates: Vec<PyRef<'_, PyRulebook>>) {
        let with_facts = candidates.iter().any(|candidate| candidate.rulebook.reads_facts());
        self.engine.early_rules = early_rules(&rulebook.rulebook, &population.population, with_facts);
        let all = candidates.iter().map(|candidate| &candidate.rulebook).chain([&rulebook.rulebook]);
        self.engine.past_hours = lengths_of(all.flat_map(|rulebook| rulebook.past_hours().iter().copied()));
    }
}

fn windows_of(py: Python<'_>, names: &[String]) -> PyResult<Vec<Past>> {
    names.iter().map(|name| past_of_name(name).map_err(|error| python_error(py, &error))).collect()
}

/// Each once, ascending.
fn lengths_of(hours: impl Iterator<Item = u16>) -> Vec<u16> {
    hours.collect::<BTreeSet<u16>>().into_iter().collect()
}

/// The rules, if they are asked as soon as features are made, or others read facts.
fn early_rules(rulebook: &Arc<Rulebook>, population: &Arc<Population>, with_facts: bool) -> Option<EarlyRules> {
    let (rulebook, population) = (rulebook.clone(), population.clone());
    let is_needed = rulebook.is_asked_early() || with_facts;
    let with_facts = with_facts || rulebook.reads_facts();
    is_needed.then_some(EarlyRules { rulebook, population, with_facts })
}

impl Core {
    /// Decode, admit and learn records, and then, while the events still borrow from them, what is given: it gets the events,
    /// what came of them, and a row of features for each transaction that was learned.
    fn with_learned<'b, R>(
        &mut self,
        py: Python<'_>,
        records: &[Incoming<'b>],
        port: Py<PyAny>,
        python_decodes: bool,
        then: impl FnOnce(&mut Engine, &Decoded<'_>, &mut Learning<'_>, &[f64]) -> PyResult<R>,
    ) -> PyResult<R> {
        let port = PythonPort::new(port);
        let Self { engine, admission, features, .. } = self;
        let (found, asked) =
            if python_decodes { batch::leave_decoding(records) } else { py.detach(|| batch::start_decoding(records)) };
        let canonical = if asked.is_empty() { Vec::new() } else { batch::ask(&asked, records, &port)? };
        let mut decoded = found; // after what it borrows from
        batch::finish_decoding(&mut decoded, &canonical);
        let events = &mut decoded.events;
        py.detach(|| batch::admit(events, records, admission, &port))?;
        let mut learning = py.detach(|| engine.learn_batch(&decoded.events, &port, features))?;
        then(engine, &decoded, &mut learning, features)
    }
}

/// Records as Python gives them. `keys`: `None` where each record has its own user's.
fn incoming<'b>(
    keys: Option<&'b [String]>,
    payloads: &'b [Option<Bound<'_, PyBytes>>],
    arrived_at_ms: &[Option<i64>],
) -> PyResult<Vec<Incoming<'b>>> {
    if keys.is_some_and(|keys| keys.len() != payloads.len()) || payloads.len() != arrived_at_ms.len() {
        return Err(PyValueError::new_err("keys, payloads and arrivals of one length are needed"));
    }
    let records = payloads.iter().zip(arrived_at_ms).enumerate();
    let of = |(place, (payload, arrived_at_ms)): (usize, (&'b Option<Bound<'_, PyBytes>>, &Option<i64>))| Incoming {
        key: keys.and_then(|keys| keys.get(place)).map(String::as_str),
        payload: payload.as_ref().map(|payload| payload.as_bytes()),
        arrived_at_ms: *arrived_at_ms,
    };
    Ok(records.map(of).collect())
}

fn record_origin(origin: &Bound<'_, PyAny>) -> PyResult<RecordOrigin<'static>> {
    let (source, partition, offset) = origin_of(origin)?;
    Ok(RecordOrigin { source: source.into(), partition, offset })
}

fn framed_origin<'o>(origin: FramedOrigin<'o>, source: &'o str) -> RecordOrigin<'o> {
    RecordOrigin {
        source: origin.source.unwrap_or(source).into(),
        partition: origin.partition_and_offset.map(|(partition, _)| partition.to_string()),
        offset: origin.partition_and_offset.map(|(_, offset)| offset),
    }
}

fn unknown_codes<'d>(decoded: &'d Decoded<'_>) -> Vec<(&'static str, &'d str)> {
    decoded.unknown_codes.iter().map(|(field, text)| (*field, text.as_str())).collect()
}

fn writes_list<'py>(py: Python<'py>, learning: &Learning<'_>) -> PyResult<Bound<'py, PyList>> {
    let writes = learning.writes.iter().map(|(place, write)| write_tuple(py, *place, write));
    PyList::new(py, writes.collect::<PyResult<Vec<_>>>()?)
}

fn bytes_of<'py, const SIZE: usize>(
    py: Python<'py>,
    values: &[f64],
    convert: impl Fn(f64) -> [u8; SIZE],
) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, values.len() * SIZE, |bytes| {
        for (place, value) in bytes.chunks_exact_mut(SIZE).zip(values) {
            place.copy_from_slice(&convert(*value));
        }
        Ok(())
    })
}

fn outcome_tuple<'py>(py: Python<'py>, outcome: &Outcome<'_>) -> PyResult<Bound<'py, PyTuple>> {
    match outcome {
        Outcome::Learned(Learned::Transaction(observed)) => {
            let status = observed.status.name();
            let untold = observed.untold.as_slice();
            let blocked: Vec<_> = observed
                .blocked
                .iter()
                .map(|entry| (entry.kind.name(), &*entry.value, entry.reason_code.as_deref()))
                .collect();
            ("transaction", observed.late, observed.stale_history, status, untold, blocked).into_pyobject(py)
        }
        Outcome::Learned(Learned::Duplicate(_)) => ("duplicate",).into_pyobject(py),
        Outcome::Learned(Learned::Other) => ("other",).into_pyobject(py),
        Outcome::Learned(Learned::Flagged { flags, .. }) => {
            ("audit", flags.iter().any(|flag| flag.is_untold)).into_pyobject(py)
        }
        Outcome::Learned(Learned::Erased(_)) => ("erased",).into_pyobject(py),
        Outcome::Refused(refused) => ("refused", refused.kind.name(), refused.reason.as_str()).into_pyobject(py),
    }
}

fn write_tuple<'py>(py: Python<'py>, place: usize, write: &Write) -> PyResult<Bound<'py, PyTuple>> {
    match write {
        Write::Append(entry) => (place, "append", PyBytes::new(py, entry)).into_pyobject(py),
        Write::Snapshot(snapshot) => (place, "snapshot", PyBytes::new(py, snapshot)).into_pyobject(py),
        Write::Clear => (place, "clear", py.None()).into_pyobject(py),
        Write::Replace(log) => {
            let log: Vec<_> = log.iter().map(|entry| PyBytes::new(py, entry)).collect();
            (place, "replace", log).into_pyobject(py)
        }
    }
}
