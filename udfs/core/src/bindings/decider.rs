//! All that is decided by, from Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::attributes::{Attribute, AttributeHolder, AttributeKind};
use crate::bindings::decision::{PyJudge, settings_of};
use crate::decision::decision_record::ControlVersions;
use crate::decision::logged_features::{FeatureForm, FeatureLog};
use crate::decision::shadow::Shadows;
use crate::features::feature::Feature;
use crate::features::{FEATURES, attribute};
use crate::reasons::decider::Decider;
use crate::reasons::explainer::{Explainer, ExplainerSettings};
use crate::reasons::inputs::Levels;
use crate::rules::python::{PyPopulation, PyRulebook};
use crate::rules::rulebook::EVERY_SHARE;

/// Name, version, rules and what decides by them.
type Candidate = (String, i64, Py<PyRulebook>, Py<PyJudge>);

/// Decides by all that is in force.
#[pyclass(name = "Decider", module = "udfs.core._native")]
pub struct PyDecider {
    pub decider: Decider,
}

#[pymethods]
impl PyDecider {
    /// `more` has: rulebook (a Rulebook), attributes [(name, is it a text)], bundle_version, base_currency, control_versions,
    /// log_features, feature_set, base_rate, limit, fraud_rate, model_weight, log_error, quantiles (a list of 7 levels or
    /// None a feature), population (PopulationFigures), shadow_judge (a Judge by all rules, those in shadow included) and
    /// candidates [(name, version, Rulebook, Judge)]. Raises ValueError.
    #[new]
    fn new(settings: &Bound<'_, PyAny>, judge: &PyJudge, more: &Bound<'_, PyDict>) -> PyResult<Self> {
        let get = |name: &str| more.get_item(name)?.ok_or_else(|| PyValueError::new_err(format!("no {name}")));
        let attributes: Vec<(String, bool)> = get("attributes")?.extract()?;
        let attributes: Vec<Attribute> = attributes.into_iter().map(attribute_of).collect();
        let features: Vec<Feature> = FEATURES.iter().cloned().chain(attribute::features_of(&attributes)).collect();
        let names: Vec<String> = features.iter().map(|feature| feature.name.to_string()).collect();
        let in_order = || names.iter().map(String::as_str);
        let rulebook = get("rulebook")?.cast::<PyRulebook>()?.get().rulebook.clone();
        let base_currency: String = get("base_currency")?.extract()?;
        let quantiles: Vec<Option<Levels>> = get("quantiles")?.extract()?;
        let explainer = ExplainerSettings {
            base_currency: base_currency.as_str().into(),
            base_rate: get("base_rate")?.extract()?,
            reasons_per_alert: get("limit")?.extract()?,
            fraud_rate: get("fraud_rate")?.extract()?,
            model_weight: get("model_weight")?.extract()?,
            log_error_weight: get("log_error")?.extract()?,
            quantiles,
        };
        let versions: Vec<(String, i64)> = get("control_versions")?.extract()?;
        let form: String = get("log_features")?.extract()?;
        let form = FeatureForm::of(&form).ok_or_else(|| PyValueError::new_err(format!("no form: {form}")))?;
        let version: String = get("feature_set")?.extract()?;
        let shadow_judge = get("shadow_judge")?.cast::<PyJudge>()?.get().judge.clone();
        let mut candidates = Vec::new();
        for candidate in get("candidates")?.try_iter()? {
            let (name, version, rules, judge): Candidate = candidate?.extract()?;
            candidates.push((name.into(), version, rules.get().rulebook.clone(), judge.get().judge.clone()));
        }
        let decider = Decider {
            settings: settings_of(settings)?,
            explainer: Explainer::new(&features, explainer, judge.judge.blend(EVERY_SHARE), &rulebook),
            shadows: Shadows::new(&rulebook, shadow_judge, candidates),
            rulebook,
            judge: judge.judge.clone(),
            population: get("population")?.cast::<PyPopulation>()?.get().population.clone(),
            bundle_version: get("bundle_version")?.extract::<String>()?.into(),
            base_currency: base_currency.into(),
            control_versions: control_versions_of(&versions),
            feature_log: FeatureLog::new(form, in_order(), &version),
        };
        Ok(Self { decider })
    }

    /// Decisions name these versions of control elements from now on, in this order.
    fn use_control_versions(&mut self, versions: Vec<(String, i64)>) {
        self.decider.control_versions = control_versions_of(&versions);
    }
}

fn control_versions_of(versions: &[(String, i64)]) -> ControlVersions {
    ControlVersions::new(versions.iter().map(|(name, version)| (name.as_str(), *version)))
}

fn attribute_of((name, is_text): (String, bool)) -> Attribute {
    let kind = if is_text { AttributeKind::Text } else { AttributeKind::Number };
    Attribute { name: name.into(), kind, holder: AttributeHolder::Event }
}
