output "events_stream_arn" {
  description = "Stream of events, written by producers."
  value       = aws_kinesis_stream.events.arn
}

output "alerts_topic_arn" {
  description = "Topic of alerts."
  value       = aws_sns_topic.alerts.arn
}

output "code_bucket" {
  description = "Bucket of bundles and rule files: s3://BUCKET/bundles/…"
  value       = aws_s3_bucket.store["code"].bucket
}

output "outputs_bucket" {
  description = "Bucket of decisions and dead letters."
  value       = aws_s3_bucket.store["outputs"].bucket
}

output "policies" {
  description = "Policies for producers of events, the store's loader and readers of decisions."
  value = {
    producer        = aws_iam_policy.producer.arn
    store_loader    = aws_iam_policy.store_loader.arn
    decision_reader = aws_iam_policy.decision_reader.arn
  }
}
