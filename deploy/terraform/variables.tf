variable "name" {
  description = "What everything is called, or begins with: lower-case letters, digits, hyphens."
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
  description = "The application's zip, as `fraud package msf` writes it."
  type        = string
  default     = "../../out/app.zip"
}

variable "runtime" {
  description = "The service's Flink; the package is built for its Python 3.12."
  type        = string
  default     = "FLINK-2_3"
}

variable "config_file" {
  description = "The file of the package that runtime properties are laid over; conf/managed_flink_kafka.yaml reads from MSK."
  type        = string
  default     = "conf/managed_flink.yaml"
}

variable "job_properties" {
  description = "Further configuration keys of the job with their values, such as \"source.topics\"."
  type        = map(string)
  default     = {}
}

variable "parallelism" {
  description = "Parallel scorers; the service gives each a KPU (1 vCPU, 4 GB)."
  type        = number
  default     = 2
}

variable "checkpoint_interval_ms" {
  description = "Time between the service's checkpoints."
  type        = number
  default     = 10000
}

variable "event_shards" {
  description = "Shards of the events' stream; 0: on demand. One takes 1,000 records or 1 MB a second."
  type        = number
  default     = 0
}

variable "event_retention_hours" {
  description = "How long events can be read again."
  type        = number
  default     = 48
}

variable "output_retention_days" {
  description = "When decisions and dead letters are deleted; they hold personal data."
  type        = number
  default     = 90
}

variable "log_retention_days" {
  description = "When the application's logs are deleted."
  type        = number
  default     = 30
}

variable "subnet_ids" {
  description = "Subnets of the application, to reach Kafka or Redis in a VPC; empty: none."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the application in its subnets."
  type        = list(string)
  default     = []
}

variable "operations_email" {
  description = "Who is told of alarms; empty: nobody."
  type        = string
  default     = ""
}

variable "largest_lag_ms" {
  description = "Age of the oldest unread event above which an alarm is raised."
  type        = number
  default     = 60000
}
