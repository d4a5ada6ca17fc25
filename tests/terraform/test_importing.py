"""The blocks of the page about imports import what exists, and replace nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from random import randrange
from typing import Any

import boto3
import pytest
from example_folders import local

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "importing.md").read_text()
REGION = "ap-northeast-2"
BUCKET = "example-exams-grading-files"
PASSWORD = 'variable "db_admin_password" {\n  ephemeral = true\n}\n'
PROVIDER = """
provider "aws" {
  region                      = "ap-northeast-2"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""
TRUST = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
"Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}"""
XML = b'<broker xmlns="http://activemq.apache.org/schema/core"/>'

pytestmark = pytest.mark.engine
Maker = Callable[..., Any]
Serve = Callable[[Any], AbstractContextManager[Any]]


class OldAccount:
    """
    An account in which people made things by hand, and in which nothing else is.

    `ids` has their IDs by those of the page, `environ` the credentials.
    """

    def __init__(self, url: str) -> None:
        first = boto3.Session("testing", "testing", region_name=REGION)
        sts = first.client("sts", endpoint_url=url)
        role = f"arn:aws:iam::{randrange(10**11, 10**12)}:role/test"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        self.environ = {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }
        session = boto3.Session(*self.environ.values(), region_name=REGION)
        self._client = lambda service: session.client(service, endpoint_url=url)
        self.ids: dict[str, str] = {}
        self._network()
        self._data()
        self._workers()

    def _network(self) -> None:
        ec2, tail = self._client("ec2"), "0a1b2c3d4e5f60718"
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.1{at}.0/24", AvailabilityZone=zone)
            for at, zone in enumerate((f"{REGION}a", f"{REGION}c"))
        ]
        self.subnets = [each["Subnet"]["SubnetId"] for each in subnets]
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(SubnetId=self.subnets[0], RouteTableId=table)
        worker, broker = (
            ec2.create_security_group(GroupName=name, Description=description, VpcId=vpc)["GroupId"]
            for name, description in (
                ("exams-grading-worker", "Grading workers."),
                ("old-broker", "-"),
            )
        )
        allowed = {"IpProtocol": "tcp", "FromPort": 61614, "ToPort": 61614}
        rule = ec2.authorize_security_group_egress(
            GroupId=worker, IpPermissions=[{**allowed, "UserIdGroupPairs": [{"GroupId": broker}]}]
        )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        self.ids |= {
            f"vpc-{tail}": vpc,
            f"igw-{tail}": gateway,
            f"subnet-{tail}": self.subnets[0],
            f"subnet-{tail[:-1]}9": self.subnets[1],
            f"rtb-{tail}": table,
            f"sgr-{tail}": rule,
            f"sg-{tail}": worker,
        }

    def _data(self) -> None:
        place = {"LocationConstraint": REGION}
        s3, rds = self._client("s3"), self._client("rds")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        rds.create_db_subnet_group(
            DBSubnetGroupName="exams-grading",
            DBSubnetGroupDescription="-",
            SubnetIds=self.subnets,
        )
        rds.create_db_instance(
            DBInstanceIdentifier="exams-grading",
            DBInstanceClass="db.t4g.micro",
            DBName="grading",
            DBSubnetGroupName="exams-grading",
            Engine="mysql",
            AllocatedStorage=20,
            MasterUsername="admin",
            MasterUserPassword="a-Password-of-old-1",
            StorageEncrypted=True,
        )
        mq, tail = self._client("mq"), "1234a5b6-78cd-901e-2fab-3c45d6e178f9"
        engine = {"EngineType": "ActiveMQ", "EngineVersion": "5.18"}
        configuration = mq.create_configuration(Name="exams-grading-mq", **engine)["Id"]
        mq.update_configuration(ConfigurationId=configuration, Data=b64encode(XML).decode())
        broker = mq.create_broker(
            BrokerName="exams-grading-mq",
            DeploymentMode="SINGLE_INSTANCE",
            HostInstanceType="mq.t3.micro",
            PubliclyAccessible=False,
            AutoMinorVersionUpgrade=True,
            SubnetIds=self.subnets[:1],
            Users=[{"Username": "admin", "Password": "a-Password-of-old-1"}],
            **engine,
        )["BrokerId"]
        self.ids |= {f"c-{tail}": configuration, f"b-{tail}": broker}

    def _workers(self) -> None:
        parameter = {"Name": "/exams/worker/db-name", "Type": "String", "Value": "judge"}
        self._client("ssm").put_parameter(**parameter)
        self._client("logs").create_log_group(logGroupName="/ecs/exams-grading")
        iam, ecs = self._client("iam"), self._client("ecs")
        iam.create_role(RoleName="exams-grading-task", AssumeRolePolicyDocument=TRUST)
        cluster, service = "exams-grading-cluster", "exams-grading-service"
        ecs.create_cluster(clusterName=cluster)
        definition = ecs.register_task_definition(
            family="exams-grading-task",
            containerDefinitions=[{"name": "grading-worker", "image": "old", "memory": 512}],
            networkMode="awsvpc",
        )["taskDefinition"]["taskDefinitionArn"]
        network = {"subnets": self.subnets, "securityGroups": [self.ids["sg-0a1b2c3d4e5f60718"]]}
        ecs.create_service(
            cluster=cluster,
            serviceName=service,
            taskDefinition=definition,
            desiredCount=2,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": network},
        )
        self._client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=f"service/{cluster}/{service}",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=2,
            MaxCapacity=2,
        )


def written(account: OldAccount) -> Mapping[str, str]:
    """The files that a reader of the page has then: its blocks, with the IDs of the account."""
    blocks = "\n".join(re.findall(r"^```terraform\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
    text = local(blocks, "../")
    for theirs, ours in account.ids.items():
        assert theirs in text
        text = text.replace(f"{theirs}", ours)
    return {"main.tf": text, "provider.tf": PROVIDER, "variables.tf": PASSWORD}


@pytest.fixture(name="changes", scope="module")
def _changes(terraform_folder: Maker, serve: Serve, moto_server: str) -> list[dict[str, Any]]:
    """What Terraform would do with all resources of the page, in an account that has some."""
    account = OldAccount(moto_server)
    folder = terraform_folder("importing", written(account)).within(
        AWS_ENDPOINT_URL=moto_server,
        TF_VAR_db_admin_password="a-Password-for-tests-1",
        **account.environ,
    )
    folder.run("init", "-no-color", "-input=false")
    with serve(folder) as served:
        changes: list[dict[str, Any]] = served.plan()["resource_changes"]
    return changes


def test_each_block_of_the_page_imports_what_exists(changes: list[dict[str, Any]]) -> None:
    """As many as the page says that the plan names."""
    imported = [each["address"] for each in changes if "importing" in each["change"]]

    (said,) = re.findall(r"`(\d+) to import`", PAGE)
    assert len(imported) == int(said)


def test_what_is_imported_stays(changes: list[dict[str, Any]]) -> None:
    """It is changed at most in place: a replaced database has lost its rows."""
    assert {
        each["address"]: each["change"]["replace_paths"]
        for each in changes
        if "delete" in each["change"]["actions"]
    } == {}


def test_the_page_has_the_id_of_each_type_that_it_imports(changes: list[dict[str, Any]]) -> None:
    """The table of IDs is for what the blocks do not show, and for these."""
    table = PAGE.split("\n## IDs\n")[1].split("\n## ")[0]
    named = [
        re.escape(name).replace(r"\*", ".*") for name in re.findall(r"`(aws_\w+\*?\w*)`", table)
    ]
    kinds = {each["type"] for each in changes if "importing" in each["change"]}

    assert {kind for kind in kinds if not any(re.fullmatch(name, kind) for name in named)} == set()
