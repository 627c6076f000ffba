"""The job's configuration: types, loading, checks, messages."""
