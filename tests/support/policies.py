"""The shape of a policy in the Dataspace Protocol, and terms that use the whole vocabulary."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from contracts.rights import DUTIES, PURPOSES

_TEXT = {"type": "string"}
_CONSTRAINTS = {"type": "array", "items": {"$ref": "#/$defs/constraint"}}
_DUTY_LIST = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/duty"}}
# What the protocol's contract negotiation asks of Offer and Agreement, written down from its text (section 7, policies).
DSP_POLICY: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["@id", "@type"],
    "properties": {
        "@id": _TEXT,
        "profile": {"type": ["string", "array"]},
        "permission": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/permission"}},
        "prohibition": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/prohibition"}},
        "obligation": _DUTY_LIST,
    },
    "anyOf": [{"required": ["permission"]}, {"required": ["prohibition"]}],
    "oneOf": [
        {"properties": {"@type": {"const": "Offer"}, "target": _TEXT}},
        {
            "properties": {
                "@type": {"const": "Agreement"},
                "target": _TEXT,
                "assigner": _TEXT,
                "assignee": _TEXT,
                "timestamp": {
                    "type": "string",
                    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
                },
            },
            "required": ["target", "assigner", "assignee"],
        },
    ],
    "$defs": {
        "permission": {
            "type": "object",
            "required": ["action"],
            "properties": {"action": _TEXT, "constraint": _CONSTRAINTS, "duty": _DUTY_LIST},
        },
        "prohibition": {
            "type": "object",
            "required": ["action"],
            "properties": {"action": _TEXT, "constraint": _CONSTRAINTS, "remedy": _DUTY_LIST},
        },
        "duty": {
            "type": "object",
            "required": ["action"],
            "properties": {"action": _TEXT, "constraint": _CONSTRAINTS, "consequence": _DUTY_LIST},
        },
        "constraint": {
            "type": "object",
            "required": ["leftOperand", "operator", "rightOperand"],
            "properties": {
                "leftOperand": _TEXT,
                "operator": {
                    "enum": [
                        "eq",
                        "gt",
                        "gteq",
                        "lteq",
                        "hasPart",
                        "isA",
                        "isAllOf",
                        "isAnyOf",
                        "isNoneOf",
                        "isPartOf",
                        "lt",
                        "term-lteq",
                        "neq",
                    ]
                },
                "rightOperand": {"type": ["string", "object", "array"]},
            },
        },
    },
}
# Every field of own terms at once.
FULL: dict[str, Any] = {
    "purposes": ["pretrain", "fine_tune", "evaluate"],
    "prohibits": ["redistribute"],
    "commercial": True,
    "territory": ["CN", "HK"],
    "duration": {"months": 12},
    "users": 50,
    "sites": 3,
    "attribution": True,
    "no_reidentification": True,
    "audit_right": True,
    "outputs": ["no_competing_models", "label_synthetic"],
    "exclusivity": {"kind": "sole", "months": 6},
    "delete_within_days": 30,
    "report_every": "quarter",
    "duties": [
        {
            "duty": "keep_notices",
            "when": "on_publication",
            "else": [
                {"duty": "notify", "within_days": 14, "else": [{"duty": "compensate", "within_days": 30}]},
                {"duty": "attribution"},
            ],
        },
        {"duty": "certify_deletion", "when": "at_end", "within_days": 60},
    ],
}
_NAMES = [name for name in DUTIES if name != "no_reidentification"]
_DAYS = st.integers(1, 3650)


def _consequences(deep: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    rest = {"within_days": _DAYS} if deep == 0 else {"within_days": _DAYS, "else": _consequences(deep - 1)}
    one = st.fixed_dictionaries({"duty": st.sampled_from(_NAMES)}, optional=rest)
    return st.lists(one, min_size=1, max_size=2, unique_by=lambda duty: duty["duty"])


_DUTY = st.fixed_dictionaries(
    {"duty": st.sampled_from(_NAMES), "when": st.sampled_from(["at_end", "on_publication", "yearly", "on_request"])},
    optional={"within_days": _DAYS, "else": _consequences(1)},
)
# Own terms of every kind; those that contradict themselves are left out by whoever draws them.
OWN_TERMS = st.fixed_dictionaries(
    {
        "purposes": st.lists(st.sampled_from(list(PURPOSES)), min_size=1, unique=True),
        "commercial": st.booleans(),
        "territory": st.one_of(
            st.just("*"), st.lists(st.sampled_from(["CN", "HK", "DE", "US"]), min_size=1, unique=True)
        ),
        "duration": st.one_of(
            st.none(),
            st.fixed_dictionaries({"days": st.integers(1, 400)}),
            st.fixed_dictionaries({"months": st.integers(1, 40)}),
        ),
    },
    optional={
        "prohibits": st.lists(st.sampled_from(list(PURPOSES)), unique=True),
        "users": st.one_of(st.none(), st.integers(1, 100)),
        "sites": st.one_of(st.none(), st.integers(1, 100)),
        **{
            flag: st.booleans()
            for flag in (
                "attribution", "share_alike", "no_reidentification", "report_use", "delete_at_end", "audit_right",
            )
        },
        "outputs": st.lists(
            st.sampled_from(
                ["no_competing_models", "no_verbatim_output", "label_synthetic", "no_biometrics", "no_military"]
            ),
            unique=True,
        ),
        "exclusivity": st.fixed_dictionaries(
            {"kind": st.sampled_from(["none", "sole", "exclusive"])}, optional={"months": st.integers(1, 12)}
        ),
        "delete_within_days": _DAYS,
        "report_every": st.sampled_from(["month", "quarter", "year"]),
        "duties": st.lists(_DUTY, min_size=1, max_size=3, unique_by=lambda duty: duty["duty"]),
    },
)  # fmt: skip
