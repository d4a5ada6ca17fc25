"""The context of commands that use AWS; it imports boto3, so commands without AWS avoid it."""

from __future__ import annotations

from functools import cached_property

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.context import AppContext
from gradectl.environment import Environment
from gradectl.errors import UnreachableError
from gradectl.local.stack import Stack, stack_directory

#: The emulated account accepts any credentials; these are the usual ones.
_EMULATED_KEY = "testing"


class CloudContext(AppContext):
    """An `AppContext` that can open the account of an environment."""

    def stack(self, environment: Environment) -> Stack | None:
        """Return the running local stack of an emulated environment; None for any other."""
        return self._running_stack if environment.emulated else None

    @cached_property
    def _running_stack(self) -> Stack | None:
        """The local stack of the project, read once for the whole command."""
        return Stack.read(stack_directory(self.project_root, self.environ))

    def aws(self, environment: Environment, *, checked: bool = True) -> Aws:
        """
        Open the environment's account and check that the credentials belong to it.

        Args:
            environment: Whose account and region.
            checked: False when the caller checks the account itself.

        Raises:
            RefusedError: The credentials belong to another account.
            UnreachableError: It is emulated and the local stack is not running.
        """
        aws = Aws(self._settings(environment))
        if checked:
            aws.check_account()
        return aws

    def announce(self, environment: Environment) -> None:
        """Print account, region and environment before anything is changed."""
        suffix = "  (emulated, on this machine)" if environment.emulated else ""
        self.ui.say(
            f"account {environment.account_id}  region {environment.region}  "
            f"environment {environment.name}{suffix}",
            "bold",
        )

    def child_environment(self, environment: Environment) -> dict[str, str]:
        """Build the process environment for a child that uses the same account, e.g. Terraform."""
        settings = self._settings(environment)
        given = {
            "AWS_REGION": settings.region,
            "AWS_PROFILE": settings.profile,
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "AWS_ACCESS_KEY_ID": settings.access_key_id,
            "AWS_SECRET_ACCESS_KEY": settings.secret_access_key,
        }
        inherited = dict(self.environ)
        if environment.emulated:  # real credentials are never sent to an emulator
            for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
                inherited.pop(name, None)
        return {**inherited, **{name: value for name, value in given.items() if value}}

    def _settings(self, environment: Environment) -> AwsSettings:
        """Combine flags, process environment and environment.yaml, in this order of precedence."""
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
            text = "this environment is emulated, and the local stack is not running"
            raise UnreachableError(text, where=environment.name, next_step="gradectl local up")
        return AwsSettings(
            region=environment.region,
            account_id=environment.account_id,
            endpoint_url=endpoint,
            access_key_id=_EMULATED_KEY,
            secret_access_key=_EMULATED_KEY,
            dry_run=options.dry_run,
        )
