//! Reasons from Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::attributes::{Attribute, AttributeHolder, AttributeKind};
use crate::bindings::catalogue::{PySignal, signal_of};
use crate::bindings::decision::{block_entries_of, reason_tuple};
use crate::decision::reason::{Reason, ReasonSource};
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Direction;
use crate::features::{FEATURES, attribute};
use crate::reasons::alert_reasons::alert_reasons;
use crate::reasons::catalogue::Catalogue;
use crate::reasons::inputs::{AlertInputs, Levels, RuleHit, ScoreParts};
use crate::reasons::rule_topics::RuleTopic;
use crate::reasons::words::in_words;
use crate::rules::python::transaction_of;

/// The features that reasons speak of, in input order.
#[pyclass(name = "ReasonCatalogue", module = "udfs.core._native", frozen)]
pub struct PyCatalogue {
    catalogue: Catalogue,
    features: Vec<Feature>,
}

type PyReason = (&'static str, String, String, f64, Option<f64>, Option<String>);

#[pymethods]
impl PyCatalogue {
    /// All families' features, and those of (name, is it a text) attributes.
    #[new]
    fn new(attributes: Vec<(String, bool)>) -> Self {
        let attributes: Vec<Attribute> = attributes.into_iter().map(attribute_of).collect();
        let features: Vec<Feature> = FEATURES.iter().cloned().chain(attribute::features_of(&attributes)).collect();
        Self { catalogue: Catalogue::new(&features), features }
    }

    /// Each feature's name, words (form, raised, lowered) and signal: concept, direction, [least, clear, most, certain],
    /// rank, personal, joins, needs, needs_least, read_from.
    fn features(&self) -> Vec<(String, (&'static str, String, String), PySignal)> {
        let described = self.features.iter().map(|feature| {
            let words = &feature.words;
            let words = (words.form.name(), words.raised.to_string(), words.lowered.to_string());
            (feature.name.to_string(), words, signal_of(feature))
        });
        described.collect()
    }

    /// What a feature, field or population figure is about; None for a name that is about nothing.
    fn concept_of(&self, name: &str) -> Option<String> {
        let topic = RuleTopic::new([name], &self.catalogue);
        topic.names.first().map(|known| known.concept(&self.catalogue).to_owned())
    }

    /// The flags that are computed from a field of the transaction alone.
    fn flags_of(&self, field: &str) -> Vec<String> {
        let positions = self.catalogue.read_from(field);
        positions.into_iter().map(|position| self.catalogue.features[position].name.to_string()).collect()
    }

    /// The reasons of an alert's inputs (tests/udfs/reasons/alert_inputs.py) and the summary. `features` are the values in input order,
    /// `flags` the texts by flag, `clock` the local hour and minute.
    fn alert_reasons(
        &self,
        inputs: &Bound<'_, PyAny>,
        features: Vec<f64>,
        clock: Option<(u32, u32)>,
    ) -> PyResult<(Vec<PyReason>, String)> {
        let transaction = transaction_of(&inputs.getattr("transaction")?)?;
        let hits = self.hits_of(&inputs.getattr("hits")?)?;
        let blocked = block_entries_of(&inputs.getattr("blocked")?)?;
        let parts = inputs.getattr("parts")?;
        let limit: i64 = inputs.getattr("limit")?.extract()?;
        let base_currency: String = inputs.getattr("base_currency")?.extract()?;
        let (reasons, summary) = alert_reasons(&AlertInputs {
            transaction: &transaction,
            features: &features,
            catalogue: &self.catalogue,
            probability: inputs.getattr("probability")?.extract()?,
            parts: ScoreParts {
                model: parts.getattr("model")?.extract()?,
                rules: parts.getattr("rules")?.extract()?,
                anomaly: parts.getattr("anomaly")?.extract()?,
            },
            contributions: &self.by_position(&inputs.getattr("contributions")?)?,
            deviations: &self.by_position(&inputs.getattr("deviations")?)?,
            hits: hits.iter().map(OwnedHit::as_hit).collect(),
            flags: flags_of(&inputs.getattr("flags")?)?,
            blocked: &blocked,
            unusual: inputs.getattr("unusual")?.extract()?,
            quantiles: &self.quantiles_of(&inputs.getattr("quantiles")?)?,
            base_currency: &base_currency,
            base_rate: inputs.getattr("base_rate")?.extract()?,
            clock,
            limit: usize::try_from(limit).unwrap_or(0),
        });
        Ok((reasons.into_iter().map(reason_tuple).collect(), summary))
    }
}

struct OwnedHit {
    id: String,
    text: String,
    share: f64,
    topic: RuleTopic,
    forces: bool,
}

impl OwnedHit {
    fn as_hit(&self) -> RuleHit<'_> {
        RuleHit { id: &self.id, text: self.text.clone(), share: self.share, topic: &self.topic, forces: self.forces }
    }
}

impl PyCatalogue {
    fn hits_of(&self, hits: &Bound<'_, PyAny>) -> PyResult<Vec<OwnedHit>> {
        let hit_of = |hit: PyResult<Bound<'_, PyAny>>| {
            let hit = hit?;
            let names: Vec<String> = hit.getattr("names")?.extract()?;
            Ok(OwnedHit {
                id: hit.getattr("id")?.extract()?,
                text: hit.getattr("text")?.extract()?,
                share: hit.getattr("share")?.extract()?,
                topic: RuleTopic::new(names.iter().map(String::as_str), &self.catalogue),
                forces: hit.getattr("forces")?.extract()?,
            })
        };
        hits.try_iter()?.map(hit_of).collect()
    }

    fn by_position(&self, named: &Bound<'_, PyAny>) -> PyResult<Vec<(usize, f64)>> {
        let named: Vec<(String, f64)> = named.try_iter()?.map(|pair| pair?.extract()).collect::<PyResult<_>>()?;
        let known = named.into_iter().map(|(name, value)| {
            let position = self.catalogue.position(&name);
            Ok((position.ok_or_else(|| PyValueError::new_err(format!("no feature: {name}")))?, value))
        });
        known.collect()
    }

    fn quantiles_of(&self, quantiles: &Bound<'_, PyAny>) -> PyResult<Vec<Option<Levels>>> {
        if quantiles.is_none() {
            return Ok(Vec::new());
        }
        let levels = |name: &str| quantiles.call_method1("get", (name,))?.extract::<Option<Levels>>();
        self.catalogue.features.iter().map(|feature| levels(&feature.name)).collect()
    }
}

fn attribute_of((name, is_text): (String, bool)) -> Attribute {
    let kind = if is_text { AttributeKind::Text } else { AttributeKind::Number };
    Attribute { name: name.into(), kind, holder: AttributeHolder::Event }
}

fn flags_of(flags: &Bound<'_, PyAny>) -> PyResult<Vec<Reason>> {
    let flags: Vec<(String, String)> =
        flags.call_method0("items")?.try_iter()?.map(|pair| pair?.extract()).collect::<PyResult<_>>()?;
    let reason = |(flag, why): (String, String)| {
        let text = format!("{flag}: {why}");
        Reason::new(ReasonSource::Flag, flag, text, 0.0)
    };
    Ok(flags.into_iter().map(reason).collect())
}

fn form_of(name: &str) -> PyResult<Form> {
    Ok(match name {
        "money" => Form::Money,
        "times" => Form::Times,
        "deviations" => Form::Deviations,
        "count" => Form::Count,
        "percent" => Form::Percent,
        "days" => Form::Days,
        "minutes" => Form::Minutes,
        "seconds" => Form::Seconds,
        "km" => Form::Km,
        "kmh" => Form::Kmh,
        "number" => Form::Number,
        "hour" => Form::Hour,
        "weekday" => Form::Weekday,
        "flag" => Form::Flag,
        _ => return Err(PyValueError::new_err(format!("no form: {name}"))),
    })
}

/// A value in the words of a feature: (form, raised, lowered, unknown, field). `is_raised_by_0`: of a flag's state 0.
#[pyfunction(name = "in_words")]
fn py_in_words(
    words: (String, String, String, String, String),
    is_raised_by_0: bool,
    value: f64,
    currency: &str,
    is_low: bool,
) -> PyResult<String> {
    let (form, raised, lowered, unknown, _) = words;
    let words = Words {
        form: form_of(&form)?,
        raised: raised.into(),
        lowered: lowered.into(),
        unknown: unknown.into(),
        field: "",
    };
    let direction = if is_raised_by_0 { Direction::False } else { Direction::True };
    Ok(in_words(&words, direction, value, currency, is_low))
}

/// Put reasons into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCatalogue>()?;
    module.add_function(wrap_pyfunction!(py_in_words, module)?)
}
