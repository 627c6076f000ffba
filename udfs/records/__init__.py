"""Input and output records: events, profiles, outputs, dead letters, and their encoding."""
