//! The scoring graph of a bundle: an ONNX file of few operators, evaluated row by row.
//!
//! A row's results do not depend on other rows, and no result depends on the processor: sums have a fixed order, and nothing
//! is fused.

mod compile;
mod forest;
mod forest_reader;
mod functions;
mod gemm;
pub mod graph;
#[cfg(test)]
mod graph_tests;
mod onnx;
mod step;

pub use graph::Graph;
