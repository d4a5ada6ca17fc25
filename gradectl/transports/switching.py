"""Carries out the steps of a change of the transport."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from time import monotonic

from gradectl.cloud import CloudContext
from gradectl.deploy.deploy_lock import deploy_lock
from gradectl.deploy.deploy_steps import DeployOptions, DeploySteps
from gradectl.deploy.deployment import Deployment
from gradectl.environment import Environment
from gradectl.errors import RefusedError
from gradectl.monitoring.paused import pause_text
from gradectl.queues.broker import Broker
from gradectl.queues.journal import Journal, open_journal
from gradectl.rollouts.polling import pauses
from gradectl.target import EnvironmentClient
from gradectl.transports.declaring import by_hand, declare
from gradectl.transports.drain import Drain, Drained, hints, read_counts
from gradectl.transports.draining import REQUEST_QUEUES, summary, total
from gradectl.transports.observe import is_reachable, observe, uses_existing_broker
from gradectl.transports.state import (
    Declared,
    Deployed,
    Step,
    declared_by,
    due_steps,
    other,
    purpose,
    title,
)
from grader.contract.names import TransportName

#: Folder of the journals, below the project.
_JOURNALS = ".gradectl/queues"
#: After so many seconds without progress the causes are printed, and again after as many.
_STALLED_SECONDS = 30.0


@dataclass(frozen=True)
class SwitchOptions:
    """
    The options of one run.

    Attributes:
        to: The transport to change to.
        applies: False when a pipeline applies the files.
        confirm: Value of --confirm, for the loss of the old transport.
        allow_loss: Resources whose data may be lost, besides those that the policy allows.
        quiet_seconds: How long the old transport must stay empty and unused.
        drain_seconds: How long to wait for that.
        lock_timeout_seconds: How long to wait for the locks of another run.
    """

    to: TransportName
    applies: bool
    confirm: str | None
    allow_loss: tuple[str, ...]
    quiet_seconds: float
    drain_seconds: float
    lock_timeout_seconds: int


@dataclass
class Outcome:
    """
    What a run has done.

    Attributes:
        done: The steps that are complete.
        drained: The drain; None when it did not run.
        moved: Messages moved to the new transport, by queue.
        journals: Paths of their journals.
        files: Files that were written.
        left_to_pipeline: Whether the run ended because a pipeline has to apply the files.
    """

    done: list[Step] = field(default_factory=list)
    drained: Drained | None = None
    moved: Counter[str] = field(default_factory=Counter)
    journals: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    left_to_pipeline: bool = False


@dataclass(frozen=True)
class Found:
    """
    The state of an environment.

    Attributes:
        declared: What environment.yaml says; None where another project has the Terraform.
        deployed: What exists.
        left: Messages in the transport that is being drained; None when there is none, or when its
            parameters are gone.
    """

    declared: Declared | None
    deployed: Deployed
    left: int | None = None

    def due(self, to: TransportName) -> tuple[Step, ...]:
        """The steps of a change to a transport."""
        declared = self.declared or declared_by_deployed(self.deployed, to)
        return due_steps(to, declared, self.deployed, self.left)


def declared_by_deployed(deployed: Deployed, to: TransportName) -> Declared:
    """What the file of another project presumably declares, from what exists."""
    return Declared(deployed.active or to, drains=deployed.drained is not None)


def find(app: CloudContext, environment: Environment, to: TransportName) -> Found:
    """
    Read the state of an environment that changes.

    Args:
        app: Context of the command.
        environment: The environment.
        to: The transport to change to; the other one is counted once this one is active.

    Raises:
        UnreachableError: The transport that is being drained does not answer.
    """
    aws = app.aws(environment)
    deployed = observe(aws, environment)
    declared = None if environment.external else Declared.of(environment.variables)
    left = None
    has_queues = deployed.drained is TransportName.SQS or is_reachable(aws, environment)
    if deployed.active is to and deployed.drained and has_queues:
        with open_transport(app, environment, deployed.drained) as broker:
            left = total(read_counts(broker))
    return Found(declared, deployed, left)


@contextmanager
def open_transport(
    app: CloudContext, environment: Environment, name: TransportName
) -> Iterator[Broker]:
    """Open the queues of one transport of an environment for the block."""
    with EnvironmentClient(app, environment, name).broker() as broker:
        yield broker


class Switch:
    """
    One run of a change; each step may be repeated, so the same command resumes it.

    Args:
        app: Context of the command.
        environment: The environment, as its file was at the start.
        options: The options of the run.
    """

    def __init__(self, app: CloudContext, environment: Environment, options: SwitchOptions) -> None:
        self._app = app
        self._environment = environment
        self._options = options
        self.to = options.to
        self._old = other(options.to)
        self.outcome = Outcome()

    def run(self, steps: tuple[Step, ...]) -> Outcome:
        """
        Carry out steps, until one is left to the pipeline.

        Args:
            steps: The steps, in order.

        Raises:
            TryAgainError: The old transport did not become empty in time.
            RefusedError: The changes were not confirmed, or the old transport is used again.
        """
        ui = self._app.ui
        for number, step in enumerate(steps, start=1):
            ui.say(f"\n[{number}/{len(steps)}] {step}: {purpose(step, self.to)}", "bold")
            if step is Step.DRAIN:
                self._drain()
            elif not self._apply(step):
                self.outcome.left_to_pipeline = True
                break
            self.outcome.done.append(step)
        return self.outcome

    def _apply(self, step: Step) -> bool:
        """Declare a step and apply it; False when a pipeline has to apply it."""
        declared = declared_by(step, self.to)
        self._declare(declared)
        if not self._options.applies:
            return self._is_deployed(step)
        name = self._environment.name
        options = self._options
        lock_seconds = options.lock_timeout_seconds
        deployment = Deployment.open(self._app, name, lock_timeout_seconds=lock_seconds)
        settings = DeployOptions(confirm=options.confirm, allow_loss=options.allow_loss)
        work = DeploySteps(deployment, settings, image=str, smoke=str)
        store = deployment.aws.exclusive_objects(deployment.environment.state_bucket)
        try:
            with deploy_lock(store, name, pauses(lock_seconds), self._app.ui.say):
                work.plan()
                work.gate()
                if step is Step.OFF:
                    self._require_unused()
                for part in (work.apply, work.secrets, work.wait):
                    self._app.ui.say(part())
        finally:
            deployment.discard_plan()
        return True

    def _declare(self, declared: Declared) -> None:
        """Write the files of the environment, and show the changed lines."""
        ui, environment = self._app.ui, self._environment
        if environment.external:
            ui.say(f"in the environment's own Terraform: {by_hand(declared)}")
            return
        change = declare(self._app.project_root, environment.name, declared)
        for line in change.diff():
            ui.say(line, "green" if line.startswith("+") else "")
        change.write()
        self.outcome.files += [each for each in change.names if each not in self.outcome.files]
        if change.names:
            ui.say(f"written: {', '.join(change.names)}; commit them")

    def _is_deployed(self, step: Step) -> bool:
        """Whether the pipeline has applied a step already."""
        deployed = observe(self._app.aws(self._environment), self._environment)
        if step is Step.PREPARE:
            return (deployed.active, deployed.drained) == (self._old, self.to)
        wanted = None if step is Step.OFF else self._old
        return (deployed.active, deployed.drained) == (self.to, wanted)

    def _drain(self) -> None:
        """Wait until the old transport is empty and unused."""
        app, environment, options = self._app, self._environment, self._options
        if paused := pause_text(app.aws(environment), environment.name):
            resume = f"gradectl queue resume -e {environment.name}"
            app.ui.warn(f"the workers are {paused}; nothing is consumed until: {resume}")
        report = _Report(app, self._old)
        with ExitStack() as stack:
            old = stack.enter_context(open_transport(app, environment, self._old))
            report.show = stack.enter_context(app.ui.live())

            @cache
            def new() -> Broker:
                return stack.enter_context(open_transport(app, environment, self.to))

            @cache
            def journal() -> Journal:
                name = f"{environment.name}-switch-{self._old}"
                opened = stack.enter_context(open_journal(app.project_root / _JOURNALS, name))
                self.outcome.journals.append(str(opened.path))
                app.ui.say(f"journal: {opened.path}")
                return opened

            drain = Drain(
                old, new, journal, options.quiet_seconds, report,
                pauses(options.drain_seconds), monotonic, self.outcome.moved,
            )  # fmt: skip
            self.outcome.drained = drain.run(self._old)
            self._require_no_further(old)
        moved = self.outcome.moved
        for queue, number in moved.items():
            app.ui.say(f"{number} messages of {queue} moved to {title(self.to)}")
        app.ui.say(f"{title(self._old)} is empty and unused", "green")

    def _require_unused(self) -> None:
        """Check once more, after the questions, that nothing came into the old transport."""
        before = self.outcome.drained
        if before is None:  # its parameters are gone, so nothing can have come
            return
        with open_transport(self._app, self._environment, self._old) as broker:
            now = read_counts(broker)
            self._require_no_further(broker)
        came = [
            queue for queue in REQUEST_QUEUES if now[queue].enqueued > before.counts[queue].enqueued
        ]
        if total(now) or came:
            text = summary(now) if total(now) else f"new requests came into {', '.join(came)}"
            raise RefusedError(
                f"{title(self._old)} is used again, so it stays: {text}",
                where=self._old.value,
                next_step=f"find the producer, then: {self.command}",
            )

    def _require_no_further(self, broker: Broker) -> None:
        """Refuse to lose messages of queues with other names; an existing broker stays itself."""
        environment = self._environment
        found = {} if uses_existing_broker(environment) else broker.further_queues()
        if found:
            text = ", ".join(f"{queue} {number}" for queue, number in sorted(found.items()))
            queue = min(found)
            raise RefusedError(
                f"{title(self._old)} has messages in other queues, which are not moved: {text}",
                where=self._old.value,
                next_step="export and delete them: gradectl queue purge"
                f" {queue} -e {environment.name} --transport {self._old}",
            )

    @property
    def command(self) -> str:
        """The command that resumes the change."""
        return f"gradectl transport switch {self._environment.name} --to {self.to}"


class _Report:
    """
    Shows the progress of a drain, live or as lines, and its obstacles once each time they change.

    Args:
        app: Context of the command.
        old: The transport that is drained.
    """

    def __init__(self, app: CloudContext, old: TransportName) -> None:
        self._app = app
        self._old = old
        self._said = ""
        self._warned: list[str] = []
        self.show: Callable[[Sequence[str]], None] = lambda _lines: None

    def __call__(self, drained: Drained) -> None:
        """Show the latest counts."""
        text = f"{title(self._old)}: {summary(drained.counts)}"
        if drained.quiet_seconds is not None:
            self.show([f"{text}, unused for {drained.quiet_seconds:.0f} s"])
        else:
            self.show([text])
        if text != self._said and not self._app.ui.animated:
            self._said = text
            self._app.ui.say(text)
        if drained.stalled_seconds >= _STALLED_SECONDS or drained.arrived:
            found = hints(self._old, drained)
            for hint in found:
                if hint not in self._warned:
                    self._app.ui.warn(hint)
            self._warned = found
