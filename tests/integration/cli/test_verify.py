"""`gradectl verify` against an emulated account: before an apply, after it, and with faults."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.cloud import CloudContext
from gradectl.deploy.verify.runner import verify
from gradectl.environment import Environment
from gradectl.options import GlobalOptions

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("bootstrapped")]
REPOSITORY = Path(__file__).resolve().parents[3]
ACCOUNT = "123456789012"
REGION = "ap-northeast-2"
READS = ("Get", "List", "Describe", "Head", "BatchGet", "Simulate")


class Applied:
    """The resources of an apply, made by hand, and the state that names them."""

    def __init__(self, project: Any) -> None:
        self.project = project
        self.variables: dict[str, Any] = {}
        self.endpoints: dict[str, str] = {}
        self.name = project.name
        self.ec2 = project.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.subnets = [
            self.ec2.create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.0.{16 * at}.0/20", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
            for at, zone in enumerate("ac")
        ]
        self.group = self.ec2.create_security_group(
            GroupName=f"{self.name}-worker", Description="all", VpcId=self.vpc
        )["GroupId"]
        self.permission = [
            {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}
            | {"UserIdGroupPairs": [{"GroupId": self.group}]}
        ]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=self.permission)
        self._endpoints()
        self._parameters()
        project.client("s3").put_object(
            Bucket=project.state_bucket,
            Key="terraform.tfstate",
            Body=json.dumps(self._state()).encode(),
        )

    def _endpoints(self) -> None:
        for service in ("ecr.api", "ecr.dkr", "logs", "ssm"):
            self.ec2.create_vpc_endpoint(
                VpcId=self.vpc,
                ServiceName=f"com.amazonaws.{REGION}.{service}",
                VpcEndpointType="Interface",
                SubnetIds=self.subnets,
                SecurityGroupIds=[self.group],
                PrivateDnsEnabled=True,
            )
        within = [{"Name": "vpc-id", "Values": [self.vpc]}]
        table = self.ec2.describe_route_tables(Filters=within)["RouteTables"][0]["RouteTableId"]
        self.ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            VpcEndpointType="Gateway",
            RouteTableIds=[table],
        )

    def _parameters(self) -> None:
        ssm = self.project.client("ssm")
        parts = {"mq": "broker-endpoint", "db": "endpoint", "db-app": "", "mq-operator": ""}
        for part, endpoint in {**parts, "mq-web": "", "mq-worker": ""}.items():
            for key in filter(None, (endpoint, "username", "password")):
                kind = "SecureString" if key == "password" else "String"
                ssm.put_parameter(Name=f"/{self.name}/{part}/{key}", Value="v", Type=kind)
        ssm.put_parameter(Name=f"/{self.name}/db/name", Value="v", Type="String")

    def _state(self) -> dict[str, Any]:
        prefix = f"{self.name}-grading"
        broker, configuration = self._broker(prefix)
        self._service(prefix)
        self._database(prefix)
        self.project.client("s3").create_bucket(
            Bucket=f"{prefix}-files",
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        managed = {
            "aws_s3_bucket": f"{prefix}-files",
            "aws_ecs_cluster": f"{prefix}-cluster",
            "aws_mq_broker": f"{prefix}-mq",
            "aws_db_instance": prefix,
            "aws_iam_role": f"{prefix}-task",
        }
        outputs = {
            "broker_id": broker,
            "broker_configuration": {"id": configuration, "revision": 2},
            "cluster_name": f"{prefix}-cluster",
            "database_identifier": prefix,
            "service_name": f"{prefix}-service",
        }
        return {
            "version": 4,
            "outputs": {name: {"value": value} for name, value in outputs.items()},
            "resources": [
                {
                    "mode": "managed",
                    "type": kind,
                    "instances": [{"attributes": {"id": name, "name": name}}],
                }
                for kind, name in managed.items()
            ],
        }

    def _broker(self, prefix: str) -> tuple[str, str]:
        mq = self.project.client("mq")
        configuration = mq.create_configuration(
            EngineType="ActiveMQ", EngineVersion="5.18", Name=prefix
        )["Id"]
        xml = (
            b'<broker><plugins><forcePersistencyModeBrokerPlugin persistenceFlag="true"/></plugins>'
            b"</broker>"
        )
        data = base64.b64encode(xml).decode()
        mq.update_configuration(ConfigurationId=configuration, Data=data)
        broker = mq.create_broker(
            BrokerName=f"{prefix}-mq",
            EngineType="ActiveMQ",
            EngineVersion="5.18",
            HostInstanceType="mq.t3.micro",
            DeploymentMode="SINGLE_INSTANCE",
            PubliclyAccessible=False,
            AutoMinorVersionUpgrade=True,
            Configuration={"Id": configuration, "Revision": 2},
            SubnetIds=self.subnets[:1],
            SecurityGroups=[self.group],
            Users=[{"Username": "admin", "Password": "a-Password-1"}],
        )["BrokerId"]
        return broker, configuration

    def _service(self, prefix: str) -> None:
        ecs = self.project.client("ecs")
        ecs.create_cluster(clusterName=f"{prefix}-cluster")
        role = f"arn:aws:iam::{ACCOUNT}:role/{prefix}-task"
        ecs.register_task_definition(
            family=f"{prefix}-task",
            taskRoleArn=role,
            executionRoleArn=role,
            containerDefinitions=[{"name": "grading-worker", "image": "worker", "memory": 128}],
        )
        ecs.create_service(
            cluster=f"{prefix}-cluster",
            serviceName=f"{prefix}-service",
            taskDefinition=f"{prefix}-task",
            desiredCount=0,
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group]}
            },
        )

    def _database(self, prefix: str) -> None:
        rds = self.project.client("rds")
        rds.create_db_subnet_group(
            DBSubnetGroupName=prefix, DBSubnetGroupDescription="all", SubnetIds=self.subnets
        )
        rds.create_db_instance(
            DBInstanceIdentifier=prefix,
            DBInstanceClass="db.t4g.micro",
            Engine="mysql",
            AllocatedStorage=20,
            DBSubnetGroupName=prefix,
            VpcSecurityGroupIds=[self.group],
            Port=3306,
            MasterUsername="grader",
            MasterUserPassword="a-Password-1",
        )


def states(document: Any) -> dict[str, str]:
    return {one["check"]: one["state"] for one in document["checks"]}


@pytest.fixture
def applied(project: Any) -> Applied:
    """An environment as it is after an apply."""
    return Applied(project)


def test_before_the_first_apply_nothing_fails(
    project: Any, published: Callable[[str], Any]
) -> None:
    """What apply will create is taken into account, or named as not applicable."""
    finished = project.run("verify", project.name, "-o", "json")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    document = published(finished.stdout)
    found = states(document)
    assert document["passed"]
    assert not document["applied"]
    assert found["credentials"] == found["state bucket"] == found["names"] == "ok"
    assert found["network: ecr.api"] == found["network: broker"] == "ok"
    assert found["parameters"] == found["broker"] == found["task role"] == "not applicable"
    assert f"next: gradectl plan {project.name}" in finished.stderr


def test_an_applied_environment_is_checked_by_its_real_rules(
    applied: Applied, published: Callable[[str], Any]
) -> None:
    """Broker, database and service are found by the outputs in the state."""
    finished = applied.project.run("verify", applied.name, "-o", "json")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    document = published(finished.stdout)
    found = states(document)
    assert document["applied"]
    other = {name: state for name, state in found.items() if state not in ("ok", "not applicable")}
    assert other == {"provider lock": "warning"}  # the project of the tests has none
    assert found["broker"] == found["broker configuration"] == found["database"] == "ok"
    assert found["parameters"] == found["network: broker"] == found["network: s3"] == "ok"


def test_a_change_of_the_transport_can_be_applied(
    applied: Applied, published: Callable[[str], Any]
) -> None:
    """What the next apply adds is not missing; the broker that remains is checked as before."""
    for path in (REPOSITORY / "environments").glob("*.tf"):
        shutil.copy(path, applied.project.root / "environments")
    state = json.loads(applied.project.state())
    parts = {part: {} for part in ("db", "db-app", "mq", "mq-operator", "mq-web", "mq-worker")}
    state["outputs"]["parameter_names"] = {"value": parts}
    applied.project.client("s3").put_object(
        Bucket=applied.project.state_bucket,
        Key="terraform.tfstate",
        Body=json.dumps(state).encode(),
    )
    applied.project.configure(variables={"use_sqs_queue": True, "drain_other_transport": True})

    finished = applied.project.run("verify", applied.name, "-o", "json")

    document = published(finished.stdout)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = {one["check"]: (one["state"], one["found"]) for one in document["checks"]}
    assert found["queues"] == ("not applicable", "created by apply")
    assert found["network: sqs"] == ("not applicable", "its endpoint is created by apply")
    assert found["parameters"][0] == found["network: broker"][0] == "ok"


def test_a_closed_security_group_is_exit_code_4(
    applied: Applied, published: Callable[[str], Any]
) -> None:
    """The table still has all other checks, and the error has the next step."""
    applied.ec2.revoke_security_group_ingress(
        GroupId=applied.group, IpPermissions=applied.permission
    )

    finished = applied.project.run("verify", applied.name, "-o", "json")

    assert finished.returncode == 4
    found = states(published(finished.stdout))
    failed = {name for name, state in found.items() if state == "failed"}
    assert {"network: broker", "network: database", "network: ssm"} <= failed
    assert found["network: s3"] == "ok"
    assert applied.group in finished.stderr
    assert "add an ingress rule" in finished.stderr


def test_a_parameter_in_clear_text_fails(applied: Applied) -> None:
    """A password must be a SecureString."""
    ssm = applied.project.client("ssm")
    name = f"/{applied.name}/mq/password"
    ssm.delete_parameter(Name=name)
    ssm.put_parameter(Name=name, Value="clear-1", Type="String")

    finished = applied.project.run("verify", applied.name)

    assert finished.returncode == 4
    assert f"{name} is String" in finished.stdout
    assert "clear-1" not in finished.stdout + finished.stderr


def test_a_name_that_is_taken_fails(project: Any) -> None:
    """Terraform would fail at it in the middle of an apply."""
    project.client("ecs").create_cluster(clusterName=f"{project.name}-grading-cluster")

    finished = project.run("verify", project.name)

    assert finished.returncode == 4
    assert "not in the Terraform state" in finished.stdout


def test_outdated_files_and_another_account_fail_without_stopping_the_rest(
    project: Any, published: Callable[[str], Any]
) -> None:
    """The checks of this machine need no account; the others say why they were not done."""
    path = project.root / "environments" / project.name / "terraform.tfvars"
    path.write_text("# changed\n")
    declared = project.root / "environments" / project.name / "environment.yaml"
    declared.write_text(declared.read_text().replace(ACCOUNT, "999999999999"))

    finished = project.run("verify", project.name, "-o", "json")

    assert finished.returncode == 4
    document = published(finished.stdout)
    found = states(document)
    assert found["rendered files"] == found["credentials"] == "failed"
    assert found["image"] == found["network"] == "not checked"


@pytest.fixture
def adopting(applied: Applied) -> Applied:
    """A second environment that uses VPC, broker and database of the first, not yet applied."""
    project = applied.project
    for path in (REPOSITORY / "environments").glob("*.tf"):
        shutil.copy(path, project.root / "environments")
    project.client("s3").delete_object(Bucket=project.state_bucket, Key="terraform.tfstate")
    within = [{"Name": "vpc-id", "Values": [applied.vpc]}]
    lists = applied.ec2.describe_prefix_lists()["PrefixLists"]
    prefix = f"{applied.name}-grading"
    applied.variables = {
        "s3_bucket_name": f"{applied.name}-other-files",
        "vpc_existing": {
            "vpc_id": applied.vpc,
            "vpc_cidr_block": "10.0.0.0/16",
            "private_subnet_ids": applied.subnets,
            "s3_prefix_list_id": next(
                one["PrefixListId"] for one in lists if one["PrefixListName"].endswith(".s3")
            ),
        },
        "mq_existing": {
            "name": f"{prefix}-mq",
            "node_names": [f"{prefix}-mq-1"],
            "security_group_ids": [applied.group],
            "stomp_endpoints": ["stomp+ssl://mockmq:61614"],
        },
        "db_existing": {
            "endpoint": "db.example.com:3306",
            "identifier": prefix,
            "security_group_ids": [applied.group],
        },
    }
    endpoints = applied.ec2.describe_vpc_endpoints(Filters=within)["VpcEndpoints"]
    applied.endpoints = {
        one["ServiceName"].partition(f"{REGION}.")[2]: one["VpcEndpointId"] for one in endpoints
    }
    project.client("ssm").delete_parameters(
        Names=[
            f"/{applied.name}/mq-{role}/{key}"
            for role in ("web", "worker", "operator")
            for key in ("username", "password")
        ]
    )
    return applied


def test_existing_vpc_broker_and_database_are_checked_before_the_first_apply(
    adopting: Applied, published: Callable[[str], Any]
) -> None:
    """Their own groups cannot know the workers yet; their endpoints are closed to the new group."""
    adopting.project.configure(variables=adopting.variables)

    finished = adopting.project.run("verify", adopting.name, "-o", "json")

    document = published(finished.stdout)
    found = states(document)
    assert found["network: VPC"] == found["network: subnets"] == found["network: s3"] == "ok"
    assert found["network: broker"] == found["network: database"] == "warning"
    assert found["broker"] == found["database"] == "ok"
    assert found["network: ssm"] == "failed"  # the endpoint's group accepts only itself
    advice = {one["check"]: one["next_step"] for one in document["checks"]}
    assert f"{adopting.name}-grading-worker" in advice["network: broker"]


def test_an_endpoint_that_exists_is_found_before_terraform_fails_at_it(
    adopting: Applied, published: Callable[[str], Any]
) -> None:
    """AWS rejects a second private DNS name in the middle of an apply."""
    adopting.variables["vpc_interface_endpoints"] = ["ecr.api", "ecr.dkr", "logs", "ssm"]
    adopting.project.configure(variables=adopting.variables)

    finished = adopting.project.run("verify", adopting.name, "-o", "json")

    clashes = [
        one["found"]
        for one in published(finished.stdout)["checks"]
        if one["check"] == "network: new endpoints" and one["state"] == "failed"
    ]
    assert finished.returncode == 4
    assert len(clashes) == 4
    assert all(any(each in text for each in adopting.endpoints.values()) for text in clashes)


class CountingContext(CloudContext):
    """Counts the calls of boto3 by name."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.calls: list[str] = []

    def aws(self, environment: Environment, *, checked: bool = True) -> Aws:
        aws = super().aws(environment, checked=checked)
        aws._session.events.register("before-call", self._count)
        return aws

    def _count(self, model: Any, **_event: Any) -> None:
        self.calls.append(model.name)


def test_no_call_changes_anything(applied: Applied, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without --dry-run, every call is a read; and a dry run sends the same ones."""
    project = applied.project
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    counted = {}
    for dry in (False, True):
        options = GlobalOptions(dry_run=dry, endpoint_url=project.endpoint)
        app = CountingContext(options, project.environ, Path(project.root))
        environment = app.declared_environment(project.name)
        real = environment.model_copy(update={"emulated": False})
        for each in (environment, real):
            verify(app, each)
        counted[dry] = app.calls

    assert len(counted[False]) > 50
    assert [name for name in counted[False] if not name.startswith(READS)] == []
    assert counted[True] == counted[False]


def test_an_unreadable_state_is_not_an_environment_that_was_never_applied(
    applied: Applied, published: Callable[[str], Any]
) -> None:
    """Names that exist are then no error."""
    applied.project.client("s3").put_object(
        Bucket=applied.project.state_bucket,
        Key="terraform.tfstate",
        Body=b'{"encrypted_data": "x"}',
    )

    finished = applied.project.run("verify", applied.name, "-o", "json")

    found = states(published(finished.stdout))
    assert found["terraform state"] == found["names"] == "not checked"


def test_settings_of_the_account_reach_the_checks(project: Any) -> None:
    """An image of this account is found by its tag, with its platform."""
    aws = Aws(AwsSettings(REGION, ACCOUNT, None, project.endpoint, "testing", "testing"))
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {"platform": {"architecture": "arm64", "os": "linux"}, "digest": "sha256:" + "1" * 64},
            {"platform": {"architecture": "unknown"}, "digest": "sha256:" + "2" * 64},
        ],
    }
    repository = f"{project.name}-grading-worker"
    project.client("ecr").put_image(
        repositoryName=repository, imageManifest=json.dumps(manifest), imageTag="v1"
    )

    found = aws.stored_images.find(ACCOUNT, repository, "v1")

    assert found
    assert found.architectures == ("arm64",)
    assert found.digest.startswith("sha256:")
    assert aws.stored_images.find(ACCOUNT, repository, "v2") is None
    assert aws.stored_images.find(ACCOUNT, "no-such-repository", "v1") is None
