"""
Runs untrusted programs in boxes, by a small setuid launcher.

The rest of the worker uses ``with Box.claim(launcher) as box: box.run(spec)``.
"""

from grader.sandbox.box import Box

__all__ = ["Box"]
