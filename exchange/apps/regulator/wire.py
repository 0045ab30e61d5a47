"""Forms that the regulator's routes share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

Moment = Annotated[
    datetime, Meta(tz=True, description="RFC 3339 with a zone. 带时区的时间。", examples=["2026-01-01T00:00:00Z"])
]
