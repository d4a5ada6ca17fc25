"""Interfaces (protocols) of the queues, stores and handlers that the worker uses."""
