"""The precompiled header."""

from __future__ import annotations

import subprocess
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pytest

from grader.errors import SettingsError
from grader.languages import LANGUAGES, find
from grader.sandbox.headers import header_command, include_directory, install_headers, main

CPP = find("cpp")
PROGRAM = "#include <bits/stdc++.h>\nint main() { std::cout << 42; }\n"


@dataclass(frozen=True)
class Installed:
    """The header that the command installed, once for this file: it takes seconds."""

    root: Path
    said: str

    @property
    def header(self) -> Path:
        """The header of `CPP`."""
        return self.root / include_directory(CPP) / "bits" / "stdc++.h.gch"


@pytest.fixture(name="installed", scope="module")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Run the command that a Dockerfile calls."""
    root, said = tmp_path_factory.mktemp("boxes"), StringIO()
    with redirect_stdout(said):
        assert main(["--box-root", str(root)], [CPP]) == 0
    return Installed(root, said.getvalue())


@pytest.mark.engine
def test_gcc_uses_the_precompiled_header(installed: Installed) -> None:
    """GCC reports its use, and the code is the same as without it."""
    build = installed.root / "slot-0" / "build"
    sources = installed.root / "slot-0" / "compile"
    for directory in (build, sources):
        directory.mkdir(parents=True)
    (sources / CPP.source_name).write_text(PROGRAM)
    command = [*CPP.compile_argv, "-S", "-H"]

    precompiled = subprocess.run(command, cwd=build, check=True, capture_output=True, text=True)
    assembly = (build / "program").read_bytes()
    away = installed.header.rename(installed.root / "away")
    without = subprocess.run(command, cwd=build, check=True, capture_output=True, text=True)
    away.rename(installed.header)

    assert precompiled.stderr.startswith(f"! ../../{include_directory(CPP)}/bits/stdc++.h.gch")
    assert without.stderr.startswith(". /usr/")
    assert (build / "program").read_bytes() == assembly


@pytest.mark.engine
def test_only_root_can_change_it(installed: Installed) -> None:
    """A compiler taken over by a submission can only read it."""
    made = installed.header

    assert made.stat().st_mode & 0o777 == 0o644
    for path in (made, made.parent, made.parent.parent):
        assert path.stat().st_uid == 0
        assert not path.stat().st_mode & 0o022


def test_the_options_are_those_of_submissions() -> None:
    """GCC ignores a header that was compiled with other options."""
    command = header_command(CPP)

    assert command[:3] == ["g++", "-x", "c++-header"]
    assert {"-std=gnu++20", "-O2", "-DONLINE_JUDGE"} <= set(command)
    assert not {"-o", "-I", "program"} & set(command)
    assert not any(CPP.source_name in word for word in command)


def test_each_standard_has_its_own_header() -> None:
    """A header for C++20 does not match C++17."""
    assert include_directory(find("cpp17")) != include_directory(find("cpp20"))


@pytest.mark.exhaustive
@pytest.mark.engine
def test_every_standard_can_be_precompiled(tmp_path: Path) -> None:
    """The command differs by one option, so the other tests are content with one standard."""
    made = install_headers(tmp_path)

    users = {include_directory(one) for one in LANGUAGES if include_directory(one)}
    assert {path.parent.parent for path in made} == {tmp_path / user for user in users}


def test_a_language_that_does_not_use_it_gets_none(tmp_path: Path) -> None:
    """Neither does one whose compiler is not installed; the header is optional."""
    elsewhere = replace(CPP, compile_argv=("no-such-compiler", *CPP.compile_argv[1:]))

    assert install_headers(tmp_path, [find("c"), find("python"), elsewhere]) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.engine
def test_a_compiler_error_is_reported(tmp_path: Path) -> None:
    """The image can be built without the header, or fixed; submissions work either way."""
    broken = replace(CPP, compile_argv=(*CPP.compile_argv[:1], "-fno-such", *CPP.compile_argv[1:]))

    with pytest.raises(SettingsError, match="precompiling failed"):
        install_headers(tmp_path, [broken])


@pytest.mark.engine
def test_the_command_prints_the_installed_headers(installed: Installed) -> None:
    """The build log of an image shows them."""
    assert f"{installed.header}\n" in installed.said
