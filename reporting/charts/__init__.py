"""Charts of the report, one a file; each has a text description, or the reason why it cannot be drawn."""
