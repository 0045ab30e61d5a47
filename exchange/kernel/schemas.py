"""JSON Schemas of the documents people write, with refusals that a person can act on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from exchange.kernel.canonical import NotCanonical, check
from exchange.kernel.text import Text

# JSON Schema calls 1.0 an integer; what we sign holds no floats, so here it is none.
_STRICT = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_extend: Any = validators.extend
_Validator: Any = _extend(Draft202012Validator, type_checker=_STRICT)
_NOT_CANONICAL = Text(
    "holds a number that is not whole, or a text that is not Unicode; write amounts as text",
    "含有非整数数字或无效的 Unicode 文本；金额请以文本书写",
)
_WRONGS_MAX = 20
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
    """One fault in a document: where (a JSON pointer), and what would be right."""

    field: str
    why: Text


class Shape:
    """A JSON Schema, ready to check documents.

    A subschema may carry `x-expect: {"en": ..., "zh": ...}`: what to write there, in a person's words.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        """Prepare `schema`.

        errors   jsonschema's SchemaError for a schema that is none
        """
        Draft202012Validator.check_schema(schema)
        self.schema = schema
        self._validator = _Validator(schema)

    @classmethod
    def load(cls, package: str, name: str) -> Shape:
        """The schema that `package` ships as the file `name`."""
        return cls(json.loads(resources.files(package).joinpath(name).read_text(encoding="utf-8")))

    def wrongs(self, document: object) -> list[Wrong]:
        """What is wrong with `document`, at most 20 faults; nothing when it fits."""
        found: dict[tuple[str, str], Wrong] = {}
        for error in self._validator.iter_errors(document):
            wrong = _wrong(error)
            found.setdefault((wrong.field, wrong.why.en), wrong)
            if len(found) == _WRONGS_MAX:
                break
        if found:
            return list(found.values())
        try:
            check(document)
        except NotCanonical:
            return [Wrong("/", _NOT_CANONICAL)]
        return []


def pointer(*parts: object) -> str:
    """A JSON pointer (RFC 6901) from its parts; the whole document is `/`."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _wrong(error: ValidationError) -> Wrong:
    path = list(error.absolute_path)
    rule: str = str(error.validator)
    value: Any = error.validator_value
    schema = error.schema if isinstance(error.schema, dict) else {}
    if rule == "required" and isinstance(error.instance, dict):
        # jsonschema reports one error per missing name and says which only in its message.
        missing = next((name for name in value if error.message.startswith(f"{name!r} ")), "")
        return Wrong(pointer(*path, missing), Text("is missing", "缺失"))
    if rule == "additionalProperties" and isinstance(error.instance, dict):
        known = schema.get("properties", {})
        extra = next((name for name in error.instance if name not in known), "")
        names = ", ".join(known)
        return Wrong(
            pointer(*path, extra), Text(f"is not known here; known are {names}", f"未知字段；可用字段为 {names}")
        )
    return Wrong(pointer(*path), _expected(rule, value, schema))


def _expected(rule: str, value: Any, schema: dict[str, Any]) -> Text:
    if expect := schema.get("x-expect"):
        return Text(f"must be {expect['en']}", f"应为{expect['zh']}")
    if rule in ("enum", "const"):
        allowed = ", ".join(json.dumps(item, ensure_ascii=False) for item in (value if rule == "enum" else [value]))
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
