resource "aws_kinesis_stream" "events" {
  name             = "${var.name}-events"
  retention_period = var.event_retention_hours
  shard_count      = var.event_shards == 0 ? null : var.event_shards
  encryption_type  = "KMS"
  kms_key_id       = aws_kms_key.data.arn

  stream_mode_details {
    stream_mode = var.event_shards == 0 ? "ON_DEMAND" : "PROVISIONED"
  }
}
