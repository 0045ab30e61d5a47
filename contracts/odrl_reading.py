"""Reading a policy clause by clause: each is understood, or named as foreign."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from contracts import odrl_profile as profile
from contracts.problems import POLICY_CLAUSE
from contracts.rights import EXCLUSIVITIES, WHENS
from exchange.kernel.errors import Problem
from exchange.kernel.schemas import pointer
from exchange.kernel.text import Text

_PROBLEMS_MAX = 20
_DEPTH_MAX, _DUTY_LEVELS = 6, 3
_RULES_MAX, _VALUES_MAX = 100, 250
_DURATION = re.compile(r"P([1-9][0-9]{0,5})([DMY])\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}\Z")
_CONTEXTS = ("https://w3id.org/dspace/2024/1/context.json", profile.DSP_CONTEXT)
_HEAD = frozenset({
    "@context", "@id", "@type", "profile", "target", "assigner", "assignee", "timestamp",
    "permission", "prohibition", "obligation", profile.LANGUAGE,
})  # fmt: skip
_DUTIES = {action: name for name, action in profile.ACTIONS.items()}
_OUTPUTS = {value: limit for limit, value in profile.OUTPUT_VALUES.items()}
_FLAGS = {
    "attribution": "attribution",
    "share_alike": "share_alike",
    "delete_at_end": "delete_at_end",
    "report_use": "report_use",
    "allow_audit": "audit_right",
}

_NO_OBJECT = Text("is not an object", "应为对象")
_NO_LIST = Text("is not a list", "应为列表")
_NO_TEXT = Text("is not a text", "应为文本")
_UNKNOWN_FIELD = Text("is a clause that this profile does not have", "不是本平台支持的条款")
_NO_POLICY = Text("is neither Offer nor Agreement", "既不是 Offer 也不是 Agreement")
_CONTEXT = Text("changes the meaning of names in a way that we do not know", "以未知方式改变了名称的含义")
_PROFILE = Text(f"is not {profile.PROFILE}", f"不是 {profile.PROFILE}")
_LANGUAGE = Text(
    "must say en or zh: the text that counts where the two differ", "须为 en 或 zh，即两种文本不一致时的优先文本"
)
_ONE_PERMISSION = Text(
    "is a second permission; write alternatives as offers of their own", "是第二项许可；请将备选方案写成单独的报价方案"
)
_NO_PERMISSION = Text("is missing: nothing is permitted", "缺失：未许可任何用途")
_ACTION = Text("is an action that this profile does not have", "不是本平台支持的行为")
_ONLY_USE = Text("must be use; what for stands in a purpose constraint", "应为 use，具体用途写在 purpose 约束中")
_NO_PURPOSE = Text("names no purpose, and none is assumed", "未写明用途，平台不作推定")
_COMMERCIAL = Text(
    "does not settle commercial use; add a constraint with cx:commercial", "未明确商业使用，请添加 cx:commercial 约束"
)
_LOGIC = Text("combines constraints in a way that this profile does not have", "以本平台不支持的方式组合约束")
_OPERAND = Text("is an operand that this profile does not have here", "不是此处支持的左操作数")
_OPERATOR = Text("must be {wanted}", "应为 {wanted}")
_VALUE = Text("is a value that this profile does not have", "不是本平台支持的取值")
_NEAR = Text("is not exactly one of our purposes; it could mean {names}", "与本平台的用途不完全对应，可能指 {names}")
_NO_DURATION = Text("must be a period such as P30D, P12M or P1Y", "应为期间，例如 P30D、P12M 或 P1Y")
_NO_COUNTRY = Text("must be ISO 3166 codes such as CN", "应为 ISO 3166 国家或地区代码，例如 CN")
_NO_NUMBER = Text('must be a whole number as text, such as "50"', '应为文本形式的整数，例如 "50"')
_TWICE = Text("is said twice", "重复出现")
_ONE_CONSTRAINT = Text("must have exactly one constraint", "必须有且仅有一个约束")
_ALONE = Text(
    "stands beside an SPDX licence, which says everything by itself", "与 SPDX 许可证并列，而许可证本身已包含全部条款"
)
_TOO_DEEP = Text("is nested too deep", "嵌套过深")
_TOO_MANY = Text("has too many entries", "条目过多")


class Reader:
    """Reads one policy; `problems` then has the clauses that it did not understand, at most 20."""

    def __init__(self, policy: object, prevailing_language: str | None) -> None:
        """Prepare to read `policy`."""
        self.problems: list[Problem] = []
        self._policy = policy
        self._language = prevailing_language
        self._own: dict[str, Any] = {}
        self._outputs: list[str] = []
        self._duties: list[dict[str, Any]] = []
        self._spdx: str | None = None
        self._not_commercial = False

    def read(self) -> dict[str, Any]:
        """The terms document as far as it was understood; only whole when there are no problems."""
        policy = self._object(self._policy, ())
        if policy is None:
            return {}
        self._head(policy)
        self._permission(policy)
        for index, rule in enumerate(self._list(policy.get("prohibition", []), ("prohibition",))):
            self._prohibition(rule, ("prohibition", index))
        for index, rule in enumerate(self._list(policy.get("obligation", []), ("obligation",))):
            self._obligation(rule, ("obligation", index))
        head = {"type": "terms", "v": 1, "prevailing_language": self._language}
        if self._spdx is not None:
            for name in ("prohibition", "obligation"):
                if policy.get(name):
                    self._wrong((name,), _ALONE)
            return {**head, "spdx": self._spdx}
        if not self.problems:
            self._settled()
        return {**head, "own": self._finished()}

    def _head(self, policy: Mapping[str, Any]) -> None:
        self._only(policy, _HEAD, ())
        if policy.get("@type") not in ("Offer", "Agreement"):
            self._wrong(("@type",), _NO_POLICY)
        contexts = policy.get("@context", [])
        for index, one in enumerate(contexts if isinstance(contexts, list) else [contexts]):
            # An object may only name prefixes, and each as we know it.
            if not (one.items() <= profile.PREFIXES.items() if _is_prefixes(one) else one in _CONTEXTS):
                self._wrong(("@context", index), _CONTEXT)
        profiles = policy.get("profile", profile.PROFILE)
        if profiles not in (profile.PROFILE, [profile.PROFILE]):
            self._wrong(("profile",), _PROFILE)
        for name in ("@id", "target", "assigner", "assignee", "timestamp"):
            if name in policy and not isinstance(policy[name], str):
                self._wrong((name,), _NO_TEXT)
        self._language = policy.get(profile.LANGUAGE, self._language)
        if self._language not in ("en", "zh"):
            self._wrong((profile.LANGUAGE,), _LANGUAGE)

    def _permission(self, policy: Mapping[str, Any]) -> None:
        rules = self._list(policy.get("permission", []), ("permission",))
        if not rules:
            self._wrong(("permission",), _NO_PERMISSION)
            return
        for index in range(1, len(rules)):
            self._wrong(("permission", index), _ONE_PERMISSION)
        at = ("permission", 0)
        rule = self._object(rules[0], at)
        if rule is None:
            return
        self._only(rule, {"action", "constraint", "duty"}, at)
        if rule.get("action") not in (profile.USE, f"odrl:{profile.USE}"):
            self._wrong((*at, "action"), _ONLY_USE)
        for where, one in self._constraints(rule.get("constraint", []), (*at, "constraint")):
            self._condition(one, where)
        for index, duty in enumerate(self._list(rule.get("duty", []), (*at, "duty"))):
            self._obligation(duty, (*at, "duty", index))
        if self._spdx is not None and (self._own or self._duties):
            self._wrong((*at, "constraint"), _ALONE)

    def _condition(self, one: Mapping[str, Any], at: tuple[Any, ...]) -> None:
        """One constraint of the permission."""
        operand = one["leftOperand"]
        if operand == profile.PURPOSE:
            self._say("purposes", self._purposes(one, at), at)
        elif operand == profile.COMMERCIAL:
            values = set(self._values(one, at))
            if values not in ({"true", "false"}, {"false"}):
                self._wrong((*at, "rightOperand"), _VALUE)
            self._say("commercial", "true" in values, at)
        elif operand == profile.PLACE:
            places = self._values(one, at)
            if not all(_COUNTRY.match(place) for place in places):
                self._wrong((*at, "rightOperand"), _NO_COUNTRY)
            self._say("territory", places, at)
        elif operand == profile.TIME:
            self._say("duration", self._duration(one, at, "lt"), at)
        elif operand in (profile.USERS, profile.SITES):
            self._say(operand.removeprefix("cx:"), self._number(one, at), at)
        elif operand == profile.EXCLUSIVITY:
            kind = self._one_of(one, at, {f"cx:{name}": name for name in EXCLUSIVITIES})
            self._say("exclusivity", kind, at)
        elif operand == profile.EXCLUSIVITY_TIME:
            self._say("exclusive_for", self._duration(one, at, "lt").get("months"), at)
            if self._own["exclusive_for"] is None:
                self._wrong((*at, "rightOperand"), _NO_DURATION)
        elif operand == profile.LICENCE and self._spdx is None:
            self._spdx = self._text(one, at, "eq")
        else:
            self._wrong((*at, "leftOperand"), _TWICE if operand == profile.LICENCE else _OPERAND)

    def _prohibition(self, rule: object, at: tuple[Any, ...]) -> None:
        found = self._object(rule, at)
        if found is None:
            return
        self._only(found, {"action", "constraint"}, at)
        action = found.get("action")
        if action == "cc:CommercialUse" and not found.get("constraint"):
            self._not_commercial = True
            return
        if action not in (profile.USE, f"odrl:{profile.USE}"):
            self._wrong((*at, "action"), _ACTION)
        constraints = self._constraints(found.get("constraint", []), (*at, "constraint"))
        if len(constraints) != 1:
            self._wrong((*at, "constraint"), _ONE_CONSTRAINT)
            return
        ((where, one),) = constraints
        if one["leftOperand"] == profile.PURPOSE:
            self._own.setdefault("prohibits", []).extend(self._purposes(one, where))
        elif one["leftOperand"] == profile.OUTPUT:
            for value in self._values(one, where):
                if value in _OUTPUTS:
                    self._outputs.append(_OUTPUTS[value])
                else:
                    self._wrong((*where, "rightOperand"), _VALUE)
        else:
            self._wrong((*where, "leftOperand"), _OPERAND)

    def _obligation(self, rule: object, at: tuple[Any, ...]) -> None:
        duty = self._duty(rule, at, deep=0)
        if duty is not None:
            self._duties.append(duty)

    def _duty(self, rule: object, at: tuple[Any, ...], deep: int) -> dict[str, Any] | None:
        found = self._object(rule, at)
        if found is None:
            return None
        if deep >= _DUTY_LEVELS:
            self._wrong(at, _TOO_DEEP)
            return None
        self._only(found, {"action", "constraint", "consequence"}, at)
        action = found.get("action")
        name = _DUTIES.get(action.removeprefix("odrl:")) if isinstance(action, str) else None
        if name is None:
            self._wrong((*at, "action"), _ACTION)
            return None
        duty: dict[str, Any] = {"duty": name}
        value: object
        for where, one in self._constraints(found.get("constraint", []), (*at, "constraint")):
            operand = one["leftOperand"]
            if operand == profile.EVENT and not deep:
                key, value = "when", self._one_of(one, where, {f"cx:{when}": when for when in WHENS})
            elif operand == profile.INTERVAL:
                key, value = "every", self._one_of(one, where, {v: k for k, v in profile.PERIODS.items()})
            elif operand == profile.TIME:
                key, value = "within_days", self._duration(one, where, "lteq").get("days")
                if value is None:
                    self._wrong((*where, "rightOperand"), _NO_DURATION)
            else:
                self._wrong((*where, "leftOperand"), _OPERAND)
                continue
            if key in duty:
                self._wrong(where, _TWICE)
            duty[key] = value
        below = [
            self._duty(one, (*at, "consequence", index), deep + 1)
            for index, one in enumerate(self._list(found.get("consequence", []), (*at, "consequence")))
        ]
        if below:
            duty["else"] = [one for one in below if one is not None]
        if "every" in duty and (name != "report_use" or set(duty) != {"duty", "every"} or deep):
            self._wrong(at, _UNKNOWN_FIELD)
        return duty

    def _settled(self) -> None:
        """Name what our terms must say and the policy does not; a prohibition counts before a permission."""
        if self._not_commercial:
            self._own["commercial"] = False
        if "purposes" not in self._own:
            self._wrong(("permission", 0), _NO_PURPOSE)
        if "commercial" not in self._own:
            self._wrong(("permission", 0), _COMMERCIAL)

    def _finished(self) -> dict[str, Any]:
        """Own terms in their short form: a duty of which only the name is said is a flag."""
        own = {"territory": "*", "duration": None, **self._own}
        months = own.pop("exclusive_for", None)
        if "exclusivity" in own or months is not None:
            own["exclusivity"] = {"kind": own.get("exclusivity"), **({} if months is None else {"months": months})}
        listed = []
        for duty in self._duties:
            name, said = duty["duty"], set(duty) - {"duty"}
            if not said and name in _FLAGS and _FLAGS[name] not in own:
                own[_FLAGS[name]] = True
            elif said == {"every"} and "report_every" not in own:
                own["report_every"] = duty["every"]
            elif name == "delete_at_end" and said == {"within_days"} and "delete_within_days" not in own:
                own["delete_within_days"] = duty["within_days"]
            else:
                listed.append(duty)
        if listed:
            own["duties"] = listed
        if "no_reidentification" in self._outputs:
            own["no_reidentification"] = True
        if outputs := [name for name in self._outputs if name != "no_reidentification"]:
            own["outputs"] = outputs
        return own

    def _say(self, name: str, value: object, at: tuple[Any, ...]) -> None:
        if name in self._own:
            self._wrong((*at, "leftOperand"), _TWICE)
        self._own[name] = value

    def _constraints(
        self, found: object, at: tuple[Any, ...], deep: int = 0
    ) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """Atomic constraints with their places; what holds together with `and` is written out."""
        atoms: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        for index, entry in enumerate(self._list(found, at)):
            where = (*at, index)
            one = self._object(entry, where)
            if one is None:
                continue
            if set(one) == {"and"} and deep < _DEPTH_MAX:
                atoms += self._constraints(one["and"], (*where, "and"), deep + 1)
            elif logic := sorted({"and", "or", "xone", "andSequence"} & set(one)):
                self._wrong((*where, logic[0]), _LOGIC)
            elif self._only(one, {"leftOperand", "operator", "rightOperand"}, where, whole=True):
                atoms.append((where, one))
        return atoms

    def _purposes(self, one: Mapping[str, Any], at: tuple[Any, ...]) -> list[str]:
        found = []
        for value in self._values(one, at):
            if value in profile.PURPOSE_VALUES:
                found.append(profile.PURPOSE_VALUES[value])
            elif near := profile.NEAR_PURPOSES.get(value.replace(profile.DPV, "dpv:")):
                names = ", ".join(near)
                self._wrong((*at, "rightOperand"), Text(_NEAR.en.format(names=names), _NEAR.zh.format(names=names)))
            else:
                self._wrong((*at, "rightOperand"), _VALUE)
        return found

    def _values(self, one: Mapping[str, Any], at: tuple[Any, ...]) -> list[str]:
        """The texts of a right operand: several with isAnyOf, one with eq."""
        operator, value = one["operator"], _plain(one["rightOperand"])
        if operator == "eq" and isinstance(value, str):
            return [value]
        if operator not in ("eq", "isAnyOf"):
            self._wrong_operator(at, "isAnyOf")
            return []
        values = value if isinstance(value, list) else [value]
        texts = [text for text in values if isinstance(text, str)]
        if operator == "eq" or texts != values or not 1 <= len(texts) <= _VALUES_MAX:
            self._wrong((*at, "rightOperand"), _VALUE)
            return []
        return texts

    def _text(self, one: Mapping[str, Any], at: tuple[Any, ...], operator: str) -> str:
        if one["operator"] != operator:
            self._wrong_operator(at, operator)
        value = _plain(one["rightOperand"])
        if isinstance(value, str):
            return value
        self._wrong((*at, "rightOperand"), _VALUE)
        return ""

    def _one_of(self, one: Mapping[str, Any], at: tuple[Any, ...], known: Mapping[str, str]) -> str | None:
        value = self._text(one, at, "eq")
        if value not in known:
            self._wrong((*at, "rightOperand"), _VALUE)
        return known.get(value)

    def _number(self, one: Mapping[str, Any], at: tuple[Any, ...]) -> int | None:
        value = self._text(one, at, "lteq")
        if _NUMBER.match(value):
            return int(value)
        self._wrong((*at, "rightOperand"), _NO_NUMBER)
        return None

    def _duration(self, one: Mapping[str, Any], at: tuple[Any, ...], operator: str) -> dict[str, int]:
        match = _DURATION.match(self._text(one, at, operator))
        if match is None:
            self._wrong((*at, "rightOperand"), _NO_DURATION)
            return {}
        number = int(match[1])
        return {"days": number} if match[2] == "D" else {"months": number * (12 if match[2] == "Y" else 1)}

    def _object(self, value: object, at: tuple[Any, ...]) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return value
        self._wrong(at, _NO_OBJECT)
        return None

    def _list(self, value: object, at: tuple[Any, ...]) -> list[Any]:
        if not isinstance(value, list):
            self._wrong(at, _NO_LIST)
            return []
        if len(value) > _RULES_MAX:
            self._wrong(at, _TOO_MANY)
            return []
        return value

    def _only(
        self, found: Mapping[str, Any], known: frozenset[str] | set[str], at: tuple[Any, ...], *, whole: bool = False
    ) -> bool:
        """Whether an object has no other fields than these, and all of them if `whole`; each other one is named."""
        others = [name for name in found if name not in known]
        for name in others:
            self._wrong((*at, name), _UNKNOWN_FIELD)
        missing = [name for name in sorted(known) if whole and name not in found]
        for name in missing:
            self._wrong((*at, name), Text("is missing", "缺失"))
        return not others and not missing

    def _wrong_operator(self, at: tuple[Any, ...], wanted: str) -> None:
        self._wrong((*at, "operator"), Text(_OPERATOR.en.format(wanted=wanted), _OPERATOR.zh.format(wanted=wanted)))

    def _wrong(self, at: tuple[Any, ...], why: Text) -> None:
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(POLICY_CLAUSE(clause=pointer(*at), why=why))


def _is_prefixes(context: object) -> TypeGuard[dict[str, str]]:
    return isinstance(context, dict) and all(isinstance(value, str) for value in context.values())


def _plain(value: object) -> object:
    """A right operand without its JSON-LD wrapping; one that says more than its value stays as it is."""
    return [_unwrapped(one) for one in value] if isinstance(value, list) else _unwrapped(value)


def _unwrapped(value: object) -> object:
    if isinstance(value, dict) and len(value) == 1:
        ((key, inner),) = value.items()
        if key in ("@id", "@value"):
            return inner
    return value
