"""What the operator may set in the catalogue."""

from __future__ import annotations

import msgspec


class CatalogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of datasets, uploads, listings and searches."""

    asset_size_max_bytes: int = 50 * 1024**3
    """The largest file that one upload may carry."""
    revision_assets_max: int = 10_000
    """The most files in one revision."""
    revision_size_max_bytes: int = 1024**4
    """The most bytes in one revision, all its files together."""
    uploads_open_max: int = 1_000
    """The most uploads of one dataset that wait to be finished or sealed."""
    upload_ttl_s: int = 7 * 24 * 3600
    """How long an upload may stay unsealed before it is given up."""
    title_max_chars: int = 200
    """The longest title, in each language."""
    description_max_chars: int = 20_000
    """The longest description, summary or provenance, in each language."""
    offers_max: int = 50
    """The most offers (each with any number of versions) of one listing."""
    offer_document_max_bytes: int = 64 * 1024
    """The largest offer document."""
    plans_max: int = 200
    """The most price plans (each with any number of versions) in one supplier's library."""
    page_size_max: int = 100
    """The most results on one page of a search or a list."""
    node_id: str = "centre"
    """The node where new assets lie."""
