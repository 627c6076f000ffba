//! The scorer's hot path, a batch a call: records in; features, decisions and what is to be written of users' state out.

#![deny(unsafe_op_in_unsafe_fn)]

pub mod attributes;
#[cfg(feature = "python")]
mod bindings;
pub mod blank_texts;
pub mod block_list;
pub mod codec;
pub mod codes;
pub mod context;
pub mod countries;
pub mod decision;
pub mod engine;
pub mod entities;
pub mod events;
pub mod features;
pub mod frame;
pub mod geo;
pub mod json;
pub mod local_time;
pub mod lost_digits;
pub mod maths;
pub mod model;
pub mod moment;
pub mod money;
pub mod msgpack;
pub mod observed;
pub mod prefetch;
pub mod profiles;
pub mod python_format;
pub mod python_text;
pub mod reasons;
pub mod records;
pub mod rules;
pub mod state;
pub mod stored_records;
pub mod time_units;
pub mod wide;
