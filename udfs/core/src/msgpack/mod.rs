//! MessagePack, as far as the states and the stores use it.

pub mod reader;
pub mod writer;
