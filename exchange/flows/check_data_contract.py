"""A measured revision is held against its dataset's data contract: what is broken is kept, told, and credited."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import data_contract, data_contract_check
from contracts import data_contract_store as store
from contracts.data_contract import DataContract
from contracts.data_contract_check import METHOD, Breach
from contracts.data_contract_problems import DATA_CONTRACT_BROKEN
from contracts.data_contract_store import BreachNotice, Checked, StoredContract
from exchange.access.store import holders
from exchange.catalog.revisions import Revision
from exchange.catalog.store import datasets
from exchange.flows.grant_service_credit import FIRST, grant_service_credit
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.quality import store as quality

_AT_ONCE_MAX = 2_000
_CONCERNED_MAX = 200


async def follow_contract(db: Database, revision_id: UUID) -> None:
    """Check a measured revision, tell the holders of grants, and credit them; a second run changes nothing."""
    checked = await db.run(partial(check_revision, revision_id=revision_id))
    if checked is None or not checked.broken:
        return
    while await db.run(partial(announce, checked=checked)):
        pass
    after: UUID | None = FIRST
    while after is not None:
        after = (await db.run(partial(grant_service_credit, checked=checked, after=after))).after


async def check_revision(tx: Tx, revision_id: UUID) -> Checked | None:
    """Keep how a revision stands to the contract that was in force when it was sealed; None where there was none."""
    revision = await datasets.find_revision(tx, revision_id)
    if revision is None:
        return None
    stored = await store.newest(tx, revision.dataset_id, revision.created_at)
    if stored is None or (before := await store.check_of(tx, revision_id)) is not None:
        return None if stored is None else before
    contract = _understood(stored)
    found = await _found(tx, contract, revision)
    if not contract.active or found is None:
        return None
    checked = Checked(
        id=tx.new_id(),
        contract_id=stored.id,
        dataset_id=revision.dataset_id,
        revision_id=revision.id,
        supplier_id=revision.supplier_id,
        broken=len(data_contract_check.broken(found)),
        on_breach=contract.on_breach.value,
        document=canonical(_document(stored, revision, found)),
        created_at=tx.now,
    )
    if await store.insert_check(tx, checked):
        entry = Entry(
            action="data-contract.broken" if checked.broken else "data-contract.kept",
            organisation_id=None,
            object_id=ids.text("rev", revision.id),
            rule_set=METHOD,
            digests={"contract": stored.sha256, "check": sha256(checked.document)},
            concerns=(revision.supplier_id,),
        )
        await audit.append(tx, [entry])
    return await store.check_of(tx, revision_id)


async def announce(tx: Tx, checked: Checked) -> bool:
    """Tell the holders of live grants on the dataset, once each, a bounded number at a time; whether there are more."""
    said = msgspec.json.decode(checked.document)
    document = canonical(
        {
            "type": "breach-notice",
            "v": 1,
            "dataset": ids.text("ds", checked.dataset_id),
            "revision": said["revision"],
            "number": said["number"],
            "contract": said["contract"],
            "on_breach": checked.on_breach,
            "broken": [one for one in said["found"] if one["outcome"] == "broken"],
        }
    )
    known = await store.told_grants(tx, checked.id)
    waiting = [one for one in await holders.holders_of(tx, checked.dataset_id) if one.grant_id not in known]
    told = [
        BreachNotice(
            tx.new_id(), checked.id, one.grant_id, checked.dataset_id, checked.revision_id, one.buyer_id, one.seller_id,
            document, tx.now,
        )
        for one in waiting[:_AT_ONCE_MAX]
    ]  # fmt: skip
    buyers = await store.insert_notices(tx, checked, told)
    entries = [
        Entry(
            action="data-contract.announce",
            organisation_id=None,
            object_id=ids.text("rev", checked.revision_id),
            digests={"notice": sha256(document)},
            concerns=(checked.supplier_id, *buyers[n : n + _CONCERNED_MAX]),
        )
        for n in range(0, len(buyers), _CONCERNED_MAX)
    ]
    await audit.append(tx, entries)
    return len(waiting) > _AT_ONCE_MAX


async def refuse_broken(tx: Tx, revision_id: UUID) -> Problem | None:
    """Why a contract keeps a revision from being put on sale: the one when it was sealed, or the one now; or None.

    errors   answers data-contract-broken
    """
    revision = await datasets.find_revision(tx, revision_id)
    if revision is None:
        return None
    now = await store.newest(tx, revision.dataset_id)
    then = await store.newest(tx, revision.dataset_id, revision.created_at)
    for stored in {one.id: one for one in (then, now) if one is not None}.values():
        contract = _understood(stored)
        found = data_contract_check.stops(contract, await _found(tx, contract, revision) or [])
        if found:
            what = Text("; ".join(one.why.en for one in found), "；".join(one.why.zh for one in found))
            return DATA_CONTRACT_BROKEN(count=len(found), what=what, broken=[one.rule.at for one in found])
    return None


async def try_contract(tx: Tx, contract: DataContract, revision: Revision) -> list[Breach] | None:
    """What a contract would find in a measured revision, for a supplier who asks; None before it is measured."""
    return await _found(tx, contract, revision)


async def _found(tx: Tx, contract: DataContract, revision: Revision) -> list[Breach] | None:
    card = await quality.latest_scorecard(tx, revision.id)
    if card is None:
        return None
    before = await datasets.made_before(tx, revision)
    facts = data_contract_check.facts_of(msgspec.json.decode(card.document), revision.created_at, before)
    return data_contract_check.check(contract, facts)


def _understood(stored: StoredContract) -> DataContract:
    return data_contract.load(msgspec.json.decode(stored.document))


def _document(stored: StoredContract, revision: Revision, found: list[Breach]) -> dict[str, Any]:
    return {
        "type": "data-contract-check",
        "v": 1,
        "method": METHOD,
        "contract": {
            "id": ids.text("dct", stored.id),
            "number": stored.number,
            "sha256": stored.sha256.hex(),
        },
        "revision": ids.text("rev", revision.id),
        "number": revision.number,
        "found": [one.document() for one in found],
    }
