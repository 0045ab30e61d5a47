"""Give waiting audit entries their place in the log, and publish what it says now: two transactions, a signature between.

Between the two, the process writes its marks (`compliance.marks`) and only then signs: what was signed is never longer than
what is marked, and what is marked is never longer than a database that nobody set back.
"""

from __future__ import annotations

from collections.abc import Sequence

from compliance import log, store, tree_store
from compliance.entries import CENTRE, Entry
from compliance.log import Head, Integrated, Known
from compliance.notes import Checkpoint
from exchange.kernel.db import Tx


async def integrate(tx: Tx, *, origin: str, node_id: str = CENTRE, batch_max: int = log.BATCH_MAX) -> Integrated | None:
    """Put one batch of entries into the tree; None while another sequencer is at work. Signs nothing.

    errors   LogBehind, CounterBehind: nothing grows until the operator has looked
    """
    state = await tree_store.lock_log(tx, node_id)
    if state is None:
        return None
    seen = await tree_store.signed(tx, node_id, origin)
    log.check_continues(state, seen.checkpoint)
    log.check_counter(state, seen.now)
    target = state.target or seen.now
    placed = await tree_store.place(tx, state, target, batch_max)
    drained = len(placed.hashes) < batch_max
    if not placed.hashes and state.target is None:
        return Integrated(0, state.head, more=False)
    growth = log.grow(state, placed, target, drained=drained)
    await tree_store.record(tx, growth)
    # An older target that is reached says nothing of what was written since.
    return Integrated(len(placed.hashes), growth.after.head, more=not drained or state.target is not None)


async def check_head(tx: Tx, known: Sequence[Known], *, origin: str, node_id: str = CENTRE) -> Head:
    """How far the tree is, once it is certain that it continues everything that anybody knows of this log.

    errors   LogBehind, MarkMissing: nothing may be signed
    """
    # In this order: another sequencer may go on meanwhile, and the tree is never behind its checkpoint.
    seen = await tree_store.signed(tx, node_id, origin)
    state = await tree_store.state(tx, node_id)
    if state is None:
        raise log.LogBehind(f"node {node_id} has no log")
    head, claims = state.head, [*known, Known("the database", seen.checkpoint)]
    sizes = {one.checkpoint.size for one in claims if one.checkpoint is not None}
    roots = {**await tree_store.roots(tx, sizes - {head.size}, node_id), head.size: head.root}
    log.check_may_sign(head, seen.checkpoint, known, state.marks, roots)
    return head


async def publish(tx: Tx, head: Checkpoint, note: bytes, marks: Sequence[str], *, node_id: str = CENTRE) -> bool:
    """Make a signed checkpoint the newest one; False where somebody published it, or a longer one, before."""
    return await tree_store.sign(tx, head, note, marks, node_id)


async def adopt(tx: Tx, places: Sequence[str], *, node_id: str = CENTRE) -> list[str]:
    """Note in the log that marks which are missing in `places` will be made anew from the database; the ones it is true of.

    errors   LogBehind
    """
    state = await tree_store.state(tx, node_id)
    missing = [] if state is None else [one for one in places if one in state.marks]
    if missing:
        await store.append(
            tx,
            [
                Entry(action="log.adopt", organisation_id=None, object_id=f"mark/{one}", node_id=node_id)
                for one in missing
            ],
        )
    return missing


async def rebase(tx: Tx, *, origin: str, node_id: str = CENTRE, batch_max: int = log.BATCH_MAX) -> Integrated | None:
    """Log everything that waits and begin a new count of transactions; after a restore from a dump.

    Whoever writes entries waits until it is done. Answers None while another sequencer is at work.

    errors   LogBehind
    """
    state = await tree_store.lock_log(tx, node_id)
    if state is None:
        return None
    log.check_continues(state, (await tree_store.signed(tx, node_id, origin)).checkpoint)
    await tree_store.stand_still(tx)
    count = 0
    while True:
        placed = await tree_store.place_left(tx, state, batch_max)
        if not placed.hashes:
            break
        growth = log.grow(state, placed, state.base, drained=True)
        await tree_store.record(tx, growth)
        state, count = growth.after, count + len(placed.hashes)
    await tree_store.rebase(tx, node_id)
    await store.append(tx, [Entry(action="log.rebase", organisation_id=None, node_id=node_id)])
    return Integrated(count, state.head, more=False)
