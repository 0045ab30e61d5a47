"""A supplier puts a data contract on a dataset: version after version, the newest is in force."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import data_contract_store as store
from contracts.data_contract import DataContract
from contracts.data_contract_store import StoredContract
from exchange.catalog.store import datasets
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


class DataContractReceipt(msgspec.Struct, frozen=True):
    """A version of a data contract; `in_force` is false for one whose status is not active."""

    id: str
    dataset: str
    number: int
    sha256: str
    rules: int
    on_breach: str
    service_credit: dict[str, str] | None
    in_force: bool
    made: bool


async def put_data_contract(
    tx: Tx, actor: Actor, dataset_id: UUID, contract: DataContract
) -> DataContractReceipt | Problem:
    """Write the next version; the very document that is in force already changes nothing.

    It holds for revisions that are sealed from now on; no revision is put on sale against it either.

    errors   answers not-found
    """
    dataset = await datasets.lock_dataset(tx, dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    before = await store.newest(tx, dataset.id)
    if before is not None and before.sha256 == contract.sha256:
        return _receipt(before, contract, made=False)
    number = before.number + 1 if before else 1
    new = StoredContract(
        tx.new_id(), dataset.id, dataset.supplier_id, number, contract.document, contract.sha256, tx.now
    )
    await store.insert_contract(tx, new)
    name = ids.text("ds", dataset.id)
    await audit.append(tx, [done(actor, "data-contract.put", name, document=contract.sha256)])
    return _receipt(new, contract, made=True)


def _receipt(one: StoredContract, contract: DataContract, *, made: bool) -> DataContractReceipt:
    return DataContractReceipt(
        id=ids.text("dct", one.id),
        dataset=ids.text("ds", one.dataset_id),
        number=one.number,
        sha256=one.sha256.hex(),
        rules=len(contract.rules),
        on_breach=contract.on_breach.value,
        service_credit=contract.credit.to_wire() if contract.credit else None,
        in_force=contract.active,
        made=made,
    )
