"""What happens to one event inside the operator: the pure core, and the thin Flink functions around it."""
