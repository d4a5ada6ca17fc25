"""
In-memory twins of the ports, shipped so that programs built on the worker can be tested too.

They hold to what tests/ports demands of the real ones.
"""

from grader.testing.queues import MemoryJobSource, MemoryQueues
from grader.testing.stores import MemoryJobStore, MemoryObjectStore, MemoryParameterStore

__all__ = [
    "MemoryJobSource",
    "MemoryJobStore",
    "MemoryObjectStore",
    "MemoryParameterStore",
    "MemoryQueues",
]
