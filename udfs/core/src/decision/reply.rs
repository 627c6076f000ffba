//! The replies to whoever asked for a decision: the decision without its features, the duplicate's record, or this one.

use crate::decision::json::JsonWriter;

/// The reply to a record that became a dead letter.
pub fn refused_reply_json(reason: &str) -> Vec<u8> {
    let mut json = JsonWriter::with_capacity(256);
    json.open(b'{');
    json.name("type");
    json.text("refused");
    json.name("reason");
    json.text(reason);
    json.close(b'}');
    json.bytes
}
