"""Where reports take the cells of a spreadsheet from: one place, so that there is one idea of what a formula is."""

from __future__ import annotations

from compliance.verify_table import safe_cell as safe_cell  # the tables of an export and of a report are safe alike
