variable "name" {
  description = "Name, or name prefix, of all resources: lower-case letters, digits, hyphens."
  type        = string
  default     = "fraud"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "name: 2 to 21 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
}

variable "package" {
  description = "Zip file of the application, written by `fraud package msf`."
  type        = string
  default     = "../../out/app.zip"
}

variable "runtime" {
  description = "Flink runtime of the service; the package is built for its Python 3.12."
  type        = string
  default     = "FLINK-2_3"
}

variable "config_file" {
  description = "Base configuration file in the package, overridden by runtime properties; conf/managed_flink_kafka.yaml reads from MSK."
  type        = string
  default     = "conf/managed_flink.yaml"
}

variable "job_properties" {
  description = "Additional configuration keys of the job with their values, such as \"source.topics\"."
  type        = map(string)
  default     = {}
}

variable "parallelism" {
  description = "Number of parallel scorers; each has one KPU (1 vCPU, 4 GB)."
  type        = number
  default     = 2
}

variable "checkpoint_interval_ms" {
  description = "Checkpoint interval of the service."
  type        = number
  default     = 10000
}

variable "event_shards" {
  description = "Shards of the stream of events; 0 for on-demand mode. A shard accepts 1,000 records/s or 1 MB/s."
  type        = number
  default     = 0
}

variable "event_retention_hours" {
  description = "Retention of events in the stream."
  type        = number
  default     = 48
}

variable "output_retention_days" {
  description = "Retention of decisions and dead letters, which contain personal data."
  type        = number
  default     = 90
}

variable "log_retention_days" {
  description = "Retention of the application's logs."
  type        = number
  default     = 30
}

variable "subnet_ids" {
  description = "Subnets of the application, for access to Kafka or Redis in a VPC; empty for none."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the application in its subnets."
  type        = list(string)
  default     = []
}

variable "operations_email" {
  description = "E-mail address that receives alarms; empty for none."
  type        = string
  default     = ""
}

variable "largest_lag_ms" {
  description = "Age of the oldest unread event that raises an alarm."
  type        = number
  default     = 60000
}
