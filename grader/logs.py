"""
The worker's log, as text lines or as JSON.

There is no global configuration: each process creates one logger and passes it on.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, WrappedLogger

LogFormat = Literal["text", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Logger = FilteringBoundLogger

_MASK = "***"
_SHORTEST_SECRET = 4  # masking "a" would garble all lines and hide nothing
_Event = MutableMapping[str, Any]


class Redactor:
    """A log processor that masks known secrets in every field."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def hide(self, *secrets: str) -> None:
        """Mask these from now on; texts shorter than four characters are ignored."""
        with self._lock:
            self._secrets |= {text for text in secrets if len(text) >= _SHORTEST_SECRET}

    def __call__(self, _logger: WrappedLogger, _method: str, event: _Event) -> _Event:
        """Mask the secrets of one event."""
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, Mapping):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]
        if isinstance(value, (int, float, bool)) or value is None:
            return value
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text


def make_logger(
    log_format: LogFormat, level: LogLevel, *, redactor: Redactor, stream: TextIO = sys.stderr
) -> Logger:
    """
    Create the logger of a process.

    Args:
        log_format: ``text`` gives ``[2024-08-20 12:00:00] INFO: message``, with fields only from
            WARNING on, because operators search for whole lines; ``json`` gives all fields.
        level: Lowest level that is logged.
        redactor: Masks the secrets; more can be added to it later.
        stream: Output of the lines.
    """
    logger: Logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        processors=[
            structlog.processors.add_log_level,
            _add_time,
            structlog.processors.format_exc_info,
            redactor,
            _as_text if log_format == "text" else _as_json,
        ],
    )
    return logger


def forward_standard_logging(log: Logger) -> None:
    """Forward the warnings and errors of libraries to `log`."""
    root = logging.getLogger()
    root.handlers = [_Forward(log)]
    root.setLevel(logging.WARNING)


def escape(text: str) -> str:
    """Escape control characters, so that a value cannot forge a line or control a terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


class _Forward(logging.Handler):
    def __init__(self, log: Logger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage(), library=record.name)


def _add_time(_logger: WrappedLogger, _method: str, event: _Event) -> _Event:
    return {**event, "time": datetime.now(UTC)}


def _as_text(_logger: WrappedLogger, _method: str, event: _Event) -> str:
    moment = str(event.pop("time"))[:19]
    level = str(event.pop("level")).upper()
    line = f"[{moment}] {level}: {escape(str(event.pop('event')))}"
    if level in ("DEBUG", "INFO"):
        return line
    return line + "".join(f" {key}={escape(str(value))}" for key, value in sorted(event.items()))


def _as_json(_logger: WrappedLogger, _method: str, event: _Event) -> str:
    moment = datetime.fromisoformat(str(event.pop("time")))
    first = {"time": moment.isoformat(timespec="milliseconds"), "level": event.pop("level")}
    return json.dumps({**first, "message": event.pop("event"), **event}, default=str)
