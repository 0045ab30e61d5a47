"""Sign a certificate for a revision whose assessment was accepted."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.store import datasets as catalog
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from exchange.quality import certificates, store
from exchange.quality.assessments import Assessment, AssessmentState, refuse_move
from exchange.quality.certificates import Certificate, CertificateDraft


class CertificateReceipt(msgspec.Struct, frozen=True):
    """The certificate that was signed; `document` is the exact text under the signature."""

    certificate: str
    revision: str
    scorecard: str
    document: str
    sha256: str
    kid: str
    signature: str
    valid_until: str


async def sign_certificate(
    tx: Tx, actor: Actor, assessment_id: UUID, draft: CertificateDraft, keyring: Keyring
) -> CertificateReceipt | Problem:
    """Sign, close the assessment, and open the scorecard that the certificate speaks of to everybody.

    errors   answers NOT_FOUND, ASSESSMENT_STATE, CERTIFICATE_INVALID
    """
    assessment = await store.lock_assessment(tx, assessment_id)
    if assessment is None or assessment.assessor_id != actor.organisation_id:
        return NOT_FOUND()
    refused = refuse_move(assessment, AssessmentState.SIGNED) or certificates.refuse_draft(draft)
    if refused is not None:
        return refused
    subject = await _subject(tx, assessment)
    certificate_id = tx.new_id()
    document = certificates.document_of(certificate_id, subject, draft, tx.now)
    signature = keyring.sign(certificates.PURPOSE, document)
    issued_at, valid_until = certificates.validity(draft, tx.now)
    certificate = Certificate(
        certificate_id,
        assessment.revision_id,
        assessment.scorecard_id,
        assessment.supplier_id,
        assessment.assessor_id,
        document,
        signature.kid,
        signature.value,
        issued_at,
        valid_until,
    )
    digest = sha256(document)
    await store.insert_certificate(tx, certificate, assessment.id, digest)
    await store.set_assessment(tx, assessment.id, AssessmentState.SIGNED)
    await store.disclose(tx, assessment.scorecard_id)
    entry = done(
        actor,
        "certificate.signed",
        ids.text("crt", certificate_id),
        assessment.supplier_id,
        certificate=digest,
        scorecard=subject.scorecard_sha256,
        revision=subject.revision_sha256,
    )
    await audit.append(tx, [entry])
    return _receipt(certificate, digest)


async def _subject(tx: Tx, assessment: Assessment) -> certificates.Subject:
    revision = await catalog.find_revision(tx, assessment.revision_id)
    card = await store.find_scorecard(tx, assessment.scorecard_id)
    # Both are facts, and the assessment could not have been asked for without them.
    assert revision is not None
    assert card is not None
    return certificates.Subject(
        revision.id, revision.sha256, card.id, card.sha256, assessment.supplier_id, assessment.assessor_id
    )


def _receipt(certificate: Certificate, digest: bytes) -> CertificateReceipt:
    return CertificateReceipt(
        certificate=ids.text("crt", certificate.id),
        revision=ids.text("rev", certificate.revision_id),
        scorecard=ids.text("scr", certificate.scorecard_id),
        document=certificate.document.decode(),
        sha256=digest.hex(),
        kid=certificate.kid,
        signature=certificate.signature.hex(),
        valid_until=certificate.valid_until.isoformat().replace("+00:00", "Z"),
    )
