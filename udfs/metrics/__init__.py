"""Metrics of the job: catalogue, names, counters and histogram."""
