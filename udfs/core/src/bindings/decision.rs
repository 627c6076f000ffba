//! What a decision is made of, from Python: the judge, settings, and single parts.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::decision::identifiers::decision_id;
use crate::decision::json::{push_float, push_text};
use crate::decision::judge::{DecisionModel, Judge, Prediction, Weighed};
use crate::decision::reason::Reason;
use crate::decision::rule_map::{self, RuleMapError};
use crate::decision::score_blend::ScoreBlend;
use crate::decision::thresholds::{DecisionSettings, Thresholds};
use crate::decision::{logarithm, probability};
use crate::profiles::{BlockEntry, BlockType};
use crate::rules::python::{PyRulebook, action_of, python_error};
use crate::rules::rule_set::check_scale;
use crate::rules::rulebook::{EVERY_SHARE, RuleResult};
use crate::rules::scale::Scale;

/// Decides by a bundle's blend, a rule book and thresholds.
#[pyclass(name = "Judge", module = "udfs.core._native", frozen)]
pub struct PyJudge {
    pub judge: Judge,
}

#[pymethods]
impl PyJudge {
    /// `maps` are the bundle's maps of the rules: points and rates; `map_of_shares` says which of them is in force for each
    /// combination of shares (None: there is none), the last for all live rules. Raises RuleMapError.
    #[new]
    fn new(
        settings: &Bound<'_, PyAny>,
        model: &Bound<'_, PyAny>,
        rulebook: &PyRulebook,
        maps: Vec<(Vec<i64>, Vec<f64>)>,
        map_of_shares: Vec<Option<usize>>,
    ) -> PyResult<Self> {
        let py = model.py();
        let (weight, offset) = (model.getattr("model_weight")?.extract()?, model.getattr("offset")?.extract()?);
        let rules_weight = model.getattr("rules_weight")?.extract()?;
        let mut blends = vec![ScoreBlend::cautious(weight, offset, rulebook.rulebook.scale())];
        for (points, rates) in &maps {
            let blend = ScoreBlend::calibrated(weight, offset, rules_weight, points, rates);
            blends.push(blend.map_err(|error| rule_map_error(py, &error))?);
        }
        let blend_of_shares = map_of_shares.iter().map(|map| map.map_or(0, |map| map + 1)).collect();
        let model = DecisionModel {
            thresholds: Thresholds {
                refer_above: model.getattr("refer_above")?.extract()?,
                soft_challenge_above: model.getattr("soft_challenge_above")?.extract()?,
                hard_block_above: model.getattr("hard_block_above")?.extract()?,
            },
            coverage_floor: model.getattr("coverage_floor")?.extract()?,
            unusual_above: model.getattr("unusual_above")?.extract()?,
        };
        Ok(Self { judge: Judge::new(&settings_of(settings)?, &model, blends, blend_of_shares) })
    }

    /// The thresholds in force: refer_above, soft_challenge_above, hard_block_above.
    #[getter]
    fn thresholds(&self) -> (i64, i64, i64) {
        let thresholds = self.judge.thresholds;
        (thresholds.refer_above, thresholds.soft_challenge_above, thresholds.hard_block_above)
    }

    /// By what the points of all live rules count: "calibrated" or "cautious".
    #[getter]
    fn rule_map(&self) -> &'static str {
        self.judge.blend(EVERY_SHARE).map.name()
    }

    /// (probability, risk score, action, tags, rule map, from model, from rules).
    fn judge(
        &self,
        prediction: (f64, f64, f64, f64),
        points: i64,
        hits: Vec<u16>,
        rulebook: &PyRulebook,
        is_blocked: bool,
    ) -> PyResult<PyJudgement> {
        let result = RuleResult { points, score: 0, hits };
        let judgement = self.judge.judge(
            &Weighed::new(&prediction_of(prediction)),
            &result,
            &rulebook.rulebook,
            EVERY_SHARE,
            is_blocked,
        );
        let made = judgement.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let tags = made.tags.iter().map(|tag| tag.name()).collect();
        let (action, map) = (made.action.name(), made.rule_map.name());
        Ok((made.probability, made.risk_score, action, tags, map, made.from_model, made.from_rules))
    }
}

type PyJudgement = (f64, i64, &'static str, Vec<&'static str>, &'static str, f64, f64);

/// Log-odds to add at each sum of points, by a map's points and rates. Raises RuleMapError.
#[pyfunction]
fn learned_shifts(py: Python<'_>, points: Vec<i64>, rates: Vec<f64>) -> PyResult<Vec<f64>> {
    rule_map::learned_shifts(&points, &rates).map_err(|error| rule_map_error(py, &error))
}

/// Log-odds to add at each sum of points of a rule set without a map, by its scale. Raises RuleError.
#[pyfunction]
fn cautious_shifts(py: Python<'_>, scale: Vec<(i64, i64)>) -> PyResult<Vec<f64>> {
    check_scale(&scale).map_err(|error| python_error(py, &error))?;
    Ok(rule_map::cautious_shifts(&Scale::new(&scale)))
}

/// The error as `udfs.rules.rule_map.RuleMapError`.
fn rule_map_error(py: Python<'_>, error: &RuleMapError) -> PyErr {
    let class = py.import("udfs.rules.rule_map").and_then(|module| module.getattr("RuleMapError"));
    match class.and_then(|class| class.call1((error.to_string(),))) {
        Ok(value) => PyErr::from_value(value),
        Err(other) => other,
    }
}

/// The risk score, 0 to 1000, of a probability. Raises ValueError for NaN.
#[pyfunction]
fn risk_score(probability: f64) -> PyResult<i64> {
    probability::risk_score(probability).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// ln(p / (1 - p)) with p clipped so that it is finite.
#[pyfunction]
fn clipped_logit(probability: f64) -> f64 {
    probability::clipped_logit(probability)
}

/// The natural logarithm as the nearest float64, the same on every machine.
#[pyfunction]
fn rounded_ln(x: f64) -> f64 {
    logarithm::ln(x)
}

/// A float and a text as the core writes them in JSON.
#[pyfunction]
fn json_of<'py>(py: Python<'py>, number: f64, text: &str) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
    let (mut float, mut quoted) = (Vec::new(), Vec::new());
    push_float(&mut float, number);
    push_text(&mut quoted, text);
    (PyBytes::new(py, &float), PyBytes::new(py, &quoted))
}

#[pyfunction(name = "decision_id")]
fn py_decision_id(user_id: &str, transaction_id: &str) -> String {
    decision_id(user_id, transaction_id)
}

/// `udfs.scoring.decision_settings.DecisionSettings`.
pub fn settings_of(settings: &Bound<'_, PyAny>) -> PyResult<DecisionSettings> {
    Ok(DecisionSettings {
        refer_above: settings.getattr("refer_above")?.extract()?,
        soft_challenge_above: settings.getattr("soft_challenge_above")?.extract()?,
        hard_block_above: settings.getattr("hard_block_above")?.extract()?,
        coverage_floor: settings.getattr("coverage_floor")?.extract()?,
        aml_amount: settings.getattr("aml_amount")?.extract()?,
        pci_ip_risk_above: settings.getattr("pci_ip_risk_above")?.extract()?,
        block_list_action: action_of(&settings.getattr("block_list_action")?.extract::<String>()?)?,
        flag_alerts: settings.getattr("flag_alerts")?.extract()?,
    })
}

/// A sequence of `udfs.records.profiles.BlockEntry`.
pub fn block_entries_of(entries: &Bound<'_, PyAny>) -> PyResult<Vec<BlockEntry>> {
    let mut known = Vec::new();
    for entry in entries.try_iter()? {
        let entry = entry?;
        let boxed = |field: &str| -> PyResult<Option<Box<str>>> {
            Ok(entry.getattr(field)?.extract::<Option<String>>()?.map(Into::into))
        };
        let kind: String = entry.getattr("type")?.extract()?;
        known.push(BlockEntry {
            kind: BlockType::of(&kind).ok_or_else(|| PyValueError::new_err(format!("no block type: {kind}")))?,
            value: boxed("value")?.unwrap_or_default(),
            reason_code: boxed("reason_code")?,
            source_system: boxed("source_system")?,
            expires_at: entry.getattr("expires_at")?.extract()?,
        });
    }
    Ok(known)
}

fn prediction_of((probability, margin, anomaly, coverage): (f64, f64, f64, f64)) -> Prediction {
    Prediction { probability, margin, anomaly, coverage }
}

/// Source, partition and offset of an `Origin`.
pub fn origin_of(origin: &Bound<'_, PyAny>) -> PyResult<(String, Option<String>, Option<i64>)> {
    let source = origin.getattr("source")?.extract()?;
    Ok((source, origin.getattr("partition")?.extract()?, origin.getattr("offset")?.extract()?))
}

/// A reason as a tuple in the order of `udfs.records.outputs.Reason`.
pub fn reason_tuple(reason: Reason) -> (&'static str, String, String, f64, Option<f64>, Option<String>) {
    (reason.source.name(), reason.name, reason.text, reason.weight, reason.value, reason.usual)
}

/// Put decisions into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyJudge>()?;
    module.add("LEAST_PROBABILITY", probability::LEAST_PROBABILITY)?;
    module.add("MOST_PROBABILITY", probability::MOST_PROBABILITY)?;
    module.add_function(wrap_pyfunction!(learned_shifts, module)?)?;
    module.add_function(wrap_pyfunction!(cautious_shifts, module)?)?;
    module.add_function(wrap_pyfunction!(risk_score, module)?)?;
    module.add_function(wrap_pyfunction!(clipped_logit, module)?)?;
    module.add_function(wrap_pyfunction!(rounded_ln, module)?)?;
    module.add_function(wrap_pyfunction!(json_of, module)?)?;
    module.add_function(wrap_pyfunction!(py_decision_id, module)?)
}
