"""One foreign value to one typed value of ours: a file per type of field."""
