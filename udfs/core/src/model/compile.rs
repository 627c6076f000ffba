//! From the nodes of an ONNX graph to the steps of its evaluation.

use std::collections::HashMap;

use super::forest_reader::forest_of;
use super::gemm::Weights;
use super::graph::{Graph, GraphError};
use super::onnx::{GraphDefinition, Node, Tensor};
use super::step::{Operation, Span, Step};

/// A graph with wider values is refused, rather than memory asked for that is not there.
pub const MOST_COLUMNS: usize = 1 << 20;

struct Compiler<'g> {
    constants: HashMap<&'g str, &'g Tensor>,
    values: HashMap<&'g str, Span>,
    memory: Vec<f32>,
}

/// An operation, the inputs that it reads when it runs, and the columns of its output.
type Compiled = (Operation, Vec<Span>, usize);

/// Raises what is invalid or not supported.
pub fn compile(graph: &GraphDefinition) -> Result<Graph, GraphError> {
    let ([input], [output]) = (graph.inputs.as_slice(), graph.outputs.as_slice()) else {
        return Err(GraphError::Unsupported("a graph with other than one input and one output".to_owned()));
    };
    let columns = |value: &super::onnx::ValueInfo| {
        let columns = value.columns().filter(|columns| (1..=MOST_COLUMNS).contains(columns));
        columns.ok_or_else(|| GraphError::Unsupported(format!("{} is not float32 [N, columns]", value.name)))
    };
    let constants = graph.constants.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let mut compiler = Compiler { constants, values: HashMap::new(), memory: Vec::new() };
    for tensor in &graph.constants {
        compiler.hold(tensor)?;
    }
    let input_span = compiler.room(columns(input)?);
    compiler.values.insert(&input.name, input_span);
    let mut steps = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let [name] = node.outputs.as_slice() else {
            return Err(GraphError::Unsupported(format!("{} with several outputs", node.operator)));
        };
        let (operation, inputs, width) = compiler.compiled(node)?;
        if width > MOST_COLUMNS {
            return Err(GraphError::Unsupported(format!("{} has {width} columns", node.operator)));
        }
        let output = compiler.room(width);
        steps.push(Step { operation, inputs, output });
        if compiler.values.insert(name, output).is_some() {
            return Err(GraphError::Invalid(format!("{name} is computed twice")));
        }
    }
    let output_span = compiler.value(&output.name)?;
    if output_span.width != columns(output)? {
        return Err(GraphError::Invalid(format!("{} has {} columns", output.name, output_span.width)));
    }
    Ok(Graph { steps, memory: compiler.memory, input: input_span, output: output_span })
}

impl<'g> Compiler<'g> {
    /// Keep a constant that counts as a row: a single value, or [columns], or [1, columns].
    fn hold(&mut self, tensor: &'g Tensor) -> Result<(), GraphError> {
        let is_row = matches!(tensor.dimensions.as_slice(), [] | [_] | [1, _]);
        if let Some(values) = tensor.floats().filter(|values| is_row && !values.is_empty()) {
            let span = Span { start: self.memory.len(), width: values.len() };
            self.memory.extend(values);
            if self.values.insert(&tensor.name, span).is_some() {
                return Err(GraphError::Invalid(format!("{} is there twice", tensor.name)));
            }
        }
        Ok(())
    }

    fn room(&mut self, width: usize) -> Span {
        let start = self.memory.len();
        self.memory.resize(start + width, 0.0);
        Span { start, width }
    }

    fn value(&self, name: &str) -> Result<Span, GraphError> {
        let value = self.values.get(name).copied();
        value.ok_or_else(|| GraphError::Invalid(format!("{name} is no float32 value that is known where it is read")))
    }

    fn compiled(&self, node: &Node) -> Result<Compiled, GraphError> {
        let unsupported = |what: String| GraphError::Unsupported(format!("{}: {what}", node.operator));
        let inputs = || node.inputs.iter().map(|name| self.value(name)).collect::<Result<Vec<Span>, GraphError>>();
        let one = || match inputs()?.as_slice() {
            [input] => Ok(*input),
            _ => Err(unsupported("takes one input".to_owned())),
        };
        let each = |operation: Operation| one().map(|input| (operation, vec![input], input.width));
        let of_two = |operation: Operation| match inputs()?.as_slice() {
            [a, b] if a.width == b.width || a.width == 1 || b.width == 1 => {
                Ok((operation, vec![*a, *b], a.width.max(b.width)))
            }
            _ => Err(unsupported("takes two inputs of equal width, or one of a single column".to_owned())),
        };
        match node.operator.as_str() {
            "Neg" => each(Operation::Negate),
            "Asinh" => each(Operation::Asinh),
            "IsNaN" => each(Operation::IsNan),
            "Not" => each(Operation::Not),
            "Cast" if node.integer("to", 0) == i64::from(super::onnx::FLOAT) => each(Operation::Copy),
            "Relu" => each(Operation::Relu),
            "Log" => each(Operation::Log),
            "Exp" => each(Operation::Exp),
            "Sigmoid" => each(Operation::Sigmoid),
            "Sub" => of_two(Operation::Subtract),
            "Mul" => of_two(Operation::Multiply),
            "Div" => of_two(Operation::Divide),
            "Max" => of_two(Operation::Greater),
            "Scaler" => {
                let input = one()?;
                let whole = |name: &str| match node.floats(name) {
                    [single] => Ok(vec![*single; input.width]),
                    values if values.len() == input.width => Ok(values.to_vec()),
                    _ => Err(unsupported(format!("{name} does not hold a value a column"))),
                };
                let operation = Operation::Scale { offsets: whole("offset")?, scales: whole("scale")? };
                Ok((operation, vec![input], input.width))
            }
            "Imputer" => match (node.floats("imputed_value_floats"), node.attribute("replaced_value_float")) {
                ([filling], Some(replaced)) if replaced.float.is_nan() => each(Operation::Fill(*filling)),
                _ => Err(unsupported("replaces NaN by one value".to_owned())),
            },
            "Clip" => match node.inputs.as_slice() {
                [input, least, most] => {
                    let (input, least, most) =
                        (self.value(input)?, self.scalar(node, least)?, self.scalar(node, most)?);
                    Ok((Operation::Clip { least, most }, vec![input], input.width))
                }
                _ => Err(unsupported("takes two bounds".to_owned())),
            },
            "Concat" if node.integer("axis", 0) == 1 => {
                let inputs = inputs()?;
                let width = inputs.iter().map(|input| input.width).sum();
                Ok((Operation::Concat, inputs, width))
            }
            "ReduceMax" => match node.inputs.as_slice() {
                [input, axis] if self.integer(node, axis)? == 1 && node.integer("keepdims", 1) == 1 => {
                    Ok((Operation::Greatest, vec![self.value(input)?], 1))
                }
                _ => Err(unsupported("over axis 1, which stays".to_owned())),
            },
            "Slice" => self.slice(node),
            "Gemm" => self.gemm(node),
            "TreeEnsembleRegressor" => {
                let input = one()?;
                let forest = forest_of(node, input.width).map_err(unsupported)?;
                let targets = forest.targets();
                Ok((Operation::Trees(forest), vec![input], targets))
            }
            _ => Err(unsupported("not an operator that is evaluated here".to_owned())),
        }
    }

    fn slice(&self, node: &Node) -> Result<Compiled, GraphError> {
        let unsupported = || GraphError::Unsupported("Slice: takes columns from one until another".to_owned());
        let [input, first, end, axis] = node.inputs.as_slice() else { return Err(unsupported()) };
        let input = self.value(input)?;
        let bound = |name: &str| usize::try_from(self.integer(node, name)?).map_err(|_| unsupported());
        let (first, end) = (bound(first)?, bound(end)?);
        if self.integer(node, axis)? != 1 || first >= end || end > input.width {
            return Err(unsupported());
        }
        Ok((Operation::Slice { first }, vec![input], end - first))
    }

    fn gemm(&self, node: &Node) -> Result<Compiled, GraphError> {
        let unsupported = |what: &str| GraphError::Unsupported(format!("Gemm: {what}"));
        if !node.attributes.is_empty() {
            return Err(unsupported("has attributes"));
        }
        let [input, weights, start] = node.inputs.as_slice() else {
            return Err(unsupported("takes three inputs"));
        };
        let (input, start) = (self.value(input)?, self.value(start)?);
        let tensor = self.constants.get(weights.as_str()).ok_or_else(|| unsupported("its matrix is no constant"))?;
        let (Some(values), [inputs, outputs]) = (tensor.floats(), tensor.dimensions.as_slice()) else {
            return Err(unsupported("its matrix is not float32 [inputs, outputs]"));
        };
        let weights = Weights::new(*inputs as usize, *outputs as usize, &values);
        let weights = weights.filter(|weights| weights.inputs() == input.width);
        let weights = weights.ok_or_else(|| unsupported("its matrix does not fit its input"))?;
        let outputs = weights.outputs();
        if start.width != 1 && start.width != outputs {
            return Err(unsupported("what is added does not fit its matrix"));
        }
        Ok((Operation::Gemm(weights), vec![input, start], outputs))
    }

    fn scalar(&self, node: &Node, name: &str) -> Result<f32, GraphError> {
        let values = self.constants.get(name).and_then(|tensor| tensor.floats());
        match values.as_deref() {
            Some([value]) => Ok(*value),
            _ => Err(GraphError::Unsupported(format!("{}: {name} is no float32 constant", node.operator))),
        }
    }

    fn integer(&self, node: &Node, name: &str) -> Result<i64, GraphError> {
        let values = self.constants.get(name).and_then(|tensor| tensor.integers());
        match values.as_deref() {
            Some([value]) => Ok(*value),
            _ => Err(GraphError::Unsupported(format!("{}: {name} is no int64 constant", node.operator))),
        }
    }
}
