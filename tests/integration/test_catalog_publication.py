"""Publishing: every rule names itself when it is not met, and a met listing goes on sale."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from compliance import directive_store
from exchange.catalog.browsing import SearchFilter
from exchange.catalog.store import public
from exchange.flows.delist_listing import delist_listing
from exchange.flows.draft_listing import ListingReceipt
from exchange.flows.publish_listing import PublicationReceipt, publish_listing, review_listing
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.ids import parse
from exchange.kernel.pages import PageRequest
from tests.integration.test_catalog_trade import (
    DRAFT,
    RIVAL,
    SUPPLIER,
    drafted,
    offered,
    registered,
    sealed,
    slug,
    uploaded,
)
from tests.support.directives import standing


async def verify(url: str, revision: UUID, score: int = 90, days: int = 30) -> None:
    """Put down what other packages would have: a verified supplier, a scorecard, a certificate."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    await connection.execute(
        """INSERT INTO parties.organisation (id, name, roles, country, state, created_at)
        VALUES ($1, '{"en": "S", "zh": "供"}', '{supplier}', 'CN', 'verified', now())""",
        SUPPLIER.organisation_id,
    )
    one, assessor = UUID(int=77), UUID(int=78)
    await connection.execute(
        """INSERT INTO quality.scorecard (id, revision_id, supplier_id, method, document, sha256, score, created_at)
        VALUES ($1, $2, $3, 'm', 'd', sha256('d'), $4, now())""",
        one,
        revision,
        SUPPLIER.organisation_id,
        score,
    )
    await connection.execute(
        """INSERT INTO quality.assessment
        (id, revision_id, scorecard_id, supplier_id, assessor_id, state, created_at, changed_at)
        VALUES ($1, $2, $1, $3, $4, 'signed', now(), now())""",
        one,
        revision,
        SUPPLIER.organisation_id,
        assessor,
    )
    await connection.execute(
        """INSERT INTO quality.certificate
        (id, assessment_id, revision_id, scorecard_id, supplier_id, assessor_id, document, sha256, kid, signature,
         issued_at, valid_until)
        VALUES ($1, $1, $2, $1, $3, $4, 'c', sha256('c'), 'k', decode(repeat('00', 64), 'hex'),
                '2026-01-01', '2026-01-15T08:00:00Z'::timestamptz + make_interval(days => $5))""",
        one,
        revision,
        SUPPLIER.organisation_id,
        assessor,
        days,
    )
    await connection.close()


async def ready(database: Database, files: FileStore, **changes: Any) -> tuple[UUID, UUID]:
    dataset = await registered(database, draft=replace(DRAFT, **changes))
    revision = await sealed(database, dataset, await uploaded(database, files, dataset, "a.jsonl", b"{}\n"))
    listing = await drafted(database, revision.id)
    return listing, parse("rev", revision.id)


def unmet(answer: object) -> set[str]:
    assert isinstance(answer, Problem), answer
    assert answer.slug == "publication-rules-not-met"
    names = answer.fields["unmet"]
    assert isinstance(names, list)
    for language in ("en", "zh"):
        assert all(name in answer.detail(language) for name in names)
    return set(names)


async def test_a_listing_is_refused_by_name_and_stays_a_draft(database: Database, files: FileStore) -> None:
    listing, _ = await ready(database, files)
    answer = await database.run(lambda tx: publish_listing(tx, SUPPLIER, listing))
    missing = {"supplier-verified", "certificate-valid", "scores-met", "offer-present", "price-plan-valid"}
    assert unmet(answer) == missing
    review = await database.run(lambda tx: review_listing(tx, SUPPLIER, listing))
    assert isinstance(review, PublicationReceipt)
    assert (review.state, review.published_at) == ("draft", "")
    assert {rule.rule for rule in review.rules if not rule.passed} == missing


async def test_a_listing_that_meets_the_rules_is_published_once_and_found(
    database: Database, database_url: str, files: FileStore
) -> None:
    listing, revision = await ready(database, files)
    await offered(database, listing)
    await verify(database_url, revision)
    assert slug(await database.run(lambda tx: publish_listing(tx, RIVAL, listing))) == "not-found"
    answer = await database.run(lambda tx: publish_listing(tx, SUPPLIER, listing))
    assert isinstance(answer, PublicationReceipt), answer
    assert answer.state == "published"
    assert all(rule.passed for rule in answer.rules)
    assert slug(await database.run(lambda tx: publish_listing(tx, SUPPLIER, listing))) == "listing-state"
    async with database.read(None) as tx:
        assert [one.listing.id for one in (await public.search(tx, SearchFilter("唐诗"), PageRequest())).items] == [
            listing
        ]
    gone = await database.run(lambda tx: delist_listing(tx, SUPPLIER, listing))
    assert isinstance(gone, ListingReceipt)
    async with database.read(None) as tx:
        assert (await public.search(tx, SearchFilter("唐诗"), PageRequest())).items == []
        assert await public.shelf(tx, listing) is None
    assert slug(await database.run(lambda tx: publish_listing(tx, SUPPLIER, listing))) == "listing-state"


@pytest.mark.parametrize(
    ("changes", "facts", "rule"),
    [
        ({}, {"score": 59}, "scores-met"),
        ({}, {"days": 0}, "certificate-valid"),
        ({"licence": "LicenseRef-Own"}, {}, "licence-known"),
        ({"personal_data": "contains", "cross_border_basis": "contract"}, {}, "personal-data-declared"),
        ({"personal_data": "pseudonymised"}, {}, "cross-border-basis"),
    ],
)
async def test_one_thing_missing_is_the_one_rule_named(
    database: Database,
    database_url: str,
    files: FileStore,
    changes: dict[str, Any],
    facts: dict[str, int],
    rule: str,
) -> None:
    listing, revision = await ready(database, files, **changes)
    await offered(database, listing)
    await verify(database_url, revision, **facts)
    assert unmet(await database.run(lambda tx: publish_listing(tx, SUPPLIER, listing))) == {rule}


async def test_an_own_licence_is_known_by_its_text_among_the_files(
    database: Database, database_url: str, files: FileStore
) -> None:
    dataset = await registered(database, draft=replace(DRAFT, licence="LicenseRef-Own"))
    uploads = [await uploaded(database, files, dataset, path, b"text") for path in ("a.jsonl", "LICENSE.txt")]
    revision = await sealed(database, dataset, *uploads)
    listing = await drafted(database, revision.id)
    await offered(database, listing)
    await verify(database_url, parse("rev", revision.id))
    answer = await database.run(lambda tx: publish_listing(tx, SUPPLIER, listing))
    assert isinstance(answer, PublicationReceipt), answer


async def test_a_directive_keeps_a_listing_from_sale(database: Database, database_url: str, files: FileStore) -> None:
    listing, revision = await ready(database, files)
    await offered(database, listing)
    await verify(database_url, revision)
    freeze = standing(UUID(int=90), "freeze", ("revision", revision), UUID(int=90), datetime.now(UTC))
    await database.run(lambda tx: directive_store.put_directive(tx, freeze))
    assert unmet(await database.run(lambda tx: publish_listing(tx, SUPPLIER, listing))) == {"not-frozen"}
