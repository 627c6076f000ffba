"""The core in Rust against the same logic in Python."""
