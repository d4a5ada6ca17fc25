"""`gradectl doctor`."""

from __future__ import annotations

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.errors import CheckFailedError
from gradectl.monitoring.checks import run_checks
from gradectl.monitoring.environment_logs import open_logs
from gradectl.monitoring.observe import Observer
from gradectl.options import command
from gradectl.rollouts.polling import pauses
from gradectl.target import select_environment
from gradectl.ui import Table

_LOG_SECONDS = 30.0


@command("doctor", epilog="Example: gradectl doctor production")
@environment_argument
@pass_context(CloudContext)
def doctor(app: CloudContext, environment: str) -> None:
    """
    Look for the causes of known symptoms in ENVIRONMENT.

    The symptoms are: messages pile up and nothing is processed, graded but no result comes back,
    slow, out of memory, and the HTTP API does not answer. Each cause has the next command. On
    Amazon SQS, figures of CloudWatch tell whether workers and web tier receive. It only reads. A
    part that cannot be read is shown as unknown. Exit code 4 when something is wrong.
    """
    target = select_environment(app, environment)
    log = open_logs(app, target.environment, target.aws, pauses(_LOG_SECONDS))
    results = run_checks(Observer(target).everything(log))
    wrong = [each for each in results if each.outcome == "failed"]
    unknown = [each for each in results if each.outcome == "unknown"]
    document = {
        "environment": target.name,
        "passed": not wrong,
        "checks": [
            {
                "name": each.check.name,
                "symptom": each.check.symptom,
                "outcome": each.outcome,
                "cause": each.cause,
                "next": each.next_step,
            }
            for each in results
        ],
    }
    rows = [[each.check.name, each.outcome, each.check.symptom, each.cause] for each in results]
    title = f"{target.name}: {len(results)} checks, {len(wrong)} failed, {len(unknown)} unknown"
    app.ui.emit("doctor", document, Table(("check", "outcome", "symptom", "cause"), rows, title))
    for each in results:
        if each.outcome == "ok" and each.cause:
            app.ui.say(f"note: {each.cause}; {each.next_step}")
    for each in unknown:
        app.ui.warn(f"{each.check.name} was not checked: {each.cause}")
    if wrong:
        text = "\n".join(f"{each.check.name}: {each.cause}" for each in wrong)
        steps = "\n".join(dict.fromkeys(each.next_step for each in wrong))
        raise CheckFailedError(text, where=target.name, next_step=steps)
    app.ui.say("no cause found" if unknown else f"{target.name} shows none of the known symptoms")
