"""Directives by rule: everything with declared properties, what is there when the directive is issued and what joins later. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.kernel.text import Text

RULES_MAX = 10
# What a directive catches by rules when it is issued; each is a row and an entry of the log, written in one transaction.
MATCHED_MAX = 5_000
# In the order in which they are shown; the types of their values are those of the catalogue.
PROPERTIES: Mapping[str, Text] = {
    "licence": Text("licence", "许可证"),
    "modality": Text("category", "数据类型"),
    "language": Text("language", "语言"),
    "personal_data": Text("personal data", "个人信息"),
    "cross_border": Text("may leave its country", "可出境"),
}
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,99}\Z")
_BETWEEN_NAMES = re.compile(r"[() ]+")
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a supplier declared of a dataset, as far as rules ask for it."""

    licence: str
    modality: str
    languages: tuple[str, ...]
    personal_data: str
    cross_border: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """Datasets that were declared to have all of these properties; one that is None is not asked for.

    shapes   `licence` is one name of an SPDX expression: "MIT" meets "MIT OR Apache-2.0"; `language` meets its regions: "zh"
             meets "zh-Hans"; `cross_border` is whether a basis was declared on which it may leave its country
    """

    licence: str | None = None
    modality: str | None = None
    language: str | None = None
    personal_data: str | None = None
    cross_border: bool | None = None

    def document(self) -> dict[str, str]:
        """As it is shown and hashed."""
        given = {name: getattr(self, name) for name in PROPERTIES}
        flag = given["cross_border"]
        return {
            **{name: value for name, value in given.items() if value is not None},
            **({} if flag is None else {"cross_border": YES if flag else NO}),
        }

    @property
    def name(self) -> str:
        """On one line: licence=MIT,modality=text."""
        return ",".join(f"{name}={value}" for name, value in self.document().items())

    def meets(self, one: Declared) -> bool:
        """Whether a dataset is what the rule means."""
        return (
            (self.licence is None or self.licence.lower() in names_in(one.licence))
            and (self.modality is None or self.modality == one.modality)
            and (self.language is None or any(_is_of(each, self.language) for each in one.languages))
            and (self.personal_data is None or self.personal_data == one.personal_data)
            and (self.cross_border is None or self.cross_border == one.cross_border)
        )


def names_in(expression: str) -> frozenset[str]:
    """The names in an SPDX expression, in lower case."""
    return frozenset(one for one in _BETWEEN_NAMES.split(expression.lower()) if one)


def fault_of_rules(rules: tuple[Rule, ...]) -> Text | None:
    """What rules lack, or None."""
    given = [one.document() for one in rules]
    if len(rules) > RULES_MAX or len({one.name for one in rules}) != len(rules):
        return Text(f"at most {RULES_MAX} rules, each once", f"不超过 {RULES_MAX} 条且互不重复的规则")
    if any(not one or not all(map(_VALUE.match, one.values())) for one in given):
        return Text("in each rule at least one property with a plain value", "每条规则至少一项属性及其取值")
    return None


def _is_of(tag: str, language: str) -> bool:
    return tag.lower() == language.lower() or tag.lower().startswith(f"{language.lower()}-")
