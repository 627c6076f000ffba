resource "aws_cloudwatch_log_group" "application" {
  name              = "/aws/managed-flink/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_stream" "application" {
  name           = "job"
  log_group_name = aws_cloudwatch_log_group.application.name
}

locals {
  job_properties = {
    "config"             = var.config_file
    "name"               = var.name
    "store.kind"         = "dynamodb"
    "store.region"       = var.region
    "store.table_prefix" = local.table_prefix
  }

  # Keys of conf/managed_flink.yaml. Another base file has its own source and sinks; set their keys in var.job_properties.
  own_resources = {
    "source.stream_arn" = aws_kinesis_stream.events.arn
    "sinks.0.directory" = "s3://${aws_s3_bucket.store["outputs"].bucket}"
    "sinks.1.topic_arn" = aws_sns_topic.alerts.arn
  }
}

resource "aws_kinesisanalyticsv2_application" "job" {
  name                   = var.name
  description            = "Scores payments for fraud"
  runtime_environment    = var.runtime
  service_execution_role = aws_iam_role.application.arn
  start_application      = true

  application_configuration {
    application_code_configuration {
      code_content_type = "ZIPFILE"

      code_content {
        s3_content_location {
          bucket_arn     = aws_s3_bucket.store["code"].arn
          file_key       = aws_s3_object.package.key
          object_version = aws_s3_object.package.version_id
        }
      }
    }

    application_snapshot_configuration {
      snapshots_enabled = true
    }

    environment_properties {
      property_group {
        property_group_id = "kinesis.analytics.flink.run.options"
        property_map = {
          python  = "main.py"
          pyFiles = "python/"
        }
      }

      property_group {
        property_group_id = "fraud"
        property_map = merge(
          local.job_properties,
          var.config_file == "conf/managed_flink.yaml" ? local.own_resources : {},
          var.job_properties,
        )
      }
    }

    flink_application_configuration {
      checkpoint_configuration {
        configuration_type            = "CUSTOM"
        checkpointing_enabled         = true
        checkpoint_interval           = var.checkpoint_interval_ms
        min_pause_between_checkpoints = 1000
      }

      monitoring_configuration {
        configuration_type = "CUSTOM"
        log_level          = "INFO"
        metrics_level      = "APPLICATION" # lower levels add dimensions, and each series is charged
      }

      parallelism_configuration {
        configuration_type   = "CUSTOM"
        auto_scaling_enabled = false # each scaling is a restart from a snapshot
        parallelism          = var.parallelism
        parallelism_per_kpu  = 1 # a slot with its source and garbage collection keeps more than one core busy
      }
    }

    run_configuration {
      application_restore_configuration {
        application_restore_type = "RESTORE_FROM_LATEST_SNAPSHOT"
      }

      flink_run_configuration {
        allow_non_restored_state = false
      }
    }

    dynamic "vpc_configuration" {
      for_each = length(var.subnet_ids) == 0 ? [] : ["vpc"]

      content {
        subnet_ids         = var.subnet_ids
        security_group_ids = var.security_group_ids
      }
    }
  }

  cloudwatch_logging_options {
    log_stream_arn = aws_cloudwatch_log_stream.application.arn
  }
}
