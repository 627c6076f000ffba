"""Publishing of alerts to a topic: messages, batching and retries, Amazon SNS."""
