"""Readers: convert one foreign value to a typed value, one file per field type."""
