"""Finds the installed engines; one error lists all that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradectl.context import process_environment
from gradectl.errors import ConfigurationError
from gradectl.local.engines.redis import RedisEngine
from gradectl.local.engines.registry import RegistryEngine
from gradectl.processes.find import find_program

#: Folders of Debian and Ubuntu; /usr/sbin is often missing from the PATH of a user.
_PROGRAM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_ACTIVEMQ_HOME = Path("usr/share/activemq")
_JARS = Path("usr/share/java")
#: Needed for broker statistics as JSON; Debian's activemq package does not depend on them.
_JSON_JARS = {
    "xstream.jar": "libxstream-java",
    "jettison.jar": "libjettison-java",
    "xpp3.jar": "libxpp3-java",
}


@dataclass(frozen=True)
class ActiveMqEngine:
    """A Java runtime and the jars of a broker."""

    java: Path
    home: Path
    class_path: tuple[Path, ...]


@dataclass(frozen=True)
class MariaDbEngine:
    """A database server and the script that initializes its data directory."""

    server: Path
    install: Path


@dataclass(frozen=True)
class Engines:
    """The engines of the data planes."""

    activemq: ActiveMqEngine
    mariadb: MariaDbEngine
    redis: RedisEngine


def find_engines(root: Path = Path("/")) -> Engines:
    """
    Find all engines.

    Args:
        root: Root of the file system to search.

    Raises:
        ConfigurationError: Lists all missing programs and the command that installs them.
    """
    search = _Search(root)
    engines = Engines(search.activemq(), search.mariadb(), search.redis())
    search.check()
    return engines


def check_engines(*, broker: bool, cache: bool, root: Path = Path("/")) -> None:
    """
    Check that the database is installed, and the broker and Redis where they are needed.

    Raises:
        ConfigurationError: As `find_engines`.
    """
    search = _Search(root)
    if broker:
        search.activemq()
    search.mariadb()
    if cache:
        search.redis()
    search.check()


def find_activemq(root: Path = Path("/")) -> ActiveMqEngine:
    """Find the broker alone; raises `ConfigurationError` as `find_engines` does."""
    search = _Search(root)
    engine = search.activemq()
    search.check()
    return engine


def find_mariadb(root: Path = Path("/")) -> MariaDbEngine:
    """Find the database alone; raises `ConfigurationError` as `find_engines` does."""
    search = _Search(root)
    engine = search.mariadb()
    search.check()
    return engine


def find_redis(root: Path = Path("/")) -> RedisEngine:
    """Find Redis alone; raises `ConfigurationError` as `find_engines` does."""
    search = _Search(root)
    engine = search.redis()
    search.check()
    return engine


def find_registry(root: Path = Path("/")) -> RegistryEngine:
    """
    Find the registry of images, which only environments with an own image need.

    Raises:
        ConfigurationError: Lists all missing programs and the command that installs them.
    """
    search = _Search(root)
    engine = RegistryEngine(
        server=search.program("docker-registry", package="docker-registry"),
        htpasswd=search.program("htpasswd", package="apache2-utils"),
    )
    search.check()
    return engine


def find_optional_registry(root: Path = Path("/")) -> RegistryEngine | None:
    """Find the registry of images; None where it is not installed."""
    try:
        return find_registry(root)
    except ConfigurationError:
        return None


class _Search:
    """Finds files below a root, and records the packages of the missing ones."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._missing: dict[str, list[str]] = {}

    def program(self, name: str, *, package: str) -> Path:
        return self.installed(name) or self._record_missing(name, package)

    def installed(self, name: str) -> Path | None:
        folders = [self._root / folder.lstrip("/") for folder in _PROGRAM_FOLDERS]
        # PATH finds e.g. a Java that the user installed
        environ = process_environment() if self._root == Path("/") else {}
        found = find_program(name, environ, folders)
        return Path(found) if found else None

    def activemq(self) -> ActiveMqEngine:
        return ActiveMqEngine(
            java=self.program("java", package="default-jre-headless"),
            home=self._root / _ACTIVEMQ_HOME,
            class_path=(*self.broker_jars(), *self.json_jars()),
        )

    def mariadb(self) -> MariaDbEngine:
        return MariaDbEngine(
            server=self.program("mariadbd", package="mariadb-server-core"),
            install=self.program("mariadb-install-db", package="mariadb-server-core"),
        )

    def redis(self) -> RedisEngine:
        """Valkey where it is installed, as in ElastiCache, or else Redis."""
        if valkey := self.installed("valkey-server"):
            return RedisEngine(valkey)
        return RedisEngine(self.program("redis-server", package="redis-server"))

    def broker_jars(self) -> Sequence[Path]:
        home = self._root / _ACTIVEMQ_HOME
        launcher = home / "bin" / "activemq.jar"
        if not launcher.exists():
            return [self._record_missing(str(launcher), "activemq")]
        return [launcher, *sorted(home.glob("lib/*.jar")), *sorted(home.glob("lib/optional/*.jar"))]

    def json_jars(self) -> Sequence[Path]:
        jars = {self._root / _JARS / name: package for name, package in _JSON_JARS.items()}
        return [
            path if path.exists() else self._record_missing(str(path), package)
            for path, package in jars.items()
        ]

    def _record_missing(self, name: str, package: str) -> Path:
        self._missing.setdefault(package, []).append(name)
        return Path(name)

    def check(self) -> None:
        if not self._missing:
            return
        items = "; ".join(
            f"{', '.join(names)} (package {package})" for package, names in self._missing.items()
        )
        packages = " ".join(self._missing)
        raise ConfigurationError(
            f"the local environment needs engines that are not installed: {items}",
            next_step=f"run 'make setup', or: sudo apt-get install {packages}",
        )
