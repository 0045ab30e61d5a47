"""Negotiations: where each stands, every message that was sent, and offers that only named organisations see."""

from __future__ import annotations

from alembic import op

from exchange.migrations import rules
from exchange.migrations.rules import CURRENT

revision = "0017"
down_revision = "0016"

_STATES = "'REQUESTED', 'OFFERED', 'ACCEPTED', 'AGREED', 'VERIFIED', 'FINALIZED', 'TERMINATED'"


def upgrade() -> None:
    """Create the tables of negotiations, and let an offer have an audience."""
    _private_offers()
    _negotiation()
    _messages()


def _private_offers() -> None:
    # The flag stands on both rows, so that hiding a private offer costs a public read no look at another table.
    for table in ("offer", "offer_standing"):
        op.execute(f"ALTER TABLE catalog.{table} ADD COLUMN private boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE catalog.offer_standing DROP CONSTRAINT offer_standing_state_check")
    op.execute(
        "ALTER TABLE catalog.offer_standing ADD CONSTRAINT offer_standing_state_check "
        "CHECK (state IN ('current', 'superseded', 'withdrawn', 'reserved'))"
    )
    op.execute(
        """CREATE TABLE catalog.offer_audience (
            offer_id uuid NOT NULL REFERENCES catalog.offer (id), organisation_id uuid NOT NULL,
            supplier_id uuid NOT NULL, created_at timestamptz NOT NULL,
            PRIMARY KEY (offer_id, organisation_id), CHECK (organisation_id <> supplier_id))"""
    )
    op.execute("CREATE INDEX offer_audience_organisation ON catalog.offer_audience (organisation_id, offer_id)")
    rules.facts("catalog.offer_audience")
    rules.public_read("catalog.offer_audience", f"organisation_id = {CURRENT} OR supplier_id = {CURRENT}")
    for table, column in (("offer", "id"), ("offer_standing", "offer_id")):
        name = f"catalog.{table}"
        op.execute(f"DROP POLICY catalog_{table}_public ON {name}")
        rules.public_read(
            name,
            f"EXISTS (SELECT FROM catalog.listing l WHERE l.id = {name}.listing_id AND l.state = 'published') "
            f"AND (NOT private OR EXISTS (SELECT FROM catalog.offer_audience a WHERE a.offer_id = {name}.{column} "
            f"AND a.organisation_id = {CURRENT}))",
        )


def _negotiation() -> None:
    op.execute(
        f"""CREATE TABLE contracts.negotiation (
            id uuid PRIMARY KEY, buyer_id uuid NOT NULL, seller_id uuid NOT NULL, listing_id uuid NOT NULL,
            based_on uuid, renews uuid, state text NOT NULL CHECK (state IN ({_STATES})),
            rounds integer NOT NULL CHECK (rounds >= 1), messages integer NOT NULL CHECK (messages >= 1),
            tip bytea NOT NULL CHECK (length(tip) = 32), offer_id uuid, quote_id uuid, order_id uuid, agreement_id uuid,
            expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
            CHECK (buyer_id <> seller_id), CHECK ((offer_id IS NULL) = (quote_id IS NULL)),
            CHECK ((state = 'FINALIZED') = (order_id IS NOT NULL) AND (order_id IS NULL) = (agreement_id IS NULL)),
            CHECK (state NOT IN ('AGREED', 'VERIFIED', 'FINALIZED') OR offer_id IS NOT NULL))"""
    )
    for side in ("buyer", "seller"):
        op.execute(f"CREATE INDEX negotiation_{side} ON contracts.negotiation ({side}_id, id)")
    op.execute(
        "CREATE INDEX negotiation_due ON contracts.negotiation (expires_at) WHERE state NOT IN ('FINALIZED', 'TERMINATED')"
    )
    rules.states("contracts.negotiation")
    rules.two_sided("contracts.negotiation")


def _messages() -> None:
    op.execute(
        f"""CREATE TABLE contracts.negotiation_message (
            id uuid PRIMARY KEY, negotiation_id uuid NOT NULL REFERENCES contracts.negotiation (id),
            buyer_id uuid NOT NULL, seller_id uuid NOT NULL, number integer NOT NULL CHECK (number >= 1),
            sender text NOT NULL CHECK (sender IN ('consumer', 'provider', 'exchange')),
            organisation_id uuid, client_id uuid,
            message text NOT NULL CHECK (message IN
                ('request', 'offer', 'accept', 'agree', 'verify', 'finalize', 'terminate', 'expire')),
            state text NOT NULL CHECK (state IN ({_STATES})), document bytea NOT NULL,
            sha256 bytea NOT NULL CHECK (sha256 = sha256(document)),
            previous bytea CHECK (length(previous) = 32), created_at timestamptz NOT NULL,
            UNIQUE (negotiation_id, number), CHECK ((number = 1) = (previous IS NULL)),
            CHECK ((sender = 'exchange') = (organisation_id IS NULL) AND (organisation_id IS NULL) = (client_id IS NULL)))"""
    )
    rules.facts("contracts.negotiation_message")
    rules.two_sided("contracts.negotiation_message")
