"""An agreement as a paper that people read: numbered sections and clauses in both languages, the one source of every rendering.

What is written here follows from the signed documents alone; names and titles are handed in, since they are signed by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts import frame as legal
from contracts import terms as licence
from contracts.bundle_form import EVENT_NAMES, ROLE_NAMES
from contracts.countries import places
from contracts.frame import Frame
from contracts.rights import PURPOSES, Rights
from contracts.terms import BadTerms, Terms, how_long, where
from exchange.kernel.text import LocaleMap, Text, pick

ROLES: dict[str, Text] = {
    name: Text(f"the {name}", ROLE_NAMES[name]) for name in ("buyer", "seller", "successor", "exchange")
}
EVENTS: dict[str, Text] = {
    name: Text("Lifting of the suspension" if name == "lifting" else name.capitalize(), chinese)
    for name, chinese in EVENT_NAMES.items()
}
_TITLE = Text("Data licence agreement", "数据许可合约")
_KINDS = {
    "one_off": Text("one-off purchase", "一次性购买"),
    "subscription": Text("subscription", "订阅"),
    "pay_per_use": Text("pay per use", "按量付费"),
}
_DELIVERY = {
    "files": (Text("As whole files.", "以整份文件交付。"), Text("Not as whole files.", "不以整份文件交付。")),
    "rows": (Text("As single records.", "以单条记录交付。"), Text("Not as single records.", "不以单条记录交付。")),
}
_DIGESTS = {
    "offer": Text("The offer", "报价方案"),
    "plan": Text("Its price plan", "价格方案"),
    "terms": Text("Its licence terms", "许可条款"),
    "frame": Text("Its legal frame", "法律框架"),
}
# Names, titles and reasons are other people's: what would turn the text's direction or show nothing is spelled out.
_BLANKS = re.compile(r"[\t\n\r]+")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
# Of the licence terms, that which was not ordered.
_BEYOND = Text("Allowed by the licence terms, but not part of this agreement", "许可条款允许、但不属于本合约的用途")
_GROUNDS = {"breach": Text("breach", "违约"), "notice": Text("notice", "通知")}


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence or fact that was agreed.

    shapes   number: unique in its paper, the same in every language and rendering, such as 5.3
             kind: may, beyond, may_not, must, unclear, missing, or empty
    """

    number: str
    text: Text
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Clauses under one heading."""

    number: str
    key: str
    title: Text
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole agreement to be read.

    units    sha256: lower-case hex of the agreement's signed bytes
    """

    title: Text
    agreement: str
    sha256: str
    prevailing_language: str
    sections: tuple[Section, ...]

    def clauses(self) -> Iterator[Clause]:
        """Every clause, in order."""
        return (clause for section in self.sections for clause in section.clauses)

    def document(self) -> dict[str, Any]:
        """The paper as JSON, each text a locale map."""
        return {
            "title": self.title.map(),
            "agreement": self.agreement,
            "sha256": self.sha256,
            "prevailing_language": self.prevailing_language,
            "sections": [
                {
                    "number": section.number,
                    "key": section.key,
                    "title": section.title.map(),
                    "clauses": [
                        {"number": one.number, "kind": one.kind, "text": one.text.map()} for one in section.clauses
                    ],
                }
                for section in self.sections
            ],
        }


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A signature as a paper lists it; at and kid as they stand in the bundle."""

    object: str
    role: str
    organisation: str | None
    kid: str
    kept: bool
    at: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event in force as a paper lists it; said: its signed document."""

    said: Mapping[str, Any]
    effective_at: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a paper is written from.

    shapes   agreement, offer: the signed documents; price: the plan in words for this buyer; fixed: what decided it
             tax: the tax in the price, in words, where there is any
             names: organisation id -> what it is called; title: what the dataset is called; missing: roles yet to sign
    """

    agreement: Mapping[str, Any]
    offer: Mapping[str, Any]
    sha256: str
    frame_sha256: str | None
    price: Sequence[Text]
    title: LocaleMap
    names: Mapping[str, LocaleMap] = field(default_factory=dict)
    fixed: Sequence[Text] = ()
    tax: Sequence[Text] = ()
    signed: Sequence[SignatureLine] = ()
    missing: Sequence[str] = ()
    events: Sequence[EventLine] = ()


_Draft = tuple[str, Text, list[tuple[Text, str]]]
_Marks = Mapping[str, Sequence[str]]


def write(facts: Facts) -> Paper:
    """Write the paper of an agreement.

    errors   BadTerms for a stored offer that no longer parses: a defect
    """
    agreement, offer = facts.agreement, facts.offer
    terms = licence.load(offer["terms"])
    framed = legal.parse(offer["frame"]) if "frame" in offer else None
    if isinstance(framed, list):
        raise BadTerms("; ".join(problem.detail("en") for problem in framed))
    # Where an event changed what was agreed, the clause stays as it was agreed and names the event's clause.
    plain = _drafts(facts, terms, framed, {})
    drafts = _drafts(facts, terms, framed, _marks(facts, len(plain)))
    sections = tuple(
        Section(
            str(number),
            key,
            title,
            tuple(Clause(f"{number}.{item}", _visible(text), kind) for item, (text, kind) in enumerate(clauses, 1)),
        )
        for number, (key, title, clauses) in enumerate(drafts, 1)
    )
    return Paper(_TITLE, str(agreement["id"]), facts.sha256, terms.prevailing_language, sections)


def _drafts(facts: Facts, terms: Terms, framed: Frame | None, marks: _Marks) -> list[_Draft]:
    return [
        ("parties", Text("Parties", "当事人"), _plain(_parties(facts, marks))),
        ("subject", Text("What is licensed", "许可标的"), _plain(_subject(facts, marks))),
        ("period", Text("Period", "期限"), _plain(_period(facts, marks))),
        ("price", Text("Price", "价格"), _plain(_price(facts))),
        *_terms(terms, facts.agreement["purposes"], marks),
        ("frame", Text("Legal frame", "法律框架"), _frame(framed, terms.prevailing_language)),
        ("delivery", Text("Delivery", "交付"), _plain(_delivery(facts.offer["delivery"]))),
        ("binding", Text("What this paper rests on", "文本依据"), _plain(_binding(facts))),
        ("signatures", Text("Signatures", "签名"), _signatures(facts)),
        ("events", Text("What happened since", "后续事件"), _plain(_events(facts))),
    ]


def _marks(facts: Facts, section: int) -> _Marks:
    """By which clauses of the events' section, the last, each thing was changed."""
    marks: dict[str, list[str]] = {}
    item = 1
    for one, texts in _told(facts):
        kind = one.said["kind"]
        names = {"renewal": ("end", "duration"), "transfer": ("buyer",)}.get(kind, ())
        if kind in ("termination", "retirement"):
            names = ("end",)
        elif kind == "amendment":
            names = tuple(one.said["changes"])
        for name in names:
            marks.setdefault(name, []).append(f"{section}.{item}")
        item += len(texts)
    return marks


def _changed(text: Text, marks: _Marks, name: str) -> Text:
    """A clause as it was agreed, with the numbers of what changed it."""
    numbers = marks.get(name)
    if not numbers:
        return text
    en, zh = f", changed by {' and '.join(numbers)}", f"（由 {'、'.join(numbers)} 变更）"
    stop = text.en.endswith("."), text.zh.endswith("。")
    return Text(
        text.en[:-1] + en + "." if stop[0] else text.en + en, text.zh[:-1] + zh + "。" if stop[1] else text.zh + zh
    )


def _when(instant: str, facts: Facts) -> str:
    """A moment to the second, by the clock of the agreement's time zone."""
    zone = ZoneInfo(facts.agreement["time_zone"])
    return datetime.fromisoformat(instant).astimezone(zone).isoformat(" ", "seconds")


def _visible(text: Text) -> Text:
    return Text(
        *(_HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", _BLANKS.sub(" ", one)) for one in (text.en, text.zh))
    )


def _plain(texts: Iterator[Text]) -> list[tuple[Text, str]]:
    return [(text, "") for text in texts]


def _named(organisation: str | None, facts: Facts) -> Text:
    if organisation is None:
        return ROLES["exchange"]
    names = facts.names.get(organisation, {})
    if not names:
        return Text(organisation, organisation)
    return Text(f"{pick(names, ['en'])} ({organisation})", f"{pick(names, ['zh'])}（{organisation}）")


def _parties(facts: Facts, marks: _Marks) -> Iterator[Text]:
    for side in ("seller", "buyer"):
        role, name = ROLES[side], _named(facts.agreement["parties"][side], facts)
        text = Text(f"{role.en.removeprefix('the ').capitalize()}: {name.en}", f"{role.zh}：{name.zh}")
        yield _changed(text, marks, side)
    at = _when(facts.agreement["concluded_at"], facts)
    yield Text(f"Concluded on the exchange at {at}.", f"于 {at} 在交易所订立。")


def _subject(facts: Facts, marks: _Marks) -> Iterator[Text]:
    agreement, kind = facts.agreement, _KINDS[facts.offer["kind"]]
    english, chinese = pick(facts.title, ["en"]), pick(facts.title, ["zh"])
    if english:
        yield Text(f"Dataset: {english}", f"数据集：{chinese}")
    offer, order = agreement["offer"]["id"], agreement["order"]
    yield Text(
        f"Under offer {offer}, as a {kind.en}, by order {order}.", f"依据报价方案 {offer}（{kind.zh}），订单 {order}。"
    )
    for name in agreement["purposes"]:
        purpose = PURPOSES.get(name, Text(name, name))
        text = Text(f"Ordered for this purpose: {purpose.en}.", f"订购用途：{purpose.zh}。")
        yield _changed(text, marks, "purposes")


def _period(facts: Facts, marks: _Marks) -> Iterator[Text]:
    agreement = facts.agreement
    starts, ends = _when(agreement["period"]["starts_at"], facts), agreement["period"]["ends_at"]
    yield Text(f"From {starts}.", f"自 {starts} 起。")
    until = Text("Without an end date.", "无终止日期。")
    if ends is not None:
        until = Text(f"Until {_when(ends, facts)}.", f"至 {_when(ends, facts)} 止。")
    yield _changed(until, marks, "end")
    zone = agreement["time_zone"]
    yield Text(
        f"Days and months are those of the calendar in {zone}; so are the times in this paper.",
        f"日与月按 {zone} 的日历计算，本文本所列时间亦同。",
    )


def _price(facts: Facts) -> Iterator[Text]:
    price = facts.agreement["price"]
    amount = f"{price['currency']} {price['amount']}"
    yield Text(f"Due at the order: {amount}", f"下单时应付：{amount}")
    yield from facts.tax
    yield from facts.price
    for text in facts.fixed:
        yield Text(f"Fixed for this buyer: {text.en}", f"对本买方确定：{text.zh}")


def _terms(terms: Terms, purposes: Collection[str], marks: _Marks) -> Iterator[_Draft]:
    """The terms in words; of what they allow, the purposes of the agreement apart from all others."""
    words = licence.plain_words(terms)
    choices = (words, *words.instead)
    beyond = {text for name, text in PURPOSES.items() if name not in purposes}
    for number, one in enumerate(choices, 1):
        tail = Text("", "")
        if len(choices) > 1:
            tail = Text(f" (choice {number} of {len(choices)})", f"（可选方案 {number}，共 {len(choices)}）")
        if replaced := marks.get("terms"):
            tail = Text(f"{tail.en} (replaced by {replaced[-1]})", f"{tail.zh}（由 {replaced[-1]} 取代）")
        key = "terms" if number == 1 else f"terms_{number}"
        for kind, title, texts in (
            ("may", Text("You may", "可以"), [text for text in one.may if text not in beyond]),
            ("beyond", _BEYOND, [text for text in one.may if text in beyond]),
            ("may_not", Text("You may not", "不得"), one.may_not),
            ("must", Text("You must", "应当"), one.must),
            ("unclear", Text("Not stated, and so not allowed", "未约定，因此不允许"), one.unclear),
        ):
            if texts:
                whole = Text(f"{title.en}{tail.en}", f"{title.zh}{tail.zh}")
                rights = terms.alternatives[number - 1]
                yield f"{key}_{kind}", whole, [(_bound(text, kind, rights, marks), kind) for text in texts]


def _bound(text: Text, kind: str, rights: Sequence[Rights], marks: _Marks) -> Text:
    """A clause of the terms, marked where an event changed what it bounds."""
    if text in {how_long(one) for one in rights}:
        return _changed(text, marks, "duration")
    if text in {where(one) for one in rights}:
        return _changed(text, marks, "territory")
    return _changed(text, marks, "purposes") if kind in ("may", "beyond") and text in PURPOSES.values() else text


def _frame(framed: Frame | None, prevailing: str) -> list[tuple[Text, str]]:
    return [
        (Text(f"{part.title.en}: {text.en}", f"{part.title.zh}：{text.zh}"), "missing" if part.missing else "")
        for part in legal.words(framed, prevailing)
        for text in part.sentences
    ]


def _delivery(delivery: Mapping[str, bool]) -> Iterator[Text]:
    for way, (yes, no) in _DELIVERY.items():
        yield yes if delivery.get(way) else no


def _binding(facts: Facts) -> Iterator[Text]:
    agreement = facts.agreement
    digests = {
        "offer": agreement["offer"]["sha256"],
        "plan": agreement["plan_sha256"],
        "terms": agreement["terms_sha256"],
        "frame": facts.frame_sha256,
    }
    yield Text(
        f"The signed text is the agreement {agreement['id']} itself, SHA-256 {facts.sha256}. This paper says the same in words; "
        "it was not signed.",
        f"签名原文为合约 {agreement['id']}，SHA-256 {facts.sha256}。本文本为其文字表述，未经签名。",
    )
    for name, digest in digests.items():
        if digest is not None:
            yield Text(f"{_DIGESTS[name].en}: SHA-256 {digest}", f"{_DIGESTS[name].zh}：SHA-256 {digest}")
    rules, node = agreement["rule_set"], agreement["node_id"]
    yield Text(f"Rules of trade: {rules}; node: {node}.", f"交易规则：{rules}；节点：{node}。")


def _signatures(facts: Facts) -> list[tuple[Text, str]]:
    found = []
    for one in facts.signed:
        role, name = ROLES.get(one.role, Text(one.role, one.role)), _named(one.organisation, facts)
        gap = " " if name.zh.isascii() else ""
        who = role if one.organisation is None else Text(f"{role.en}, {name.en},", f"{role.zh}{gap}{name.zh}{gap}")
        how = (
            Text("with a key that the exchange keeps for it", "使用交易所代管密钥")
            if one.kept
            else Text("with its own key", "使用自有密钥")
        )
        at = _when(one.at, facts)
        text = Text(
            f"{one.object}: signed by {who.en} at {at}, {how.en} {one.kid}",
            f"{one.object}：由{who.zh}于 {at} 签名，{how.zh} {one.kid}",
        )
        found.append((text, ""))
    for role_name in facts.missing:
        role = ROLES[role_name]
        found.append((Text(f"Not signed yet by {role.en}.", f"{role.zh}尚未签名。"), "missing"))
    return found


def _events(facts: Facts) -> Iterator[Text]:
    if not facts.events:
        yield Text("Nothing: the agreement is as it was concluded.", "无：合约自订立以来未变更。")
    for _, texts in _told(facts):
        yield from texts


def _told(facts: Facts) -> Iterator[tuple[EventLine, list[Text]]]:
    """Each event in force with its clauses, the first of which names it."""
    purposes: Sequence[str] = facts.agreement["purposes"]
    for one in facts.events:
        event = one.said
        purposes = event.get("changes", {}).get("purposes", purposes)
        kind, at = EVENTS.get(event["kind"], Text(event["kind"], event["kind"])), _when(one.effective_at, facts)
        first = Text(
            f"{kind.en} {event['id']}, in force since {at}, SHA-256 {one.sha256}",
            f"{kind.zh} {event['id']}，自 {at} 起生效，SHA-256 {one.sha256}",
        )
        texts = [Text(f"{kind.en}: {text.en}", f"{kind.zh}：{text.zh}") for text in _said(event, facts, purposes)]
        yield one, [first, *texts]


def _said(event: Mapping[str, Any], facts: Facts, purposes: Sequence[str]) -> Iterator[Text]:
    if reason := event.get("reason"):
        yield Text(f"reason: {pick(reason, ['en'])}", f"理由：{pick(reason, ['zh'])}")
    if ground := event.get("ground"):
        name = _GROUNDS.get(ground, Text(ground, ground))
        yield Text(f"ground: {name.en}", f"依据：{name.zh}")
    if successor := event["parties"].get("successor"):
        name = _named(successor, facts)
        yield Text(f"the licence passes to {name.en}", f"许可转让给 {name.zh}")
    changes = event.get("changes", {})
    if ends := changes.get("ends_at"):
        at = _when(ends, facts)
        yield Text(f"the agreement now ends at {at}", f"合约终止时间改为 {at}")
    if territory := changes.get("territory"):
        names = places(territory)
        yield Text(f"from now on only in {names.en}", f"此后仅限{names.zh}")
    for purpose in changes.get("purposes", ()):
        name = PURPOSES.get(purpose, Text(purpose, purpose))
        yield Text(f"from now on for this purpose: {name.en}", f"此后用途：{name.zh}")
    if "terms" in changes:
        for _, title, clauses in _terms(licence.load(changes["terms"]), purposes, {}):
            for text, _ in clauses:
                yield Text(
                    f"new terms, {title.en[0].lower()}{title.en[1:]}: {text.en}", f"新条款，{title.zh}：{text.zh}"
                )
