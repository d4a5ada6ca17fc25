"""`gradectl version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed_version

from gradectl import __version__
from gradectl.context import AppContext, pass_context
from gradectl.options import command
from gradectl.ui import Table

_LIBRARIES = ("boto3", "click", "jinja2", "python-terraform", "stomp.py")


@command("version", epilog="Example: gradectl version --output json")
@pass_context(AppContext)
def version(app: AppContext) -> None:
    """Show the versions of gradectl and its libraries."""
    found = {"gradectl": __version__, "python": platform.python_version()}
    found |= {name: installed_version(name) for name in _LIBRARIES}
    app.ui.emit("version", {"versions": found}, Table(["part", "version"], list(found.items())))
