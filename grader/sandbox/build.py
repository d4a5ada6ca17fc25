"""
Compile and install the launcher: ``python -m grader.sandbox.build --output PATH --box-root DIR``.

Run once, when the image or the local stack is built. Box root, users and filters are compiled in,
so that nothing can change them at run time.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError, SettingsError
from grader.sandbox.policy import EXEC_MARK, POLICIES, Policy, export

#: Sources of the launcher.
SOURCES = tuple(sorted(Path(__file__).with_name("privileged").glob("*.c")))
_COMPILER = ("gcc", "-std=gnu17", "-O2", "-fPIE", "-static-pie", "-s")
_WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
_HARDENING = ("-D_FORTIFY_SOURCE=2", "-fstack-protector-strong", "-Wl,-z,relro,-z,now")
_INSTRUCTION_BYTES = 8


@dataclass(frozen=True)
class Installation:
    """
    Settings that are compiled into a launcher.

    Args:
        output: Path of the launcher.
        box_root: Directory of the boxes; other users must be able to pass through its parents.
        uid_base: User id of the compile user of box 0; each box has four consecutive ids.
        boxes: Number of boxes.
        worker_gid: The group that can execute the launcher.
        landlock: Whether to use Landlock where the kernel has it; tests turn it off.
        own_machine: Whether nothing else uses the machine, as in the image of the worker: the
            launcher then closes directories that all users can write to.
        shared_parents: Parents of these directories; tests choose others.
    """

    output: Path
    box_root: Path
    uid_base: int = 62000
    boxes: int = 32
    worker_gid: int = 0
    landlock: bool = True
    own_machine: bool = False
    shared_parents: tuple[str, ...] = ("/", "/dev", "/run", "/var")


def install(wanted: Installation) -> None:
    """
    Compile the launcher, install it setuid root, and create its box root.

    Raises:
        SettingsError: There is no compiler, users of a box cannot reach the box root, or root
            rights are not available.
    """
    with tempfile.TemporaryDirectory() as name:
        built = Path(name, "launcher")
        write_headers(wanted, Path(name))
        flags = (*_COMPILER, *_WARNINGS, *_HARDENING, "-I", name, "-o", str(built))
        # gcc that is killed leaves its temporary files: in this directory they are removed
        temporary = f"TMPDIR={name}"
        _run([*flags, *map(str, SOURCES)], "apt-get install gcc libc6-dev", temporary)
        # `install` replaces the file rather than writing into it: running launchers continue.
        run_as_root(["install", "-d", "-o0", "-g0", "-m0711", str(wanted.box_root)])
        group = f"-g{wanted.worker_gid}"
        run_as_root(["install", "-D", "-o0", group, "-m4750", str(built), str(wanted.output)])
    _check_reachable(wanted.box_root)


def uninstall(wanted: Installation) -> None:
    """Remove a launcher and its box root; raises `SettingsError` without root rights."""
    run_as_root(["rm", "-rf", "--", str(wanted.output), str(wanted.box_root)])


def write_headers(wanted: Installation, directory: Path) -> None:
    """
    Write config.h and policies.h, which the sources include.

    Raises:
        SettingsError: The box root cannot be a C string.
    """
    (directory / "config.h").write_text(_render_config(wanted), encoding="utf-8")
    (directory / "policies.h").write_text(_render_policies(), encoding="utf-8")


def _render_config(wanted: Installation) -> str:
    path = str(wanted.box_root)
    if not wanted.box_root.is_absolute() or not path.isprintable() or set(path) & set('"\\%?'):
        raise SettingsError(
            "the box root must be an absolute path without special characters",
            where=repr(path),
            next_step="choose a directory such as /var/lib/grader/boxes",
        )
    lines = [
        f'#define BOX_ROOT "{path}"',
        f"#define UID_BASE {wanted.uid_base}",
        f"#define BOX_COUNT {wanted.boxes}",
        f"#define WORKER_GID {wanted.worker_gid}",
        f"#define EXEC_MARK 0x{EXEC_MARK:x}ULL",
        f"#define USE_LANDLOCK {wanted.landlock:d}",
        f"#define OWN_MACHINE {wanted.own_machine:d}",
        f"#define SHARED_PARENTS {', '.join(map(json.dumps, map(str, wanted.shared_parents)))}",
        f"#define POLICY_COUNT {len(POLICIES)}",
        f"#define CONFIG {json.dumps(_describe(wanted))}",
    ]
    return "\n".join(lines) + "\n"


def _render_policies() -> str:
    lines = [
        "#include <linux/filter.h>",
        *(_render_filter(policy) for policy in POLICIES),
        "static const struct { struct sock_fprog filter; int files; } policies[] = {",
        *(_render_policy(policy) for policy in POLICIES),
        "};",
    ]
    return "\n".join(lines) + "\n"


def _describe(wanted: Installation) -> str:
    """Output of ``launcher config``; JSON encoded twice is a valid C string literal."""
    return json.dumps(
        {
            "box_root": str(wanted.box_root),
            "uid_base": wanted.uid_base,
            "slots": wanted.boxes,
            "worker_gid": wanted.worker_gid,
        }
    )


def _render_policy(policy: Policy) -> str:
    name = f"{policy.name}_filter"
    return f"{{{{sizeof {name} / sizeof *{name}, {name}}}, {policy.files:d}}},"


def _render_filter(policy: Policy) -> str:
    code = export(policy)
    instructions = []
    for start in range(0, len(code), _INSTRUCTION_BYTES):
        # struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 operand.
        operation = int.from_bytes(code[start : start + 2], sys.byteorder)
        operand = int.from_bytes(code[start + 4 : start + 8], sys.byteorder)
        instructions.append(f"{{{operation}, {code[start + 2]}, {code[start + 3]}, {operand}u}}")
    return f"static struct sock_filter {policy.name}_filter[] = {{{', '.join(instructions)}}};"


def _run(command: Sequence[str], next_step: str, *variables: str) -> None:
    """Run a program, with additional variables such as ``TMPDIR=/tmp``."""
    if not shutil.which(command[0]):
        raise SettingsError(f"{command[0]} is not installed", next_step=next_step)
    try:
        subprocess.run(
            ["/usr/bin/env", *variables, *command], check=True, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        raise SettingsError(
            f"{command[0]} failed: {error.stderr.strip()}", where=shlex.join(command)
        ) from None


def run_as_root(command: Sequence[str]) -> None:
    """Run a command as root or by sudo; raises `SettingsError` if neither is possible."""
    if os.geteuid() == 0:
        _run(command, "install coreutils")
    elif shutil.which("sudo"):
        _run(["sudo", *command], "run as root")
    else:
        raise SettingsError(
            "only root can install the launcher",
            where=command[-1],
            next_step="run as root, or install sudo",
        )


def _check_reachable(directory: Path) -> None:
    for parent in (directory, *directory.parents):
        if not parent.stat().st_mode & 0o001:
            raise SettingsError(
                "users of a box cannot pass through this directory",
                where=str(parent),
                next_step=f"chmod o+x {shlex.quote(str(parent))}, or choose another box root",
            )


def _parse(arguments: Sequence[str] | None) -> Installation:
    parser = argparse.ArgumentParser(prog="python -m grader.sandbox.build", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="path of the launcher")
    parser.add_argument("--box-root", type=Path, required=True, help="directory of the boxes")
    parser.add_argument("--uid-base", type=int, default=62000, help="first user id of the boxes")
    parser.add_argument("--slots", dest="boxes", type=int, default=32, help="number of boxes")
    parser.add_argument(
        "--worker-gid", type=int, default=os.getegid(), help="group that can execute it"
    )
    parser.add_argument(
        "--own-machine",
        action="store_true",
        help="nothing else uses the machine: close directories that all users can write to",
    )
    return Installation(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    try:
        install(_parse(arguments))
    except GraderError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
