"""Stores of profiles and entity history: ports, cache, memory, Redis, DynamoDB, SQLite; online features."""
