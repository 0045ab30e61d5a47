"""Audit what lies beside the log and is acted on: it stands as the log says, whoever can write to the tables. Only reads."""

from __future__ import annotations

from compliance.auditing import Fault
from exchange.flows.audit_directives import audit_directives
from exchange.flows.audit_witnesses import audit_witnesses
from exchange.kernel.db import Database


async def audit_beside(db: Database) -> list[Fault]:
    """Where directives or witnesses say something else than the log."""
    return [*await audit_directives(db), *await audit_witnesses(db)]
