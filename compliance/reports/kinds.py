"""The reports that there are, by name."""

from __future__ import annotations

from collections.abc import Mapping

from compliance.reports.cross_border import CROSS_BORDER
from compliance.reports.intermediation import INTERMEDIATION
from compliance.reports.processing import PROCESSING
from compliance.reports.risk import RISK
from compliance.reports.shape import Kind
from compliance.reports.transactions import TRANSACTIONS
from compliance.reports.transfers import TRANSFERS

KINDS: Mapping[str, Kind] = {
    one.name: one for one in (TRANSACTIONS, TRANSFERS, CROSS_BORDER, PROCESSING, RISK, INTERMEDIATION)
}
# These follow the log row by row, and can be read in pages as well.
PAGED = ("transactions", "transfers", "intermediation")
