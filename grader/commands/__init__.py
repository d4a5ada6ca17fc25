"""The verbs of `grader` besides running a worker."""
