"""
Runs whole lives of environments in threads, from the start of a test session to its end.

A life spends minutes on the waits of the AWS provider and little CPU, so all of them run at once
while other tests use the processors. Each has an emulated account of its own. Any test process can
await an outcome: the process that runs a life holds a file's lock until it has written the result.
"""

from __future__ import annotations

import fcntl
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

#: Opens an emulated account in a directory, for as long as the context lasts.
OpenAccount = Callable[[Path], Any]


@dataclass(frozen=True)
class Life:
    """
    One life of an environment.

    Args:
        prepare: Makes the folder ready for Terraform; runs alone, because `terraform init` writes
            a cache that all lives share.
        live: Applies, checks and destroys; raises AssertionError.
        one_provider: Whether all commands share one provider process, which halves their processor
            time; False where each starts its own, as for users.
    """

    prepare: Callable[[Callable[..., Any], Any], Any]
    live: Callable[[Any, Any], None]
    one_provider: bool = True


@dataclass(frozen=True)
class Lives:
    """
    The lives of one test session.

    Args:
        known: All lives by name.
        directory: Shared by the processes of the session.
        terraform_folder: Makes a folder with the modules and the root.
        open_account: Opens an emulated account.
        serving: Starts the provider of a folder for a context; gives the folder that uses it.
    """

    known: Mapping[str, Life]
    directory: Path
    terraform_folder: Callable[..., Any]
    open_account: OpenAccount
    serving: Callable[[Any], AbstractContextManager[Any]]

    def begin(self, name: str) -> Thread:
        """Start a life in a thread that the process awaits before it ends."""
        life, home = self.known[name], self.directory / name
        home.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            lock = stack.enter_context((home / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            account = stack.enter_context(self.open_account(home))
            folder = life.prepare(self.terraform_folder, account)
            if life.one_provider:
                folder = stack.enter_context(self.serving(folder))
            resources = stack.pop_all()

        def run() -> None:
            with resources:
                failure = failure_of(lambda: life.live(folder, account))
                (home / "result").write_text(failure)

        thread = Thread(target=run, name=f"life of {name}")
        thread.start()
        return thread

    def outcome(self, name: str) -> None:
        """
        Await the end of a life; start it where no process of the session has.

        Raises:
            AssertionError: It failed; the next call starts it anew.
        """
        lock_file, result = self.directory / name / "lock", self.directory / name / "result"
        if not lock_file.exists():
            self.begin(name).join()
        with lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
        failure = result.read_text() if result.exists() else "the process that ran it ended early"
        if failure:
            result.unlink(missing_ok=True)
            lock_file.unlink()
        assert not failure, failure


def failure_of(live: Callable[[], None]) -> str:
    """Run a life; give the traceback of its failure, or an empty text."""
    try:
        live()
    except BaseException:  # noqa: BLE001 - whatever ends a life is its result
        return traceback.format_exc()
    return ""
