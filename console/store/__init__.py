"""The store of decisions: tables, migrations, writing and reading. SQLite or PostgreSQL."""
