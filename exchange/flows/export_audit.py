"""Export the audit log: ask, read the entries of a part, hand over. The making itself is the worker's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec

from compliance import export_store, notes, store, tree_store, witness_store
from compliance.directives import REGULATOR
from compliance.disclosures import Ground
from compliance.entries import Entry, moment
from compliance.export_store import Asked, BundleKept, Export
from compliance.exports.bundle import BundleFacts, Earlier, Witnessed
from compliance.exports.delivery import Delivery
from compliance.exports.parts import PART, Leaf, tiles_of_slice
from compliance.formats.known import FORMATS
from compliance.problems import EXPORT_ENDED, EXPORT_NOT_READY, EXPORT_SCOPE, NO_CHECKPOINT
from compliance.scopes import Scope, pinned
from compliance.tiles import WIDTH, Place
from exchange.flows.close_scope import close_scope
from exchange.flows.disclose_sealed import disclosed_entry, lapsed_ground, permitted
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.jobs import Job
from exchange.kernel.text import Text

JOB = "export_audit"
WITNESSES_WAIT = timedelta(seconds=2)
SEES_ALL = frozenset({REGULATOR, "operator"})


class ExportReceipt(msgspec.Struct, frozen=True):
    """What a requester gets at once; the rest is asked for by id."""

    id: str
    state: Literal["requested"]
    checkpoint_size: int


class ExportCancelled(msgspec.Struct, frozen=True):
    """An export that will not be made."""

    id: str
    state: Literal["cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """How an export is wanted, besides its scope.

    shapes   `checkpoint_size`: of a checkpoint signed earlier, None: the newest; `earlier_size`: the bundle proves growth
             since it; `formats`: None for all; `disclosure`: on which ground sealed records are opened, None: they are not
    """

    earlier_size: int | None = None
    checkpoint_size: int | None = None
    formats: Sequence[str] | None = None
    legal_basis: str | None = None
    disclosure: Ground | None = None


async def request(tx: Tx, actor: Actor, scope: Scope, details: Details | None = None) -> ExportReceipt | Problem:
    """Ask for an export over the log as it is now; whoever is no regulator gets what concerns its organisation.

    errors   answers NO_CHECKPOINT, EXPORT_SCOPE, NOT_FOUND, what a disclosure is refused with
    """
    wanted = details or Details()
    refused = None if wanted.disclosure is None else await permitted(tx, actor, wanted.disclosure)
    if refused is not None:
        return refused
    asked = await _pinned(tx, actor, scope, wanted)
    if isinstance(asked, Problem):
        return asked
    export_id = tx.new_id()
    name = ids.text("exp", export_id)
    await export_store.put_export(tx, export_id, actor, asked)
    await store.append(tx, [done(actor, "export.request", name, scope=digest(asked.scope.to_wire()))])
    # Witnesses answer a moment after a checkpoint was signed; who needs them waits for them once.
    waits = len(await witness_store.cosigner_vkeys(tx, asked.note)) < len(await witness_store.active(tx))
    run_at = tx.now + WITNESSES_WAIT if waits else None
    await jobs.put(tx, Job(JOB, name, {"export": name}, organisation_id=actor.organisation_id, run_at=run_at))
    return ExportReceipt(name, "requested", asked.size)


async def _pinned(tx: Tx, actor: Actor, scope: Scope, wanted: Details) -> Asked | Problem:
    note = await witness_store.cosigned(tx, scope.node_id, wanted.checkpoint_size)
    if note is None:
        return NO_CHECKPOINT() if wanted.checkpoint_size is None else _unsigned(wanted.checkpoint_size)
    size = notes.parse_checkpoint(notes.parse_note(note).text).size
    if not actor.roles & SEES_ALL:
        scope = replace(scope, organisation_id=actor.organisation_id)
    fixed = pinned(scope, size)
    if isinstance(fixed, Problem):
        return fixed
    earlier = wanted.earlier_size
    if earlier is not None and (earlier > size or await tree_store.checkpoint(tx, scope.node_id, earlier) is None):
        return _unsigned(earlier)
    formats = tuple(sorted(set(FORMATS if wanted.formats is None else wanted.formats)))
    if not set(formats) <= set(FORMATS):
        return EXPORT_SCOPE(
            reason=Text(f"the forms are {', '.join(sorted(FORMATS))}", f"格式须为 {'、'.join(sorted(FORMATS))}")
        )
    closure = None if fixed.about is None else await close_scope(tx, fixed.about, fixed.node_id, size)
    if isinstance(closure, Problem):
        return closure
    return Asked(
        scope=fixed,
        size=size,
        note=note,
        formats=formats,
        earlier_size=earlier,
        since_size=await export_store.last_size(tx, actor, fixed.node_id, size) if earlier is None else earlier,
        closure=closure,
        legal_basis=wanted.legal_basis,
        disclosure=None if wanted.disclosure is None else wanted.disclosure.to_wire(),
    )


def _unsigned(size: int) -> Problem:
    return EXPORT_SCOPE(reason=Text(f"no checkpoint of {size} entries was signed", f"没有条数为 {size} 的已签署检查点"))


async def _own(tx: Tx, actor: Actor, export_id: UUID) -> Export | None:
    # A command sees every organisation's rows, so that it compares by itself and not only by the store's filter.
    export = await export_store.find_export(tx, export_id)
    return export if export is not None and export.requested_by == actor.organisation_id else None


async def cancel(tx: Tx, actor: Actor, export_id: UUID) -> ExportCancelled | Problem:
    """Stop one of the actor's own exports; what was made of it so far is kept for the next that asks for the same.

    errors   answers NOT_FOUND, EXPORT_ENDED
    """
    export = await _own(tx, actor, export_id)
    if export is None:
        return NOT_FOUND()
    if not await export_store.cancel_export(tx, export_id):
        return EXPORT_ENDED(state=export.state)
    name = ids.text("exp", export_id)
    job = await jobs.of_key(tx, JOB, name)
    if job is not None:
        await jobs.cancel(tx, job.id)
    await store.append(tx, [done(actor, "export.cancel", name)])
    return ExportCancelled(name, "cancelled")


async def hand_over(tx: Tx, actor: Actor, export_id: UUID) -> Export | Problem:
    """Give a finished export to who asked for it, with an entry for each time it is fetched.

    errors   answers NOT_FOUND, EXPORT_NOT_READY, EXPORT_ENDED
    """
    export = await _own(tx, actor, export_id)
    if export is None:
        return NOT_FOUND()
    if export.state == "erased":
        return EXPORT_ENDED(state=export.state)
    if export.state != "done" or export.sha256 is None:
        return EXPORT_NOT_READY(state=export.state)
    await store.append(tx, [done(actor, "export.download", ids.text("exp", export_id), bundle=export.sha256)])
    return export


# ---------------------------------------------------------------- what the worker asks while it makes one


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of an export that is being made."""

    export: Export
    facts: BundleFacts
    since: Earlier | None
    subjects: tuple[bytes, ...] = ()

    def delivery(self, bundle: BundleKept) -> Delivery:
        """What goes with the bundle to who asked for it."""
        return Delivery(
            export_id=ids.text("exp", self.export.id),
            requested_by=ids.text("org", self.export.requested_by),
            requested_at=moment(self.export.created_at),
            legal_basis=self.export.legal_basis,
            sha256=bundle.sha256,
            size_bytes=bundle.size_bytes,
            earlier=self.since,
            disclosure=self.export.disclosure,
        )


async def begin(
    tx: Tx, export_id: UUID, origin: str, vkeys: Sequence[str], *, quorum: int = 0, part: int = PART
) -> Made | Problem:
    """Everything that an export's bytes depend on, but its entries.

    errors   answers NOT_FOUND, EXPORT_ENDED, DISCLOSURE_DIRECTIVE
    """
    export = await export_store.find_export(tx, export_id)
    if export is None:
        return NOT_FOUND()
    if export.state not in ("requested", "running") or export.note is None:
        return EXPORT_ENDED(state=export.state)
    lapsed = await lapsed_ground(tx, export)
    if lapsed is not None:
        await export_store.fail_export(tx, export_id, lapsed.detail("en"))
        return lapsed
    if export.state == "requested":
        note = await witness_store.cosigned(tx, export.scope.node_id, export.size)
        assert note is not None, "an export is asked for at a checkpoint's size"
        await export_store.pin_note(tx, export_id, note)
        export = replace(export, note=note, state="running")
    note = export.note
    assert note is not None, "a checkpoint is pinned from the request on"
    checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
    assert checkpoint.origin == origin, "the signer is of another log"
    facts = BundleFacts(
        scope=export.scope,
        checkpoint=checkpoint,
        note=note,
        formats=tuple(export.formats),
        vkeys=tuple(vkeys),
        witnessed=Witnessed(quorum, tuple(await witness_store.cosigner_vkeys(tx, note))),
        earlier=await _earlier(tx, export, export.earlier_size),
        part=part,
    )
    return Made(export, facts, await _earlier(tx, export, export.since_size))


async def _earlier(tx: Tx, export: Export, size: int | None) -> Earlier | None:
    if size is None:
        return None
    node = export.scope.node_id
    old = await tree_store.checkpoint(tx, node, size)
    hashes = await tree_store.consistency(tx, size, export.size, node)
    assert old is not None, "an export names a checkpoint that was signed"
    assert hashes is not None
    return Earlier(old, tuple(hashes))


@dataclass(frozen=True, slots=True)
class SliceRead:
    """Some leaves of a part with the tiles that prove them; `more`: nobody cancelled the export meanwhile."""

    leaves: list[Leaf]
    numbers: list[int]
    tiles: Mapping[Place, bytes]
    more: bool


async def read_slice(tx: Tx, made: Made, first: int, end: int, before: int) -> SliceRead:
    """Read the scope's leaves in [first, end), and say how far the export is; `before` entries came before them."""
    scope, size = made.facts.scope, made.facts.checkpoint.size
    rows = await export_store.scoped(tx, scope, made.export.closure, first, end)
    touched = range(first, end) if scope.complete else (index for index, _ in rows)
    numbers = sorted({index // WIDTH for index in touched})
    found = await tree_store.tiles_at(tx, tiles_of_slice(numbers, size), scope.node_id)
    more = await export_store.move_export(tx, made.export.id, before + len(rows), end)
    return SliceRead([Leaf(*one) for one in rows], numbers, found, more)


async def finish(tx: Tx, made: Made, bundle: BundleKept, delivery: bytes) -> bool:
    """Record where the bundle lies; False where the export had ended already."""
    await export_store.put_bundle(tx, made.facts.key(), bundle)
    if not await export_store.end_export(tx, made.export.id, bundle, delivery):
        return False
    name = ids.text("exp", made.export.id)
    entry = Entry(
        action="export.done",
        organisation_id=made.export.requested_by,
        object_id=name,
        digests={"bundle": bundle.sha256},
    )
    opened = [] if made.facts.disclosed is None else [disclosed_entry(made.export, made.facts)]
    await store.append(tx, [*opened, entry])
    return True
