"""Give waiting audit entries their place in the log and sign what it says now."""

from __future__ import annotations

from collections.abc import Sequence

from compliance import log, tree_store
from compliance.entries import CENTRE
from compliance.log import SequenceReport
from compliance.notes import Checkpoint, Signer, sign_checkpoint
from exchange.kernel import merkle
from exchange.kernel.db import Tx


async def sequence(
    tx: Tx,
    signers: Sequence[Signer],
    origin: str,
    *,
    mark: Checkpoint | None = None,
    node_id: str = CENTRE,
    batch_max: int = log.BATCH_MAX,
) -> SequenceReport:
    """Log one batch of entries and sign the new checkpoint; nothing happens while another sequencer is at work.

    After the commit, write `report.checkpoint` to the file that `mark` is read from (`compliance.marks`).

    errors   LogBehind, CounterBehind: nothing is signed until the operator has looked
    """
    state = await tree_store.lock_log(tx, node_id)
    if state is None:
        return SequenceReport(new_leaves=0, size=0, root=merkle.EMPTY_ROOT)
    signed = await tree_store.signed(tx, node_id, origin)
    at_mark = await _root_at(tx, node_id, mark)
    log.check_may_sign(state, signed, mark, at_mark)
    log.check_counter(state, signed)
    waiting = await tree_store.waiting(tx, state, batch_max)
    if not waiting and signed.checkpoint is not None:
        return SequenceReport(0, state.size, signed.checkpoint.root)
    return await _grow(tx, signers, origin, state, waiting)


async def rebase(tx: Tx, signers: Sequence[Signer], origin: str, *, node_id: str = CENTRE) -> SequenceReport | None:
    """Log everything that waits and forget the old transaction counter; only after a restore, with writes stopped.

    Answers None while another sequencer is at work.

    errors   LogBehind
    """
    state = await tree_store.lock_log(tx, node_id)
    if state is None:
        return None
    log.check_may_sign(state, await tree_store.signed(tx, node_id, origin), None, None)
    waiting = await tree_store.left_behind(tx, state)
    report = SequenceReport(0, state.size, merkle.fold(state.frontier))
    if waiting:
        report = await _grow(tx, signers, origin, state, waiting)
    await tree_store.rebase(tx, node_id)
    return report


async def _grow(
    tx: Tx, signers: Sequence[Signer], origin: str, state: log.LogState, waiting: Sequence[log.Waiting]
) -> SequenceReport:
    growth = log.grow(state, waiting)
    note = sign_checkpoint(Checkpoint(origin, growth.after.size, growth.root), signers)
    await tree_store.record(tx, growth, waiting, note)
    return SequenceReport(len(waiting), growth.after.size, growth.root, note)


async def _root_at(tx: Tx, node_id: str, mark: Checkpoint | None) -> bytes | None:
    """The root that this database signed at the mark's size."""
    note = None if mark is None else await tree_store.checkpoint(tx, node_id, mark.size)
    return None if note is None else log.root_in(note)
