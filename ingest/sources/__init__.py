"""Foreign files as chunks of columns: a file per format."""
