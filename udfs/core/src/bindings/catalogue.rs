//! The features as they are declared, for Python.

use pyo3::prelude::*;

use crate::bindings::convert;
use crate::features::feature::Feature;
use crate::features::{FAMILIES, attribute};

/// Form, raised, lowered, unknown, field.
type PyWords = (&'static str, String, String, String, &'static str);

/// Concept, direction, [least, clear, most, certain], rank, personal, joins, (needs, needs_least), read_from.
pub type PySignal = (String, &'static str, [f64; 4], u8, bool, &'static str, (String, f64), &'static str);

type PyFeature = (&'static str, String, String, String, u32, Vec<String>, PyWords, PySignal);

/// Family, name, unit, formula, version, groups, words and signal of every feature, in the model's input order: those of
/// a bank's own attributes last.
#[pyfunction]
#[pyo3(signature = (attributes=Vec::new()))]
pub fn catalogue(attributes: Vec<Bound<'_, PyAny>>) -> PyResult<Vec<PyFeature>> {
    let attributes = attributes.iter().map(convert::attribute).collect::<PyResult<Vec<_>>>()?;
    let of_families = FAMILIES.iter().flat_map(|family| (family.features)().into_iter().map(|one| (family.name, one)));
    let of_attributes = attribute::features_of(&attributes).into_iter().map(|one| (attribute::FAMILY, one));
    Ok(of_families.chain(of_attributes).map(|(family, feature)| described(family, &feature)).collect())
}

fn described(family: &'static str, feature: &Feature) -> PyFeature {
    let words = &feature.words;
    let (name, unit, formula) = (feature.name.to_string(), feature.unit.to_string(), feature.formula.to_string());
    let groups = feature.groups.iter().map(|group| group.to_string()).collect();
    let (raised, lowered) = (words.raised.to_string(), words.lowered.to_string());
    let words = (words.form.name(), raised, lowered, words.unknown.to_string(), words.field);
    (family, name, unit, formula, feature.version, groups, words, signal_of(feature))
}

/// When its value is a reason.
pub fn signal_of(feature: &Feature) -> PySignal {
    let signal = &feature.signal;
    let limits = [signal.least, signal.clear, signal.most, signal.certain];
    let needs = (signal.needs.to_string(), signal.needs_least);
    let (concept, direction) = (signal.concept.to_string(), signal.direction.name());
    (concept, direction, limits, signal.rank, signal.personal, signal.joins, needs, signal.read_from)
}
