"""Licence terms as ODRL policies in the Dataspace Protocol's subset, and back.

Our own terms go there and back without loss of meaning. Of a foreign policy every clause is understood or refused by
its place; nothing is dropped, and nothing is read into it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contracts import odrl_profile as profile
from contracts.odrl_reading import Reader
from contracts.rights import BREAKS, PURPOSES, Duration, Duty, Exclusivity, Rights
from contracts.terms import Terms, load, parse
from exchange.kernel.errors import Problem

_Json = dict[str, Any]


def offer(document: Mapping[str, Any], policy_id: str, *, target: str | None = None, context: bool = True) -> _Json:
    """A terms document as an ODRL offer, with a target as it stands in a message.

    shapes   document: checked terms; context: whether the policy carries its own @context (not inside a message)
    errors   BadTerms
    """
    named = {} if target is None else {"target": target}
    return _policy(load(document), {"@id": policy_id, "@type": "Offer", **named}, context)


def agreement(
    document: Mapping[str, Any],
    policy_id: str,
    *,
    target: str,
    assigner: str,
    assignee: str,
    concluded_at: datetime,
    context: bool = True,
) -> _Json:
    """A terms document as an ODRL agreement between two parties over a dataset.

    errors   BadTerms
    """
    head = {
        "@id": policy_id,
        "@type": "Agreement",
        "target": target,
        "assigner": assigner,
        "assignee": assignee,
        "timestamp": concluded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    return _policy(load(document), head, context)


def terms_of(policy: object, *, prevailing_language: str | None = None) -> _Json | list[Problem]:
    """The terms document that a policy says, or the clauses that we do not understand.

    shapes   prevailing_language: where the policy itself does not say it; -> terms that `terms.parse` accepts
    """
    reader = Reader(policy, prevailing_language)
    document = reader.read()
    if reader.problems:
        return reader.problems
    found = parse(document)
    return document if isinstance(found, Terms) else found


def _policy(terms: Terms, head: _Json, context: bool) -> _Json:
    policy: _Json = {"@context": copy.deepcopy(profile.CONTEXT)} if context else {}
    policy |= {**head, "profile": profile.PROFILE, profile.LANGUAGE: terms.prevailing_language}
    if terms.spdx is not None:
        licence = _constraint(profile.LICENCE, "eq", terms.spdx)
        return {**policy, "permission": [{"action": profile.USE, "constraint": [licence]}]}
    ((rights,),) = terms.alternatives
    policy["permission"] = [{"action": profile.USE, "constraint": _constraints(rights)}]
    if prohibitions := _prohibitions(rights):
        policy["prohibition"] = prohibitions
    if duties := [_duty(one) for one in rights.conditions]:
        policy["obligation"] = duties
    return policy


def _constraints(rights: Rights) -> list[_Json]:
    found = [
        _constraint(profile.PURPOSE, "isAnyOf", [f"cx:{name}" for name in PURPOSES if name in rights.purposes]),
        _constraint(profile.COMMERCIAL, "isAnyOf", ["true", "false"] if rights.commercial else ["false"]),
    ]
    if rights.territory is not None:
        found.append(_constraint(profile.PLACE, "isAnyOf", sorted(rights.territory)))
    if rights.duration is not None:
        found.append(_constraint(profile.TIME, "lt", _period(rights.duration)))
    if rights.users is not None:
        found.append(_constraint(profile.USERS, "lteq", str(rights.users)))
    if rights.sites is not None:
        found.append(_constraint(profile.SITES, "lteq", str(rights.sites)))
    return found + _exclusivity(rights.exclusivity)


def _exclusivity(said: Exclusivity | None) -> list[_Json]:
    if said is None:
        return []
    kind = _constraint(profile.EXCLUSIVITY, "eq", f"cx:{said.kind}")
    return [kind] if said.months is None else [kind, _constraint(profile.EXCLUSIVITY_TIME, "lt", f"P{said.months}M")]


def _prohibitions(rights: Rights) -> list[_Json]:
    purposes = [f"cx:{name}" for name in PURPOSES if name in rights.prohibits]
    outputs = [profile.OUTPUT_VALUES[name] for name in BREAKS if name in rights.limits]
    rows = [(profile.PURPOSE, purposes), (profile.OUTPUT, outputs)]
    return [
        {"action": profile.USE, "constraint": [_constraint(operand, "isAnyOf", values)]}
        for operand, values in rows
        if values
    ]


def _duty(duty: Duty) -> _Json:
    constraints = []
    # What is due at the end by its name does not say it twice.
    if duty.when is not None and duty.duty != "delete_at_end":
        constraints.append(_constraint(profile.EVENT, "eq", f"cx:{duty.when}"))
    if duty.every is not None:
        constraints.append(_constraint(profile.INTERVAL, "eq", profile.PERIODS[duty.every]))
    if duty.within_days is not None:
        constraints.append(_constraint(profile.TIME, "lteq", f"P{duty.within_days}D"))
    found: _Json = {"action": profile.ACTIONS[duty.duty]}
    if constraints:
        found["constraint"] = constraints
    if duty.otherwise:
        found["consequence"] = [_duty(one) for one in duty.otherwise]
    return found


def _period(duration: Duration) -> str:
    return f"P{duration.months}M" if duration.months else f"P{duration.days}D"


def _constraint(operand: str, operator: str, value: str | list[str]) -> _Json:
    return {"leftOperand": operand, "operator": operator, "rightOperand": value}
