"""Evidence: documents that show that an organisation is who it says it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.parties.problems import EVIDENCE_INVALID

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}\Z")
_SHA256_BYTES = 32


class EvidenceKind(StrEnum):
    """What a document is."""

    BUSINESS_LICENCE = "business_licence"
    REGISTER_EXTRACT = "register_extract"
    TAX_CERTIFICATE = "tax_certificate"
    ACCREDITATION = "accreditation"
    AUTHORISATION_LETTER = "authorisation_letter"
    SECURITY_CERTIFICATE = "security_certificate"
    OTHER = "other"


_KINDS = Text(f"the kind is one of {', '.join(EvidenceKind)}", f"类别须为 {'、'.join(EvidenceKind)} 之一")
_BYTES = Text("the file is empty or its hash is not a SHA-256", "文件为空，或其哈希值不是 SHA-256")
_TYPE = Text("the media type looks like application/pdf", "媒体类型的形式如 application/pdf")


@dataclass(frozen=True, slots=True)
class Document:
    """A stored file offered as evidence."""

    kind: EvidenceKind
    sha256: bytes
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document as it was handed in."""

    id: UUID
    organisation_id: UUID
    document: Document
    created_at: datetime


def document(kind: str, sha256: bytes, size_bytes: int, media_type: str) -> Document | Problem:
    """Check a document; its bytes are in the file store already.

    errors   answers EVIDENCE_INVALID
    """
    try:
        known = EvidenceKind(kind)
    except ValueError:
        return EVIDENCE_INVALID(reason=_KINDS)
    if len(sha256) != _SHA256_BYTES or size_bytes <= 0:
        return EVIDENCE_INVALID(reason=_BYTES)
    if not _MEDIA_TYPE.match(media_type):
        return EVIDENCE_INVALID(reason=_TYPE)
    return Document(known, sha256, size_bytes, media_type)
