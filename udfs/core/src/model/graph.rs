//! A graph that was read, ready to be run.

use prost::Message;

use super::compile::compile;
use super::onnx::Model;
use super::step::{Span, Step};

/// Why a graph cannot be evaluated here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GraphError {
    /// The bytes are not a model, or its graph contradicts itself.
    Invalid(String),
    /// A part of ONNX that is not evaluated here.
    Unsupported(String),
}

/// Evaluates float32 rows.
#[derive(Debug)]
pub struct Graph {
    pub(super) steps: Vec<Step>,
    /// Constants first, then room for a row's values.
    pub(super) memory: Vec<f32>,
    pub(super) input: Span,
    pub(super) output: Span,
}

impl Graph {
    /// Read the bytes of an ONNX model with one input and one output, both float32 [N, columns].
    pub fn read(model: &[u8]) -> Result<Self, GraphError> {
        let model = Model::decode(model).map_err(|error| GraphError::Invalid(error.to_string()))?;
        compile(&model.graph.ok_or_else(|| GraphError::Invalid("a model without a graph".to_owned()))?)
    }

    /// The columns of the input.
    pub fn inputs(&self) -> usize {
        self.input.width
    }

    /// The columns of the output.
    pub fn outputs(&self) -> usize {
        self.output.width
    }

    /// The outputs of whole rows, one after the other; what remains of `rows` is not read.
    pub fn run(&self, rows: &[f32]) -> Vec<f32> {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.run_with_avx2(rows) };
        }
        self.run_rows(rows)
    }

    /// Wider vectors, the same results: AVX2 alone fuses nothing, and no sum is in another order.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn run_with_avx2(&self, rows: &[f32]) -> Vec<f32> {
        self.run_rows(rows)
    }

    #[inline(always)]
    pub(super) fn run_rows(&self, rows: &[f32]) -> Vec<f32> {
        let rows = rows.chunks_exact(self.input.width);
        let mut outputs = Vec::with_capacity(rows.len() * self.output.width);
        let mut memory = self.memory.clone();
        for row in rows {
            memory[self.input.start..self.input.start + self.input.width].copy_from_slice(row);
            for step in &self.steps {
                step.run(&mut memory);
            }
            outputs.extend_from_slice(&memory[self.output.start..self.output.start + self.output.width]);
        }
        outputs
    }
}
