"""The HTTP API over answers and store."""
