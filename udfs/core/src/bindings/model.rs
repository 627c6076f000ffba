//! The scoring graph of a bundle, from Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::model::Graph;
use crate::model::graph::GraphError;

/// An ONNX graph over float32 rows that is evaluated row by row on the calling thread, the same on every processor.
#[pyclass(name = "Graph", module = "udfs.core._native", frozen)]
pub struct PyGraph {
    graph: Graph,
}

#[pymethods]
impl PyGraph {
    /// Raises ValueError for bytes that are no model, or that need what is not evaluated here; the message names it.
    #[new]
    fn new(py: Python<'_>, model: &[u8]) -> PyResult<Self> {
        let graph = py.detach(|| Graph::read(model)).map_err(|error| match error {
            GraphError::Invalid(reason) | GraphError::Unsupported(reason) => PyValueError::new_err(reason),
        })?;
        Ok(Self { graph })
    }

    /// Columns of the input and of the output.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.graph.inputs(), self.graph.outputs())
    }

    /// The outputs of whole rows, as float32 bytes. Raises ValueError for bytes that are not whole rows.
    fn run<'py>(&self, py: Python<'py>, rows: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let (values, rest) = rows.as_chunks::<{ size_of::<f32>() }>();
        if !rest.is_empty() || !values.len().is_multiple_of(self.graph.inputs()) {
            return Err(PyValueError::new_err(format!("not rows of {} float32 values", self.graph.inputs())));
        }
        let outputs = py.detach(|| {
            let rows: Vec<f32> = values.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect();
            let outputs = self.graph.run(&rows);
            outputs.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<u8>>()
        });
        Ok(PyBytes::new(py, &outputs))
    }
}
