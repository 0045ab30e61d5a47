"""The log's sequencer: entries into the tree, marks, a signature, the checkpoint, files for others to read.

It needs no worker and no other sequencer to be away: whatever runs twice or stops anywhere, the log is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

import structlog

from compliance import log, notes, tree_store
from compliance.entries import CENTRE
from compliance.log import Head, Integrated, Known
from compliance.marks import Mark
from compliance.notes import Checkpoint, Signer
from compliance.witness import Witnesses
from exchange.flows import checkpoint_log
from exchange.kernel.db import WHERE, Database, DatabaseAway
from exchange.worker.log_files import LogFiles

_LOG = structlog.get_logger("sequencer")
POLL_S = 0.2
SHOW_EVERY_S = 1.0
# After a refusal or a fault there is no hurry: a person has to look, or the database to come back.
REFUSED_S = 5.0


@dataclass(slots=True)
class Sequencer:
    """One log's sequencer; `files` None shows nothing in the object store."""

    db: Database
    signers: Sequence[Signer]
    origin: str
    marks: Sequence[Mark]
    witnesses: Witnesses | None = None
    files: LogFiles | None = None
    node_id: str = CENTRE
    every_s: float = 0.5
    batch_max: int = log.BATCH_MAX
    _asked: bool = field(default=False, init=False)
    _published_at: float = field(default=float("-inf"), init=False)

    async def run(self) -> None:
        """Work until cancelled; a fault is told, and the next try begins anew."""
        WHERE.set("sequencer")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._log())
            if self.files is not None:
                group.create_task(self._show(self.files))

    async def step(self) -> Head | None:
        """Put all that waits into the log and publish it; the newest published head, None where another is at work.

        errors   LogBehind, MarkMissing, CounterBehind, BadNote
        """
        waiting = await self.db.run(lambda tx: tree_store.waiting(tx, self.node_id))
        if not waiting.size and waiting.signed is None:
            # The empty log is signed first: from its first leaf on, a log has marks.
            await self.publish()
        while True:
            done = await self.integrate()
            if done is None:
                return None
            if not done.more:
                return await self.publish()

    async def integrate(self) -> Integrated | None:
        """One batch into the tree; None while another sequencer is at work.

        errors   LogBehind, CounterBehind
        """
        return await self.db.run(
            partial(checkpoint_log.integrate, origin=self.origin, node_id=self.node_id, batch_max=self.batch_max)
        )

    async def publish(self) -> Head:
        """Mark, sign and publish the tree as it is now; what is published already stays as it is.

        errors   LogBehind, MarkMissing, BadNote
        """
        self._published_at = monotonic()
        # Asked before this process signs first, and again until they have answered and this log is what they know.
        seen = () if self._asked else await self.witnessed()
        head = await self._checked(seen or ())
        self._asked = seen is not None
        newest = await self.db.run(lambda tx: tree_store.checkpoint(tx, self.node_id))
        checkpoint = Checkpoint(self.origin, head.size, head.root)
        if newest is None or notes.parse_checkpoint(notes.parse_note(newest).text).size < head.size:
            for mark in self.marks:
                await mark.keep(checkpoint)
            # A second look: another log under this key may have written its own mark at the same moment.
            await self._checked()
            note = notes.sign_checkpoint(checkpoint, self.signers)
            places = [mark.where for mark in self.marks]
            await self.db.run(
                partial(checkpoint_log.publish, head=checkpoint, note=note, marks=places, node_id=self.node_id)
            )
        return head

    async def adopt(self) -> list[str]:
        """Make missing marks anew from the database; only where it is certain that no backup was restored.

        errors   LogBehind where a place that is not missing knows better
        """
        known = await self.known()
        there = {where for where, checkpoint in known if checkpoint is not None}
        missing = [mark for mark in self.marks if mark.where not in there]
        claims = [*known, *(Known(mark.where, Checkpoint(self.origin, 0, b"")) for mark in missing)]
        head = await self.db.run(
            partial(checkpoint_log.check_head, known=claims, origin=self.origin, node_id=self.node_id)
        )
        # Told in the log first: a mark that came back without a word would be the worse half to lose.
        told = await self.db.run(
            partial(checkpoint_log.adopt, places=[mark.where for mark in missing], node_id=self.node_id)
        )
        for mark in missing:
            await mark.keep(Checkpoint(self.origin, head.size, head.root))
        return told

    async def known(self) -> list[Known]:
        """What each mark says; a Known without a checkpoint for a place that holds none.

        errors   BadNote
        """
        found: list[Known] = []
        for mark in self.marks:
            there = await mark.known()
            found += [Known(mark.where, one) for one in there] or [Known(mark.where, None)]
        return found

    async def witnessed(self) -> Sequence[Known] | None:
        """What those who watch the log have seen of it; None where they could not be asked."""
        if self.witnesses is None:
            return ()
        try:
            return await self.witnesses.sizes()
        except Exception as error:  # noqa: BLE001  # a witness that is away never stops the log: the marks are there
            _LOG.error("witnesses-failed", exc_info=error)
            return None

    async def _checked(self, more: Sequence[Known] = ()) -> Head:
        known = [*await self.known(), *more]
        return await self.db.run(
            partial(checkpoint_log.check_head, known=known, origin=self.origin, node_id=self.node_id)
        )

    async def _log(self) -> None:
        while True:
            try:
                rest_s = await self._turn()
            except (log.LogBehind, log.MarkMissing, log.CounterBehind, notes.BadNote) as error:
                _LOG.critical("log-not-signed", error=str(error))
                rest_s = REFUSED_S
            except DatabaseAway as error:
                _LOG.warning("database-away", error=str(error))
                rest_s = POLL_S
            except Exception as error:  # noqa: BLE001  # the log outlives a fault, which alerts see in the process's log
                _LOG.error("sequencer-failed", exc_info=error)
                rest_s = REFUSED_S
            await asyncio.sleep(rest_s)

    async def _turn(self) -> float:
        """Do what is due; how long to rest after it."""
        waiting = await self.db.run(lambda tx: tree_store.waiting(tx, self.node_id))
        if not waiting.size and waiting.signed is None:
            await self.publish()
            return 0
        done = await self.integrate() if waiting.entries else None
        size = done.head.size if done is not None else waiting.size
        due_s = self._published_at + self.every_s - monotonic()
        if size != waiting.signed or self._published_at < 0:
            if due_s > 0:
                return 0 if done is not None and done.more else min(due_s, POLL_S)
            await self.publish()
        return 0 if done is not None and done.more else POLL_S

    async def _show(self, files: LogFiles) -> None:
        while True:
            try:
                await files.step()
            except DatabaseAway as error:
                _LOG.warning("database-away", error=str(error))
            except Exception as error:  # noqa: BLE001  # what is not shown now is shown with a later checkpoint
                _LOG.error("log-not-shown", exc_info=error)
            await asyncio.sleep(SHOW_EVERY_S)
