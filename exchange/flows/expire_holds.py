"""The clock gives back what was held and has run out."""

from __future__ import annotations

from compliance import store as audit
from compliance.entries import Entry
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.holds import Ended, HoldEnd, Outcome
from settlement.store import holds


async def expire_holds(tx: Tx) -> int:
    """End holds that have run out, a bounded number at a time; how many were ended. May run twice, at any time.

    One whose money fits nowhere, because its account has reached its ceiling, is looked at again after an hour.
    """
    due = await holds.lock_due(tx)
    results = await holds.end_holds(tx, [HoldEnd(one.hold_id, Outcome.EXPIRED) for one in due])
    ended = [one for one, result in zip(due, results, strict=True) if isinstance(result, Ended)]
    stuck = [one.hold_id for one, result in zip(due, results, strict=True) if not isinstance(result, Ended)]
    if stuck:
        await holds.look_again_later(tx, stuck)
    if ended:
        await audit.append(tx, [_entry(one) for one in ended])
    return len(ended)


def _entry(one: holds.Due) -> Entry:
    return Entry(
        action="hold.expire",
        organisation_id=None,
        object_id=ids.text("hld", one.hold_id),
        object_version=Outcome.EXPIRED.value,
        concerns=(one.organisation_id,),
        digests={},
    )
