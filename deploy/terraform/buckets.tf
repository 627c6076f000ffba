# `code` has packages, bundles and rule files; `outputs` decisions and dead letters. The service stores the checkpoints.
locals {
  buckets = toset(["code", "outputs"])
}

resource "aws_s3_bucket" "store" {
  for_each = local.buckets

  bucket = "${var.name}-${each.key}-${local.account}-${var.region}"
}

resource "aws_s3_bucket_public_access_block" "store" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.store[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "store" {
  for_each = local.buckets

  bucket = aws_s3_bucket.store[each.key].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.data.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "store" {
  for_each = local.buckets

  bucket = aws_s3_bucket.store[each.key].id

  versioning_configuration {
    status = each.key == "code" ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "outputs" {
  bucket = aws_s3_bucket.store["outputs"].id

  rule {
    id     = "expire-personal-data"
    status = "Enabled"

    filter {}

    expiration {
      days = var.output_retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "store" {
  for_each = local.buckets

  bucket = aws_s3_bucket.store[each.key].id
  policy = data.aws_iam_policy_document.tls_only[each.key].json
}

data "aws_iam_policy_document" "tls_only" {
  for_each = local.buckets

  statement {
    sid       = "NothingWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.store[each.key].arn, "${aws_s3_bucket.store[each.key].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_object" "package" {
  bucket      = aws_s3_bucket.store["code"].id
  key         = "packages/app.zip"
  source      = var.package
  source_hash = filemd5(var.package)
}
