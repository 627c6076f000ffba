"""Kinesis, SNS and S3."""
