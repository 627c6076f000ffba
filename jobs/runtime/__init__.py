"""Starting, monitoring and stopping a job."""
