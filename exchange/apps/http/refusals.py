"""Why a request does not have the expected form: in both languages, and by the names that the API's document has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException
from msgspec import inspect

from exchange.kernel.text import Text

_SHOWN_MAX = 5
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<at>[^`]*)`)?$", re.DOTALL)
_KINDS = {
    "str": "文本",
    "int": "整数",
    "float": "数字",
    "bool": "布尔值",
    "object": "对象",
    "array": "数组",
    "null": "null",
}
_COMPARED = {">=": "不少于", "<=": "不超过", ">": "大于", "<": "小于", "==": "等于"}
# What the parser says, and the same in Chinese; {n} is the n-th group.
_PATTERNS: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), zh)
    for pattern, zh in (
        (r"JSON is malformed: .*\(byte (\d+)\)", "JSON 格式有误（第 {1} 字节）"),
        (r"JSON is malformed.*", "JSON 格式有误"),
        (r"Input data was truncated", "请求内容不完整"),
        (r"Object contains unknown field `(.*)`", "含有未知字段 {1}"),
        (r"Object missing required field `(.*)`", "缺少必填字段 {1}"),
        (r"Invalid enum value (.*)", "取值 {1} 无效"),
        (r"Expected `str` matching regex '(.*)'", "须为符合 {1} 的文本"),
        (r"Expected `(\w+)` of length (>=|<=|==) (\d+)", "须为长度{2} {3} 的{1}"),
        (r"Expected `(\w+)` (>=|<=|>|<) (\S+)", "须为{2} {3} 的{1}"),
        (r"Expected `([\w |]+)`, got `(\w+)`", "须为{1}，不能为{2}"),
        (r"Expected `(\w+)`", "须为{1}"),
        (r"Invalid RFC3339 encoded datetime", "须为 RFC 3339 格式的时间"),
        (r"Expected `datetime` with a timezone component", "须为带时区的时间"),
        (r"Missing required \w+ parameter '(.*)' for .*", "缺少必填参数 {1}"),
    )
]


def reason_of(request: Request[Any, Any, Any], error: HTTPException) -> Text:
    """What the framework found wrong with a request."""
    found = error.extra
    if isinstance(found, list) and found and isinstance(found[0], Mapping):
        said = [_one(request, str(one.get("key", "body")), str(one.get("message", ""))) for one in found[:_SHOWN_MAX]]
        return Text("; ".join(one.en for one in said), "；".join(one.zh for one in said))
    return _translated(error.detail.rstrip("."))


def _one(request: Request[Any, Any, Any], key: str, message: str) -> Text:
    if (key, message) == ("data", "'data'"):
        # The framework looks for a body and finds none.
        return Text("a body in JSON is wanted", "须提供 JSON 请求内容")
    name, kind = _parameter(request, key)
    what = _translated(message)
    if message.startswith("Invalid enum value") and (words := _values(kind)):
        told = ", ".join(words)
        given = message.removeprefix("Invalid enum value ")
        what = Text(f"must be one of {told}, not {given}", f"须为 {told} 之一，不能为 {given}")
    return Text(f"{name}: {what.en}", f"{name}：{what.zh}")


def _parameter(request: Request[Any, Any, Any], key: str) -> tuple[str, inspect.Type | None]:
    """The public name of a parameter of a handler, or of a field of its body, and its type."""
    handler = request.scope.get("route_handler")
    there = handler.parsed_fn_signature.parameters if handler is not None else {}
    first, _, rest = key.partition(".")
    if first in there and not rest and first != "data":
        defined = there[first].kwarg_definition
        public = getattr(defined, "query", None) or getattr(defined, "name", None) or first
        return str(public), _typed(there[first].raw)
    path = rest.split(".") if first == "data" else key.split(".")
    body = there.get("data")
    return key, None if body is None else _at_path(_typed(body.annotation), path)


def _typed(annotation: Any) -> inspect.Type | None:
    try:
        return inspect.type_info(annotation)
    except (TypeError, RuntimeError):  # a type that msgspec cannot look into
        return None


def _at_path(kind: inspect.Type | None, path: Iterable[str]) -> inspect.Type | None:
    for step in path:
        name = step.partition("[")[0]
        struct = next((one for one in _alternatives(kind) if isinstance(one, inspect.StructType)), None)
        kind = None if struct is None else next((one.type for one in struct.fields if one.encode_name == name), None)
    return kind


def _alternatives(kind: inspect.Type | None) -> Iterable[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _alternatives(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _alternatives(one)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType):
        yield kind
        yield from _alternatives(kind.item_type)
    elif kind is not None:
        yield kind


def _values(kind: inspect.Type | None) -> list[str]:
    found: list[str] = []
    for one in _alternatives(kind):
        if isinstance(one, inspect.LiteralType):
            found += [str(value) for value in one.values]
        elif isinstance(one, inspect.EnumType):
            found += [str(member.value) for member in one.cls]
    return found


def _translated(message: str) -> Text:
    split = _AT.match(message)
    what, at = (split["what"], split["at"]) if split else (message, None)
    zh = _chinese(what)
    return Text(message, message if zh is None else zh if at is None else f"{at} {zh}")


def _chinese(what: str) -> str | None:
    for pattern, zh in _PATTERNS:
        if found := pattern.fullmatch(what):
            groups = [_word(one) for one in found.groups()]
            return zh.format(what, *groups)
    return None


def _word(one: str) -> str:
    return _COMPARED.get(one) or " 或 ".join(_KINDS.get(part, part) for part in one.split(" | "))


def wrong_id(prefix: str, value: str) -> Text:
    """What to say of a text that is no id of this kind."""
    shown = value[:60]
    return Text(
        f"an id of this kind must be {prefix}_ and 26 letters and digits, not {shown!r}",
        f"此类标识须为 {prefix}_ 加 26 位字母与数字，不能为 {shown!r}",
    )


def malformed(error: Exception) -> Text:
    """What the parser says of a body, in both languages."""
    if isinstance(error, UnicodeDecodeError):
        return Text("the body is not UTF-8", "请求内容不是 UTF-8 文本")
    return _translated(str(error))
