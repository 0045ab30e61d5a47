"""The database at head: its mirrors in the code are true, its walls stand, its facts do not move."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine

import compliance.directive_tables  # fills compliance.tables' metadata
import compliance.report_tables  # fills compliance.tables' metadata
import compliance.sealed_tables  # fills compliance.tables' metadata
import compliance.tables
import contracts.milestones_tables  # fills contracts.tables' metadata
import contracts.obligations_tables
import contracts.tables
import exchange.access.aside_tables  # fills exchange.access.tables' metadata
import exchange.access.tables
import exchange.catalog.tables
import exchange.parties.tables
import exchange.quality.tables
import exchange.webhooks.tables
import settlement.approval_tables  # fills settlement.tables' metadata
import settlement.bank_tables  # fills settlement.tables' metadata
import settlement.credit_tables  # fills settlement.tables' metadata
import settlement.dispute_tables  # fills settlement.tables' metadata
import settlement.dunning_tables  # fills settlement.tables' metadata
import settlement.efapiao_tables  # fills settlement.tables' metadata
import settlement.fiscal_tables  # fills settlement.tables' metadata
import settlement.hold_tables  # fills settlement.tables' metadata
import settlement.kept_tables  # fills settlement.tables' metadata
import settlement.pool_tables  # fills settlement.tables' metadata
import settlement.provider_tables  # fills settlement.tables' metadata
import settlement.rate_tables  # fills settlement.tables' metadata
import settlement.recon_tables  # fills settlement.tables' metadata
import settlement.refund_tables  # fills settlement.tables' metadata
import settlement.rule_tables  # fills settlement.tables' metadata
import settlement.stripe_tables  # fills settlement.tables' metadata
import settlement.tables
import settlement.weight_tables  # fills settlement.tables' metadata
import settlement.withholding_tables  # fills settlement.tables' metadata
from compliance.tables import PgSnapshot, Xid8
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, WallMissing
from exchange.kernel.embedded import EmbeddedServer
from tools.dump_schema import SCHEMA, dump

TABLES = (
    exchange.parties.tables,
    exchange.catalog.tables,
    exchange.quality.tables,
    exchange.access.tables,
    exchange.webhooks.tables,
    contracts.tables,
    settlement.tables,
    compliance.tables,
)
ROLES = ("exchange_app", "exchange_portal", "exchange_regulator", "exchange_migrate")
# What a trade leaves behind for good. A table that loses its form must be taken out of this list by hand.
FACTS = {
    "access.custom_meter access.usage_batch access.usage_copy access.usage_late access.usage_record access.usage_seal",
    "access.usage_correction access.usage_exception",
    "catalog.asset catalog.offer catalog.offer_audience catalog.plan catalog.revision",
    "compliance.audit_entry compliance.audit_leaf compliance.checkpoint compliance.export_bundle compliance.export_object",
    "compliance.directive_answer compliance.directive_deferral compliance.directive_file",
    "catalog.people_declaration compliance.processing_record compliance.sample_result",
    "compliance.cosignature compliance.witness_fault",
    "contracts.measurement contracts.measurement_agreed contracts.measurement_answer",
    "contracts.negotiation_message",
    "contracts.chain_end contracts.chain_right contracts.chain_trace contracts.rights_notice",
    "contracts.agreement contracts.quote",
    "contracts.obligation_evidence contracts.obligation_notice contracts.obligation_step contracts.question",
    "contracts.breach_notice contracts.data_contract contracts.data_contract_check",
    "contracts.agreement_event contracts.event_end contracts.event_force contracts.signature",
    "contracts.key_retirement contracts.organisation_key",
    "contracts.auction_award contracts.auction_bid contracts.auction_reserve contracts.auction_tally",
    "kernel.party kernel.public_key",
    "parties.decision parties.evidence parties.identifier parties.profile",
    "quality.certificate quality.disclosure quality.scorecard",
    "settlement.account settlement.charge settlement.invoice settlement.invoice_line settlement.journal",
    "settlement.conversion settlement.position_limit settlement.provider_customer settlement.rate",
    "settlement.fiscal_document settlement.fiscal_source settlement.self_billing settlement.self_billing_end",
    "settlement.efapiao settlement.efapiao_codes settlement.efapiao_confirmation settlement.efapiao_export",
    "settlement.efapiao_number",
    "settlement.account_period settlement.closed_period settlement.hold settlement.hold_end",
    "settlement.mandate_end settlement.pool_distribution settlement.pool_policy settlement.pool_share",
    "access.usage_aside access.usage_checked access.usage_decision",
    "contracts.milestone_answer contracts.milestone_drop contracts.milestone_report settlement.milestone_escrow",
    "settlement.split_guarantee settlement.split_promise settlement.split_promise_accepted",
    "settlement.buyer_claim settlement.introduced_sale settlement.mandate settlement.split_booked settlement.split_level",
    "settlement.split_minimum settlement.split_payee settlement.split_rule settlement.split_run settlement.split_source",
    "settlement.posting settlement.service_credit settlement.statement settlement.statement_line",
    "settlement.acceptance settlement.refund",
    "settlement.chart settlement.money_proof settlement.own_sweep settlement.recon_done settlement.recon_item",
    "settlement.recon_journal settlement.recon_resolution settlement.stated_balance",
    "settlement.dispute_evidence settlement.dispute_fact settlement.dispute_hold settlement.dispute_money",
    "settlement.dunning_notice",
    "settlement.withholding settlement.withholding_relief settlement.withholding_relief_end",
    "settlement.withholding_table settlement.withholding_adoption settlement.seller_report",
    "settlement.record_set settlement.weight_answer settlement.weight_member settlement.weight_order settlement.weight_vector",
}
INSERTED = frozenset({"SELECT", "INSERT"})
MOVED = INSERTED | {"UPDATE"}
ERASED = MOVED | {"DELETE"}
# 56: the trigger stands before UPDATE, DELETE and TRUNCATE.
_ALL = """
SELECT n.nspname || '.' || c.relname AS name, c.relforcerowsecurity AND c.relrowsecurity AS forced, c.relispartition AS part,
       pg_get_userbyid(c.relowner) AS owner,
       EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS ruled,
       EXISTS (SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid WHERE t.tgrelid = c.oid
               AND f.proname = 'refuse_change' AND t.tgtype & 56 = 56) AS fact,
       (SELECT coalesce(jsonb_object_agg(g.grantee, g.privileges), '{}') FROM (
            SELECT coalesce(r.rolname, 'public') AS grantee, array_agg(a.privilege_type) AS privileges
            FROM aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee GROUP BY 1) g)::text AS granted
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema|public$)' ORDER BY 1"""


@pytest_asyncio.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection that may do whatever the owner of the schema may."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("SET ROLE exchange_migrate")
    yield connection
    await connection.close()


async def tables(connection: asyncpg.Connection[Any]) -> dict[str, asyncpg.Record]:
    return {row["name"]: row for row in await connection.fetch(_ALL)}


async def test_the_tables_in_the_code_are_those_of_the_migrations(database_url: str) -> None:
    schemas = {module.metadata.schema for module in TABLES}

    def differences(connection: Connection) -> list[Any]:
        def ours(name: str | None, kind: str, _parents: Any) -> bool:
            return name in schemas if kind == "schema" else True

        options = {"include_schemas": True, "include_name": ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, [module.metadata for module in TABLES]))  # type: ignore[arg-type]

    ischema_names.setdefault("xid8", Xid8)  # SQLAlchemy does not know this type of PostgreSQL's by itself
    ischema_names.setdefault("pg_snapshot", PgSnapshot)
    engine = create_async_engine(DatabaseUrls.from_one(database_url).migrate)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert "\n".join(map(str, found)) == ""


async def test_schema_sql_is_what_the_migrations_make(server: EmbeddedServer, database_url: str) -> None:
    now = await asyncio.to_thread(dump, server, database_url)
    assert now == SCHEMA.read_text(encoding="utf-8"), "run python -m tools.dump_schema and read the difference"


async def test_there_is_one_linear_history() -> None:
    versions = sorted(path.stem for path in (SCHEMA.parent / "versions").glob("0*.py"))
    revisions = {}
    for name in versions:
        text = Path(SCHEMA.parent / "versions" / f"{name}.py").read_text(encoding="utf-8")
        values = dict(
            line.split(" = ") for line in text.splitlines() if line.startswith(("revision =", "down_revision ="))
        )
        revisions[values["revision"].strip('"')] = values["down_revision"].strip('"')
    numbers = [f"{number:04}" for number in range(1, len(versions) + 1)]
    assert revisions == dict(zip(numbers, ["None", *numbers], strict=False))
    assert [name[:4] for name in versions] == numbers


async def test_row_security_is_forced_on_every_table(owner: asyncpg.Connection[Any]) -> None:
    there = await tables(owner)
    assert len(there) > 50
    # Partitions of usage are reached through their parent; COPY refuses tables with row security.
    bare = [name for name, row in there.items() if not (row["forced"] and row["ruled"]) and not row["part"]]
    assert bare == []
    assert {row["owner"] for row in there.values()} == {"exchange_migrate"}


async def test_grants_are_exactly_those_of_a_form(owner: asyncpg.Connection[Any]) -> None:
    wrong = {}
    for name, row in (await tables(owner)).items():
        granted = {role: frozenset(list_) for role, list_ in _json(row["granted"]).items()}
        granted.pop("exchange_migrate", None)
        app = granted.pop("exchange_app", frozenset())
        fits = app == INSERTED if row["fact"] else app in {MOVED, ERASED}
        readers = set(granted) <= {"exchange_portal", "exchange_regulator"}
        if not fits or not readers or any(privileges != {"SELECT"} for privileges in granted.values()):
            wrong[name] = row["granted"]
    assert wrong == {}


async def test_the_facts_are_these(owner: asyncpg.Connection[Any]) -> None:
    facts = {name for name, row in (await tables(owner)).items() if row["fact"] and not row["part"]}
    assert facts == {name for line in FACTS for name in line.split()}


async def test_facts_refuse_change_even_by_their_owner(owner: asyncpg.Connection[Any]) -> None:
    facts = [name for name, row in (await tables(owner)).items() if row["fact"]]
    for name in facts:
        column = await owner.fetchval(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND attgenerated = '' "
            "AND attidentity = '' ORDER BY attnum LIMIT 1",
            name,
        )
        for change in (f"UPDATE {name} SET {column} = {column}", f"DELETE FROM {name}", f"TRUNCATE {name} CASCADE"):
            with pytest.raises(asyncpg.PostgresError, match="inserted, never changed"):
                await owner.execute(change)


async def test_the_app_cannot_even_ask_to_change_a_fact(database_url: str) -> None:
    connection = await asyncpg.connect(_plain(DatabaseUrls.from_one(database_url).app))
    try:
        for name in sorted(name for line in FACTS for name in line.split()):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"DELETE FROM {name}")
    finally:
        await connection.close()


async def test_views_run_with_the_rights_of_who_asks(owner: asyncpg.Connection[Any]) -> None:
    views = await owner.fetch(
        "SELECT c.relname, coalesce('security_invoker=true' = ANY (c.reloptions), false) AS invoker FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND n.nspname = 'regulator'"
    )
    assert views
    assert [row["relname"] for row in views if not row["invoker"]] == []


async def test_no_role_steps_over_row_security(owner: asyncpg.Connection[Any]) -> None:
    rows = await owner.fetch(
        "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles "
        "WHERE rolname LIKE 'exchange\\_%'"
    )
    assert {row["rolname"] for row in rows} == set(ROLES)
    for row in rows:
        assert list(row.values())[1:] == [True, False, False, False, False, False], row["rolname"]
    # None of them may act as another.
    assert await owner.fetchval("SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member "
                                "WHERE r.rolname = ANY($1)", list(ROLES)) == 0  # fmt: skip


@pytest.mark.parametrize("user", ["postgres", "exchange_migrate"])
@pytest.mark.parametrize("place", ["app", "portal", "regulator"])
async def test_start_up_refuses_a_role_that_no_wall_holds(
    server: EmbeddedServer, database_url: str, clock: FixedClock, user: str, place: str
) -> None:
    urls = DatabaseUrls.from_one(database_url)
    name = urlsplit(database_url).path.lstrip("/")
    wide = server.url_for(user, name).replace("postgresql://", "postgresql+asyncpg://", 1)
    given = {"app": urls.app, "portal": urls.portal, "regulator": urls.regulator, "migrate": urls.migrate, place: wide}
    database = Database(DatabaseUrls(**given), clock)
    try:
        with pytest.raises(WallMissing, match=user):
            await database.check_walls()
    finally:
        await database.close()


async def test_start_up_accepts_the_four_roles(database: Database) -> None:
    await database.check_walls()


def _plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


def _json(text: str) -> dict[str, list[str]]:
    return json.loads(text)  # type: ignore[no-any-return]
