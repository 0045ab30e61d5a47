"""One step per kind of job: the only place, beside the hooks, that calls the outside world, with no transaction open."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, BinaryIO
from uuid import UUID

import msgspec

from compliance import export_store, notes
from contracts.chain_import import OnixWish
from exchange.flows import (
    ask_report,
    close_auction,
    declare_rights,
    draw_sample,
    erase_subject,
    export_audit,
    measure_contribution,
    order_weights,
    preview_run,
    profile_revision,
    seal_usage,
    settle_period,
    settle_run,
    trace_rights,
)
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.files import Blob, FileStore
from exchange.kernel.keys import Keyring
from exchange.kernel.subjects import Vault
from exchange.settings import Settings
from exchange.worker import erasing
from exchange.worker.bank_steps import BankSteps
from exchange.worker.exporting import Exporting, ExportStopped, LogBroken
from exchange.worker.loop import NotNow, Running, Step, StepCancelled, StepRefused
from exchange.worker.method_steps import MethodSteps
from exchange.worker.money_steps import MoneySteps
from exchange.worker.recon_steps import ReconSteps
from settlement.gateway.stripe.client import StripeGateway

Result = Mapping[str, Any]
_FILE_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Steps:
    """What the steps need; `table` gives each kind of job its step."""

    db: Database
    files: FileStore
    keyring: Keyring
    gateway: StripeGateway | None
    settings: Settings
    sales: Sales
    vault: Vault

    def table(self) -> dict[str, Step]:
        """The step of each kind of job; what needs Stripe is left waiting where there is no key for it."""
        local: dict[str, Step] = {
            profile_revision.KIND: self.profile,
            order_weights.KIND: self.measure_contribution,
            export_audit.JOB: self.export,
            ask_report.JOB: self.report,
            draw_sample.JOB: self.sample,
            settle_period.SETTLE: self.settle,
            preview_run.PREVIEW: self.preview,
            "seal_usage": self.seal,
            "root_usage": self.root,
            close_auction.JOB: self.close_auction,
            trace_rights.KIND: self.trace_rights,
            declare_rights.KIND: self.import_rights,
            erase_subject.JOB: self.erase,
        }
        money = MoneySteps(self.db, self.sales, self.gateway, self.files)
        recon, banks = ReconSteps(self.db, money, self.gateway), BankSteps(self.db, self.files, self.vault)
        kept = MethodSteps(self.db, self.gateway)
        return local | money.table() | recon.table() | banks.table() | kept.table()

    async def profile(self, running: Running) -> Result:
        """Measure a revision into a scorecard."""
        revision_id = ids.parse("rev", running.job.payload["revision"])
        receipt = await profile_revision.profile_revision(self.db, self.files, revision_id, running.progress)
        return _done(receipt)

    async def measure_contribution(self, running: Running) -> Result:
        """Measure what each supplier of a product contributed."""
        order_id = ids.parse("wgt", running.job.payload["vector"])
        measure = measure_contribution.measure_contribution
        return _done(await measure(self.db, self.files, self.keyring, order_id, running.progress))

    async def trace_rights(self, running: Running) -> Result:
        """Find what ended rights cover in a dataset, and tell the holders of grants."""
        dataset_id = ids.parse("ds", running.job.payload["dataset"])
        found = await trace_rights.trace_rights(self.db, self.files, dataset_id, running.progress)
        return _done(found) if isinstance(found, Problem) else found

    async def import_rights(self, running: Running) -> Result:
        """Write the rights of a large file, which was read once already and has no mistakes."""
        said = running.job.payload
        content = await self.files.read(bytes.fromhex(said["sha256"]), said["size_bytes"])
        wish = msgspec.convert(said["wish"], OnixWish)
        file = await asyncio.to_thread(declare_rights.read_file, said["format"], content, wish)
        dataset_id = ids.parse("ds", said["dataset"])
        if isinstance(file, Problem):
            return _done(file)
        found = await declare_rights.write_file(self.db, dataset_id, file, running.progress)
        return _done(found) if isinstance(found, Problem) else found

    async def export(self, running: Running) -> Result:
        """Make the bundle of an audit export and keep it as a file."""
        export_id = ids.parse("exp", running.job.payload["export"])
        process = self.settings.process
        vkeys = [verifier.vkey for verifier in notes.log_verifiers(self.keyring, process.log_origin)]
        signer = notes.log_signer(self.keyring, process.log_origin)
        exporting = Exporting(self.db, self.files, signer, vkeys, process.log_quorum, vault=self.vault)
        try:
            made = await exporting.make(export_id, running.progress)
        except ExportStopped:
            raise StepCancelled from None
        except LogBroken as error:
            # No repetition mends that; who asked is told, and `exchange audit verify` says more.
            await self.db.run(partial(export_store.fail_export, export_id=export_id, problem=str(error)))
            raise StepRefused(str(error)) from error
        if isinstance(made, Problem):
            raise StepRefused(made.detail("en"))
        return {"sha256": made.sha256.hex(), "entries": made.entries}

    async def report(self, running: Running) -> Result:
        """Write a regulator's report and keep it as a file."""
        report_id = ids.parse("rpt", running.job.payload["report"])
        origin = self.settings.process.log_origin
        signer = notes.log_signer(self.keyring, origin)
        vkeys = tuple(verifier.vkey for verifier in notes.log_verifiers(self.keyring, origin))
        with tempfile.TemporaryFile(dir=self.settings.home if self.settings.home.exists() else None) as out:
            written = await ask_report.make_report(self.db, report_id, signer, out, self._missing, vkeys)
            if isinstance(written, Problem):
                raise StepRefused(written.detail("en"))
            blob = await self._keep(report_id, out, written.size_bytes)
        if blob.sha256 != written.sha256:
            raise NotNow("the report changed while it was stored; it is made again")
        await self.db.run(partial(ask_report.finish_report, report_id=report_id, written=written))
        return {"sha256": written.sha256.hex(), "rows": written.rows}

    async def _missing(self, documents: Collection[bytes]) -> set[bytes]:
        """Which documents the store does not have."""
        return {sha256 for sha256 in documents if await self.files.stat(sha256) is None}

    async def sample(self, running: Running) -> Result:
        """Draw a sample of a revision and keep its evidence."""
        sample_id = ids.parse("smp", running.job.payload["sample"])

        async def progress(done: int) -> None:
            await running.progress(done, None)

        with tempfile.TemporaryFile(dir=self.settings.home if self.settings.home.exists() else None) as spool:
            drawn = await draw_sample.draw_sample(self.db, self.files, sample_id, spool, progress)
        if isinstance(drawn, Problem):
            raise StepRefused(drawn.detail("en"))
        await self.files.put(drawn.evidence)
        await self.db.run(partial(draw_sample.finish_sample, sample_id=sample_id, drawn=drawn))
        return {"frame": drawn.frame_root.hex(), "drawn": drawn.drawn}

    async def _keep(self, report_id: UUID, out: BinaryIO, size_bytes: int) -> Blob:
        """Store a file under its content; what an earlier attempt left half-way is dropped first."""
        await self.files.discard(report_id)
        out.seek(0)

        async def chunks() -> AsyncIterator[bytes]:
            while chunk := out.read(_FILE_CHUNK_BYTES):
                yield chunk

        await self.files.append(report_id, 0, chunks(), size_bytes)
        blob = await self.files.keep(report_id, size_bytes)
        await self.files.discard(report_id)
        return blob

    async def settle(self, running: Running) -> Result:
        """Settle a period, a bounded part at a time."""
        run_id, processes = ids.parse("run", running.job.payload["run"]), self.settings.settlement.run_processes
        at = await settle_run.settle_run(self.db, self.sales, run_id, running.progress, processes=processes)
        if isinstance(at, Problem):
            raise StepRefused(at.detail("en"))
        return _done(at)

    async def preview(self, running: Running) -> Result:
        """Work out what a settlement run would book."""
        preview_id = ids.parse("prv", running.job.payload["preview"])
        made = await preview_run.make_preview(self.db, self.sales, preview_id, running.progress)
        if isinstance(made, Problem):
            raise StepRefused(made.detail("en"))
        return {"preview": running.job.payload["preview"], "state": made.state}

    async def seal(self, running: Running) -> Result:
        """Seal one UTC day of usage."""
        day = date.fromisoformat(running.job.payload["day"])
        while True:
            state = await self.db.run(partial(seal_usage.seal_usage, day=day, settings=self.settings.access))
            if state in (None, seal_usage.SEALED):
                return {"day": day.isoformat(), "state": state}

    async def root(self, running: Running) -> Result:
        """Write the Merkle roots of one sealed UTC day."""
        day = date.fromisoformat(running.job.payload["day"])
        return {"day": day.isoformat(), "roots": await self.db.run(partial(seal_usage.root_usage, day=day))}

    async def erase(self, running: Running) -> Result:
        """Erase a person."""
        return await erasing.erase(self.db, self.vault, self.files, running.job.payload)

    async def close_auction(self, running: Running) -> Result:
        """Take an auction as far as the clock allows: closed, awarded or lapsed, an unused award ended."""
        auction_id = ids.parse("auc", running.job.payload["auction"])
        await self.db.run(partial(close_auction.close_auction, auction_id=auction_id))
        award = partial(close_auction.award_auction, sales=self.sales, keyring=self.keyring, auction_id=auction_id)
        await self.db.run(award)
        state = await self.db.run(partial(close_auction.lapse_award, auction_id=auction_id))
        return {"auction": running.job.payload["auction"], "state": state.value if state else None}


def _done(receipt: Any) -> Result:
    if isinstance(receipt, Problem):
        raise StepRefused(f"{receipt.slug}: {receipt.detail('en')}")
    return dict(msgspec.to_builtins(receipt))
