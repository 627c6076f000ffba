"""The SDK: decisions by HTTP or in this process."""
