"""Changes of a running job: control elements and the block list."""
