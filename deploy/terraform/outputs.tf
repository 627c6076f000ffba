output "events_stream_arn" {
  description = "Where producers send events."
  value       = aws_kinesis_stream.events.arn
}

output "alerts_topic_arn" {
  description = "What consumers of alerts subscribe to."
  value       = aws_sns_topic.alerts.arn
}

output "code_bucket" {
  description = "For bundles and rule files: s3://BUCKET/bundles/…"
  value       = aws_s3_bucket.store["code"].bucket
}

output "outputs_bucket" {
  description = "Decisions and dead letters."
  value       = aws_s3_bucket.store["outputs"].bucket
}

output "policies" {
  description = "Policies to attach to those who send events, fill the store, or read decisions."
  value = {
    producer        = aws_iam_policy.producer.arn
    store_loader    = aws_iam_policy.store_loader.arn
    decision_reader = aws_iam_policy.decision_reader.arn
  }
}
