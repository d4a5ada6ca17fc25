"""The grading worker: receives requests from a queue, grades them and sends the results."""
