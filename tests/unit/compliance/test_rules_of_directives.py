"""Rules of directives without a database: what meets them, and which are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from compliance.directive_rules import RULES_MAX, Declared, Rule
from compliance.directives import may_issue
from exchange.kernel.actor import Actor
from tests.support.directives import order

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
POEMS = Declared("MIT OR (Apache-2.0 AND CC-BY-4.0)", "text", ("zh-Hans", "en"), "contains", True)


@pytest.mark.parametrize(
    ("asked", "met"),
    [
        ({"licence": "CC-BY-4.0"}, True),
        ({"licence": "mit"}, True),
        ({"licence": "Apache"}, False),
        ({"licence": "CC-BY"}, False),
        ({"modality": "text"}, True),
        ({"modality": "table"}, False),
        ({"language": "zh"}, True),
        ({"language": "ZH-hans"}, True),
        ({"language": "z"}, False),
        ({"language": "zh-Hant"}, False),
        ({"personal_data": "contains"}, True),
        ({"personal_data": "none"}, False),
        ({"cross_border": True}, True),
        ({"cross_border": False}, False),
        ({"licence": "MIT", "cross_border": True}, True),
        ({"licence": "MIT", "cross_border": False}, False),
    ],
)
def test_a_rule_asks_for_all_of_its_properties(asked: dict[str, Any], met: bool) -> None:
    assert Rule(**asked).meets(POEMS) is met


def test_a_rule_reads_on_one_line() -> None:
    rule = Rule(personal_data="contains", licence="MIT", cross_border=False)
    assert rule.name == "licence=MIT,personal_data=contains,cross_border=no"


@pytest.mark.parametrize(
    ("rules", "right"),
    [
        ((Rule(licence="MIT"),), True),
        ((Rule(cross_border=False),), True),
        ((), False),
        ((Rule(),), False),
        ((Rule(licence=""),), False),
        ((Rule(licence="MIT OR X"),), False),
        ((Rule(language="zh\x1b[2J"),), False),
        ((Rule(licence="MIT"), Rule(licence="MIT")), False),
        (tuple(Rule(licence=f"X{n}") for n in range(RULES_MAX)), True),
        (tuple(Rule(licence=f"X{n}") for n in range(RULES_MAX + 1)), False),
    ],
)
def test_a_directive_may_do_with_rules_alone(rules: tuple[Rule, ...], right: bool) -> None:
    someone = Actor(UUID(int=1), UUID(int=2), frozenset({"regulator"}), frozenset(), "jti")
    refused = may_issue(someone, replace(order("freeze"), rules=rules), NOW)
    assert (refused is None) is right, refused
