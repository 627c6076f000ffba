//! Rules over columns, from Python: numpy arrays in, bytes of numbers out.

use std::collections::HashMap;

use pyo3::buffer::{PyBuffer, ReadOnlyCell};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyBytes;

use crate::bindings::decision::PyJudge;
use crate::decision::judge::{Prediction, Weighed};
use crate::rules::columns::block::{ColumnNames, Columns, NumberColumn, TextColumn};
use crate::rules::columns::rules::{ColumnRules, compile};
use crate::rules::language::parse_condition;
use crate::rules::names::Vocabulary;
use crate::rules::population::POPULATION_NAMES;
use crate::rules::python::{PyNamedList, PyPopulation, PyRulebook, lists_of, python_error, rule_set_of};
use crate::rules::rulebook::RuleResult;

/// A code a row, negative for what is not known, and the texts of the codes.
type PyTexts = (PyBuffer<i32>, Vec<PyBackedStr>);

/// The enabled rules of a set over columns.
#[pyclass(name = "ColumnRules", module = "udfs.core._native", frozen)]
pub struct PyColumnRules {
    rules: ColumnRules,
}

#[pymethods]
impl PyColumnRules {
    /// Compile a `RuleSet` over features of these names, and lists. Raises RuleError.
    #[new]
    fn new(
        py: Python<'_>,
        rule_set: &Bound<'_, PyAny>,
        feature_names: Vec<String>,
        lists: Vec<PyRef<'_, PyNamedList>>,
    ) -> PyResult<Self> {
        let names = feature_names.iter().map(String::as_str);
        let rules = ColumnRules::new(&rule_set_of(rule_set)?, names, lists_of(&lists));
        Ok(Self { rules: rules.map_err(|error| python_error(py, &error))? })
    }

    /// The names of the columns of numbers that `evaluate` needs, in order.
    #[getter]
    fn number_names(&self) -> Vec<String> {
        self.rules.names.numbers.clone()
    }

    /// The names of the columns of texts that `evaluate` needs, in order.
    #[getter]
    fn text_names(&self) -> Vec<String> {
        self.rules.names.texts.clone()
    }

    /// Of all rows: where the hits of each begin (int64, one more than rows), the hits' positions among the rules (uint16),
    /// the sums of points (int64), and the partial roll-outs in which the users are (uint8).
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        rows: usize,
        numbers: Vec<PyBuffer<f64>>,
        texts: Vec<PyTexts>,
    ) -> PyResult<[Bound<'py, PyBytes>; 4]> {
        if numbers.len() != self.rules.names.numbers.len() || texts.len() != self.rules.names.texts.len() {
            return Err(PyValueError::new_err("not the columns of number_names and text_names"));
        }
        let hits = with_columns(py, rows, &numbers, &texts, |columns| self.rules.evaluate(columns))?;
        Ok([
            bytes_of(py, hits.starts.iter().map(|start| start.to_ne_bytes()))?,
            bytes_of(py, hits.places.iter().map(|place| place.to_ne_bytes()))?,
            bytes_of(py, hits.points.iter().map(|points| points.to_ne_bytes()))?,
            PyBytes::new(py, &hits.shares),
        ])
    }
}

/// What a condition says of each row, a byte each: 0 false, 1 unknown, 2 true. Columns by name. Raises RuleError.
#[pyfunction]
#[pyo3(signature = (text, feature_names, rows, numbers, texts, lists = Vec::new()))]
fn condition_truths<'py>(
    py: Python<'py>,
    text: &str,
    feature_names: Vec<String>,
    rows: usize,
    numbers: HashMap<String, PyBuffer<f64>>,
    texts: HashMap<String, PyTexts>,
    lists: Vec<PyRef<'_, PyNamedList>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut names = ColumnNames::default();
    let compiled = Vocabulary::new(feature_names.iter().map(String::as_str))
        .and_then(|vocabulary| parse_condition(text, &vocabulary.with_lists(lists_of(&lists))))
        .and_then(|tree| compile(&tree, &mut names));
    let condition = compiled.map_err(|error| python_error(py, &error))?;
    let missing = |name: &str| PyValueError::new_err(format!("no column {name}"));
    let numbers: Vec<&PyBuffer<f64>> =
        names.numbers.iter().map(|name| numbers.get(name).ok_or_else(|| missing(name))).collect::<PyResult<_>>()?;
    let texts: Vec<&PyTexts> =
        names.texts.iter().map(|name| texts.get(name).ok_or_else(|| missing(name))).collect::<PyResult<_>>()?;
    let numbers = numbers.iter().map(|column| cells(py, column, rows).map(Numbers)).collect::<PyResult<Vec<_>>>()?;
    let texts = texts.iter().map(|column| Texts::of(py, column, rows)).collect::<PyResult<Vec<_>>>()?;
    let columns = columns_of(rows, &numbers, &texts);
    let mut truths = vec![0; rows];
    for block in columns.blocks() {
        condition.truths(&block, &mut truths[block.start..block.start + block.len]);
    }
    Ok(PyBytes::new(py, &truths))
}

/// Of each row the action (uint8, its place among ACTIONS) and the risk score (int16), as the judge gives them for the
/// hits of `ColumnRules.evaluate` and (probability, anomaly, coverage, is blocked). Raises ValueError.
#[pyfunction]
fn judge_columns<'py>(
    py: Python<'py>,
    judge: &PyJudge,
    rulebook: &PyRulebook,
    hits: (PyBuffer<i64>, PyBuffer<u16>, PyBuffer<i64>, PyBuffer<u8>),
    predictions: (PyBuffer<f64>, PyBuffer<f64>, PyBuffer<f64>, PyBuffer<u8>),
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let rows = hits.2.item_count();
    let (starts, places) = (cells(py, &hits.0, rows + 1)?, cells(py, &hits.1, hits.1.item_count())?);
    let (points, is_blocked) = (cells(py, &hits.2, rows)?, cells(py, &predictions.3, rows)?);
    let (probability, anomaly) = (cells(py, &predictions.0, rows)?, cells(py, &predictions.1, rows)?);
    let (coverage, shares) = (cells(py, &predictions.2, rows)?, cells(py, &hits.3, rows)?);
    let (mut actions, mut scores) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut result = RuleResult::default();
    for row in 0..rows {
        let hits = starts[row].get() as usize..starts[row + 1].get() as usize;
        let hits = places.get(hits).ok_or_else(|| PyValueError::new_err("starts do not fit the hits"))?;
        result.points = points[row].get();
        result.hits.clear();
        result.hits.extend(hits.iter().map(ReadOnlyCell::get));
        let prediction = Prediction {
            probability: probability[row].get(),
            margin: f64::NAN, // not judged by
            anomaly: anomaly[row].get(),
            coverage: coverage[row].get(),
        };
        let (shares, is_blocked) = (shares[row].get(), is_blocked[row].get() != 0);
        let judged = judge.judge.judge(&Weighed::new(&prediction), &result, &rulebook.rulebook, shares, is_blocked);
        let judged = judged.map_err(|error| PyValueError::new_err(format!("row {row}: {error}")))?;
        actions.push(judged.action as u8);
        scores.push(judged.risk_score as i16);
    }
    Ok((PyBytes::new(py, &actions), bytes_of(py, scores.iter().map(|score| score.to_ne_bytes()))?))
}

/// The figures about all users for each row, a column (float64) for each of POPULATION_NAMES, from times in epoch
/// milliseconds and cities.
#[pyfunction]
fn population_columns<'py>(
    py: Python<'py>,
    population: &PyPopulation,
    times_ms: PyBuffer<i64>,
    cities: PyTexts,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let rows = times_ms.item_count();
    let (times, cities) = (cells(py, &times_ms, rows)?, Texts::of(py, &cities, rows)?);
    let figures: Vec<_> =
        (0..rows).map(|row| population.population.figures(times[row].get(), cities.text(row))).collect();
    (0..POPULATION_NAMES.len())
        .map(|place| bytes_of(py, figures.iter().map(|figures| figures[place].to_ne_bytes())))
        .collect()
}

struct Numbers<'a>(&'a [ReadOnlyCell<f64>]);

impl NumberColumn for Numbers<'_> {
    fn read(&self, start: usize, into: &mut [f64]) {
        for (value, cell) in into.iter_mut().zip(&self.0[start..]) {
            *value = cell.get();
        }
    }
}

struct Texts<'a> {
    codes: &'a [ReadOnlyCell<i32>],
    texts: &'a [PyBackedStr],
}

impl<'a> Texts<'a> {
    fn of(py: Python<'a>, (codes, texts): &'a PyTexts, rows: usize) -> PyResult<Self> {
        let codes = cells(py, codes, rows)?;
        if codes.iter().any(|code| usize::try_from(code.get()).is_ok_and(|code| code >= texts.len())) {
            return Err(PyValueError::new_err("a code has no text"));
        }
        Ok(Self { codes, texts })
    }
}

impl TextColumn for Texts<'_> {
    fn text(&self, row: usize) -> Option<&str> {
        usize::try_from(self.codes[row].get()).ok().map(|code| &*self.texts[code])
    }
}

fn with_columns<T>(
    py: Python<'_>,
    rows: usize,
    numbers: &[PyBuffer<f64>],
    texts: &[PyTexts],
    ask: impl FnOnce(&Columns) -> T,
) -> PyResult<T> {
    let numbers = numbers.iter().map(|column| cells(py, column, rows).map(Numbers)).collect::<PyResult<Vec<_>>>()?;
    let texts = texts.iter().map(|column| Texts::of(py, column, rows)).collect::<PyResult<Vec<_>>>()?;
    Ok(ask(&columns_of(rows, &numbers, &texts)))
}

fn columns_of<'a>(rows: usize, numbers: &'a [Numbers<'a>], texts: &'a [Texts<'a>]) -> Columns<'a> {
    Columns {
        rows,
        numbers: numbers.iter().map(|column| column as &dyn NumberColumn).collect(),
        texts: texts.iter().map(|column| column as &dyn TextColumn).collect(),
    }
}

/// The values of a column of so many rows. Raises ValueError for another length, or where they are not in one piece.
fn cells<'a, T: pyo3::buffer::Element>(
    _py: Python<'a>,
    column: &'a PyBuffer<T>,
    rows: usize,
) -> PyResult<&'a [ReadOnlyCell<T>]> {
    let values = column.as_slice_ptr().ok_or_else(|| PyValueError::new_err("a column is not contiguous"))?;
    if values.len() != rows {
        return Err(PyValueError::new_err(format!("a column has {} rows, not {rows}", values.len())));
    }
    // SAFETY: the buffer is held for 'a, so that it stays valid, and its values have been written by who made it. They are
    // read as cells, which another thread that writes to the array would not make invalid: any bits are a number.
    let values = std::ptr::slice_from_raw_parts(values.as_ptr().cast::<ReadOnlyCell<T>>(), rows);
    Ok(unsafe { &*values })
}

fn bytes_of<const SIZE: usize>(
    py: Python<'_>,
    values: impl ExactSizeIterator<Item = [u8; SIZE]>,
) -> PyResult<Bound<'_, PyBytes>> {
    PyBytes::new_with(py, values.len() * SIZE, |bytes| {
        for (place, value) in bytes.chunks_exact_mut(SIZE).zip(values) {
            place.copy_from_slice(&value);
        }
        Ok(())
    })
}

/// Put columns into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyColumnRules>()?;
    module.add_function(wrap_pyfunction!(condition_truths, module)?)?;
    module.add_function(wrap_pyfunction!(judge_columns, module)?)?;
    module.add_function(wrap_pyfunction!(population_columns, module)?)
}
