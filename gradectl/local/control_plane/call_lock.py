"""The lock that an API call holds, because moto is not thread-safe."""

from __future__ import annotations

from threading import Condition, RLock

#: Held during each API call but those to S3. One for a process, as the state of moto.
CALL_LOCK = RLock()

#: Notified when a queue of SQS may have a message for a call that waits; waiting releases the lock.
QUEUES_CHANGED = Condition(CALL_LOCK)
