"""
Running untrusted programs: a small setuid launcher, and the slot it runs them in.

``with Box.claim(launcher) as box: box.run(spec)`` is all that the rest of the worker knows.
"""

from grader.sandbox.box import Box

__all__ = ["Box"]
