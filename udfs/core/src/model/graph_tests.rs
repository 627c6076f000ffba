//! Graphs made by hand; those that training makes are compared with ONNX Runtime in tests/udfs/scoring.

use prost::Message;

use super::graph::{Graph, GraphError};
use super::onnx::{
    Attribute, Dimension, FLOAT, GraphDefinition, INT64, Model, Node, Shape, Tensor, TensorType, ValueInfo, ValueType,
};

fn described(name: &str, columns: i64) -> ValueInfo {
    let dimensions = vec![Dimension { length: 0 }, Dimension { length: columns }];
    let tensor = TensorType { element_type: FLOAT, shape: Some(Shape { dimensions }) };
    ValueInfo { name: name.to_owned(), value_type: Some(ValueType { tensor: Some(tensor) }) }
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: Vec<Attribute>) -> Node {
    let inputs = inputs.iter().map(|name| (*name).to_owned()).collect();
    Node { inputs, outputs: vec![output.to_owned()], operator: operator.to_owned(), attributes }
}

fn floats(name: &str, dimensions: &[i64], values: &[f32]) -> Tensor {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { dimensions: dimensions.to_vec(), data_type: FLOAT, name: name.to_owned(), raw_data }
}

fn integer(name: &str, value: i64) -> Tensor {
    Tensor { dimensions: vec![1], data_type: INT64, name: name.to_owned(), raw_data: value.to_le_bytes().to_vec() }
}

fn integers(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), integers: values.to_vec(), ..Attribute::default() }
}

fn read(nodes: Vec<Node>, constants: Vec<Tensor>, inputs: i64, outputs: i64) -> Result<Graph, GraphError> {
    let graph = GraphDefinition {
        nodes,
        constants,
        inputs: vec![described("x", inputs)],
        outputs: vec![described("out", outputs)],
    };
    Graph::read(&Model { graph: Some(graph) }.encode_to_vec())
}

/// Two trees of two targets: the first splits twice, the second is a leaf.
fn trees() -> Node {
    let texts = |name: &str, values: &[&str]| Attribute {
        name: name.to_owned(),
        texts: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
        ..Attribute::default()
    };
    let numbers = |name: &str, values: &[f32]| Attribute {
        name: name.to_owned(),
        floats: values.to_vec(),
        ..Attribute::default()
    };
    let targets = Attribute { name: "n_targets".to_owned(), integer: 2, ..Attribute::default() };
    node(
        "TreeEnsembleRegressor",
        &["x"],
        "out",
        vec![
            integers("nodes_treeids", &[0, 0, 0, 0, 0, 1]),
            integers("nodes_nodeids", &[0, 7, 2, 4, 9, 3]),
            texts("nodes_modes", &["BRANCH_LT", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"]),
            integers("nodes_featureids", &[0, 0, 1, 0, 0, 0]),
            numbers("nodes_values", &[1.0, 0.0, 5.0, 0.0, 0.0, 0.0]),
            integers("nodes_truenodeids", &[7, 0, 4, 0, 0, 0]),
            integers("nodes_falsenodeids", &[2, 0, 9, 0, 0, 0]),
            integers("target_treeids", &[0, 0, 0, 1]),
            integers("target_nodeids", &[7, 4, 9, 3]),
            integers("target_ids", &[0, 0, 1, 1]),
            numbers("target_weights", &[0.25, 0.5, 8.0, 100.0]),
            numbers("base_values", &[10.0, 20.0]),
            targets,
        ],
    )
}

#[test]
fn trees_of_several_targets() {
    let graph = read(vec![trees()], vec![], 2, 2).unwrap();
    let rows = [0.9, 6.0, 1.0, 5.0, 1.0, 5.1, f32::NAN, 4.0, f32::NAN, f32::NAN];
    let expected = [10.25, 120.0, 10.5, 120.0, 10.0, 128.0, 10.5, 120.0, 10.0, 128.0];
    assert_eq!(graph.run(&rows), expected);
}

#[test]
fn a_leaf_of_several_targets() {
    let mut node = trees();
    node.attributes[7] = integers("target_treeids", &[0, 0, 0, 1, 0]);
    node.attributes[8] = integers("target_nodeids", &[7, 4, 9, 3, 9]);
    node.attributes[9] = integers("target_ids", &[0, 0, 1, 1, 0]);
    node.attributes[10].floats = vec![0.25, 0.5, 8.0, 100.0, -3.0];
    let graph = read(vec![node], vec![], 2, 2).unwrap();
    assert_eq!(graph.run(&[0.9, 6.0, 1.0, 5.0, 1.0, 5.1]), [10.25, 120.0, 10.5, 120.0, 7.0, 128.0]);
}

#[test]
fn each_operator() {
    let unknown = Attribute { name: "replaced_value_float".to_owned(), float: f32::NAN, ..Attribute::default() };
    let filling = Attribute { name: "imputed_value_floats".to_owned(), floats: vec![-2.0], ..Attribute::default() };
    let axis = || Attribute { name: "axis".to_owned(), integer: 1, ..Attribute::default() };
    let to = Attribute { name: "to".to_owned(), integer: 1, ..Attribute::default() };
    let nodes = vec![
        node("IsNaN", &["x"], "unknown", vec![]),
        node("Not", &["unknown"], "not_unknown", vec![]),
        node("Cast", &["not_unknown"], "known", vec![to]),
        node("Imputer", &["x"], "filled", vec![filling, unknown]),
        node("Neg", &["filled"], "negative", vec![]),
        node("Relu", &["negative"], "positive", vec![]),
        node("Clip", &["filled", "least", "most"], "clipped", vec![]),
        node("Sub", &["clipped", "ones"], "less", vec![]),
        node("Mul", &["less", "half"], "halved", vec![]),
        node("Div", &["known", "half"], "doubled", vec![]),
        node("Max", &["halved", "positive"], "greater", vec![]),
        node("ReduceMax", &["filled", "one"], "greatest", vec![]),
        node("Gemm", &["filled", "matrix", "bias"], "product", vec![]),
        node("Slice", &["product", "one", "three", "one"], "sliced", vec![]),
        node("Concat", &["known", "positive", "doubled", "greater", "greatest", "sliced"], "out", vec![axis()]),
    ];
    let constants = vec![
        floats("least", &[], &[-1.0]),
        floats("most", &[], &[4.0]),
        floats("ones", &[1, 2], &[1.0, 1.0]),
        floats("half", &[1], &[0.5]),
        floats("matrix", &[2, 3], &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]),
        floats("bias", &[3], &[0.5, 0.25, 0.125]),
        integer("one", 1),
        integer("three", 3),
    ];
    let graph = read(nodes, constants, 2, 11).unwrap();
    assert_eq!(graph.run(&[f32::NAN, 7.0]), [0.0, 1.0, 2.0, 0.0, 0.0, 2.0, 2.0, 1.5, 7.0, 136.25, 204.125]);
}

#[test]
fn functions_of_repeated_values_are_those_of_each() {
    let nodes = vec![
        node("Log", &["x"], "log", vec![]),
        node("Exp", &["log"], "exp", vec![]),
        node("Sigmoid", &["log"], "sigmoid", vec![]),
        node("Mul", &["exp", "sigmoid"], "out", vec![]),
    ];
    let graph = read(nodes, vec![], 3, 3).unwrap();
    let expected: Vec<f32> = [3.0f32, 3.0, 1.0].iter().map(|x| x * x / (1.0 + x)).collect();
    for (result, expected) in graph.run(&[3.0, 3.0, 1.0]).iter().zip(expected) {
        assert!((result - expected).abs() < 1e-6, "{result} {expected}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    let refused = |nodes, constants| read(nodes, constants, 2, 2).unwrap_err();
    assert_eq!(
        refused(vec![node("Softmax", &["x"], "out", vec![])], vec![]),
        GraphError::Unsupported("Softmax: not an operator that is evaluated here".to_owned())
    );
    let mut missing = trees();
    missing.attributes.push(integers("nodes_missing_value_tracks_true", &[0, 0, 1, 0, 0, 0]));
    assert_eq!(
        refused(vec![missing], vec![]),
        GraphError::Unsupported("TreeEnsembleRegressor: nodes_missing_value_tracks_true".to_owned())
    );
    let mut circle = trees();
    circle.attributes[5] = integers("nodes_truenodeids", &[0, 0, 4, 0, 0, 0]);
    assert_eq!(
        refused(vec![circle], vec![]),
        GraphError::Unsupported("TreeEnsembleRegressor: tree 0 leads back to a node".to_owned())
    );
    assert_eq!(
        refused(vec![node("Neg", &["y"], "out", vec![])], vec![]),
        GraphError::Invalid("y is no float32 value that is known where it is read".to_owned())
    );
    assert!(matches!(Graph::read(b"\x3a\xff\xff"), Err(GraphError::Invalid(_))));
    assert_eq!(Graph::read(b"").unwrap_err(), GraphError::Invalid("a model without a graph".to_owned()));
}

#[test]
fn wider_vectors_give_the_same_bits() {
    let filling = Attribute { name: "imputed_value_floats".to_owned(), floats: vec![0.5], ..Attribute::default() };
    let unknown = Attribute { name: "replaced_value_float".to_owned(), float: f32::NAN, ..Attribute::default() };
    let nodes = vec![
        node("Imputer", &["x"], "filled", vec![filling, unknown]),
        node("Asinh", &["filled"], "squashed", vec![]),
        node("Gemm", &["squashed", "matrix", "bias"], "product", vec![]),
        node("Sigmoid", &["product"], "sigmoid", vec![]),
        node("Gemm", &["squashed", "column", "one"], "sum", vec![]),
        node("Div", &["sigmoid", "sum"], "out", vec![]),
    ];
    let weights: Vec<f32> = (0..50 * 37).map(|place| (place as f32 * 0.37).sin()).collect();
    let constants = vec![
        floats("matrix", &[50, 37], &weights),
        floats("bias", &[37], &weights[..37]),
        floats("column", &[50, 1], &weights[..50]),
        floats("one", &[1], &[1.0]),
    ];
    let graph = read(nodes, constants, 50, 37).unwrap();
    let value = |place: usize| if place.is_multiple_of(7) { f32::NAN } else { (place as f32 * 0.11).tan() * 3.0 };
    let rows: Vec<f32> = (0..50 * 20).map(value).collect();
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
    let expected = bits(graph.run_rows(&rows));
    assert_eq!(expected.len(), 37 * 20);
    assert_eq!(bits(graph.run(&rows)), expected);
}
