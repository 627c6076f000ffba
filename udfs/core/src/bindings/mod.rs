//! The module that Python imports.

pub mod catalogue;
mod columns;
mod convert;
mod core;
pub mod decider;
pub mod decision;
mod entities;
mod framed;
mod inspect;
mod model;
mod port;
mod replay;
mod scoring;
mod stored_state;

use pyo3::prelude::*;

/// Distance in km between two points in degrees, by the haversine formula on a sphere of the mean radius.
#[pyfunction]
fn distance_km(latitude: f64, longitude: f64, other_latitude: f64, other_longitude: f64) -> f64 {
    crate::geo::distance_km((latitude, longitude), (other_latitude, other_longitude))
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<core::Core>()?;
    module.add_class::<convert::StoredRecord>()?;
    module.add_class::<entities::EntityHistory>()?;
    module.add_class::<entities::EntityRisk>()?;
    module.add_function(wrap_pyfunction!(entities::category_ids, module)?)?;
    module.add_class::<decider::PyDecider>()?;
    module.add_class::<model::PyGraph>()?;
    crate::rules::python::register(module)?;
    decision::register(module)?;
    columns::register(module)?;
    crate::reasons::python::register(module)?;
    module.add_function(wrap_pyfunction!(distance_km, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::decoded, module)?)?;
    module.add_function(wrap_pyfunction!(stored_state::stored_entry, module)?)?;
    module.add_function(wrap_pyfunction!(stored_state::stored_snapshot, module)?)?;
    module.add_function(wrap_pyfunction!(catalogue::catalogue, module)?)
}
