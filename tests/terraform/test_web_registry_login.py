"""docker's credential helper of the web tier, run against an instance's metadata and a registry."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TEMPLATE = (
    Path(__file__).resolve().parents[2]
    / "modules/web/templates/docker-credential-instance-role.py.tftpl"
)
REGION = "ap-northeast-2"
REGISTRY = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
ROLE = {"AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "of-the-role", "Token": "session/token+="}
METADATA_TOKEN = "a-token-of-the-instance"


@dataclass
class Cloud:
    """Where the helper asks, and with which headers and body it asked the registry."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    refuses: bool = False


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An instance's metadata service (version 2 only) and ECR, on one port of this machine."""
    state = Cloud("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def _handler(state: Cloud) -> type[BaseHTTPRequestHandler]:
    roles = "/latest/meta-data/iam/security-credentials/"

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._answer(METADATA_TOKEN if self.path == "/latest/api/token" else None)

        def do_GET(self) -> None:
            known = {roles: "test-role\n", roles + "test-role": json.dumps(ROLE)}
            may = self.headers["X-aws-ec2-metadata-token"] == METADATA_TOKEN
            self._answer(known.get(self.path) if may else None)

        def do_POST(self) -> None:
            state.headers = {name.lower(): value for name, value in self.headers.items()}
            state.body = self.rfile.read(int(self.headers["Content-Length"]))
            token = base64.b64encode(b"AWS:the-password").decode()
            answer = json.dumps({"authorizationData": [{"authorizationToken": token}]})
            self._answer(None if state.refuses else answer)

        def _answer(self, text: str | None) -> None:
            self.send_response(403 if text is None else 200)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    return Handler


def asked(cloud: Cloud, directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the helper as docker does: the word, and the registry on stdin."""
    helper = directory / "docker-credential-instance-role"
    helper.write_text(TEMPLATE.read_text().replace("${region}", REGION))
    return subprocess.run(
        [sys.executable, helper, *words],
        input=f"{REGISTRY}\n",
        env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.url, "AWS_ENDPOINT_URL_ECR": cloud.url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def signature_of_botocore(cloud: Cloud) -> str:
    """What AWS's own library would have signed the same request with."""
    signer = SigV4Auth(Credentials(ROLE["AccessKeyId"], ROLE["SecretAccessKey"]), "ecr", REGION)
    names = cloud.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: cloud.headers[name] for name in names}
    request = AWSRequest("POST", f"{cloud.url}/", headers=headers, data=cloud.body)
    request.context["timestamp"] = cloud.headers["x-amz-date"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def test_docker_gets_the_password_of_the_registry(cloud: Cloud, tmp_path: Path) -> None:
    """With nothing but the instance's role docker can pull, and no token is kept on the disk."""
    done = asked(cloud, tmp_path, "get")

    assert json.loads(done.stdout) == {
        "ServerURL": REGISTRY,
        "Username": "AWS",
        "Secret": "the-password",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["docker-credential-instance-role"]


def test_the_request_is_signed_as_aws_signs_it(cloud: Cloud, tmp_path: Path) -> None:
    """The AMI has no AWS library, so the few lines that sign are held against botocore's."""
    asked(cloud, tmp_path, "get")

    found = cloud.headers["authorization"].split("Signature=")[1]
    assert found == signature_of_botocore(cloud)
    assert f"Credential={ROLE['AccessKeyId']}/" in cloud.headers["authorization"]
    assert cloud.headers["x-amz-security-token"] == ROLE["Token"]
    assert cloud.headers["x-amz-target"].endswith(".GetAuthorizationToken")


@pytest.mark.parametrize("word", ["store", "erase", "list"])
def test_it_keeps_no_credentials(cloud: Cloud, tmp_path: Path, word: str) -> None:
    """Docker may ask to keep something; there is nothing to keep it in."""
    done = asked(cloud, tmp_path, word)

    assert (done.returncode, cloud.headers) == (1, {})


def test_a_refusal_is_an_error_that_docker_shows(cloud: Cloud, tmp_path: Path) -> None:
    """Without the permission to log in the pull must fail, and say why."""
    cloud.refuses = True

    done = asked(cloud, tmp_path, "get")

    assert done.returncode != 0
    assert "403" in done.stderr
    assert ROLE["SecretAccessKey"] not in done.stderr
