"""
In-memory fakes of the ports, shipped for the tests of plugins.

They pass the same behaviour suites in tests/ports as the real implementations.
"""

from grader.testing.queues import MemoryJobSource, MemoryQueues
from grader.testing.sqs import MemorySqsJobSource, MemorySqsQueues
from grader.testing.stores import MemoryJobStore, MemoryObjectStore, MemoryParameterStore
from grader.testing.submissions import MemorySubmissions

__all__ = [
    "MemoryJobSource",
    "MemoryJobStore",
    "MemoryObjectStore",
    "MemoryParameterStore",
    "MemoryQueues",
    "MemorySqsJobSource",
    "MemorySqsQueues",
    "MemorySubmissions",
]
