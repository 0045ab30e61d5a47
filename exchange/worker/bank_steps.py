"""The steps of banks: statements matched in portions, and the file of an approved batch written, sealed and stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from exchange.flows.export_batch import Export, begin_export, finish_export
from exchange.flows.match_entries import match_portion
from exchange.flows.payout_batches import EXPORT_BATCH
from exchange.flows.read_statement import MATCH_STATEMENT
from exchange.kernel import ids
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Database, Tx
from exchange.kernel.files import FileStore
from exchange.kernel.subjects import Vault, lock
from exchange.worker.loop import Running, Step, StepRefused
from settlement.banking.batches import about_file
from settlement.banking.details import BankDetails, Scheme, formula_like, opened_details
from settlement.banking.files import FileForm, OrderList, PayOrder, written
from settlement.store import bank_accounts, bank_entries

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BankSteps:
    """What these steps need; the vault opens what is sealed, and here alone for files."""

    db: Database
    files: FileStore
    vault: Vault

    def table(self) -> dict[str, Step]:
        """The step of each kind of job."""
        return {MATCH_STATEMENT: self.match_statement, EXPORT_BATCH: self.export_batch}

    async def match_statement(self, running: Running) -> Result:
        """Match all lines of a statement, some hundreds at a time."""
        statement_id = ids.parse("bst", running.job.payload["statement"])
        taken = await self.db.run(partial(bank_accounts.get_statement, statement_id=statement_id))
        if taken is None:
            raise StepRefused("there is no such statement")
        while True:
            at = await self.db.run(partial(match_portion, statement_id=statement_id))
            await running.progress(taken.entries - at.left, taken.entries)
            if not at.left:
                break
        payouts, wallets, open_ = await self.db.run(partial(bank_entries.counts, statement_id=statement_id))
        return {"entries": taken.entries, "payouts": payouts, "wallets": wallets, "unmatched": open_}

    async def export_batch(self, running: Running) -> Result:
        """Write the file of an approved batch, and keep it sealed under the key of the operator's organisation."""
        batch_id = ids.parse("bat", running.job.payload["batch"])
        made = await self.db.run(partial(begin_export, batch_id=batch_id))
        if made is None:
            return {"batch": running.job.payload["batch"], "state": "not approved"}
        content = await asyncio.to_thread(written, await self._list(made), made.batch.form, made.batch.made_at)
        key = await self.vault.make(made.account.sealed_for)
        blob = await self.files.put(lock(key.key, about_file(batch_id), content))

        async def finish(tx: Tx) -> Any:
            return await finish_export(tx, made, sha256(content), (blob.sha256, blob.size_bytes))

        state = await self.db.run(finish)
        return {"batch": running.job.payload["batch"], "state": state.value if state else None}

    async def _list(self, made: Export) -> OrderList:
        """The list in the open.

        errors   StepRefused where a payee's data was erased, or its name would be a formula: the operator cancels the batch
        """
        debtor = await self._opened(made.account.sealed_for, made.account.id, made.account.scheme, made.account.sealed)
        orders = []
        for item in made.items:
            to = made.to[item.destination_id]
            details = await self._opened(to.organisation_id, to.id, to.scheme, to.sealed)
            if made.batch.form is not FileForm.PAIN and (
                formula_like(details.holder) or formula_like(details.bank_name)
            ):
                raise StepRefused(
                    f"{ids.text('org', to.organisation_id)} has a name like a formula and names its account anew"
                )
            name = ids.text("pot", item.payout_id)
            orders.append(PayOrder(name, details, item.amount, name))
        return OrderList(ids.text("bat", made.batch.id), debtor, made.batch.execution_date, orders)

    async def _opened(self, subject: UUID, object_id: UUID, scheme: Scheme, sealed: bytes) -> BankDetails:
        details = opened_details(await self.vault.key(subject), object_id, scheme, sealed)
        if details is None:
            raise StepRefused(f"the bank details of {ids.text('org', subject)} were erased")
        return details
