"""All SQL of data contracts: versions, how revisions stood to them, and who was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select
from sqlalchemy.dialects.postgresql import insert

from contracts import tables as t
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine

_contract, _check, _notice = t.data_contract, t.data_contract_check, t.breach_notice
_INSERT_NOTICES = """
INSERT INTO contracts.breach_notice (id, check_id, grant_id, dataset_id, revision_id, buyer_id, seller_id, document, created_at)
SELECT i, $1, g, $2, $3, b, s, d, $4 FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::bytea[]) AS n(i, g, b, s, d)
ON CONFLICT (check_id, grant_id) DO NOTHING RETURNING buyer_id"""


@dataclass(frozen=True, slots=True)
class StoredContract:
    """A version of a dataset's contract; `document` is canonical JSON."""

    id: UUID
    dataset_id: UUID
    supplier_id: UUID
    number: int
    document: bytes
    sha256: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """How a revision stood to the contract; `broken` rules, and all that was not kept in `document`."""

    id: UUID
    contract_id: UUID
    dataset_id: UUID
    revision_id: UUID
    supplier_id: UUID
    broken: int
    on_breach: str
    document: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BreachNotice:
    """What the holder of a live grant was told about a breach; `document` is canonical JSON."""

    id: UUID
    check_id: UUID
    grant_id: UUID
    dataset_id: UUID
    revision_id: UUID
    buyer_id: UUID
    seller_id: UUID
    document: bytes
    created_at: datetime


_CONTRACT = tuple(_contract.c[name] for name in StoredContract.__dataclass_fields__)
_CHECKED = tuple(_check.c[name] for name in Checked.__dataclass_fields__)
_NOTICE = tuple(_notice.c[name] for name in BreachNotice.__dataclass_fields__)

# ---------------------------------------------------------------- flows: every row is seen, the flow decides whose it is


async def insert_contract(tx: Tx, new: StoredContract) -> None:
    """Write a version; the dataset's lock keeps numbers in order."""
    await tx.conn.execute(insert(_contract).values(**_values(new)))


async def newest(tx: Tx, dataset_id: UUID, until: datetime | None = None) -> StoredContract | None:
    """The version in force now, or the one that was in force at `until`."""
    statement = select(*_CONTRACT).where(_contract.c.dataset_id == dataset_id)
    if until is not None:
        statement = statement.where(_contract.c.created_at <= until)
    row = (await tx.conn.execute(statement.order_by(_contract.c.number.desc()).limit(1))).one_or_none()
    return StoredContract(*row) if row else None


async def find_contract(tx: Tx, contract_id: UUID) -> StoredContract | None:
    """A version by id, whoever's it is."""
    row = (await tx.conn.execute(select(*_CONTRACT).where(_contract.c.id == contract_id))).one_or_none()
    return StoredContract(*row) if row else None


async def insert_check(tx: Tx, new: Checked) -> bool:
    """Write how a revision stood; False where it was checked before."""
    statement = insert(_check).values(**_values(new)).on_conflict_do_nothing(index_elements=["revision_id"])
    return (await tx.conn.execute(statement.returning(_check.c.id))).one_or_none() is not None


async def check_of(tx: Tx, revision_id: UUID) -> Checked | None:
    """How a revision stood, as far as the reader may know."""
    row = (await tx.conn.execute(select(*_CHECKED).where(_check.c.revision_id == revision_id))).one_or_none()
    return Checked(*row) if row else None


async def told_grants(tx: Tx, check_id: UUID) -> set[UUID]:
    """The grants whose holders know of a breach, for flows."""
    return set((await tx.conn.execute(select(_notice.c.grant_id).where(_notice.c.check_id == check_id))).scalars())


async def insert_notices(tx: Tx, checked: Checked, told: Sequence[BreachNotice]) -> list[UUID]:
    """Tell holders of grants, once per breach and grant; the buyers that are told now."""
    if not told:
        return []
    columns = [[getattr(one, name) for one in told] for name in ("id", "grant_id", "buyer_id", "seller_id", "document")]
    driver = await tx.driver()
    rows = await driver.fetch(_INSERT_NOTICES, checked.id, checked.dataset_id, checked.revision_id, tx.now, *columns)
    return list(dict.fromkeys(row["buyer_id"] for row in rows))


# ---------------------------------------------------------------- portals and the public


async def public_contract(tx: Tx, dataset_id: UUID) -> StoredContract | None:
    """The contract in force of a dataset that is on sale, for everybody."""
    # Row security lets only contracts of datasets that are on sale through to a reader who is nobody.
    return await newest(tx, dataset_id)


async def own_contracts(tx: Tx, actor: Actor, dataset_id: UUID, page: PageRequest) -> Page[StoredContract]:
    """The versions of the contract of one of the actor's datasets, newest first."""
    statement = select(*_CONTRACT).where(_contract.c.dataset_id == dataset_id, mine(_contract.c.supplier_id, actor))
    return await _page(tx, statement, _contract, page, StoredContract)


async def own_checks(tx: Tx, actor: Actor, page: PageRequest, dataset_id: UUID | None = None) -> Page[Checked]:
    """How the revisions of one of the actor's datasets stood, newest first; without a dataset only breaches, of all."""
    statement = select(*_CHECKED).where(mine(_check.c.supplier_id, actor))
    statement = statement.where(_check.c.broken > 0 if dataset_id is None else _check.c.dataset_id == dataset_id)
    return await _page(tx, statement, _check, page, Checked)


async def told(tx: Tx, actor: Actor, page: PageRequest) -> Page[BreachNotice]:
    """What the actor's organisation was told about breaches, newest first."""
    return await _page(tx, select(*_NOTICE).where(mine(_notice.c.buyer_id, actor)), _notice, page, BreachNotice)


async def _page(tx: Tx, statement: Select[Any], table: Table, page: PageRequest, form: type[Any]) -> Page[Any]:
    if page.after is not None:
        statement = statement.where(table.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(statement.order_by(table.c.id.desc()).limit(page.limit + 1))).all()
    return page_of([form(*row) for row in rows], page, lambda one: (str(one.id),))


def _values(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
