//! A batch of a history as columns, for training frames and comparisons.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::engine::Learned;
use crate::engine::batch::{Decoded, Learning, Outcome, RefusalKind};
use crate::events::Event;
use crate::observed::Observed;
use crate::rules::facts::FACT_NUMBERS;
use crate::rules::number::Row;
use crate::rules::past::Past;
use crate::rules::population::Population;
use crate::rules::rulebook::{EVERY_SHARE, RuleResult, Rulebook};

/// What gives rule points, and the figures as of each transaction for it.
pub type Rules = (Arc<Rulebook>, Arc<Population>);

/// User id, transaction id, moment from which the label is known (epoch milliseconds), and whether it is fraud.
type Label<'l> = (&'l str, &'l str, i64, bool);

/// The facts that are numbers by name, and what is said of sanctioned parties.
type FactColumns<'py, 'o> = (Vec<(&'static str, Bound<'py, PyBytes>)>, Vec<Option<&'o str>>);

/// What is told of transactions beside features and points.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    pub windows: &'a [Past],
    pub facts: bool,
}

/// The transactions that were learned as columns, and the labels; see `Core.replay_batch` in `udfs/core/_native.pyi`.
/// Raises RuntimeError for a record that failed unexpectedly.
pub fn columns<'py>(
    py: Python<'py>,
    decoded: &Decoded<'_>,
    learning: &Learning<'_>,
    features: &[f64],
    width: usize,
    rules: Option<&Rules>,
    told: Told,
) -> PyResult<Bound<'py, PyTuple>> {
    let mut observed: Vec<&Observed> = Vec::with_capacity(learning.outcomes.len());
    let mut labels: Vec<Label> = Vec::new();
    for (event, outcome) in decoded.events.iter().zip(&learning.outcomes) {
        match (event, outcome) {
            (_, Outcome::Refused(refused)) if refused.kind == RefusalKind::UnexpectedError => {
                return Err(PyRuntimeError::new_err(refused.reason.clone()));
            }
            (_, Outcome::Learned(Learned::Transaction(transaction))) => observed.push(transaction),
            (Ok(Event::Label(label)), Outcome::Learned(_)) => {
                labels.push((&label.user_id, &label.transaction_id, label.known_at, label.is_fraud));
            }
            _ => {}
        }
    }
    let rule_points = py.detach(|| {
        let (rulebook, population) = rules?;
        let mut result = RuleResult::default();
        let points = |(observed, features): (&&Observed, &[f64])| {
            let transaction = observed.transaction;
            let figures = population.figures(transaction.timestamp, transaction.city.as_deref());
            let row = Row { features, transaction, population: &figures, facts: &observed.facts };
            rulebook.evaluate(&row, EVERY_SHARE, &mut result);
            result.points
        };
        Some(observed.iter().zip(features.chunks_exact(width.max(1))).map(points).collect::<Vec<i64>>())
    });
    let places: Vec<usize> = observed.iter().map(|observed| observed.place).collect();
    let user_ids: Vec<&str> = observed.iter().map(|observed| &*observed.transaction.user_id).collect();
    let transaction_ids: Vec<&str> = observed.iter().map(|observed| &*observed.transaction.transaction_id).collect();
    let times = observed.iter().map(|observed| observed.transaction.timestamp.to_ne_bytes());
    let amounts = observed.iter().map(|observed| observed.amount.to_ne_bytes());
    let rule_points = rule_points.map(|points| column(py, points.iter().map(|points| points.to_ne_bytes())));
    let windows_of = |observed: &&Observed| told.windows.iter().map(|past| past.value(&observed.facts.past)).collect();
    let windows: Vec<f64> = observed.iter().flat_map::<Vec<f64>, _>(windows_of).collect();
    let windows = column(py, windows.iter().map(|value| value.to_ne_bytes()))?;
    let facts = told.facts.then(|| facts_of(py, &observed)).transpose()?;
    let (times, amounts, rule_points) = (column(py, times)?, column(py, amounts)?, rule_points.transpose()?);
    (places, user_ids, transaction_ids, times, amounts, rule_points, labels, windows, facts).into_pyobject(py)
}

/// The facts of the transactions.
fn facts_of<'py, 'o>(py: Python<'py>, observed: &[&'o Observed]) -> PyResult<FactColumns<'py, 'o>> {
    let numbers = FACT_NUMBERS.iter().enumerate().map(|(place, name)| {
        let values = observed.iter().map(|observed| observed.facts.numbers.get(place).map_or(f64::NAN, |value| *value));
        Ok((*name, column(py, values.map(f64::to_ne_bytes))?))
    });
    let parties = observed.iter().map(|observed| observed.facts.sanctioned_parties.as_deref());
    Ok((numbers.collect::<PyResult<_>>()?, parties.collect()))
}

/// Numbers of 8 bytes, one after the other.
fn column(py: Python<'_>, values: impl ExactSizeIterator<Item = [u8; 8]>) -> PyResult<Bound<'_, PyBytes>> {
    PyBytes::new_with(py, values.len() * 8, |bytes| {
        for (place, value) in bytes.chunks_exact_mut(8).zip(values) {
            place.copy_from_slice(&value);
        }
        Ok(())
    })
}
