"""The file that a command is given: its bytes, or why there are none, in both languages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from exchange.kernel.embedded import EmbeddedError
from exchange.kernel.text import Text

_WHY = {
    FileNotFoundError: Text("there is no file {name}", "文件 {name} 不存在"),
    IsADirectoryError: Text("{name} is a folder, not a file", "{name} 是文件夹，不是文件"),
    PermissionError: Text("the file {name} may not be read", "没有读取文件 {name} 的权限"),
}
_OTHER = Text("the file {name} cannot be read", "无法读取文件 {name}")


class Refused(Exception):
    """Something in the file or the flags that has no answer; says what is right."""

    def __init__(self, why: Text, faults: list[dict[str, Any]] | None = None) -> None:
        """Say `why`; `faults` are the fields that are wrong."""
        super().__init__(why.en)
        self.why, self.faults = why, faults or []


class BadFlag(Refused):
    """A flag that has no meaning at all, whatever the file says."""


def read_bytes(name: str) -> bytes | Text:
    """All of a file, or of standard input for `-`; a text says why it cannot be read."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        why = next((text for kind, text in _WHY.items() if isinstance(error, kind)), _OTHER)
        return Text(why.en.format(name=name), why.zh.format(name=name))


def away(error: Exception) -> Text:
    """Why a command could not begin or go on: our own words in both languages, the system's with ours around them."""
    why = getattr(error, "why", None)
    if isinstance(why, Text):
        return why
    name = getattr(error, "filename", None)
    known = next((text for kind, text in _WHY.items() if isinstance(error, kind)), None)
    if known is not None and name is not None:
        return Text(known.en.format(name=name), known.zh.format(name=name))
    if isinstance(error, ConnectionError):
        return Text(f"a connection failed: {error}", f"连接失败：{error}")
    if isinstance(error, EmbeddedError):
        return Text(str(error), f"内置的 PostgreSQL 无法运行：{error}")
    return Text(str(error), f"系统报告：{error}")
