"""Which class of a Java submission is started."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from grader.languages.java_jar import ClassFile, main_class

pytestmark = pytest.mark.engine

MAIN = "public static void main(String[] args) { }"
#: Case -> the class to be started, and the source.
SOURCES = {
    "a nested class comes before": (
        "Solution",
        f"public class Solution {{ static class Inner {{ {MAIN} }}\n {MAIN} }}",
    ),
    "an earlier class is not public": (
        "Solution",
        f"class Alpha {{ {MAIN} }}\nclass Main {{ {MAIN} }}\npublic class Solution {{ {MAIN} }}",
    ),
    "none is public": ("Zebra", f"class Zebra {{ {MAIN} }}\nclass Alpha {{ {MAIN} }}"),
    "none is public, and one is Main": (
        "Main",
        f"class Alpha {{ {MAIN} }}\nclass Main {{ {MAIN} }}",
    ),
    "the public class has none": (
        "Zebra",
        f"class Zebra {{ {MAIN} }}\nclass Alpha {{ {MAIN} }}\npublic class Solution {{ }}",
    ),
    "only a nested class has one": (
        "Solution$Inner",
        f"public class Solution {{ static class Inner {{ {MAIN} }} }}",
    ),
    "an enum": ("Kind", f"public enum Kind {{ A {{ }}; {MAIN} }}"),
    "a record": (
        "Pair",
        f"class Alpha {{ {MAIN} }}\npublic record Pair(int a, int b) {{ {MAIN} }}",
    ),
    "an interface": ("Face", "public interface Face { static void main(String[] args) { } }"),
    "other modifiers": (
        "Solution",
        "public class Solution { final static public void main(final String... args) { } }",
    ),
    "an array after the name": (
        "Solution",
        "public class Solution { static public void main(String args[]) throws Exception { } }",
    ),
    "an escaped name": (
        "Solution",
        "public class Solution { public static void m\\u0061in(String[] args) { } }",
    ),
    "an inherited method": (
        "Solution",
        f"class Alpha {{ {MAIN} }}\npublic class Solution extends Alpha {{ }}",
    ),
    "a name in another alphabet": ("Größe", f"public class Größe {{ {MAIN} }}"),
    "comments, strings and text blocks": (
        "Solution",
        (
            f"// public class Aa {{ {MAIN} }}\n/* class Bb {{ {MAIN} }} */\n"
            f'public class Solution {{ String s = "public class Cc {{ {MAIN} }}";\n'
            f'String t = """\n public class Dd {{ {MAIN} }}\n """; {MAIN} }}'
        ),
    ),
    "methods that only look like one": (
        "Real",
        (
            "class Fake { static void main(String[] a) { } public void main(String a) { }"
            " public static void main() { } public static int main(int[] a) { return 0; } }\n"
            f"class Real {{ {MAIN} long l = 5L; double d = 1e9; }}"
        ),
    ),
    "a local and an anonymous class": (
        "Solution",
        f"public class Solution {{ void f() {{ class A {{ {MAIN} }} new A() {{ }}; }}\n {MAIN} }}",
    ),
    "no main method": (None, "public class Solution { void main() { } }"),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sources compiled at once, each in a package of its own: `p0`, `p1` and so on."""
    place = tmp_path_factory.mktemp("java")
    paths = []
    for number, (name, source) in enumerate(SOURCES.values()):
        public = "Solution" if name is None or "public class Solution" in source else name
        paths.append(place / f"p{number}" / f"{public.partition('$')[0]}.java")
        paths[-1].parent.mkdir()
        paths[-1].write_text(f"package p{number};\n{source}\n")
    options = ("-J-XX:TieredStopAtLevel=1", "-encoding", "UTF-8", "-d", "classes")
    subprocess.run(["javac", *options, *paths], cwd=place, check=True)
    return place / "classes"


def class_files(compiled: Path, case: str) -> list[bytes]:
    folder = compiled / f"p{list(SOURCES).index(case)}"
    return [path.read_bytes() for path in folder.glob("*.class")]


@pytest.mark.parametrize("case", SOURCES)
def test_a_submission_starts_where_its_author_expects(compiled: Path, case: str) -> None:
    """Public classes first, then Main, then the order of the source; nested classes last."""
    wanted, _ = SOURCES[case]
    found = main_class([ClassFile(content) for content in class_files(compiled, case)])

    assert found == (wanted and f"p{list(SOURCES).index(case)}.{wanted}")


@pytest.mark.parametrize("version", [61, 68, 69])
def test_a_main_method_of_an_object_counts_from_java_25_on(compiled: Path, version: int) -> None:
    """Earlier Java virtual machines do not start it; javac notes its version in the file."""
    contents = class_files(compiled, "no main method")
    renewed = [content[:6] + version.to_bytes(2, "big") + content[8:] for content in contents]

    assert bool(main_class([ClassFile(content) for content in renewed])) == (version >= 69)
