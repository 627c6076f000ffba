//! What Python is told of a frame beside the answer: counts and dead letters.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::bindings::scoring::{DeadRecords, RecordOrigin};
use crate::engine::batch::Incoming;
use crate::frame::{Destination, Output};

/// One arrival of so many records is told: enough for a lag's quantiles.
const RECORDS_AN_ARRIVAL: usize = 8;

/// How many outputs there are by destination and action, replies apart.
pub fn output_counts(outputs: &[Vec<Output>]) -> HashMap<(&'static str, Option<&'static str>), u64> {
    let mut counts = HashMap::new();
    for output in outputs.iter().flatten().filter(|output| output.destination != Destination::Replies) {
        *counts.entry((output.destination.name(), output.action.map(|action| action.name()))).or_default() += 1;
    }
    counts
}

/// Arrivals of some records, epoch milliseconds.
pub fn arrivals(records: &[Incoming<'_>]) -> Vec<i64> {
    records.iter().step_by(RECORDS_AN_ARRIVAL).filter_map(|record| record.arrived_at_ms).collect()
}

/// Of each record that is a dead letter: its place, what came of it, its payload, source, partition and offset.
pub fn dead_letters<'py>(
    py: Python<'py>,
    dead: DeadRecords<'py>,
    records: &[Incoming<'_>],
    origins: &[RecordOrigin<'_>],
) -> PyResult<Bound<'py, PyList>> {
    let letters = PyList::empty(py);
    for (place, outcome) in dead {
        let payload = records[place].payload.map(|payload| PyBytes::new(py, payload));
        let RecordOrigin { source, partition, offset } = &origins[place];
        letters.append((place, outcome, payload, &**source, partition.as_deref(), *offset))?;
    }
    Ok(letters)
}
