"""
Packs compiled Java classes into a jar that starts with the right class.

It is passed to `python3 -c` as text and runs as the compiler's user in the directory of the
classes.  It reads class files and not the source: they tell a class from a comment or a string, and
say which methods a class has, whether it is nested, and on which line it begins.
"""

from __future__ import annotations

import sys
import zipfile
from io import BytesIO
from pathlib import Path

_PUBLIC, _PRIVATE, _STATIC, _INTERFACE_OR_ABSTRACT = 0x1, 0x2, 0x8, 0x600
_ARGUMENTS, _NO_ARGUMENTS = "([Ljava/lang/String;)V", "()V"
#: From this version of class files on (Java 25), `main` needs neither `static` nor arguments.
_FLEXIBLE_MAIN = 69
_TEXT, _CLASS = 1, 7
#: The other constants: their tags by their bytes.
_TAGS = {2: (8, 16, 19, 20), 3: (15,), 4: (3, 4, 9, 10, 11, 12, 17, 18), 8: (5, 6)}
_SIZES = {tag: size for size, tags in _TAGS.items() for tag in tags}
_TAKES_TWO_INDEXES = 8
_NO_LINE = 1 << 16


class _Reader(BytesIO):
    def number(self, size: int = 2) -> int:
        return int.from_bytes(self.read(size), "big")


class ClassFile:
    """
    What the choice of the main class needs of a class file.

    Args:
        content: The bytes of the file.
    """

    def __init__(self, content: bytes) -> None:
        file = _Reader(content)
        file.read(6)
        self._version = file.number()
        self._texts = _constants(file)
        self._flags = file.number()
        self.name = self._texts[file.number()]
        self.parent = self._texts.get(file.number(), "")
        file.read(2 * file.number())
        self.line = _NO_LINE
        self.has_main = False
        for _ in ("fields", "methods"):
            for _ in range(file.number()):
                self._read_member(file)
        self.nested = "NestHost" in self._attributes(file)
        self.public = bool(self._flags & _PUBLIC)

    def _read_member(self, file: _Reader) -> None:
        flags = file.number()
        name, kind = (self._texts[file.number()] for _ in range(2))
        attributes = self._attributes(file)
        if "Code" in attributes:
            self.line = min(self.line, *self._lines(_Reader(attributes["Code"])))
        self.has_main |= name == "main" and self._can_start(flags, kind)

    def _can_start(self, flags: int, kind: str) -> bool:
        if self._version < _FLEXIBLE_MAIN:
            return kind == _ARGUMENTS and bool(flags & _PUBLIC and flags & _STATIC)
        created = flags & _STATIC or not self._flags & _INTERFACE_OR_ABSTRACT
        return kind in {_ARGUMENTS, _NO_ARGUMENTS} and bool(created and not flags & _PRIVATE)

    def _attributes(self, file: _Reader) -> dict[str, bytes]:
        count = file.number()
        return {self._texts[file.number()]: file.read(file.number(4)) for _ in range(count)}

    def _lines(self, code: _Reader) -> list[int]:
        code.read(4)
        code.read(code.number(4))
        code.read(8 * code.number())
        table = _Reader(self._attributes(code).get("LineNumberTable", bytes(2)))
        return [table.number(4) & 0xFFFF for _ in range(table.number())] or [_NO_LINE]


def _constants(file: _Reader) -> dict[int, str]:
    """The texts by their index, and at the index of a class its name."""
    texts: dict[int, str] = {}
    classes: dict[int, int] = {}
    index, count = 1, file.number()
    while index < count:
        tag = file.number(1)
        if tag == _TEXT:
            texts[index] = file.read(file.number()).decode(errors="replace")
        elif tag == _CLASS:
            classes[index] = file.number()
        else:
            file.read(_SIZES[tag])
        index += 2 if _SIZES.get(tag) == _TAKES_TWO_INDEXES else 1
    return {**texts, **{index: texts[name] for index, name in classes.items()}}


def main_class(files: list[ClassFile]) -> str | None:
    """
    Choose the class that a submission starts with; None if no class has a main method.

    A public top-level class comes first, then one named Main, then the first in the source; nested
    classes come last. A main method may be inherited.
    """
    known = {each.name: each for each in files}

    def starts(each: ClassFile | None) -> bool:
        return each is not None and (each.has_main or starts(known.get(each.parent)))

    def rank(each: ClassFile) -> tuple[object, ...]:
        simple = each.name.rpartition("/")[2]
        return each.nested, not each.public, simple != "Main", each.line, each.name

    found = min(filter(starts, files), key=rank, default=None)
    return found.name.replace("/", ".") if found else None


def _pack(jar: str) -> None:
    paths = sorted(Path().rglob("*.class"))
    name = main_class([ClassFile(path.read_bytes()) for path in paths])
    if not name:
        sys.exit("no class has a method main(String[] args)")
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("META-INF/MANIFEST.MF", f"Main-Class: {name}\n")
        for path in paths:
            file.write(path)


if __name__ == "__main__":
    _pack("../program.jar")
