"""Scorecards, assessments and certificates as every API shows them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exchange.apps.http.wire import Id, Sha256, Time, json_of, stamp
from exchange.kernel import ids
from exchange.kernel.canonical import sha256_hex
from exchange.quality.assessments import Assessment
from exchange.quality.certificates import Certificate
from exchange.quality.store import StoredScorecard


class ScorecardView(msgspec.Struct, frozen=True):
    """What the exchange measured of a revision. `document` is what `sha256` is over, in canonical form (RFC 8785)."""

    id: Annotated[str, Meta(examples=["scr_01m80jwmabesg81hwe4cc73nw9"])]
    revision: Annotated[str, Meta(examples=["rev_01m80jwmabesg81hwe4cc73nw9"])]
    method: Annotated[str, Meta(examples=["profile/1"])]
    score: Annotated[int, Meta(ge=0, le=100)] | None
    grade: Annotated[str | None, Meta(examples=["A"])]
    sha256: Sha256
    document: dict[str, Any]
    created_at: Time


class AssessmentView(msgspec.Struct, frozen=True):
    """A supplier's request that an assessor look at a revision."""

    id: Annotated[str, Meta(examples=["asm_01m80jwmabesg81hwe4cc73nw9"])]
    revision: Id
    scorecard: Id
    supplier: Id
    assessor: Id
    state: Annotated[str, Meta(examples=["requested"])]
    created_at: Time
    changed_at: Time


class CertificateView(msgspec.Struct, frozen=True):
    """A signed certificate. `document` is the exact text under `signature` (Ed25519, key `kid` of /.well-known/jwks.json)."""

    id: Annotated[str, Meta(examples=["crt_01m80jwmabesg81hwe4cc73nw9"])]
    revision: Id
    scorecard: Id
    supplier: Id
    assessor: Id
    issued_at: Time
    valid_until: Time
    document: Annotated[str, Meta(examples=['{"type":"certificate","v":1}'])]
    sha256: Sha256
    kid: Annotated[str, Meta(examples=["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"])]
    signature: Annotated[str, Meta(description="64 bytes in hex.", pattern="^[0-9a-f]{128}$")]


def scorecard_view(one: StoredScorecard) -> ScorecardView:
    """A scorecard as the API shows it."""
    return ScorecardView(
        id=ids.text("scr", one.id),
        revision=ids.text("rev", one.revision_id),
        method=one.method,
        score=one.score,
        grade=one.grade,
        sha256=one.sha256.hex(),
        document=json_of(one.document),
        created_at=stamp(one.created_at),
    )


def assessment_view(one: Assessment) -> AssessmentView:
    """An assessment as the API shows it."""
    return AssessmentView(
        id=ids.text("asm", one.id),
        revision=ids.text("rev", one.revision_id),
        scorecard=ids.text("scr", one.scorecard_id),
        supplier=ids.text("org", one.supplier_id),
        assessor=ids.text("org", one.assessor_id),
        state=one.state.value,
        created_at=stamp(one.created_at),
        changed_at=stamp(one.changed_at),
    )


def certificate_view(one: Certificate) -> CertificateView:
    """A certificate as the API shows it."""
    return CertificateView(
        id=ids.text("crt", one.id),
        revision=ids.text("rev", one.revision_id),
        scorecard=ids.text("scr", one.scorecard_id),
        supplier=ids.text("org", one.supplier_id),
        assessor=ids.text("org", one.assessor_id),
        issued_at=stamp(one.issued_at),
        valid_until=stamp(one.valid_until),
        document=one.document.decode(),
        sha256=sha256_hex(one.document),
        kid=one.kid,
        signature=one.signature.hex(),
    )
