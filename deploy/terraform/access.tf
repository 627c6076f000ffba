# Permissions of the application, and policies for producers, the store's loader and readers of decisions.
resource "aws_iam_role" "application" {
  name               = "${var.name}-application"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["kinesisanalytics.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:aws:kinesisanalytics:${var.region}:${local.account}:application/${var.name}"]
    }
  }
}

resource "aws_iam_role_policy" "application" {
  name   = "job"
  role   = aws_iam_role.application.id
  policy = data.aws_iam_policy_document.application.json
}

data "aws_iam_policy_document" "application" {
  statement {
    sid       = "ReadItsPackageBundlesAndRules"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${aws_s3_bucket.store["code"].arn}/*"]
  }

  statement {
    sid       = "ListItsBuckets"
    actions   = ["s3:ListBucket"]
    resources = [for bucket in aws_s3_bucket.store : bucket.arn]
  }

  statement {
    sid       = "WriteDecisionsAndDeadLetters"
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["${aws_s3_bucket.store["outputs"].arn}/*"]
  }

  statement {
    sid       = "ReadEvents"
    actions   = ["kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
    resources = [aws_kinesis_stream.events.arn]
  }

  statement {
    sid       = "LookUpRecords"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [aws_dynamodb_table.store["records"].arn]
  }

  statement {
    sid       = "PublishOnlineFeatures"
    actions   = ["dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.store["online"].arn]
  }

  statement {
    sid       = "PublishAlerts"
    actions   = ["sns:GetTopicAttributes", "sns:Publish"] # the job checks the topic before the start
    resources = [aws_sns_topic.alerts.arn]
  }

  statement {
    sid       = "UseTheKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data.arn]
  }

  statement {
    sid       = "WriteItsLog"
    actions   = ["logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.application.arn}:*"]
  }

  statement {
    sid       = "FindItsLogGroup"
    actions   = ["logs:DescribeLogGroups"]
    resources = ["arn:aws:logs:${var.region}:${local.account}:log-group:*"]
  }

  dynamic "statement" {
    for_each = length(var.subnet_ids) == 0 ? [] : ["vpc"]

    content {
      sid = "JoinItsSubnets"
      actions = [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ]
      resources = ["*"] # EC2's Describe actions do not support resources
    }
  }
}

resource "aws_iam_policy" "producer" {
  name   = "${var.name}-producer"
  policy = data.aws_iam_policy_document.producer.json
}

data "aws_iam_policy_document" "producer" {
  statement {
    sid       = "SendEvents"
    actions   = ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecord", "kinesis:PutRecords"]
    resources = [aws_kinesis_stream.events.arn]
  }

  statement {
    sid       = "UseTheKey"
    actions   = ["kms:GenerateDataKey"]
    resources = [aws_kms_key.data.arn]
  }
}

resource "aws_iam_policy" "store_loader" {
  name   = "${var.name}-store-loader"
  policy = data.aws_iam_policy_document.store_loader.json
}

data "aws_iam_policy_document" "store_loader" {
  statement {
    sid       = "FillTheStore"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.store["records"].arn]
  }

  statement {
    sid       = "UseTheKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data.arn]
  }
}

resource "aws_iam_policy" "decision_reader" {
  name   = "${var.name}-decision-reader"
  policy = data.aws_iam_policy_document.decision_reader.json
}

data "aws_iam_policy_document" "decision_reader" {
  statement {
    sid       = "FindDecisions"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.store["outputs"].arn]
  }

  statement {
    sid       = "ReadDecisionsButNotDeadLetters"
    actions   = ["s3:GetObject"]
    resources = [
      "${aws_s3_bucket.store["outputs"].arn}/decisions/*",
      "${aws_s3_bucket.store["outputs"].arn}/alerts/*",
      "${aws_s3_bucket.store["outputs"].arn}/flags/*",
    ]
  }

  statement {
    sid       = "UseTheKey"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.data.arn]
  }
}
