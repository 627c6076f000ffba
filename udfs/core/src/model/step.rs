//! One step of a graph's evaluation over one row.

use super::forest::Forest;
use super::functions;
use super::gemm::Weights;

/// A value of a row: where it lies in the row's memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
    pub start: usize,
    pub width: usize,
}

#[derive(Debug)]
pub struct Step {
    pub operation: Operation,
    /// All before the output.
    pub inputs: Vec<Span>,
    pub output: Span,
}

/// What is computed of the inputs. A truth is 1 or 0.
#[derive(Debug)]
pub enum Operation {
    Negate,
    Asinh,
    IsNan,
    Not,
    Copy,
    Relu,
    Log,
    Exp,
    Sigmoid,
    /// (value - offset) * scale.
    Scale {
        offsets: Vec<f32>,
        scales: Vec<f32>,
    },
    /// This in place of NaN.
    Fill(f32),
    Clip {
        least: f32,
        most: f32,
    },
    /// Of two inputs; one of a single value counts for each value of the other.
    Subtract,
    Multiply,
    Divide,
    Greater,
    Concat,
    Greatest,
    Slice {
        first: usize,
    },
    /// The first input times the weights, plus the second.
    Gemm(Weights),
    Trees(Forest),
}

impl Step {
    /// Compute the output from the inputs. `memory` is the row's.
    #[inline(always)]
    pub fn run(&self, memory: &mut [f32]) {
        let (before, output) = memory.split_at_mut(self.output.start);
        let output = &mut output[..self.output.width];
        let input = |number: usize| {
            let Span { start, width } = self.inputs[number];
            &before[start..start + width]
        };
        match &self.operation {
            Operation::Negate => map(input(0), output, |value| -value),
            Operation::Asinh => map(input(0), output, functions::asinh),
            Operation::IsNan => map(input(0), output, |value| f32::from(u8::from(value.is_nan()))),
            Operation::Not => map(input(0), output, |value| 1.0 - value),
            Operation::Copy => output.copy_from_slice(input(0)),
            Operation::Relu => map(input(0), output, |value| if value < 0.0 { 0.0 } else { value }),
            Operation::Log => map_repeated(input(0), output, functions::log),
            Operation::Exp => map_repeated(input(0), output, functions::exp),
            Operation::Sigmoid => map_repeated(input(0), output, functions::sigmoid),
            Operation::Scale { offsets, scales } => {
                for (((result, value), offset), scale) in output.iter_mut().zip(input(0)).zip(offsets).zip(scales) {
                    *result = (value - offset) * scale;
                }
            }
            Operation::Fill(filling) => map(input(0), output, |value| if value.is_nan() { *filling } else { value }),
            Operation::Clip { least, most } => map(input(0), output, |value| {
                let value = if value < *least { *least } else { value };
                if value > *most { *most } else { value }
            }),
            Operation::Subtract => pairs(input(0), input(1), output, |a, b| a - b),
            Operation::Multiply => pairs(input(0), input(1), output, |a, b| a * b),
            Operation::Divide => pairs(input(0), input(1), output, |a, b| a / b),
            Operation::Greater => pairs(input(0), input(1), output, greater),
            Operation::Concat => {
                let mut rest = output;
                for number in 0..self.inputs.len() {
                    let part = input(number);
                    let (place, others) = rest.split_at_mut(part.len());
                    place.copy_from_slice(part);
                    rest = others;
                }
            }
            Operation::Greatest => output[0] = input(0).iter().copied().reduce(greater).unwrap_or(f32::NEG_INFINITY),
            Operation::Slice { first } => output.copy_from_slice(&input(0)[*first..*first + self.output.width]),
            Operation::Gemm(weights) => {
                match input(1) {
                    [single] => output.fill(*single),
                    start => output.copy_from_slice(start),
                }
                weights.add_product(input(0), output);
            }
            Operation::Trees(forest) => forest.sum(input(0), output),
        }
    }
}

/// NaN if one of the two is.
#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

#[inline(always)]
fn map(input: &[f32], output: &mut [f32], function: impl Fn(f32) -> f32) {
    for (result, value) in output.iter_mut().zip(input) {
        *result = function(*value);
    }
}

/// For functions that take long: those of equal neighbours are computed once.
#[inline(always)]
fn map_repeated(input: &[f32], output: &mut [f32], function: impl Fn(f32) -> f32) {
    let mut last: Option<(u32, f32)> = None;
    for (result, value) in output.iter_mut().zip(input) {
        let bits = value.to_bits();
        *result = match last {
            Some((same, result)) if same == bits => result,
            _ => function(*value),
        };
        last = Some((bits, *result));
    }
}

#[inline(always)]
fn pairs(left: &[f32], right: &[f32], output: &mut [f32], function: impl Fn(f32, f32) -> f32) {
    match (left, right) {
        (left, [right]) => map(left, output, |left| function(left, *right)),
        ([left], right) => map(right, output, |right| function(*left, right)),
        (left, right) => {
            for ((result, left), right) in output.iter_mut().zip(left).zip(right) {
                *result = function(*left, *right);
            }
        }
    }
}
