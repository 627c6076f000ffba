"""The console: answers to single payments, the store of decisions, the API. Never imports pyflink."""
