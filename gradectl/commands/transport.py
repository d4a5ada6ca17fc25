"""`gradectl transport`: change an environment between ActiveMQ and Amazon SQS."""

from __future__ import annotations

from gradectl.commands.transport_show import show
from gradectl.commands.transport_switch import switch
from gradectl.options import group


@group("transport", epilog="Example: gradectl transport switch dev --to sqs")
def transport() -> None:
    """
    Change the transport of an environment between ActiveMQ and Amazon SQS.

    The variables use_sqs_queue and drain_other_transport in environment.yaml choose it. A change
    keeps both for a while, so that no request, result or dead letter is lost.
    """


for each in (show, switch):
    transport.add_command(each)
