"""The table of approvals, as migration 0040 makes it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Table, text

from exchange.kernel.columns import moment, octets, uuid, words
from settlement.tables import metadata

approval = Table(
    "approval",
    metadata,
    uuid("id", key=True),
    words("kind"),
    words("object_id"),
    octets("body_sha256"),
    words("state"),
    uuid("asked_organisation"),
    uuid("asked_client"),
    moment("asked_at"),
    uuid("decided_organisation", nullable=True),
    uuid("decided_client", nullable=True),
    moment("decided_at", nullable=True),
    words("note", nullable=True),
    CheckConstraint("decided_client <> asked_client"),
)
Index(
    "approval_once",
    approval.c.kind,
    approval.c.object_id,
    approval.c.body_sha256,
    unique=True,
    postgresql_where=text("state <> 'refused'"),
)
Index("approval_open", approval.c.id, postgresql_where=text("state = 'open'"))
