"""Tells people of alerts: e-mail, Slack-compatible and signed webhooks, in digests, with a log of deliveries."""
