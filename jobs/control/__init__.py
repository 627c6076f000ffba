"""The control stream: reading it in a job, and publishing control elements to it."""
