"""What belongs to a revision, an order or an agreement in access."""

from __future__ import annotations

from exchange.access.aside_tables import usage_aside
from exchange.access.tables import grants, token
from exchange.kernel.store import Link

LINKS = (
    Link("rev", "grt", grants.c.revision_id, grants.c.id),
    Link("ord", "grt", grants.c.order_id, grants.c.id),
    Link("agr", "grt", grants.c.agreement_id, grants.c.id),
    Link("grt", "tok", token.c.grant_id, token.c.id),
    Link("grt", "hlu", usage_aside.c.grant_id, usage_aside.c.id),
)
