"""The context of commands that talk to AWS; importing it imports boto3, so light ones do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.context import AppContext, process_environment
from gradectl.environment import Environment
from gradectl.errors import UnreachableError
from gradectl.local.stack import Stack
from gradectl.options import GlobalOptions

#: The emulated account takes any credentials; these are the customary ones.
_EMULATED_KEY = "testing"


class CloudContext(AppContext):
    """An `AppContext` that can reach the account of an environment."""

    def stack(self, environment: Environment) -> Stack | None:
        """Give the running local stack of an emulated environment, if it is one and runs."""
        return Stack.load(self.project_root) if environment.emulated else None

    def aws(self, environment: Environment, *, checked: bool = True) -> Aws:
        """
        Reach the environment's account, and make sure that it is that account.

        Args:
            environment: Whose account and region.
            checked: False when the caller checks the account itself.

        Raises:
            RefusedError: The credentials belong to another account.
            UnreachableError: It is emulated and the local stack does not run.
        """
        aws = Aws(self._settings(environment))
        if checked:
            aws.check_account()
        return aws

    def announce(self, environment: Environment) -> None:
        """Say which account, region and environment is meant, before anything is changed."""
        far_side = "  (emulated, on this machine)" if environment.emulated else ""
        self.ui.say(
            f"account {environment.account_id}  region {environment.region}  "
            f"environment {environment.name}{far_side}",
            "bold",
        )

    def child_environment(self, environment: Environment) -> dict[str, str]:
        """Make the variables for a program that talks to the same account, such as Terraform."""
        settings = self._settings(environment)
        given = {
            "AWS_REGION": settings.region,
            "AWS_PROFILE": settings.profile,
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "AWS_ACCESS_KEY_ID": settings.access_key_id,
            "AWS_SECRET_ACCESS_KEY": settings.secret_access_key,
        }
        inherited = dict(self.environ)
        if environment.emulated:  # nobody's real credentials go to an emulator
            for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
                inherited.pop(name, None)
        return {**inherited, **{name: value for name, value in given.items() if value}}

    def _settings(self, environment: Environment) -> AwsSettings:
        """Put flags, the process environment and environment.yaml in their order."""
        options = self.options
        if not environment.emulated:
            return AwsSettings(
                region=environment.region,
                account_id=environment.account_id,
                profile=options.profile,
                endpoint_url=options.endpoint_url,  # AWS_ENDPOINT_URL(_SERVICE): boto3 reads it
                dry_run=options.dry_run,
            )
        stack = self.stack(environment)
        running = stack.endpoint_url if stack else self.environ.get("AWS_ENDPOINT_URL")
        endpoint = options.endpoint_url or running
        if not endpoint:
            text = "this environment is emulated, and the local stack does not run"
            raise UnreachableError(text, where=environment.name, next_step="gradectl local up")
        return AwsSettings(
            region=environment.region,
            account_id=environment.account_id,
            endpoint_url=endpoint,
            access_key_id=_EMULATED_KEY,
            secret_access_key=_EMULATED_KEY,
            dry_run=options.dry_run,
        )


def pass_cloud(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the `CloudContext` as its first argument."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's arguments pass through
        options = click.get_current_context().ensure_object(GlobalOptions)
        return function(CloudContext(options, process_environment(), Path.cwd()), *args, **kwargs)

    return wrapper
