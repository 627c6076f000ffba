"""The decision store: decisions, alerts, events and dead letters of a job or run, searchable, in SQLite or PostgreSQL."""
