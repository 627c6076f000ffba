"""Kafka: source, sink, topics, checks before the start, error messages."""
