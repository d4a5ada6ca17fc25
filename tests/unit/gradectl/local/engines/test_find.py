"""Engines are found, or one error lists all that are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError, ExitCode
from gradectl.local.engines.find import (
    check_engines,
    find_activemq,
    find_engines,
    find_mariadb,
    find_optional_registry,
    find_redis,
    find_registry,
)

FILES = {
    "usr/bin/java": 0o755,
    "usr/sbin/mariadbd": 0o755,
    "usr/bin/mariadb-install-db": 0o755,
    "usr/bin/redis-server": 0o755,
    "usr/share/activemq/bin/activemq.jar": 0o644,
    "usr/share/activemq/lib/activemq-broker.jar": 0o644,
    "usr/share/activemq/lib/optional/xbean-spring.jar": 0o644,
    "usr/share/java/xstream.jar": 0o644,
    "usr/share/java/jettison.jar": 0o644,
    "usr/share/java/xpp3.jar": 0o644,
}


def install(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(FILES[name])


def test_installed_engines_are_found(tmp_path: Path) -> None:
    """At the paths of the Debian packages, without configuration."""
    install(tmp_path, *FILES)

    engines = find_engines(tmp_path)

    assert engines.mariadb.server == tmp_path / "usr/sbin/mariadbd"
    assert engines.mariadb.install == tmp_path / "usr/bin/mariadb-install-db"
    assert engines.redis.server == tmp_path / "usr/bin/redis-server"
    assert engines.activemq.java == tmp_path / "usr/bin/java"
    assert {path.name for path in engines.activemq.class_path} == {
        Path(name).name for name in FILES if name.endswith(".jar")
    }


def test_all_missing_packages_are_listed_with_one_command(tmp_path: Path) -> None:
    """One run of `up` shows all missing packages."""
    with pytest.raises(ConfigurationError) as caught:
        find_engines(tmp_path)

    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert caught.value.next_step.endswith(
        "apt-get install default-jre-headless activemq libxstream-java libjettison-java"
        " libxpp3-java mariadb-server-core redis-server"
    )
    for name in ("java", "activemq.jar", "xstream.jar", "mariadbd", "mariadb-install-db"):
        assert name in caught.value.what


@pytest.mark.parametrize("absent", sorted(name for name in FILES if "lib/" not in name))
def test_a_single_missing_file_is_listed_alone(tmp_path: Path, absent: str) -> None:
    """Installed files are not in the error."""
    install(tmp_path, *(name for name in FILES if name != absent))

    with pytest.raises(ConfigurationError) as caught:
        find_engines(tmp_path)

    assert Path(absent).name in caught.value.what
    assert len(caught.value.what.split(";")) == 1
    assert len(caught.value.next_step.partition("apt-get install ")[2].split()) == 1


def test_a_stack_without_a_broker_needs_the_database_only(tmp_path: Path) -> None:
    """The broker is looked for when Terraform creates one."""
    install(tmp_path, *(name for name in FILES if "mariadb" in name))

    assert find_mariadb(tmp_path).server == tmp_path / "usr/sbin/mariadbd"
    with pytest.raises(ConfigurationError, match=r"activemq\.jar") as caught:
        find_activemq(tmp_path)
    assert "mariadb" not in str(caught.value)


@pytest.mark.parametrize(
    ("broker", "cache", "missing"),
    [
        (False, False, ["mariadbd"]),
        (True, False, ["activemq.jar", "mariadbd"]),
        (False, True, ["mariadbd", "redis-server"]),
    ],
)
def test_an_environment_needs_the_engines_of_its_own_services_only(
    tmp_path: Path,
    broker: bool,
    cache: bool,
    missing: list[str],
) -> None:
    """An environment on SQS needs no broker, and one without Redis no Redis."""
    with pytest.raises(ConfigurationError) as caught:
        check_engines(broker=broker, cache=cache, root=tmp_path)

    names = ("activemq.jar", "mariadbd", "redis-server")
    assert [name for name in names if name in caught.value.what] == missing


def test_valkey_is_preferred_to_redis(tmp_path: Path) -> None:
    """It is the engine of the module."""
    install(tmp_path, *FILES)
    valkey = tmp_path / "usr/bin/valkey-server"
    valkey.touch(mode=0o755)

    assert find_redis(tmp_path).server == valkey


def test_the_registry_of_images_is_optional(tmp_path: Path) -> None:
    """Without it a stack starts all the same; who asks for it gets the packages."""
    assert find_optional_registry(tmp_path) is None
    with pytest.raises(ConfigurationError, match=r"docker-registry.*apache2-utils"):
        find_registry(tmp_path)
