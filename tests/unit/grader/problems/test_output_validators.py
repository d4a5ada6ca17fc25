"""Which files of a problem are its validator, and how it is made and run."""

from __future__ import annotations

import pytest

from grader.problems.findings import PackageReport
from grader.problems.model import StoredFile, ValidatorFiles
from grader.problems.output_validators import (
    compile_command,
    file_names,
    find_validator,
    run_command,
)

ROOT = "problems/p/"


def find(*names: str, size: int = 10) -> tuple[ValidatorFiles | None, list[str]]:
    findings = PackageReport()
    files = [StoredFile(f"{ROOT}{name}", size, "e") for name in names]
    found = find_validator(ROOT, files, findings)
    return found, [error.text for error in findings.errors]


def good(*names: str) -> ValidatorFiles:
    found, errors = find(*names)
    assert errors == []
    assert found is not None
    return found


def test_one_file_is_a_validator() -> None:
    """A note beside it is none."""
    found = good("output_validators/check.py", "output_validators/README.md", "testcases/1.in")

    assert (found.name, found.language, found.entry) == ("check", "python", "check.py")
    assert run_command(found, "../checker/", ("in", "ans", "./")) == (
        *("python3", "-E", "-s", "-B", "../checker/check.py", "in", "ans", "./"),
    )
    assert compile_command(found, "../compile/") == ()


def test_a_folder_is_a_validator_too() -> None:
    """Sources are compiled together; headers are found beside them."""
    found = good(
        "output_validators/v/validate.h", "output_validators/v/b.cc", "output_validators/v/a.cpp"
    )

    command = compile_command(found, "../compile/")
    assert (found.name, found.language) == ("v", "cpp")
    assert file_names(found) == ("a.cpp", "b.cc", "validate.h")
    assert command[:1] == ("g++",)
    assert command[-2:] == ("../compile/a.cpp", "../compile/b.cc")
    assert run_command(found, "../checker/", ()) == ("../checker/validator",)


def test_the_later_format_s_directory_is_known() -> None:
    """`output_validator` has one program, whose files lie in it or in a folder of it."""
    together = good("output_validator/validate.cc", "output_validator/validate.h")

    assert (together.language, len(together.files)) == ("cpp", 2)
    assert good("output_validator/v/validator.c").language == "c"


def test_the_entry_of_several_modules_has_a_usual_name() -> None:
    """Which one is run cannot be guessed."""
    assert good("output_validators/v/helper.py", "output_validators/v/main.py").entry == "main.py"
    _, errors = find("output_validators/v/a.py", "output_validators/v/b.py")
    assert "none is main.py" in errors[0]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("a.py", "b.py"), "only one validator is supported, found a.py, b.py"),
        (("a.rb",), "a.rb: no source in a supported language; extensions: .cpp"),
        (
            ("v/a.py", "v/more/b.py"),
            "v/more/b.py: the files of a validator must be in one directory",
        ),
        (("v/build", "v/a.cpp"), "build and run scripts are not supported"),
        (("v/run",), "build and run scripts are not supported"),
        (("-o.cpp",), "'-o.cpp': invalid file name"),
        (("a b.py",), "invalid file name"),
        (tuple(f"v/{number}.c" for number in range(30)), "more than 24 files"),
    ],
)
def test_what_cannot_be_used_is_named(names: tuple[str, ...], why: str) -> None:
    """A name would become a word of the compiler's command line."""
    found, errors = find(*(f"output_validators/{name}" for name in names))

    assert why in errors[0]
    assert found is None or len(names) == 2


def test_sources_are_small() -> None:
    """A data file among them would be compiled in for every submission."""
    assert "larger than 4 MiB" in find("output_validators/a.py", size=5 << 20)[1][0]


def test_without_any_there_is_none() -> None:
    """Most problems need none."""
    assert find("testcases/1.in", "output_validators_old/a.py") == (None, [])
