"""Documents written by hand, in JSON or YAML, read exactly: nothing is rounded, guessed or run.

A number with a point or an exponent is kept as the text that was written, so that 0.1 stays "0.1"; whole numbers are
numbers; everything else that YAML 1.1 would turn into something (dates, yes and no, 1_000, 0o17, .inf) stays text.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from exchange.kernel.errors import Kind, Problem, problem_type
from exchange.kernel.schemas import pointer
from exchange.kernel.text import Text

BYTES_MAX = 256 * 1024
_DEPTH_MAX = 32
# What all anchors together may unfold to: a few hundred bytes can otherwise name billions of values.
_VALUES_MAX = 50_000
_DIGITS_MAX = 16
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_CHINESE_SIGNS = re.compile("[：，；｛｝［］“”‘’（）\u3000]")
# What is no Unicode text, or none that a database holds; and how JSON writes it.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_ESCAPES_NO_TEXT = re.compile(
    r"\\u0000|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
# libyaml is many times faster than Python; the events are the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_JSON_WORDS = {
    "Expecting ',' delimiter": Text("a comma is missing", "缺少逗号"),
    "Expecting ':' delimiter": Text("a colon is missing after a name", "名称后缺少冒号"),
    "Expecting property name enclosed in double quotes": Text(
        'a name in double quotes is missing, or a comma is too many; names look like "id"',
        '缺少双引号中的字段名，或多写了一个逗号；字段名形如 "id"',
    ),
    "Illegal trailing comma before end of object": Text("the last comma is too many", "末尾多了一个逗号"),
    "Illegal trailing comma before end of array": Text("the last comma is too many", "末尾多了一个逗号"),
    "Expecting value": Text("a value is missing, or a text has no double quotes", "缺少值，或文本未加双引号"),
    "Extra data": Text("there is more after the end of the document", "文档结束后还有多余内容"),
    "Unterminated string starting at": Text("a text has no closing quote", "文本缺少右引号"),
    "Invalid control character at": Text(
        "a text holds a line break or a tab; close it first", "文本中含有换行或制表符"
    ),
}

UNREADABLE = problem_type(
    "document-unreadable",
    Kind.INVALID,
    title=Text("The document cannot be read", "文档无法读取"),
    detail=Text("Line {line}, column {column}: {why}.", "第 {line} 行第 {column} 列：{why}。"),
    remedy=Text(
        "Correct that place and send the document again. It may be JSON (application/json) or YAML (application/yaml).",
        "请修改该处后重新提交。文档可为 JSON（application/json）或 YAML（application/yaml）。",
    ),
)


@dataclass(frozen=True, slots=True)
class Written:
    """A document as it was written. `lines` says where each value begins (JSON pointer -> line), where that is known."""

    value: Any
    lines: Mapping[str, int] = field(default_factory=dict)


class _Stop(Exception):
    """Reading ends here."""

    def __init__(self, line: int, column: int, why: Text) -> None:
        super().__init__(why.en)
        self.problem = UNREADABLE(line=line, column=column, why=why)


def read(data: bytes, *, as_yaml: bool) -> Written | Problem:
    """Read a document, or say at which line and column it stops being one.

    errors   answers document-unreadable
    """
    try:
        if len(data) > BYTES_MAX:
            raise _Stop(1, 1, Text(f"it is larger than {BYTES_MAX} bytes", f"超过 {BYTES_MAX} 字节"))
        text = _text(data)
        return _Reader().read(text) if as_yaml else Written(_json(text))
    except _Stop as stop:
        return stop.problem


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise _Stop(line, column, Text("it is not written in UTF-8", "文档不是 UTF-8 编码")) from error


def _json(text: str) -> Any:
    try:
        value = json.loads(
            text, parse_int=_whole, parse_float=str, parse_constant=str, object_pairs_hook=_object, strict=True
        )
    except json.JSONDecodeError as error:
        why = _JSON_WORDS.get(error.msg, Text("this is no JSON", "不是有效的 JSON"))
        raise _Stop(error.lineno, error.colno, _with_signs(why, _line(text, error.lineno))) from error
    except RecursionError as error:
        raise _too_deep(1, 1) from error
    except _Stop:
        # JSON without tabs is YAML, whose reader knows at which line it stands.
        _Reader().read(text.replace("\t", " "))
        raise
    _measure(value, text)
    return value


def _measure(value: Any, text: str, depth: int = 0) -> None:
    """Refuse what is nested too deeply, and texts that no other program takes."""
    if depth > _DEPTH_MAX:
        raise _too_deep(1, 1)
    if isinstance(value, str):
        if _NO_TEXT.search(value):
            raise _no_text(*_place_of(_ESCAPES_NO_TEXT.search(text)))
    elif isinstance(value, dict):
        for name, item in value.items():
            _measure(name, text, depth)
            _measure(item, text, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _measure(item, text, depth + 1)


def _place_of(found: re.Match[str] | None) -> tuple[int, int]:
    if found is None:
        return 1, 1
    before = found.string[: found.start()]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = Counter(name for name, _ in pairs)
        raise _twice(1, 1, names.most_common(1)[0][0])
    return made


def _whole(digits: str) -> int | str:
    """A whole number; one that no quantity reaches stays text, and is refused where it stands."""
    return int(digits) if len(digits) <= _DIGITS_MAX and digits != "-0" else digits


class _Reader:
    """Builds plain values from the events of YAML: no tag is obeyed, no type is guessed."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self._events: Any = None

    def read(self, text: str) -> Written:
        """The one document in `text`."""
        self._events = yaml.parse(text, Loader=_LOADER)
        try:
            found = self._documents()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise _Stop(line, column, _yaml_words(error, text, line)) from error
        except yaml.YAMLError as error:
            why = Text("it holds a sign that no text may hold", "含有不允许的控制字符")
            raise _Stop(1, 1, why) from error
        return Written(found, self._lines)

    def _documents(self) -> Any:
        found: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found:
                    _stop(
                        event, Text("a second document begins; send one at a time", "出现第二个文档；每次只能提交一个")
                    )
                found.append(self._value(next(self._events), (), 0))
        if not found:
            raise _Stop(1, 1, Text("it is empty", "内容为空"))
        return found[0]

    def _value(self, event: Any, path: tuple[object, ...], depth: int) -> Any:
        self._lines[pointer(*path)] = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._values
        self._count(event, 1)
        if depth > _DEPTH_MAX:
            raise _too_deep(event.start_mark.line + 1, event.start_mark.column + 1)
        made = self._plain(event, path, depth)
        if event.anchor:
            self._anchors[event.anchor] = made, self._values - before
        return made

    def _plain(self, event: Any, path: tuple[object, ...], depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if event.tag is not None:
            _stop(event, _no_tag(event.tag))
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                items.append(self._value(event, (*path, len(items)), depth + 1))
            return items
        made: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._name(event)
            if name in made:
                raise _twice(event.start_mark.line + 1, event.start_mark.column + 1, name)
            made[name] = self._value(next(self._events), (*path, name), depth + 1)
        return made

    def _name(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            _stop(event, Text("a field's name is a word", "字段名应为单词"))
        if event.tag not in (None, *_TEXT_TAGS):
            _stop(event, _no_tag(event.tag))
        if _NO_TEXT.search(event.value):
            raise _no_text(event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor:
            self._anchors[event.anchor] = event.value, 1
        return str(event.value)

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            _stop(event, Text(f"*{event.anchor} names nothing above it", f"*{event.anchor} 未在上文定义"))
        made, values = self._anchors[event.anchor]
        self._count(event, values)
        return made

    def _count(self, event: Any, values: int) -> None:
        self._values += values
        if self._values > _VALUES_MAX:
            _stop(event, Text(f"it unfolds to more than {_VALUES_MAX} values", f"展开后超过 {_VALUES_MAX} 个值"))


def _scalar(event: Any) -> Any:
    text: str = event.value
    if _NO_TEXT.search(text):
        raise _no_text(event.start_mark.line + 1, event.start_mark.column + 1)
    if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if event.tag is not None:
        _stop(event, _no_tag(event.tag))
    if text in _WORDS:
        return _WORDS[text]
    return _whole(text) if _WHOLE.match(text) else text


def _yaml_words(error: yaml.MarkedYAMLError, text: str, line: int) -> Text:
    said = f"{error.context or ''} {error.problem or ''}"
    if "\\t" in said or "'\t'" in said or _line(text, line).startswith("\t"):
        why = Text("lines are indented by spaces, not by tabs", "缩进须使用空格，不能使用制表符")
    elif "mapping values are not allowed" in said:
        why = Text(
            "a colon stands where none may stand; put a text that holds a colon into quotes, and indent evenly",
            "冒号位置有误；含冒号的文本请加引号，并保持缩进一致",
        )
    elif "could not find expected ':'" in said:
        why = Text("a colon and a space are missing after a name", "字段名后缺少冒号和空格")
    elif "expected <block end>" in said or "block collection" in said or "block mapping" in said:
        why = Text("this line is indented otherwise than those it belongs to", "该行缩进与所属层级不一致")
    elif "scanning a quoted scalar" in said:
        why = Text("a text has no closing quote", "文本缺少右引号")
    elif "flow" in said:
        why = Text("a comma or a closing bracket is missing", "缺少逗号或右括号")
    else:
        why = Text("this is no YAML", "不是有效的 YAML")
    # A name that lost its colon runs on into the next line.
    begun = error.context_mark.line + 1 if error.context_mark else max(1, line - 1)
    return _with_signs(why, "".join(_line(text, number) for number in range(begun, line + 1)))


def _with_signs(why: Text, line: str) -> Text:
    """Say so when a line holds punctuation that looks right to a Chinese keyboard only."""
    found = _CHINESE_SIGNS.search(line)
    if found is None:
        return why
    return Text(
        f"{why.en}; this line holds the Chinese sign {found[0]}, write the ASCII one",
        f"{why.zh}；该行含有全角符号 {found[0]}，请改为半角",
    )


def _line(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1] if number <= len(lines) else ""


def _twice(line: int, column: int, name: str) -> _Stop:
    return _Stop(line, column, Text(f"the field {name[:60]} stands there twice", f"字段 {name[:60]} 重复出现"))


def _too_deep(line: int, column: int) -> _Stop:
    return _Stop(line, column, Text(f"it is nested deeper than {_DEPTH_MAX} levels", f"嵌套超过 {_DEPTH_MAX} 层"))


def _no_text(line: int, column: int) -> _Stop:
    why = Text(
        "a text holds a zero character or half of a surrogate pair, which no text may hold",
        "文本含有空字符或不成对的代理字符",
    )
    return _Stop(line, column, why)


def _no_tag(tag: str) -> Text:
    return Text(f"the tag {tag[:60]} is not obeyed here; leave it out", f"不支持标签 {tag[:60]}，请删除")


def _stop(event: Any, why: Text) -> NoReturn:
    raise _Stop(event.start_mark.line + 1, event.start_mark.column + 1, why)
