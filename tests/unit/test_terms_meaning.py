"""Own terms: what contradicts itself is refused, and every field has its sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.comparing import grants_no_less
from contracts.rights import DUTIES, Duty, Exclusivity
from contracts.terms import Terms, load, parse, plain_words
from tests.support.policies import FULL

OWN: dict[str, Any] = {"purposes": ["pretrain"], "commercial": True, "territory": "*", "duration": {"months": 12}}
ENDLESS = {**OWN, "duration": None}


def document(own: dict[str, Any]) -> dict[str, Any]:
    return {"type": "terms", "v": 1, "prevailing_language": "en", "own": own}


def terms_of(**more: Any) -> Terms:
    return load(document({**OWN, **more}))


CONTRADICTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({**OWN, "prohibits": ["pretrain"]}, "/own/prohibits", "both allows and forbids pretrain"),
    ({**ENDLESS, "delete_within_days": 30}, "/own/delete_within_days", "there is no end"),
    ({**ENDLESS, "delete_at_end": True}, "/own/delete_at_end", "there is no end"),
    ({**OWN, "delete_within_days": 30, "delete_at_end": False}, "/own/delete_within_days", "delete_at_end is false"),
    ({**OWN, "report_every": "month", "report_use": False}, "/own/report_every", "report_use is false"),
    ({**ENDLESS, "exclusivity": {"kind": "exclusive"}}, "/own/exclusivity", "for ever"),
    ({**ENDLESS, "exclusivity": {"kind": "sole"}}, "/own/exclusivity", "for ever"),
    ({**OWN, "exclusivity": {"kind": "sole", "months": 13}}, "/own/exclusivity/months", "longer than the terms"),
    (
        {**OWN, "duration": {"days": 27}, "exclusivity": {"kind": "sole", "months": 1}},
        "/own/exclusivity/months",
        "longer than the terms",
    ),
    ({**OWN, "exclusivity": {"kind": "none", "months": 3}}, "/own/exclusivity/months", "has no months"),
    ({**OWN, "exclusivity": {"kind": "sole"}, "share_alike": True}, "/own/exclusivity", "share_alike"),
    ({**OWN, "exclusivity": {"kind": "partly"}}, "/own/exclusivity/kind", "must be one of"),
    (
        {**OWN, "territory": ["CN", "UK"]},
        "/own/territory",
        "names UK, which is no country code of ISO 3166; GB is meant",
    ),
    ({**OWN, "territory": ["ZZ"]}, "/own/territory", "names ZZ"),
    ({**OWN, "sites": 0}, "/own/sites", "at least 1"),
    ({**OWN, "audit_right": "yes"}, "/own/audit_right", "true or false"),
    ({**OWN, "outputs": ["no_cats"]}, "/own/outputs/0", "must be one of"),
    ({**OWN, "report_every": "day"}, "/own/report_every", "must be one of"),
    ({**OWN, "duties": []}, "/own/duties", "at least 1"),
    ({**OWN, "duties": [{"duty": "sing"}]}, "/own/duties/0/duty", "must be one of"),
    ({**OWN, "attribution": True, "duties": [{"duty": "attribution"}]}, "/own/duties/0/duty", "twice"),
    ({**OWN, "report_every": "month", "duties": [{"duty": "report_use"}]}, "/own/duties/0/duty", "twice"),
    ({**OWN, "duties": [{"duty": "attribution"}] * 2}, "/own/duties/1/duty", "twice"),
    ({**OWN, "audit_right": False, "duties": [{"duty": "allow_audit"}]}, "/own/duties/0/duty", "audit_right is false"),
    (
        {**OWN, "duties": [{"duty": "delete_at_end", "when": "yearly"}]},
        "/own/duties/0/when",
        "can only be at_end",
    ),
    ({**ENDLESS, "duties": [{"duty": "notify", "when": "at_end"}]}, "/own/duties/0", "there is no end"),
    ({**OWN, "duties": [{"duty": "attribution", "within_days": 3}]}, "/own/duties/0/within_days", "from which moment"),
    ({**OWN, "duties": [{"duty": "compensate"}]}, "/own/duties/0/when", "is missing"),
    ({**OWN, "duties": [{"duty": "stop_use"}]}, "/own/duties/0/when", "is missing"),
    (
        {**OWN, "duties": [{"duty": "attribution", "else": [{"duty": "attribution"}]}]},
        "/own/duties/0/else/0/duty",
        "its own consequence",
    ),
    (
        {**OWN, "duties": [{"duty": "attribution", "else": [{"duty": "notify"}, {"duty": "notify"}]}]},
        "/own/duties/0/else/1/duty",
        "twice",
    ),
    (
        {**OWN, "duties": [{"duty": "attribution", "else": [{"duty": "notify", "when": "yearly"}]}]},
        "/own/duties/0/else/0/when",
        "not known here",
    ),
    (
        {
            **OWN,
            "duties": [
                {"duty": "attribution", "else": [{"duty": "notify", "else": [{"duty": "delete", "else": []}]}]},
            ],
        },
        "/own/duties/0/else/0/else/0/else",
        "not known here",
    ),
]


@pytest.mark.parametrize(("own", "field", "words"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused_where_it_does(own: dict[str, Any], field: str, words: str) -> None:
    problems = parse(document(own))
    assert isinstance(problems, list)
    told = {problem.fields["field"]: problem for problem in problems}
    assert field in told, {problem.fields["field"]: problem.detail("en") for problem in problems}
    assert words in told[field].detail("en")
    assert any("一" <= letter <= "鿿" for letter in told[field].detail("zh"))


def test_too_many_duties_are_refused() -> None:
    names = [name for name in DUTIES if name not in ("no_reidentification", "delete_at_end", "attribution")]
    five = [{"duty": name} for name in names[:5]]
    listed = [
        {"duty": name, "when": "yearly", "else": [one for one in five if one["duty"] != name]} for name in names[:9]
    ]
    problems = parse(document({**OWN, "duties": listed}))
    assert isinstance(problems, list)
    assert "more than 40" in problems[-1].detail("en")


def test_what_old_documents_say_is_what_they_said() -> None:
    """Every field is optional: terms of before have no new limits."""
    (rights,) = terms_of(users=5, attribution=True, delete_at_end=True, report_use=True).alternatives[0]
    assert rights.duties == {"attribution", "delete_at_end", "report_use"}
    assert (rights.sites, rights.outputs, rights.exclusivity, rights.details) == (None, frozenset(), None, ())
    assert [one.duty for one in rights.conditions] == ["attribution", "delete_at_end", "report_use"]


def test_the_same_said_twice_ways_is_the_same() -> None:
    assert terms_of(delete_within_days=30).alternatives == (
        terms_of(duties=[{"duty": "delete_at_end", "within_days": 30}]).alternatives
    )
    assert terms_of(attribution=True).alternatives == terms_of(duties=[{"duty": "attribution"}]).alternatives
    assert terms_of(audit_right=True).alternatives == terms_of(duties=[{"duty": "allow_audit"}]).alternatives


def test_all_fields_are_understood() -> None:
    ((rights,),) = load(document(FULL)).alternatives
    assert (rights.users, rights.sites, rights.exclusivity) == (50, 3, Exclusivity("sole", 6))
    assert rights.limits == {"no_competing_models", "label_synthetic", "no_reidentification"}
    assert (rights.delete_within_days, rights.report_every) == (30, "quarter")
    paths = [path for duty in rights.conditions for path, _ in duty.paths()]
    assert paths == [
        "attribution",
        "delete_at_end",
        "report_use",
        "keep_notices",
        "keep_notices/notify",
        "keep_notices/notify/compensate",
        "keep_notices/attribution",
        "allow_audit",
        "certify_deletion",
    ]


def test_every_field_has_its_sentence() -> None:
    words = plain_words(load(document(FULL))).document()
    may_not = [one["en"] for one in words["you_may_not"]]
    assert "make models that compete with the supplier's products" in may_not
    assert "publish generated content that is not marked as such" in may_not
    assert "use it at more than 3 sites" in may_not
    assert "be the only one who uses it beside the supplier for 6 months" in [one["en"] for one in words["you_may"]]
    must = {one["en"]: one["zh"] for one in words["you_must"]}
    assert (
        must["delete every copy when the agreement ends, within 30 days"] == "合约终止时删除全部副本，须在 30 天内完成"
    )
    assert must["report how it was used every quarter"] == "每季度报告使用情况"
    assert "let the supplier check how it is used" in must
    assert any("otherwise: make good the supplier's damage, within 30 days" in sentence for sentence in must)


@pytest.mark.parametrize(
    ("said", "where", "sentence"),
    [
        ({}, "unclear", "have it to yourself, without other buyers"),
        ({"exclusivity": {"kind": "none"}}, "you_may_not", "have it to yourself, without other buyers"),
        ({"exclusivity": {"kind": "exclusive"}}, "you_may", "be the only one who uses it"),
        ({"exclusivity": {"kind": "exclusive", "months": 1}}, "you_may", "be the only one who uses it for 1 month"),
        ({}, "you_may", "let any number of people use it"),
        ({}, "you_may", "use it at any number of sites"),
        ({"users": 2}, "you_may_not", "let more than 2 people use it"),
    ],
)
def test_what_is_said_and_what_is_not(said: dict[str, Any], where: str, sentence: str) -> None:
    words = plain_words(terms_of(**said)).document()
    found = [name for name in words if name != "instead" and sentence in [one["en"] for one in words[name]]]
    assert found == [where]


def test_exclusivity_ends_with_its_months_or_with_the_terms() -> None:
    start, zone = datetime(2026, 1, 31, 8, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
    end = datetime(2027, 1, 31, 8, tzinfo=UTC)
    assert Exclusivity("sole", 1).ends_at(start, end, zone) == datetime(2026, 2, 28, 8, tzinfo=UTC)
    assert Exclusivity("sole", 24).ends_at(start, end, zone) == end
    assert Exclusivity("sole").ends_at(start, end, zone) == end
    assert Exclusivity("sole").ends_at(start, None, zone) is None


@pytest.mark.parametrize(
    ("one", "other", "no_less"),
    [
        ({}, {}, True),
        ({"sites": 2}, {"sites": 1}, True),
        ({"sites": 1}, {"sites": 2}, False),
        ({"sites": 1}, {}, False),
        ({"outputs": ["no_military"]}, {}, False),
        ({}, {"outputs": ["no_military"]}, True),
        ({"no_reidentification": True}, {"no_reidentification": True}, True),
        ({"audit_right": True}, {}, False),
        ({"report_use": True}, {"report_every": "month"}, False),
        ({"report_every": "month"}, {"report_every": "month"}, True),
        ({}, {"duties": [{"duty": "notify", "when": "yearly"}]}, True),
        ({}, {"exclusivity": {"kind": "sole"}}, False),
        ({"exclusivity": {"kind": "exclusive"}}, {"exclusivity": {"kind": "sole"}}, True),
        ({"exclusivity": {"kind": "sole", "months": 3}}, {"exclusivity": {"kind": "sole", "months": 6}}, False),
        ({"exclusivity": {"kind": "none"}}, {}, True),
    ],
)
def test_which_terms_grant_no_less(one: dict[str, Any], other: dict[str, Any], no_less: bool) -> None:
    assert grants_no_less(terms_of(**one), terms_of(**other)) is no_less


def test_a_duty_is_read_with_its_consequences() -> None:
    ((rights,),) = terms_of(
        duties=[{"duty": "notify", "when": "yearly", "within_days": 1, "else": [{"duty": "stop_use"}]}]
    ).alternatives
    (duty,) = rights.conditions
    assert duty == Duty("notify", "yearly", 1, (Duty("stop_use"),))
    assert duty.text().en == "tell the supplier every year, within 1 day (otherwise: stop using the data)"
    assert duty.text().zh == "每年告知供应方，须在 1 天内完成（否则：停止使用数据）"
