"""A service with a load balancer is reached at the URL of the stack, also while it is replaced."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.engine
LONG = 60.0  # a limit for a hung test, not a measurement
CERTIFICATE = "arn:aws:acm:ap-northeast-2:123456789012:certificate/" + "0" * 36
#: Listens where it is told, and answers with its revision; SIGTERM lets it finish its request.
SERVER = """
import http.server, os, signal, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["REVISION"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
address = (os.environ["API_HOST"], int(os.environ["API_PORT"]))
server = http.server.ThreadingHTTPServer(address, Answer)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
"""


@pytest.fixture(name="target_group")
def _target_group(account: Any) -> str:
    """The targets behind a listener for HTTPS."""
    ec2, elb = account.client("ec2"), account.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)[
            "Subnet"
        ]["SubnetId"]
        for number, zone in enumerate(("ap-northeast-2a", "ap-northeast-2c"))
    ]
    balancer = elb.create_load_balancer(Name="local", Subnets=subnets)["LoadBalancers"][0]
    group: str = elb.create_target_group(
        Name="local", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": CERTIFICATE}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return group


def revision(account: Any, number: str) -> str:
    """A task definition whose task answers with a number."""
    task: str = account.register(
        SERVER, name="grading-api", environment=[{"name": "REVISION", "value": number}]
    )
    return task


def test_a_service_answers_at_the_url_of_the_stack_during_a_deployment(
    account: Any, target_group: str
) -> None:
    """Each of its tasks has a port of its own; the load balancer has one for all."""
    ecs, elb, stop = account.client("ecs"), account.client("elbv2"), Event()
    address = urlsplit(account.stack.api_url)

    def ask() -> str:
        connection = http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=LONG)
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return body if answer.status == http.client.OK else str(answer.status)

    def ask_on() -> set[str]:
        found = set()
        while not stop.is_set():
            found.add(ask())
        return found

    def health() -> list[str]:
        found = elb.describe_target_health(TargetGroupArn=target_group)
        return [each["TargetHealth"]["State"] for each in found["TargetHealthDescriptions"]]

    ecs.create_cluster(clusterName="local-grading")
    ecs.create_service(
        cluster="local-grading",
        serviceName="local-grading-api",
        taskDefinition=revision(account, "1"),
        desiredCount=2,
        loadBalancers=[
            {
                "targetGroupArn": target_group,
                "containerName": "grading-api",
                "containerPort": 8080,
            }
        ],
    )
    services = account.settle()
    balancer = services["load-balancer"]
    assert (balancer.address, balancer.restarts) == (account.stack.api_url, 0)
    assert ask() == "1"
    assert health() == ["healthy", "healthy"]

    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(ask_on)
        ecs.update_service(
            cluster="local-grading",
            service="local-grading-api",
            taskDefinition=revision(account, "2"),
            desiredCount=1,
        )
        account.settle()
        last = ask()
        stop.set()
    assert answers.result() <= {"1", "2"}
    assert last == "2"
    assert health() == ["healthy"]

    ecs.delete_service(cluster="local-grading", service="local-grading-api", force=True)
    assert account.settle() == {}
