"""The bounds of accounts as the operator sees them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.accounts import MAX_BALANCE, MIN_BALANCE, AccountKey, AccountKind
from settlement.store.accounts import known_ids

_ROWS = """
SELECT b.account_id, a.organisation_id, a.kind, a.currency, b.posted, b.min_balance, b.max_balance
FROM settlement.balance b JOIN settlement.account a ON a.id = b.account_id
LEFT JOIN unnest($5::text[], $6::bigint[], $7::bigint[]) AS d(kind, low, high) ON d.kind = a.kind
WHERE b.account_id > $1 AND ($2::uuid IS NULL OR a.organisation_id = $2) AND ($3::text IS NULL OR a.kind = $3)
  AND (NOT $4 OR b.min_balance IS DISTINCT FROM d.low OR b.max_balance IS DISTINCT FROM d.high)
ORDER BY b.account_id LIMIT $8"""
_POSTED = "SELECT posted FROM settlement.balance WHERE account_id = $1"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a bounded account holds, and between what it stays; None: without end.

    units    millionths
    """

    account_id: int
    key: AccountKey
    posted: int
    minimum: int | None
    maximum: int | None


async def list_bounds(
    tx: Tx, request: PageRequest, organisation_id: UUID | None, kind: AccountKind | None, *, own_only: bool
) -> Page[Bounds]:
    """Accounts with bounds in the order in which they were made; `own_only`: those whose bounds are not their kind's."""
    kinds = sorted({*MIN_BALANCE, *MAX_BALANCE})
    rows = await (await tx.driver()).fetch(
        _ROWS,
        int(request.after[0]) if request.after else 0,
        organisation_id,
        kind,
        own_only,
        kinds,
        [MIN_BALANCE.get(one) for one in kinds],
        [MAX_BALANCE.get(one) for one in kinds],
        request.limit + 1,
    )
    found = [
        Bounds(number, AccountKey(owner, AccountKind(name), currency), posted, low, high)
        for number, owner, name, currency, posted, low, high in rows
    ]
    return page_of(found, request, lambda one: (str(one.account_id),))


async def posted(tx: Tx, key: AccountKey) -> int:
    """What is in a bounded account; nothing where there is none.

    units    millionths
    """
    known = await known_ids(tx, [key])
    found = await (await tx.driver()).fetchval(_POSTED, known[key]) if known else None
    return int(found or 0)
