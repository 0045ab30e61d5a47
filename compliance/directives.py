"""Directives: what a regulator orders, about what, on which basis, until when, and how far it has come. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from compliance.directive_rules import Rule, fault_of_rules
from compliance.problems import DIRECTIVE_INVALID, NOT_A_REGULATOR
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.errors import Problem
from exchange.kernel.text import LANGUAGES, Text, readable

Kind = Literal["freeze", "delist", "preserve", "disclose", "inform"]
# freeze: no sale and no access; delist: no new sale; preserve: nothing is erased; disclose: hand over what is known;
# inform: answer the questions in the reason.
KINDS: tuple[Kind, ...] = ("freeze", "delist", "preserve", "disclose", "inform")
# What is owed under a directive: that one has read it, or an answer.
DUTIES: Mapping[Kind, Literal["confirm", "answer"]] = {
    "freeze": "confirm",
    "delist": "confirm",
    "preserve": "confirm",
    "disclose": "answer",
    "inform": "answer",
}
# What stands until it is lifted, and so binds what meets its rules later too; the others ask once.
BINDING: tuple[Kind, ...] = tuple(kind for kind in KINDS if DUTIES[kind] == "confirm")
# What a directive may be about, with the prefix of its ids.
TARGETS: Mapping[str, str] = {
    "organisation": "org",
    "dataset": "ds",
    "revision": "rev",
    "listing": "lst",
    "offer": "ofr",
    "agreement": "agr",
    "grant": "grt",
    "order": "ord",
}
LAWS: Mapping[str, Text] = {
    "cn-dsl": Text("Data Security Law of the PRC", "《中华人民共和国数据安全法》"),
    "cn-pipl": Text("Personal Information Protection Law of the PRC", "《中华人民共和国个人信息保护法》"),
    "cn-csl": Text("Cybersecurity Law of the PRC", "《中华人民共和国网络安全法》"),
    "cn-ndsr": Text("Network Data Security Management Regulations", "《网络数据安全管理条例》"),
    "eu-gdpr": Text("General Data Protection Regulation (EU) 2016/679", "欧盟《通用数据保护条例》(EU) 2016/679"),
    "eu-dga": Text("Data Governance Act (EU) 2022/868", "欧盟《数据治理法》(EU) 2022/868"),
    "eu-da": Text("Data Act (EU) 2023/2854", "欧盟《数据法》(EU) 2023/2854"),
    "court": Text("Order of a court", "法院裁定"),
    "other": Text("Another law, named in the text", "其他法律依据，见文字说明"),
}
State = Literal["issued", "acknowledged", "answered", "expired", "lifted"]
# expired: the deadline passed and somebody still owed. What a directive forbids stands all the same until it is lifted.
MOVES: Mapping[State, frozenset[State]] = {
    "issued": frozenset({"acknowledged", "answered", "expired", "lifted"}),
    "acknowledged": frozenset({"answered", "expired", "lifted"}),
    "answered": frozenset({"lifted"}),
    "expired": frozenset({"acknowledged", "answered", "lifted"}),
    "lifted": frozenset(),
}
REGULATOR = "regulator"
TARGETS_MAX = 100
DEADLINE_MAX = timedelta(days=3_660)
_REASON_MAX = 4_000
_BASIS_MAX = 1_000
_ARTICLE_MAX = 80
_FILE_NAME = re.compile(r"[^/\\\x00-\x1f]{1,200}\Z")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}\Z")


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One thing that a directive is about."""

    kind: str
    id: UUID

    @property
    def name(self) -> str:
        """Its id as people read it."""
        return ids.text(TARGETS[self.kind], self.id)


@dataclass(frozen=True, slots=True)
class Basis:
    """On what law a directive rests; everybody may read it."""

    law: str
    article: str
    text: Mapping[str, str]

    def document(self) -> dict[str, object]:
        """As it is kept and shown."""
        return {"law": self.law, "article": self.article, "text": dict(self.text)}


@dataclass(frozen=True, slots=True)
class Order:
    """A directive as it is wished for."""

    kind: Kind
    targets: tuple[Target, ...]
    basis: Basis
    reason: Mapping[str, str]
    deadline: datetime | None = None
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Directive:
    """One order; it stands until it is lifted, and stays on record after.

    shapes   `basis` is None in those from before a basis was asked for; `targets` in the order they were named;
             `matched` counts what stands under it by its rules, which is not among `targets`
    """

    id: UUID
    kind: Kind
    targets: tuple[Target, ...]
    issued_by: UUID
    reason: Mapping[str, str]
    state: State
    issued_at: datetime
    basis: Basis | None = None
    deadline: datetime | None = None
    salt: bytes = b""
    acknowledged_at: datetime | None = None
    answered_at: datetime | None = None
    expired_at: datetime | None = None
    lifted_by: UUID | None = None
    lifted_at: datetime | None = None
    rules: tuple[Rule, ...] = ()
    matched: int = 0

    @property
    def name(self) -> str:
        """Its id as people read it."""
        return ids.text("dir", self.id)

    @property
    def in_force(self) -> bool:
        """Whether it binds."""
        return self.state != "lifted"

    def words_digest(self) -> bytes:
        """What the log holds of the words: without the salt, which the log has not, nobody can guess them."""
        said = {"salt": self.salt.hex(), "reason": dict(self.reason)}
        return digest(said | ({"basis": self.basis.document()} if self.basis is not None else {}))

    def deadline_digest(self) -> bytes:
        """What the log holds of the deadline, also where there is none."""
        at = None if self.deadline is None else self.deadline.astimezone(UTC).isoformat(timespec="microseconds")
        return digest({"deadline": at, "salt": self.salt.hex()})


@dataclass(frozen=True, slots=True)
class Owed:
    """How many were told of a directive, and how many have confirmed and answered."""

    told: int
    confirmed: int
    answered: int


def may_issue(actor: Actor, order: Order, now: datetime) -> Problem | None:
    """Why this directive cannot be issued, or None.

    errors   answers NOT_A_REGULATOR, DIRECTIVE_INVALID
    """
    if REGULATOR not in actor.roles:
        return NOT_A_REGULATOR()
    needs = (
        _fault_of_kind(order)
        or _fault_of_basis(order.basis)
        or _fault_of_words("reason", order.reason, _REASON_MAX)
        or _fault_of_deadline(order, now)
    )
    return None if needs is None else DIRECTIVE_INVALID(needs=needs)


def fault_of_answer(text: Mapping[str, str]) -> Text | None:
    """What an answer's words lack, or None."""
    return _fault_of_words("text", text, _REASON_MAX)


def fault_of_file(name: str, media_type: str, size_bytes: int) -> Text | None:
    """What a file of an answer lacks, or None."""
    if not _FILE_NAME.match(name) or not readable(name):
        return Text("files with plain names of at most 200 characters", "不超过 200 个字符的普通文件名")
    if not _MEDIA_TYPE.match(media_type):
        return Text("media types like application/pdf", "形如 application/pdf 的媒体类型")
    return None if size_bytes else Text("files that are not empty", "非空文件")


def state_after(one: Directive, owed: Owed) -> State:
    """Where a directive stands once a party has confirmed or answered.

    A late confirmation or answer still counts: that the deadline passed stays on record in `expired_at`.
    """
    answers = DUTIES[one.kind] == "answer"
    if answers and owed.answered == owed.told:
        wanted: State = "answered"
    elif owed.confirmed == owed.told and not (answers and one.state == "expired"):
        wanted = "acknowledged"
    else:
        return one.state
    return wanted if wanted in MOVES[one.state] else one.state


def is_overdue(one: Directive, now: datetime) -> bool:
    """Whether its deadline has passed and somebody still owes what it asks for."""
    waiting = ("issued",) if DUTIES[one.kind] == "confirm" else ("issued", "acknowledged")
    return one.deadline is not None and one.deadline <= now and one.state in waiting


def _fault_of_kind(order: Order) -> Text | None:
    if order.kind not in KINDS:
        return Text("one of the kinds " + ", ".join(KINDS), "以下类型之一：" + "、".join(KINDS))
    if any(one.kind not in TARGETS for one in order.targets):
        return Text("targets that are one of " + ", ".join(TARGETS), "以下对象之一：" + "、".join(TARGETS))
    fewest = 0 if order.rules else 1
    if not fewest <= len(order.targets) <= TARGETS_MAX or len(set(order.targets)) != len(order.targets):
        return Text(
            f"1 to {TARGETS_MAX} targets, each once, or a rule", f"1 至 {TARGETS_MAX} 个不重复的对象，或至少一条规则"
        )
    return fault_of_rules(order.rules)


def _fault_of_basis(basis: Basis) -> Text | None:
    if basis.law not in LAWS:
        return Text("a law out of " + ", ".join(LAWS), "以下法律依据之一：" + "、".join(LAWS))
    if len(basis.article) > _ARTICLE_MAX or not readable(basis.article) or "\n" in basis.article:
        return Text(f"an article of at most {_ARTICLE_MAX} characters", f"条款不超过 {_ARTICLE_MAX} 个字符")
    if set(basis.text) != set(LANGUAGES):
        return Text("the text of its basis in en and in zh", "依据的中英文说明")
    return _fault_of_words("basis", basis.text, _BASIS_MAX)


def _fault_of_words(name: str, words: Mapping[str, str], chars_max: int) -> Text | None:
    said = [words.get(language, "") for language in LANGUAGES]
    if (
        set(words) - set(LANGUAGES)
        or not any(one.strip() for one in said)
        or any(not one.strip() for one in words.values())
        or any(len(one) > chars_max or not readable(one) for one in said)
    ):
        return Text(
            f"in {name} readable words in en or zh of at most {chars_max} characters",
            f"{name} 须为不超过 {chars_max} 个字符的中文或英文文字",
        )
    return None


def _fault_of_deadline(order: Order, now: datetime) -> Text | None:
    if order.deadline is None:
        if DUTIES[order.kind] == "confirm":
            return None
        return Text("a deadline by which to answer", "答复期限")
    if not now < order.deadline <= now + DEADLINE_MAX:
        return Text("a deadline that lies in the next ten years", "十年以内的未来期限")
    return None
