"""Building blocks of the pipelines: sources, sinks, routing, the batched operator, operator uids."""
