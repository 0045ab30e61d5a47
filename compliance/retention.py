"""How long records of transactions and transfers are kept at least, and what it means when one is not there. Pure.

Nothing here deletes: the tables of these records let nobody (facts, by grant and by trigger). A record that is gone all the
same is a finding of every report that should show it.
"""

from __future__ import annotations

from datetime import datetime

# Network Data Security Regulations (State Council 790), article 12: three years at least. For the records of article 33
# of the Data Security Law, which names no time, the same.
YEARS_MIN = 3


def keep_until(ended_at: datetime, years: int = YEARS_MIN) -> datetime:
    """Until when a record is kept whose transfer ended then: the same day some years later, a day more for 29 February.

    units    aware, in the zone of `ended_at`
    """
    try:
        return ended_at.replace(year=ended_at.year + years)
    except ValueError:
        return ended_at.replace(year=ended_at.year + years, month=3, day=1)


def may_delete(ended_at: datetime | None, now: datetime, years: int = YEARS_MIN) -> bool:
    """Whether a record may be gone by now; never while its transfer has no end."""
    return ended_at is not None and keep_until(ended_at, years) <= now


def retained(ended_at: datetime | None, retention_until: datetime | None, years: int = YEARS_MIN) -> bool:
    """Whether a record's own retention is long enough; None keeps it for ever, which always is.

    source   NDSR article 12: retention_until >= ended_at + 3 years
    """
    if retention_until is None:
        return True
    return ended_at is not None and retention_until >= keep_until(ended_at, years)
