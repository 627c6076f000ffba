"""Sources: read foreign files as chunks of columns, one file per format."""
