# The tables that `fraud store init` creates (udfs/stores/dynamodb_tables.py); a test compares both.
locals {
  table_prefix = "${var.name}-"
  tables       = toset(["records", "online"])
}

resource "aws_dynamodb_table" "store" {
  for_each = local.tables

  name                        = "${local.table_prefix}${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  deletion_protection_enabled = true

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.data.arn
  }

  point_in_time_recovery {
    enabled = each.key == "records"
  }
}
