"""A supplier declares how many persons are in a dataset, and by which way it may leave its country."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.datasets import refuse_inactive
from exchange.catalog.people import DECLARATIONS_MAX, PeopleDeclaration, PeopleDraft, refuse
from exchange.catalog.problems import PEOPLE_INVALID
from exchange.catalog.store import datasets, people
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text


class PeopleDeclared(msgspec.Struct, frozen=True):
    """The declaration, numbered within its dataset."""

    id: str
    dataset: str
    number: int


async def declare_people(tx: Tx, actor: Actor, dataset_id: UUID, draft: PeopleDraft) -> PeopleDeclared | Problem:
    """Keep a declaration; those before stay, with the time in which each was the newest.

    errors   answers not-found, dataset-not-active, people-declaration-invalid
    """
    dataset = await datasets.lock_dataset(tx, dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    if problem := refuse_inactive(dataset) or refuse(draft, dataset.personal_data.value):
        return problem
    number = await people.count_people(tx, dataset_id) + 1
    if number > DECLARATIONS_MAX:
        return PEOPLE_INVALID(reason=Text(f"there are {DECLARATIONS_MAX} already", f"已有 {DECLARATIONS_MAX} 份申报"))
    new = PeopleDeclaration(
        id=tx.new_id(),
        dataset_id=dataset_id,
        supplier_id=actor.organisation_id,
        number=number,
        personal=draft.personal,
        sensitive=draft.sensitive,
        important=draft.important,
        critical_infrastructure=draft.critical_infrastructure,
        exemption=draft.exemption,
        path=draft.path,
        document_sha256=draft.document_sha256,
        valid_until=draft.valid_until,
        created_at=tx.now,
    )
    await people.insert_people(tx, new)
    name = ids.text("ds", dataset_id)
    await audit.append(tx, [done(actor, "people.declare", name, declaration=digest(_said(new)))])
    return PeopleDeclared(ids.text("ppd", new.id), name, number)


def _said(one: PeopleDeclaration) -> dict[str, object]:
    """What the log holds the digest of."""
    return {
        "dataset": ids.text("ds", one.dataset_id),
        "number": one.number,
        "personal": one.personal,
        "sensitive": one.sensitive,
        "important": one.important,
        "critical_infrastructure": one.critical_infrastructure,
        "exemption": one.exemption,
        "path": one.path,
        "document_sha256": one.document_sha256.hex() if one.document_sha256 else None,
        "valid_until": one.valid_until.isoformat() if one.valid_until else None,
    }
