"""Foreign tables (CSV, JSON Lines, Parquet) to the project's events and reference files, by a YAML mapping."""
