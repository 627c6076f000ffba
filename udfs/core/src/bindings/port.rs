//! What the core asks Python for, from where the GIL is released: it is taken for each question.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::bindings::convert::record;
use crate::engine::batch::{Port, StoredUser};
use crate::engine::enrichment::StoresNow;
use crate::local_time::Zones;
use crate::records::Record;

/// A snapshot and the log's entries.
type Stored = (Option<Vec<u8>>, Vec<Vec<u8>>);

/// An object of `udfs.core.port.Port`.
pub struct PythonPort {
    object: Py<PyAny>,
}

impl PythonPort {
    pub fn new(object: Py<PyAny>) -> Self {
        Self { object }
    }

    fn ask<T>(&self, question: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<T> {
        let asked = Python::try_attach(|py| question(self.object.bind(py)));
        asked.unwrap_or_else(|| Err(PyRuntimeError::new_err("Python is shutting down")))
    }
}

impl Zones for PythonPort {
    fn offset_ms(&self, zone: &str, time_ms: i64) -> Result<i64, String> {
        self.ask(|port| port.call_method1("offset_ms", (zone, time_ms))?.extract()).map_err(|error| error.to_string())
    }
}

impl Port for PythonPort {
    type Failure = PyErr;

    fn decode(&self, payload: &[u8]) -> PyResult<Result<Vec<u8>, String>> {
        self.ask(|port| {
            let answer = port.call_method1("decode", (PyBytes::new(port.py(), payload),))?;
            match answer.cast::<PyBytes>() {
                Ok(bytes) => Ok(Ok(bytes.as_bytes().to_vec())),
                Err(_) => Ok(Err(answer.extract()?)),
            }
        })
    }

    fn wrong_key(&self, user_id: &str, key: &str) -> PyResult<String> {
        self.ask(|port| port.call_method1("wrong_key", (user_id, key))?.extract())
    }

    fn load(&self, places: &[usize]) -> PyResult<Vec<StoredUser>> {
        self.ask(|port| {
            let stored: Vec<Stored> = port.call_method1("load", (places,))?.extract()?;
            Ok(stored.into_iter().map(|(snapshot, log)| StoredUser { snapshot, log }).collect())
        })
    }

    fn fetch(&self, keys: &[String]) -> PyResult<Option<Vec<Record>>> {
        self.ask(|port| {
            let answer = port.call_method1("fetch", (keys,))?;
            if answer.is_none() {
                return Ok(None);
            }
            answer.try_iter()?.map(|item| record(&item?)).collect::<PyResult<_>>().map(Some)
        })
    }

    fn want(&self, keys: &[String]) -> PyResult<()> {
        self.ask(|port| port.call_method1("want", (keys,)).map(drop))
    }

    fn refreshed(&self) -> PyResult<Vec<(String, Record)>> {
        self.ask(|port| {
            let answer = port.call_method0("refreshed")?;
            answer
                .try_iter()?
                .map(|item| {
                    let (key, object): (String, Bound<'_, PyAny>) = item?.extract()?;
                    Ok((key, record(&object)?))
                })
                .collect()
        })
    }

    fn stores_now(&self) -> PyResult<StoresNow> {
        self.ask(|port| {
            let now = port.call_method0("stores_now")?.extract()?;
            let (now_ms, hold_histories, complete_through_ms, are_configured) = now;
            Ok(StoresNow { now_ms, hold_histories, complete_through_ms, are_configured })
        })
    }
}
