"""
Lets a load balancer of the emulated account have any certificate, and its targets be tasks.

The account has no certificates: there is no domain to validate, and the load balancer listens on
127.0.0.1 without TLS. moto stores one target for each address, and all tasks have the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.acm.exceptions import CertificateNotFound
from moto.acm.models import AWSCertificateManagerBackend
from moto.ec2.models import EC2Backend
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup

from gradectl.local.loopback import LOOPBACK

#: Marks a target as a task of a service, with its state.
_STATE = "State"

_moto_health_for = FakeTargetGroup.health_for
_moto_set_in_use = AWSCertificateManagerBackend.set_certificate_in_use_by
_moto_exists = ELBv2Backend._certificate_exists  # noqa: SLF001 - moto has no other place for it


def health_for(
    group: FakeTargetGroup, target: dict[str, Any], ec2_backend: EC2Backend
) -> FakeHealthStatus:
    """Return the health of a target; that of a task is known."""
    if _STATE not in target:
        return _moto_health_for(group, target, ec2_backend)
    return FakeHealthStatus(
        target["Id"], target["Port"], group.health_check_port, str(target[_STATE])
    )


def set_in_use(backend: AWSCertificateManagerBackend, arn: str, load_balancer_name: str) -> None:
    """Note the user of a certificate, if the account has that one."""
    try:
        _moto_set_in_use(backend, arn, load_balancer_name)
    except CertificateNotFound:
        return


def certificate_exists(backend: ELBv2Backend, certificate_arn: str) -> bool:
    """Accept the certificate of a changed listener; those of IAM have to exist."""
    return ":acm:" in certificate_arn or _moto_exists(backend, certificate_arn)


def set_targets(group: FakeTargetGroup, ports: Sequence[int]) -> None:
    """Replace the tasks among the targets of a group; all of them are healthy."""
    others = {name: each for name, each in group.targets.items() if _STATE not in each}
    tasks = {
        f"{LOOPBACK}:{port}": {"Id": LOOPBACK, "Port": port, _STATE: "healthy"} for port in ports
    }
    group.targets = {**others, **tasks}


def patch_load_balancers() -> None:
    """Install these functions in this process."""
    FakeTargetGroup.health_for = health_for  # type: ignore[assignment,method-assign]  # moto leaves no other way
    AWSCertificateManagerBackend.set_certificate_in_use_by = set_in_use  # type: ignore[assignment,method-assign]  # as above
    ELBv2Backend._certificate_exists = certificate_exists  # type: ignore[assignment,method-assign]  # noqa: SLF001 - as above
