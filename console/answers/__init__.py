"""Answers to payments, one call each: in this process (embedded), or by the job through Kafka."""
