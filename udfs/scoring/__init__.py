"""Scoring: from an event and the user's state to a decision."""
