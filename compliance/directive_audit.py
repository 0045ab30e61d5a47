"""Whether directives stand in the tables as the log says: a freeze that somebody ends by hand has a name and a place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from compliance.answer_store import Answer
from compliance.auditing import Fault
from compliance.beside import Line
from compliance.directives import KINDS, Directive
from compliance.entries import moment
from exchange.kernel import ids
from exchange.kernel.canonical import digest
from exchange.kernel.text import Text

RULE = "directive-as-logged"
_ISSUED = frozenset(f"directive.{kind}" for kind in KINDS)


class TargetRow(NamedTuple):
    """One thing that a directive stops, as what asks for it reads it."""

    kind: str
    target_kind: str
    target_id: UUID
    active: bool


class NoticeRow(NamedTuple):
    """One organisation that was told."""

    organisation_id: UUID
    kind: str
    acknowledged: bool
    answered: bool
    lifted: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A directive with every row that belongs to it."""

    directive: Directive
    targets: Sequence[TargetRow]
    notices: Sequence[NoticeRow]
    answers: Sequence[Answer]
    # Of each of its rules, whether it catches what is registered from now on.
    rules: Sequence[bool] = ()


def was_issued(name: str, logged: Sequence[Line]) -> bool:
    """Whether the log says that there is such a directive."""
    return any(line.object.id == name and line.action in _ISSUED for line in logged)


def faults(one: Stored, logged: Sequence[Line]) -> Iterator[Fault]:
    """Where the rows of a directive say something else than the log; `logged` in order, with what concerns its targets."""
    name = one.directive.name
    own = [line for line in logged if line.object.id == name]
    begun = [line for line in own if line.action in _ISSUED]
    if len(begun) != 1:
        what = Text("the log does not say that it was issued", "日志中没有其发出记录")
        yield _fault(name, "issued", what, str(len(begun)), "1")
        return
    yield from _as_issued(one, begun[0])
    yield from _as_lifted(one, [line for line in own if line.action == "directive.lift"])
    yield from _as_told(one, own, logged)


def gone(name: str) -> Fault:
    """A directive that the log knows and the tables do not."""
    what = Text("the log says that it was issued, and it is not there", "日志载有其发出记录，但其不存在")
    return _fault(name, "row", what, "none", "one")


def _as_issued(one: Stored, line: Line) -> Iterator[Fault]:
    found = one.directive
    said: dict[str, Any] = {
        "kind": f"directive.{found.kind}",
        "issued_by": ids.text("org", found.issued_by),
        "issued_at": moment(found.issued_at),
    }
    fact = {"kind": line.action, "issued_by": line.actor.organisation, "issued_at": line.at}
    # Entries of the first release have neither a salt nor the hash of the targets.
    if "targets" in line.digests:
        said |= {"words": found.words_digest().hex(), "targets": digest(sorted(t.name for t in found.targets)).hex()}
        fact |= {"words": line.digests.get("reason"), "targets": line.digests["targets"]}
    if found.rules or "rules" in line.digests:
        said["rules"] = digest([rule.document() for rule in found.rules]).hex()
        fact["rules"] = line.digests.get("rules")
    if "deadline" in line.digests:
        said["deadline"], fact["deadline"] = found.deadline_digest().hex(), line.digests["deadline"]
    what = Text("is not as it was issued", "与发出时不符")
    for column, value in said.items():
        if value != fact[column]:
            yield _fault(found.name, column, what, value, str(fact[column]))
    for target in one.targets:
        if target.kind != found.kind:
            yield _fault(found.name, f"target {said_of(target)}", what, target.kind, found.kind)


def _as_lifted(one: Stored, lifts: Sequence[Line]) -> Iterator[Fault]:
    found, name = one.directive, one.directive.name
    stands = not lifts
    if found.in_force is not stands:
        what = Text("its state is not what the log says", "其状态与日志不符")
        yield _fault(name, "state", what, found.state, "in force" if stands else "lifted")
    if lifts:
        said = None if found.lifted_by is None else ids.text("org", found.lifted_by)
        if said != lifts[-1].actor.organisation:
            what = Text("was lifted by somebody else", "解除方与日志不符")
            yield _fault(name, "lifted_by", what, str(said), str(lifts[-1].actor.organisation))
    for target in one.targets:
        if target.active is not stands:
            binds = Text("it binds no more though nobody lifted it", "未经解除却不再生效")
            ended = Text("it binds though it was lifted", "已解除却仍生效")
            place = f"target {said_of(target)}"
            yield _fault(name, place, binds if stands else ended, str(target.active).lower(), str(stands).lower())
    if any(active is not stands for active in one.rules):
        what = Text("its rules do not bind as the log says", "其规则的效力与日志不符")
        yield _fault(name, "rules", what, str(not stands).lower(), str(stands).lower())
    for told in one.notices:
        if told.lifted is stands:
            what = Text("the notice is not as the log says", "通知与日志不符")
            place = f"notice {ids.text('org', told.organisation_id)}"
            yield _fault(name, place, what, "lifted" if told.lifted else "in force", "in force" if stands else "lifted")


def _as_told(one: Stored, own: Sequence[Line], logged: Sequence[Line]) -> Iterator[Fault]:
    found, name = one.directive, one.directive.name
    told = {ids.text("org", row.organisation_id): row for row in one.notices}
    issuer = ids.text("org", found.issued_by)
    telling = [line for line in own if line.action == "directive.told"]
    telling += [line for line in logged if line.action == "directive.target" and line.object.version == name]
    reached = {who for line in telling for who in line.organisations}
    missing = Text("was told, and its notice is missing", "曾被通知，但其通知缺失")
    for who in sorted(reached - set(told) - {issuer}):
        yield _fault(name, f"notice {who}", missing, "none", "one")
    answered = {line.actor.organisation for line in own if line.action == "directive.answer"}
    read_by = answered | {line.actor.organisation for line in own if line.action == "directive.acknowledge"}
    what = Text("the notice is not as the log says", "通知与日志不符")
    for who, row in told.items():
        if row.kind != found.kind:
            yield _fault(name, f"notice {who}, kind", what, row.kind, found.kind)
        if row.acknowledged is not (who in read_by):
            yield _fault(
                name, f"notice {who}, acknowledged_at", what, str(row.acknowledged).lower(), str(who in read_by).lower()
            )
        if row.answered is not (who in answered):
            yield _fault(
                name, f"notice {who}, answered_at", what, str(row.answered).lower(), str(who in answered).lower()
            )
    right = sorted(line.digests["answer"] for line in own if line.action == "directive.answer")
    stored = sorted(answer_digest(found, answer).hex() for answer in one.answers)
    if stored != right:
        what = Text("the answers are not those that were given", "答复与提交时不符")
        yield _fault(name, "answers", what, " ".join(stored) or "none", " ".join(right) or "none")


def answer_digest(directive: Directive, given: Answer) -> bytes:
    """What the log holds of an answer: its text and its files, under the directive's salt."""
    said = {
        "salt": directive.salt.hex(),
        "text": dict(given.text),
        "files": [{"name": one.name, "sha256": one.sha256.hex()} for one in given.files],
    }
    return digest(said)


def said_of(target: TargetRow) -> str:
    """A target by kind and id, whatever the kind."""
    return f"{target.target_kind} {target.target_id}"


def _fault(name: str, part: str, what: Text, said: str, fact: str) -> Fault:
    return Fault(RULE, Text(f"{name}, {part}", f"{name}，{part}"), None, what, said, fact)
