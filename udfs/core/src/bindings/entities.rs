//! Histories of entities as stores keep them and tools read them, and the ids under which a transaction counts.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::bindings::convert;
use crate::entities::buckets::{BucketRow, BucketSettings, FOR_EVER_MS};
use crate::entities::history;
use crate::entities::kinds::EntityKind;
use crate::entities::names::category_id;
use crate::entities::risk;
use crate::events::{Text, Transaction};

/// One entity's buckets, which can be read as of any moment.
#[pyclass(module = "udfs.core._native")]
pub struct EntityHistory {
    history: history::EntityHistory,
    settings: BucketSettings,
    /// A `udfs.entities.buckets.BucketRow`.
    #[pyo3(get)]
    row: Py<PyAny>,
}

#[pymethods]
impl EntityHistory {
    #[new]
    fn new(row: Bound<'_, PyAny>, settings: &Bound<'_, PyAny>) -> PyResult<Self> {
        let history = history_of(&row)?;
        Ok(Self { history, settings: convert::bucket_settings(settings)?, row: row.unbind() })
    }

    /// All that had arrived by then is counted: readings beyond it are stale.
    #[getter]
    fn complete_through_ms(&self) -> i64 {
        self.history.complete_through_ms
    }

    #[setter]
    fn set_complete_through_ms(&mut self, complete_through_ms: i64) {
        self.history.complete_through_ms = complete_through_ms;
    }

    /// All figures as of a moment.
    fn as_of(&mut self, time_ms: i64) -> EntityRisk {
        EntityRisk(self.history.as_of(time_ms, &self.settings))
    }
}

impl EntityHistory {
    pub fn history(&self) -> history::EntityHistory {
        self.history.clone()
    }
}

/// The figures of an entity as of a moment; NaN: not known.
#[pyclass(module = "udfs.core._native", frozen)]
pub struct EntityRisk(risk::EntityRisk);

#[pymethods]
impl EntityRisk {
    #[getter]
    fn fraud_rates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.fraud_rates.as_slice())
    }

    #[getter]
    fn transactions_1d(&self) -> i64 {
        self.0.transactions_1d
    }

    #[getter]
    fn transactions_7d(&self) -> i64 {
        self.0.transactions_7d
    }

    #[getter]
    fn users_1d(&self) -> i64 {
        self.0.users_1d
    }

    #[getter]
    fn users_7d(&self) -> i64 {
        self.0.users_7d
    }

    #[getter]
    fn first_seen_ms(&self) -> Option<i64> {
        self.0.first_seen_ms
    }

    #[getter]
    fn stale(&self) -> bool {
        self.0.stale
    }

    #[getter]
    fn frauds_reported_7d(&self) -> f64 {
        self.0.frauds_reported_7d
    }

    #[getter]
    fn amount_minor_1d(&self) -> f64 {
        self.0.amount_minor_1d
    }

    #[getter]
    fn log_amount_mean(&self) -> f64 {
        self.0.log_amount_mean
    }

    #[getter]
    fn log_amount_deviation(&self) -> f64 {
        self.0.log_amount_deviation
    }

    #[getter]
    fn fraud_day_ms(&self) -> f64 {
        self.0.fraud_day_ms
    }

    #[getter]
    fn fraud_run_ms(&self) -> f64 {
        self.0.fraud_run_ms
    }

    /// Equality of all figures; NaN equals NaN.
    fn __eq__(&self, other: &Self) -> bool {
        self.__repr__() == other.__repr__()
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// The id of each of EntityKind::CATEGORIES; None where the transaction does not tell it.
#[pyfunction]
pub fn category_ids(transaction: &Bound<'_, PyAny>) -> PyResult<Vec<Option<String>>> {
    let text =
        |name: &str| -> PyResult<_> { Ok(convert::field::<Option<String>>(transaction, name)?.map(Text::Owned)) };
    let mut named = Transaction::new("".into(), "".into(), convert::field(transaction, "timestamp")?, 0.0);
    named.merchant_category = text("merchant_category")?;
    named.channel = text("channel")?;
    named.entry_mode = text("entry_mode")?;
    named.merchant_country = text("merchant_country")?;
    named.city = text("city")?;
    named.card_id = text("card_id")?;
    let id_of = |kind| {
        let mut id = String::new();
        category_id(kind, &named, &mut id).then_some(id)
    };
    Ok(EntityKind::CATEGORIES.into_iter().map(id_of).collect())
}

fn history_of(row: &Bound<'_, PyAny>) -> PyResult<history::EntityHistory> {
    let (kind, id): (String, String) = (convert::field(row, "entity")?, convert::field(row, "id")?);
    let kind = EntityKind::of(&kind).ok_or_else(|| convert::error(format!("{kind:?} is no kind of entity")))?;
    let column = |name: &str| -> PyResult<Vec<i64>> {
        convert::field(row, name).map_err(|_| {
            PyValueError::new_err(format!("buckets of {id}: {name} must be numbers of less than {FOR_EVER_MS}"))
        })
    };
    let buckets = BucketRow {
        complete_through_ms: convert::field(row, "complete_through_ms")?,
        first_hour: convert::field(row, "first_hour")?,
        hours: column("hours")?,
        transactions: column("transactions")?,
        frauds: column("frauds")?,
        users_1d: column("users_1d")?,
        users_7d: column("users_7d")?,
        withdrawn: convert::field(row, "withdrawn")?,
        amounts: column("amounts")?,
        reported: column("reported")?,
        log_amounts: column("log_amounts")?,
        log_amount_squares: column("log_amount_squares")?,
        figures_from_hour: convert::field(row, "figures_from_hour")?,
    };
    history::EntityHistory::new(buckets, kind)
        .map_err(|unsound| PyValueError::new_err(format!("buckets of {id}: {unsound}")))
}
