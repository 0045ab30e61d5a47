"""What grants used in windows of their own: all of them in one look, where every day of them is rolled up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from exchange.access.store import seal
from exchange.access.store.meters import keys_of
from exchange.kernel.db import Tx
from exchange.kernel.ids import array

# Days that are counted live for everybody, and those on which something came to some grants after they were counted.
_OPEN = "SELECT day FROM access.usage_day WHERE day BETWEEN $1 AND $2 AND state <> 'sealed' ORDER BY day"
_TOUCHED = """
SELECT DISTINCT t.day, t.grant_id FROM access.usage_touch t JOIN access.usage_day d ON d.day = t.day AND d.state = 'sealed'
WHERE t.day BETWEEN $1 AND $2"""
_ROLLED = """
SELECT w.n, r.meter, sum(r.quantity)::numeric AS quantity
FROM unnest($1::text::uuid[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS w(grant_id, since, until, n)
JOIN access.usage_rollup r ON r.grant_id = w.grant_id AND r.quarter >= w.since AND r.quarter < w.until
GROUP BY 1, 2 ORDER BY 1, 2"""

Window = tuple[UUID, datetime, datetime]


async def windowed_totals(tx: Tx, windows: Sequence[Window]) -> list[dict[str, int]]:
    """What each grant used from a moment up to but without another, by usage key, in the order of the windows.

    shapes   (grant id, since, until) -> {usage key: quantity}
    units    edges fall on quarter-hours, but for days that are not sealed
    """
    found: list[dict[str, int]] = [{} for _ in windows]
    if not windows:
        return found
    driver = await tx.driver()
    first, last = min(since for _, since, _ in windows), max(until for _, _, until in windows)
    days = first.astimezone(UTC).date(), last.astimezone(UTC).date()
    live = [row[0] for row in await driver.fetch(_OPEN, *days)]
    touched: dict[UUID, list[date]] = {}
    for day, grant_id in await driver.fetch(_TOUCHED, *days):
        touched.setdefault(grant_id, []).append(day)
    rolled: list[int] = []
    counted: list[int] = []
    for n, (grant_id, since, until) in enumerate(windows):
        low, high = since.astimezone(UTC).date(), until.astimezone(UTC).date()
        apart = [*live, *touched.get(grant_id, ())]
        (counted if any(low <= day <= high for day in apart) else rolled).append(n)
    if rolled:
        asked = [windows[n] for n in rolled]
        values = array([one[0] for one in asked]), [one[1] for one in asked], [one[2] for one in asked]
        totals = await driver.fetch(_ROLLED, *values)
        keys = await keys_of(tx, {row[1] for row in totals})
        for n, meter, quantity in totals:
            found[rolled[n - 1]][keys[meter]] = int(quantity)
    sharing: dict[tuple[datetime, datetime], dict[UUID, int]] = {}
    for n in counted:
        grant_id, since, until = windows[n]
        sharing.setdefault((since, until), {})[grant_id] = n
    for (since, until), places in sorted(sharing.items()):
        for total in await seal.usage_totals(tx, since, until, sorted(places)):
            found[places[total.grant_id]][total.meter] = total.quantity
    return found
