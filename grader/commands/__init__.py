"""Commands of `grader` other than `worker`."""
