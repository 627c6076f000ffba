//! The parts of ONNX's messages that a scoring graph uses (onnx/onnx.proto, IR version 9).

use prost::Message;

pub const FLOAT: i32 = 1;
pub const INT64: i32 = 7;

#[derive(Clone, PartialEq, Message)]
pub struct Model {
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphDefinition>,
}

#[derive(Clone, PartialEq, Message)]
pub struct GraphDefinition {
    #[prost(message, repeated, tag = "1")]
    pub nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    pub constants: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub inputs: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub outputs: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, repeated, tag = "1")]
    pub inputs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub outputs: Vec<String>,
    #[prost(string, tag = "4")]
    pub operator: String,
    #[prost(message, repeated, tag = "5")]
    pub attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, tag = "2")]
    pub float: f32,
    #[prost(int64, tag = "3")]
    pub integer: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub text: Vec<u8>,
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub integers: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub texts: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dimensions: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<ValueType>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueType {
    #[prost(message, optional, tag = "1")]
    pub tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    #[prost(int32, tag = "1")]
    pub element_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub dimensions: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// 0 where the length is a name, as a batch's is.
    #[prost(int64, tag = "1")]
    pub length: i64,
}

impl Node {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// An integer attribute; `default` where it is not given.
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.integer)
    }

    pub fn integers(&self, name: &str) -> &[i64] {
        self.attribute(name).map_or(&[], |attribute| &attribute.integers)
    }

    pub fn floats(&self, name: &str) -> &[f32] {
        self.attribute(name).map_or(&[], |attribute| &attribute.floats)
    }
}

impl Tensor {
    /// The values of a float32 tensor; None for another type, or if the bytes are not those of the dimensions.
    pub fn floats(&self) -> Option<Vec<f32>> {
        let (values, rest) = self.raw_data.as_chunks::<4>();
        let is_whole = self.data_type == FLOAT && rest.is_empty() && self.holds(values.len());
        is_whole.then(|| values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The values of an int64 tensor; None for another type, or if the bytes are not those of the dimensions.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let (values, rest) = self.raw_data.as_chunks::<8>();
        let is_whole = self.data_type == INT64 && rest.is_empty() && self.holds(values.len());
        is_whole.then(|| values.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
    }

    fn holds(&self, values: usize) -> bool {
        let length = |product: usize, length: &i64| product.checked_mul(usize::try_from(*length).ok()?);
        self.dimensions.iter().try_fold(1, length) == Some(values)
    }
}

impl ValueInfo {
    /// The columns of a float32 value [N, columns].
    pub fn columns(&self) -> Option<usize> {
        let tensor = self.value_type.as_ref()?.tensor.as_ref()?;
        match tensor.shape.as_ref()?.dimensions.as_slice() {
            [_, columns] if tensor.element_type == FLOAT => usize::try_from(columns.length).ok(),
            _ => None,
        }
    }
}
