"""Canonical JSON (RFC 8785) and base64 (RFC 4648), read in their one spelling. The standard library is all it needs.

A part of the stand-alone script that checks agreements.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

# Every value is remembered with its place: many of them under long names would fill any machine's memory.
DEPTH_MAX, VALUES_MAX, PLACE_MAX = 40, 100_000, 400
INTEGER_MAX = 2**53 - 1
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?![0-9.eE])")
# Signs that stand for themselves, so that there is one spelling of such a text.
_THEMSELVES = re.compile(rb'"[ !#-\[\]-~]*"')
_WORDS = ((b"true", True), (b"false", False), (b"null", None))


class Malformed(Exception):
    """The bytes are not the canonical form of anything, from one place on."""

    def __init__(self, at: str, start: int, en: str, zh: str, end: int | None = None) -> None:
        """Name the place and what is wrong there; one byte where `end` is not given."""
        super().__init__(en)
        self.at, self.start, self.end, self.en, self.zh = at, start, end or start + 1, en, zh


# ---------------------------------------------------------------- canonical JSON (RFC 8785), read strictly


def canonical(value: Any) -> bytes:
    """Write RFC 8785 for what stands in an agreement: ASCII keys, no fractions."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Reader:
    """Reads the canonical form and no other; remembers at which bytes each value stands."""

    def __init__(self, data: bytes) -> None:
        """Read from the first byte."""
        self.data, self.at = data, 0
        # Where the last signs and values began: a wrong one may be seen only at the second one after it.
        self._begun = (0, 0, 0)
        self.spans: dict[str, tuple[int, int]] = {}

    def whole(self) -> Any:
        """The one value that the bytes are.

        errors   Malformed
        """
        found = self.value("", 0)
        if self.at != len(self.data):
            raise Malformed("", self._begun[0], "something follows the end", "末尾有多余内容", self.at + 1)
        return found

    def value(self, pointer: str, depth: int) -> Any:
        """The next value.

        errors   Malformed
        """
        begin, sign = self.at, self.data[self.at : self.at + 1]
        found: Any
        if depth > DEPTH_MAX:
            raise Malformed(pointer, begin, "it is nested too deeply", "嵌套过深")
        if len(self.spans) >= VALUES_MAX:
            raise Malformed(pointer, begin, "it holds too many values", "值的数量过多")
        if sign == b"{":
            found = self._object(pointer, depth)
        elif sign == b"[":
            found = self._array(pointer, depth)
        elif sign == b'"':
            found = self._string(pointer)
        else:
            found = self._plain(pointer)
        self.spans[pointer] = (begin, self.at)
        return found

    def _begin(self) -> None:
        self._begun = (*self._begun[1:], self.at)

    def _expect(self, signs: bytes, pointer: str) -> bytes:
        sign = self.data[self.at : self.at + 1]
        if not sign or sign not in signs:
            there = "end of file" if not sign else repr(sign)[1:]
            wanted = " or ".join(chr(one) for one in signs)
            en, zh = f"{wanted} should stand here, not {there}", f"此处应为 {wanted}，而不是 {there}"
            raise Malformed(pointer, self._begun[0], en, zh, self.at + 1)
        self._begin()
        self.at += 1
        return sign

    def _object(self, pointer: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        last, previous = "", self.at
        self._expect(b"{", pointer)
        if self.data[self.at : self.at + 1] == b"}":
            self.at += 1
            return found
        while True:
            begin = self.at
            if self.data[begin : begin + 1] != b'"':
                self._expect(b'"', pointer)
            name = self._string(pointer)
            inner = f"{pointer}/{escaped(name)}"
            if len(inner) > PLACE_MAX:
                raise Malformed(pointer, begin, "a name is too long", "名称过长", self.at)
            if not name.isascii() or (found and name <= last):
                en, zh = f"the name {name!r} is out of order or there twice", f"名称 {name!r} 次序有误或重复"
                raise Malformed(pointer, min(previous, self._begun[0]), en, zh, self.at)
            last, previous = name, begin
            self._expect(b":", pointer)
            found[name] = self.value(inner, depth + 1)
            # A member begins with its name.
            self.spans[inner] = begin, self.at
            if self._expect(b",}", pointer) == b"}":
                return found

    def _array(self, pointer: str, depth: int) -> list[Any]:
        found: list[Any] = []
        self._expect(b"[", pointer)
        if self.data[self.at : self.at + 1] == b"]":
            self.at += 1
            return found
        while True:
            found.append(self.value(f"{pointer}/{len(found)}", depth + 1))
            if self._expect(b",]", pointer) == b"]":
                return found

    def _string(self, pointer: str) -> str:
        self._begin()
        begin = end = self.at
        if plain := _THEMSELVES.match(self.data, begin):
            self.at = plain.end()
            return plain[0][1:-1].decode()
        while True:
            end = self.data.find(b'"', end + 1)
            if end < 0:
                raise Malformed(pointer, begin, "a text that does not end", "文本没有结尾", len(self.data))
            slashes = end - 1
            while self.data[slashes : slashes + 1] == b"\\" and slashes > begin:
                slashes -= 1
            if (end - 1 - slashes) % 2 == 0:
                break
        raw = self.data[begin : end + 1]
        try:
            text: str = json.loads(raw.decode())
            again = canonical(text)
        except UnicodeDecodeError as error:
            raise Malformed(pointer, begin + error.start, "it is not UTF-8", "不是 UTF-8") from None
        except ValueError:
            raise Malformed(pointer, begin, "it is no text of JSON", "不是 JSON 文本", end + 1) from None
        if again != raw:
            differs = next((i for i, (x, y) in enumerate(zip(raw, again)) if x != y), min(len(raw), len(again)))  # noqa: B905
            raise Malformed(
                pointer, begin + differs, "a sign is not written canonically", "字符未按规范形式书写", end + 1
            )
        self.at = end + 1
        return text

    def _plain(self, pointer: str) -> Any:
        self._begin()
        for word, value in _WORDS:
            if self.data.startswith(word, self.at):
                self.at += len(word)
                return value
        found = _INTEGER.match(self.data, self.at)
        if found is None or found[0] == b"-0" or len(found[0]) > 17 or abs(int(found[0])) > INTEGER_MAX:
            end = self.at
            while self.data[end : end + 1] not in (b"", b",", b"]", b"}"):
                end += 1
            en, zh = "no value of canonical JSON begins here", "此处不是规范 JSON 的值"
            # As far as the longest word would go: the sign that ended it may be the wrong one.
            raise Malformed(pointer, self._begun[0], en, zh, max(end + 1, self.at + 5))
        self.at = found.end()
        return int(found[0])


def escaped(name: str) -> str:
    """A name as it stands in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def printable(text: str) -> str:
    """A text as it may be shown: a sign that would clear a terminal, or turn the text's direction, is spelled out."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def unbase64(text: Any) -> bytes | None:
    """Decode base64 in its one spelling; None for any other."""
    try:
        data = base64.b64decode(str(text).encode("ascii"), validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


def unbase64url(text: Any) -> bytes | None:
    """Decode base64url without padding in its one spelling; None for any other."""
    try:
        data = base64.urlsafe_b64decode(str(text).encode("ascii") + b"=" * (-len(str(text)) % 4))
    except ValueError:
        return None
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None
