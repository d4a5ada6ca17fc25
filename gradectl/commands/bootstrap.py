"""`gradectl bootstrap`."""

from __future__ import annotations

from gradectl.adapters.aws.account import Aws
from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.deploy.rendering import bootstrap_template
from gradectl.deploy.review import deployment_id
from gradectl.errors import CheckFailedError
from gradectl.options import command
from gradectl.ui import Table


@command("bootstrap", epilog="Example: gradectl bootstrap dev")
@environment_argument
@pass_context(CloudContext)
def bootstrap(app: CloudContext, environment: str) -> None:
    """Create the state bucket and the image repository."""
    found = app.declared_environment(environment)
    app.announce(found)
    aws = app.aws(found)
    stack = f"{environment}-gradectl-bootstrap"
    template = bootstrap_template(app.project_root, found)
    if app.options.dry_run:
        outcome, outputs = (
            "would be updated" if aws.stacks.exists(stack) else "would be created",
            {},
        )
    else:
        app.ui.confirm(f"Create or update the stack {stack}?")
        tags = {"Environment": environment, "ManagedBy": "cloudformation", "Project": "gradectl"}
        outcome = aws.stacks.deploy(stack, template, tags)
        _check_bucket(aws, found.state_bucket)
        outputs = aws.stacks.outputs(stack)
    document = {**deployment_id(found), "stack": stack, "outcome": outcome, "outputs": outputs}
    rows = [("stack", f"{stack} {outcome}"), *sorted(outputs.items())]
    app.ui.emit("bootstrap", document, Table(["part", "value"], rows))
    app.ui.say(f"next: gradectl deploy {environment} --dry-run")


def _check_bucket(aws: Aws, bucket: str) -> None:
    """
    Check that the bucket is versioned and encrypted, as the stack requires.

    Raises:
        CheckFailedError: It is not, even after a second request.
    """
    if not aws.buckets.protection(bucket).versioned:
        # moto's CloudFormation ignores VersioningConfiguration; on AWS this is never reached.
        aws.buckets.enable_versioning(bucket)
    protection = aws.buckets.protection(bucket)
    if not (protection.versioned and protection.encrypted):
        text = "the state bucket must be versioned and encrypted, but it has "
        text += f"versioned: {protection.versioned}, encrypted: {protection.encrypted}"
        hint = "if gradectl did not create the bucket and it is empty, delete it and run it again"
        raise CheckFailedError(text, where=f"s3://{bucket}", next_step=hint)
