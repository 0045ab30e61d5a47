"""Certificates: an assessor's signed word on a measured revision, checkable without asking us. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel import ids
from exchange.kernel.canonical import NotCanonical, canonical
from exchange.kernel.errors import Problem
from exchange.kernel.text import LANGUAGES, LocaleMap, Text
from exchange.quality.problems import CERTIFICATE_INVALID

TYPE, VERSION = "certificate", 1
PURPOSE = "certificate"
STATEMENT_CHARS_MAX = 2_000
VALID_DAYS_MAX = 1_096


class Scope(StrEnum):
    """What the assessor looked at."""

    SCORECARD = "scorecard"
    SAMPLE = "sample"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class CertificateDraft:
    """What an assessor writes."""

    statement: LocaleMap
    scope: str
    valid_days: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """A signed certificate as it is kept."""

    id: UUID
    revision_id: UUID
    scorecard_id: UUID
    supplier_id: UUID
    assessor_id: UUID
    document: bytes
    kid: str
    signature: bytes
    issued_at: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate is about: a revision and its scorecard, each with its hash."""

    revision_id: UUID
    revision_sha256: bytes
    scorecard_id: UUID
    scorecard_sha256: bytes
    supplier_id: UUID
    assessor_id: UUID


class Fault(StrEnum):
    """Why a certificate does not hold."""

    NOT_CANONICAL = "not-canonical"
    NOT_A_CERTIFICATE = "not-a-certificate"
    BAD_SIGNATURE = "bad-signature"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    OTHER_REVISION = "other-revision"
    OTHER_SCORECARD = "other-scorecard"


# (key id, signed bytes, signature) -> whether that key made it; a Keyring's `verify` is one.
Verify = Callable[[str, bytes, bytes], bool]


def refuse_draft(draft: CertificateDraft) -> Problem | None:
    """Say what is wrong with a draft, or None."""
    if set(draft.statement) != set(LANGUAGES):
        return CERTIFICATE_INVALID(
            field="statement", reason=Text("it needs the two languages en and zh", "需要同时提供 en 和 zh 两种语言")
        )
    if not all(1 <= len(words.strip()) <= STATEMENT_CHARS_MAX for words in draft.statement.values()):
        return CERTIFICATE_INVALID(
            field="statement",
            reason=Text(
                f"each language has 1 to {STATEMENT_CHARS_MAX} characters",
                f"每种语言须为 1 至 {STATEMENT_CHARS_MAX} 个字符",
            ),
        )
    if draft.scope not in set(Scope):
        names = ", ".join(Scope)
        return CERTIFICATE_INVALID(field="scope", reason=Text(f"it is one of {names}", f"取值应为 {names} 之一"))
    if not 1 <= draft.valid_days <= VALID_DAYS_MAX:
        return CERTIFICATE_INVALID(
            field="valid_days", reason=Text(f"it is 1 to {VALID_DAYS_MAX}", f"取值应为 1 至 {VALID_DAYS_MAX}")
        )
    try:
        canonical(dict(draft.statement))
    except NotCanonical:
        return CERTIFICATE_INVALID(
            field="statement", reason=Text("it is not valid Unicode text", "文本不是有效的 Unicode")
        )
    return None


def validity(draft: CertificateDraft, now: datetime) -> tuple[datetime, datetime]:
    """From when until when a certificate of `draft` holds, in whole seconds."""
    issued_at = now.astimezone(UTC).replace(microsecond=0)
    return issued_at, issued_at + timedelta(days=draft.valid_days)


def document_of(certificate_id: UUID, subject: Subject, draft: CertificateDraft, now: datetime) -> bytes:
    """The canonical bytes that are signed."""
    issued_at, valid_until = validity(draft, now)
    return canonical(
        {
            "type": TYPE,
            "v": VERSION,
            "id": ids.text("crt", certificate_id),
            "revision": ids.text("rev", subject.revision_id),
            "revision_sha256": subject.revision_sha256.hex(),
            "scorecard": ids.text("scr", subject.scorecard_id),
            "scorecard_sha256": subject.scorecard_sha256.hex(),
            "supplier": ids.text("org", subject.supplier_id),
            "assessor": ids.text("org", subject.assessor_id),
            "scope": str(draft.scope),
            "statement": dict(draft.statement),
            "issued_at": _stamp(issued_at),
            "valid_until": _stamp(valid_until),
        }
    )


def verify(
    document: bytes,
    kid: str,
    signature: bytes,
    *,
    keys: Verify,
    now: datetime,
    revision_sha256: bytes | None = None,
    scorecard_sha256: bytes | None = None,
) -> list[Fault]:
    """Every reason why a certificate does not hold; none when it does.

    With `revision_sha256` or `scorecard_sha256` it must be about just that revision or scorecard.
    """
    fields = _read(document)
    if isinstance(fields, Fault):
        return [fields]
    faults = [] if keys(kid, document, signature) else [Fault.BAD_SIGNATURE]
    try:
        issued_at = datetime.fromisoformat(fields["issued_at"])
        valid_until = datetime.fromisoformat(fields["valid_until"])
        if now < issued_at:
            faults.append(Fault.NOT_YET_VALID)
        if now >= valid_until:
            faults.append(Fault.EXPIRED)
    except (KeyError, TypeError, ValueError):
        return [*faults, Fault.NOT_A_CERTIFICATE]
    if revision_sha256 is not None and fields.get("revision_sha256") != revision_sha256.hex():
        faults.append(Fault.OTHER_REVISION)
    if scorecard_sha256 is not None and fields.get("scorecard_sha256") != scorecard_sha256.hex():
        faults.append(Fault.OTHER_SCORECARD)
    return faults


def _read(document: bytes) -> Mapping[str, Any] | Fault:
    try:
        fields = msgspec.json.decode(document)
        if canonical(fields) != document:
            return Fault.NOT_CANONICAL
    except (msgspec.DecodeError, NotCanonical, UnicodeDecodeError, RecursionError):
        return Fault.NOT_CANONICAL
    if not isinstance(fields, dict) or (fields.get("type"), fields.get("v")) != (TYPE, VERSION):
        return Fault.NOT_A_CERTIFICATE
    return fields


def _stamp(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
