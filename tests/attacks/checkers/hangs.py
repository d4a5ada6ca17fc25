"""Waits for ever."""

import signal

signal.pause()
