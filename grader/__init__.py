"""The worker that runs in the cloud: takes a request from a queue, grades it, and reports."""
