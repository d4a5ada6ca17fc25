"""`gradectl rejudge`: grade submissions again."""

from __future__ import annotations

from gradectl.commands.rejudge_end import accept, discard
from gradectl.commands.rejudge_show import list_rejudgings, show
from gradectl.commands.rejudge_start import start
from gradectl.options import group


@group("rejudge", epilog="Example: gradectl rejudge start --problem sum --verdict WA --apply")
def rejudge() -> None:
    """
    Grade submissions again, compare the results, then accept or discard them.

    The old results stay until `accept`. The second grading has low priority and a few requests at a
    time, so that other submissions do not wait for it. See docs/rejudging.md.
    """


for each in (start, show, accept, discard, list_rejudgings):
    rejudge.add_command(each)
