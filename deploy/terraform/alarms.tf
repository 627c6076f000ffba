# `change` alarms evaluate a counter's growth per period, `value` alarms the metric's value.
locals {
  application = { Application = aws_kinesisanalyticsv2_application.job.name }
  events      = { StreamName = aws_kinesis_stream.events.name }
  records     = { TableName = aws_dynamodb_table.store["records"].name }
  alerts      = { TopicName = aws_sns_topic.alerts.name }

  changes = {
    restarts           = { metric = "numRestarts", above = 0, meaning = "the job failed and restarted" }
    failed-checkpoints = { metric = "numberOfFailedCheckpoints", above = 1, meaning = "checkpoints fail; a restart would reprocess many records" }
  }

  values = {
    not-running    = { namespace = "AWS/KinesisAnalytics", metric = "runningTime", dimensions = local.application, statistic = "Maximum", below = true, threshold = 1, periods = 3, missing = "breaching", meaning = "the job is not running; no payments are scored" }
    checkpoints    = { namespace = "AWS/KinesisAnalytics", metric = "lastCheckpointDuration", dimensions = local.application, statistic = "Maximum", below = false, threshold = 30000, periods = 5, missing = "notBreaching", meaning = "checkpoints take longer than 30 s" }
    cpu            = { namespace = "AWS/KinesisAnalytics", metric = "containerCPUUtilization", dimensions = local.application, statistic = "Maximum", below = false, threshold = 85, periods = 15, missing = "notBreaching", meaning = "raise the parallelism" }
    memory         = { namespace = "AWS/KinesisAnalytics", metric = "containerMemoryUtilization", dimensions = local.application, statistic = "Maximum", below = false, threshold = 95, periods = 15, missing = "notBreaching", meaning = "lower state.cache_mb or raise the parallelism" }
    events-lag     = { namespace = "AWS/Kinesis", metric = "GetRecords.IteratorAgeMilliseconds", dimensions = local.events, statistic = "Maximum", below = false, threshold = var.largest_lag_ms, periods = 5, missing = "notBreaching", meaning = "the job does not keep up with the stream" }
    events-refused = { namespace = "AWS/Kinesis", metric = "WriteProvisionedThroughputExceeded", dimensions = local.events, statistic = "Sum", below = false, threshold = 0, periods = 5, missing = "notBreaching", meaning = "the stream has too few shards for its producers" }
    store-throttle = { namespace = "AWS/DynamoDB", metric = "ReadThrottleEvents", dimensions = local.records, statistic = "Sum", below = false, threshold = 0, periods = 5, missing = "notBreaching", meaning = "look-ups are throttled; enrichment is stale or degraded" }
    decisions-late = { namespace = "AWS/KinesisAnalytics", metric = "fraud_arrival_lag_ms_p99", dimensions = local.application, statistic = "Maximum", below = false, threshold = 1000, periods = 5, missing = "notBreaching", meaning = "payments from Kafka wait more than a second for their decision" }
    alerts-undone  = { namespace = "AWS/SNS", metric = "NumberOfNotificationsFailed", dimensions = local.alerts, statistic = "Sum", below = false, threshold = 0, periods = 5, missing = "notBreaching", meaning = "a subscriber of the alerts cannot be reached" }
  }
}

resource "aws_cloudwatch_metric_alarm" "change" {
  for_each = local.changes

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.meaning
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.operations.arn]
  ok_actions          = [aws_sns_topic.operations.arn]

  metric_query {
    id          = "change"
    expression  = "DIFF(counted)"
    label       = each.value.metric
    return_data = true
  }

  metric_query {
    id = "counted"

    metric {
      namespace   = "AWS/KinesisAnalytics"
      metric_name = each.value.metric
      dimensions  = local.application
      period      = 300
      stat        = "Maximum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "value" {
  for_each = local.values

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.meaning
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.below ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.operations.arn]
  ok_actions          = [aws_sns_topic.operations.arn]
}
