"""JSON Schemas of the documents people write, with refusals that a person can act on."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from exchange.kernel.canonical import NotCanonical, check
from exchange.kernel.meant import nearest, other_word, rewrites
from exchange.kernel.text import Text

# JSON Schema calls 1.0 an integer; what we sign holds no floats, so here it is none.
_STRICT = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_extend: Any = validators.extend


def _unique(_: object, wanted: bool, value: object, schema: dict[str, Any]) -> Iterator[ValidationError]:
    """`uniqueItems` for lists of texts that are not too long; a list that is no such list is refused for that already.

    jsonschema's own compares values that cannot be sorted pair by pair, before `maxItems` could stop it.
    """
    if not wanted or not isinstance(value, list) or len(value) > schema.get("maxItems", len(value)):
        return
    if all(isinstance(one, str) for one in value) and len(set(value)) < len(value):
        yield ValidationError("has non-unique elements")


def _items(validator: Any, wanted: Any, value: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    """`items`, without the items that are too many: the list is refused for those anyway."""
    if isinstance(value, list) and len(value) > (most := schema.get("maxItems", len(value))):
        value = value[:most]
    yield from Draft202012Validator.VALIDATORS["items"](validator, wanted, value, schema)


_KEYWORDS = {"uniqueItems": _unique, "items": _items}
_Validator: Any = _extend(Draft202012Validator, _KEYWORDS, type_checker=_STRICT)
_NOT_CANONICAL = Text(
    "holds a number that is not whole, or a text that is not Unicode; write amounts as text",
    "含有非整数数字或无效的 Unicode 文本；金额请以文本书写",
)
_WRONGS_MAX = 20
# Two prices in each of a thousand tiers, and more; a document with more faults than this is refused anyway.
_SETTLED_MAX = 5_000
_SHOWN_MAX = 60
_CHINESE_SIGNS = "：，；｛｝［］“”‘’（）"
_TYPES = {
    "object": Text("an object", "对象"),
    "array": Text("a list", "数组"),
    "string": Text("a text", "字符串"),
    "integer": Text("a whole number", "整数"),
    "boolean": Text("true or false", "true 或 false"),
    "null": Text("null", "null"),
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One fault in a document: where (a JSON pointer), and what would be right.

    `missing` is the field that the fault leaves open: a required name that is not there.
    """

    field: str
    why: Text
    missing: str | None = None
    meant: str | None = None


class Shape:
    """A JSON Schema, ready to check documents.

    A subschema may carry `x-expect: {"en": ..., "zh": ...}`: what to write there, in a person's words; and
    `x-meant: {"other word": "right word"}`: what people write instead of a name or a value that it knows.
    """

    def __init__(self, schema: dict[str, Any], *, checked: bool = False) -> None:
        """Prepare `schema`.

        errors   jsonschema's SchemaError for a schema that is none
        """
        if not checked:
            Draft202012Validator.check_schema(schema)
        self.schema = schema
        self._validator = _Validator(schema)

    @classmethod
    def load(cls, package: str, name: str) -> Shape:
        """The schema that `package` ships as the file `name`; a test checks those, which takes a tenth of a second each."""
        return cls(json.loads(resources.files(package).joinpath(name).read_text(encoding="utf-8")), checked=True)

    def wrongs(self, document: object) -> list[Wrong]:
        """What is wrong with `document`, at most 20 faults; nothing when it fits."""
        found: dict[tuple[str, str], Wrong] = {}
        for wrong in self._faults(document):
            found.setdefault((wrong.field, wrong.why.en), wrong)
            if len(found) == _WRONGS_MAX:
                break
        if found:
            return _without_echoes(list(found.values()))
        try:
            check(document)
        except NotCanonical:
            return [Wrong("/", _NOT_CANONICAL)]
        return []

    def settled(self, document: Any) -> Any:
        """The document with whole numbers as text wherever only a text of digits is right.

        Whoever writes by hand writes 300 and means "300"; a number is exact until it has a point, and those were
        read as text. Nothing else is changed.
        """
        faults = [
            list(error.absolute_path)
            for error in islice(self._validator.iter_errors(document), _SETTLED_MAX)
            if error.validator == "type" and type(error.instance) is int and _takes_text(error)
        ]
        if not all(faults):
            return document
        made = copy.deepcopy(document) if faults else document
        for *path, last in faults:
            holder = made
            for part in path:
                holder = holder[part]
            holder[last] = str(holder[last])
        return made

    def _faults(self, document: object) -> Iterator[Wrong]:
        for error in self._validator.iter_errors(document):
            yield from self._fault(error)

    def _fault(self, error: ValidationError) -> Iterator[Wrong]:
        path = list(error.absolute_path)
        rule: str = str(error.validator)
        value: Any = error.validator_value
        schema = error.schema if isinstance(error.schema, dict) else {}
        if rule == "required" and isinstance(error.instance, dict):
            # jsonschema reports one error per missing name and says which only in its message.
            name = next((name for name in value if error.message.startswith(f"{name!r} ")), "")
            yield Wrong(pointer(*path, name), self._missing(schema, name), missing=name)
            return
        if rule == "additionalProperties" and isinstance(error.instance, dict):
            known = schema.get("properties", {})
            for name in error.instance:
                if name not in known:
                    yield _unknown(path, name, list(known), schema.get("x-meant", {}))
            return
        if "propertyNames" in error.schema_path:
            path.append(str(error.instance))
        why = _expected(rule, value, schema)
        yield Wrong(pointer(*path), self._hinted(why, error, schema))

    def _missing(self, schema: dict[str, Any], name: str) -> Text:
        """What should stand where nothing stands."""
        wanted = schema.get("properties", {}).get(name)
        while isinstance(wanted, dict) and "x-expect" not in wanted and "$ref" in wanted:
            wanted = self.schema.get("$defs", {}).get(wanted["$ref"].removeprefix("#/$defs/"))
        expect = wanted.get("x-expect") if isinstance(wanted, dict) else None
        if expect:
            return Text(f"is missing; write {expect['en']}", f"缺失；应为{_spaced(expect['zh'])}")
        if isinstance(wanted, dict) and ("const" in wanted or "enum" in wanted):
            allowed = _listed(_allowed(wanted))
            one = Text("write", "请写") if "const" in wanted else Text("write one of", "可选")
            return Text(f"is missing; {one.en} {allowed}", f"缺失；{one.zh} {allowed}")
        return Text("is missing", "缺失")

    def _hinted(self, why: Text, error: ValidationError, schema: dict[str, Any]) -> Text:
        """What is expected, what was written instead, and how to write it."""
        written = error.instance
        if not isinstance(written, str | int | float) or isinstance(written, bool):
            return why
        shown = _shown(written)
        if isinstance(written, str) and schema.get("type") in ("object", "array"):
            if any(sign in written for sign in _CHINESE_SIGNS):
                return Text(
                    f"{why.en}, not the text {shown}; its punctuation is Chinese, write : and , instead of ： and ，",
                    f"{why.zh}，而不是文本 {shown}；请将全角标点 ：， 改为半角 : ,",
                )
            return Text(f"{why.en}, not {shown}", f"{why.zh}，而不是 {shown}")
        right = self._right(written, schema)
        if right is None:
            return Text(f"{why.en}, not {shown}", f"{why.zh}，而不是 {shown}")
        return Text(f"{why.en}, not {shown} (did you mean {right}?)", f"{why.zh}，而不是 {shown}（是否想写 {right}？）")

    def _right(self, written: str | float, schema: dict[str, Any]) -> str | None:
        """How to write what was probably meant, as JSON; None where nothing suggests itself."""
        meant: dict[str, str] = schema.get("x-meant", {})
        known = _allowed(schema)
        words = [one for one in known if isinstance(one, str)]
        if isinstance(written, str) and (word := other_word(written, meant)) is not None:
            return "null" if word == "null" and None in known else _shown(word)
        validator = self._validator.evolve(schema=schema)
        for value in rewrites(written):
            if validator.is_valid(value):
                return _shown(value)
        near = nearest(written, words, meant) if isinstance(written, str) else None
        return None if near is None else "null" if near == "null" else _shown(near)


def pointer(*parts: object) -> str:
    """A JSON pointer (RFC 6901) from its parts; the whole document is `/`."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _allowed(schema: dict[str, Any]) -> list[Any]:
    """The values that a schema lists."""
    listed = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    return [*listed, *(value for part in schema.get("anyOf", ()) for value in _allowed(part))]


def _takes_text(error: ValidationError) -> bool:
    schema = error.schema if isinstance(error.schema, dict) else {}
    return schema.get("type") == "string" and re.search(schema.get("pattern", "(?!)"), str(error.instance)) is not None


def _without_echoes(wrongs: list[Wrong]) -> list[Wrong]:
    """Leave out "is missing" where an unknown name beside it was meant to be that one: one mistake, one message."""
    repaired = {(wrong.field.rpartition("/")[0], wrong.meant) for wrong in wrongs if wrong.meant}
    return [w for w in wrongs if w.missing is None or (w.field.rpartition("/")[0], w.missing) not in repaired]


def _unknown(path: list[Any], name: str, known: list[str], also: dict[str, str]) -> Wrong:
    names = ", ".join(known)
    meant = nearest(name, known, also)
    if name.isdigit():
        why = Text(
            "is not known here; a comma inside a number splits it, write 1000 and not 1,000",
            "未知字段；数字中的逗号会将其拆开，请写 1000 而不是 1,000",
        )
    elif meant is None:
        why = Text(f"is not known here; known are {names}", f"未知字段；可用字段为 {names}")
    else:
        why = Text(
            f"is not known here (did you mean {meant}?); known are {names}",
            f"未知字段（是否想写 {meant}？）；可用字段为 {names}",
        )
    return Wrong(pointer(*path, name), why, meant=meant)


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + " …"


def _spaced(chinese: str) -> str:
    return f" {chinese}" if chinese[:1].isascii() else chinese


def _listed(values: list[Any]) -> str:
    return ", ".join(json.dumps(item, ensure_ascii=False) for item in values)


def _expected(rule: str, value: Any, schema: dict[str, Any]) -> Text:
    if expect := schema.get("x-expect"):
        return Text(f"must be {expect['en']}", f"应为{_spaced(expect['zh'])}")
    if rule in ("enum", "const"):
        allowed = _listed(value if rule == "enum" else [value])
        return Text(f"must be one of {allowed}", f"必须是以下之一：{allowed}")
    if rule == "type":
        kinds = [_TYPES.get(name, Text(name, name)) for name in ([value] if isinstance(value, str) else value)]
        return Text("must be " + " or ".join(k.en for k in kinds), "必须是" + "或".join(k.zh for k in kinds))
    limits = {
        "minimum": Text(f"must be at least {value}", f"不得小于 {value}"),
        "maximum": Text(f"must be at most {value}", f"不得大于 {value}"),
        "minItems": Text(f"must have at least {value} items", f"至少应有 {value} 项"),
        "maxItems": Text(f"must have at most {value} items", f"最多 {value} 项"),
        "minLength": Text(f"must have at least {value} letters", f"至少 {value} 个字符"),
        "maxLength": Text(f"must have at most {value} letters", f"最多 {value} 个字符"),
        "minProperties": Text(f"must have at least {value} fields", f"至少应有 {value} 个字段"),
        "maxProperties": Text(f"must have at most {value} fields", f"最多 {value} 个字段"),
        "uniqueItems": Text("must not name anything twice", "不得重复"),
        "pattern": Text(f"must match {value}", f"必须符合 {value}"),
    }
    return limits.get(rule, Text(f"breaks the rule {rule}", f"违反规则 {rule}"))
