# Alarms on the job's own metrics (docs/metrics.md). Counters start at 0 with each start of the operator, and each parallel
# scorer reports its own four times a minute: `Average` is over all scorers, DIFF is the growth since the previous period,
# which is not positive after a restart.
locals {
  own = "AWS/KinesisAnalytics"

  watched = {
    incoming         = { namespace = "AWS/Kinesis", metric = "IncomingRecords", dimensions = local.events, statistic = "Sum" }
    records          = { namespace = local.own, metric = "fraud_records", dimensions = local.application, statistic = "Average" }
    bad              = { namespace = local.own, metric = "fraud_dead_letters", dimensions = merge(local.application, { reason = "bad_record" }), statistic = "Average" }
    no_rate          = { namespace = local.own, metric = "fraud_dead_letters", dimensions = merge(local.application, { reason = "missing_rate" }), statistic = "Average" }
    out_of_range     = { namespace = local.own, metric = "fraud_dead_letters", dimensions = merge(local.application, { reason = "amount_out_of_range" }), statistic = "Average" }
    unexpected       = { namespace = local.own, metric = "fraud_dead_letters", dimensions = merge(local.application, { reason = "unexpected_error" }), statistic = "Average" }
    stale            = { namespace = local.own, metric = "fraud_enrichment", dimensions = merge(local.application, { status = "stale" }), statistic = "Average" }
    degraded         = { namespace = local.own, metric = "fraud_enrichment", dimensions = merge(local.application, { status = "degraded" }), statistic = "Average" }
    refused_elements = { namespace = local.own, metric = "fraud_control_elements", dimensions = merge(local.application, { outcome = "refused" }), statistic = "Average" }
    refused_alerts   = { namespace = local.own, metric = "fraud_alerts_refused", dimensions = local.application, statistic = "Average" }
    failed_calls     = { namespace = local.own, metric = "fraud_alerts_failures", dimensions = local.application, statistic = "Average" }
  }

  growths = {
    nothing-read      = { watched = ["incoming", "records"], expression = "IF(incoming > 0 AND DIFF(records) <= 0, 1, 0)", above = 0, period = 60, periods = 3, meaning = "the stream receives records, but the job reads none" }
    dead-letters      = { watched = ["records", "bad", "no_rate", "out_of_range", "unexpected"], expression = "IF(DIFF(records) > 0, 100 * (DIFF(bad) + DIFF(no_rate) + DIFF(out_of_range) + DIFF(unexpected)) / DIFF(records), 0)", above = 5, period = 300, periods = 2, meaning = "more than 5 % of the records are dead letters" }
    unexpected-errors = { watched = ["unexpected"], expression = "DIFF(unexpected)", above = 0, period = 300, periods = 1, meaning = "a record could not be scored; see the traceback in the log" }
    store-fails       = { watched = ["stale", "degraded"], expression = "DIFF(stale) + DIFF(degraded)", above = 0, period = 60, periods = 5, meaning = "decisions use stale or missing profiles" }
    control-refused   = { watched = ["refused_elements"], expression = "DIFF(refused_elements)", above = 0, period = 300, periods = 1, meaning = "a published control element was rejected and is not in force" }
    alerts-refused    = { watched = ["refused_alerts"], expression = "DIFF(refused_alerts)", above = 0, period = 300, periods = 1, meaning = "SNS rejected an alert; it is a dead letter and was not delivered" }
    alerts-stuck      = { watched = ["failed_calls"], expression = "DIFF(failed_calls)", above = 0, period = 60, periods = 5, meaning = "SNS is unavailable; alerts are buffered in the job's state" }
  }
}

resource "aws_cloudwatch_metric_alarm" "growth" {
  for_each = local.growths

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.meaning
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.operations.arn]
  ok_actions          = [aws_sns_topic.operations.arn]

  metric_query {
    id          = "growth"
    expression  = each.value.expression
    label       = each.key
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.watched

    content {
      id = metric_query.value

      metric {
        namespace   = local.watched[metric_query.value].namespace
        metric_name = local.watched[metric_query.value].metric
        dimensions  = local.watched[metric_query.value].dimensions
        period      = each.value.period
        stat        = local.watched[metric_query.value].statistic
      }
    }
  }
}
