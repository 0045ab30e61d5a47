"""An organisation joins, is verified, gets tokens and loses them again."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from exchange.flows.create_client import ClientCreated, create_client, revoke_client
from exchange.flows.issue_token import TokenIssued, TokenRequest, issue_token
from exchange.flows.register_organisation import Newcomers, Registered, found_operator, register_organisation
from exchange.flows.revoke_token import TokenRevoked, revoke_token, show_token
from exchange.flows.submit_evidence import Submitted, submit_evidence
from exchange.flows.verify_organisation import Decided, verify_organisation
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from exchange.kernel.subjects import SubjectKey
from exchange.parties import store
from exchange.parties.clients import NewClient, hash_secret, new_client
from exchange.parties.evidence import Document, document
from exchange.parties.members import opened
from exchange.parties.organisations import BuyerClass, Standing, State, Wish, wish
from exchange.parties.roles import Role, scopes_of
from exchange.parties.settings import PartiesSettings, TokenSettings
from exchange.parties.tokens import Token, token_keys, verify

T = TypeVar("T")
LIMITS = PartiesSettings()
TOKENS = TokenSettings(issuer="https://exchange.example", audience="https://exchange.example")
USCC, LEI = "91110000600037341L", "213800KUD8LAJWSQ9D15"


class Market:
    """Drives the flows as the apps will."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database, self.keyring = database, keyring
        self.secrets: dict[str, str] = {}
        self.keys: dict[UUID, bytes] = {}

    async def run(self, flow: Callable[..., Awaitable[T]], *args: Any) -> T:
        async def bound(tx: Tx) -> T:
            return await flow(tx, *args)

        return await self.database.run(bound)

    def client(self, scopes: Sequence[str]) -> tuple[NewClient, str]:
        secret = secrets.token_urlsafe(32)
        made = new_client("first", scopes, hash_secret(secret), LIMITS)
        assert isinstance(made, NewClient)
        return made, secret

    async def join(
        self, roles: Sequence[str], *, country: str = "CN", buyer_class: str | None = None, **numbers: str
    ) -> Registered:
        reserved = frozenset[Role]()
        asked = wish(
            name={"zh": "示例", "en": "Example"},
            roles=roles,
            country=country,
            identifiers=numbers or {"uscc": USCC},
            contact_name="张三",
            contact_email="zhang@example.cn",
            settings=LIMITS,
            buyer_class=buyer_class,
            reserved=reserved,
        )
        assert isinstance(asked, Wish)
        client, secret = self.client(sorted(scopes_of(asked.roles)))
        flow = found_operator if "operator" in roles else register_organisation
        made = await self.run(flow, asked, client, self.newcomers())
        self.secrets[made.client] = secret
        return made

    def newcomers(self) -> Newcomers:
        """Ids of an organisation and a member, with keys; nothing here asks for them again."""
        made = [SubjectKey(self.database.ids.new(self.database.clock.now()), secrets.token_bytes(32)) for _ in range(2)]
        self.keys |= dict(made)
        return Newcomers(*made)

    async def token(self, who: Registered, scope: str | None = None) -> tuple[str, Token]:
        request = TokenRequest(who.client, self.secrets[who.client], scope=scope)
        answer = await self.run(issue_token, request, self.keyring, TOKENS)
        assert isinstance(answer, TokenIssued), answer
        token = self.read(answer.access_token)
        assert isinstance(token, Token)
        return answer.access_token, token

    def read(self, access_token: str) -> Token | Problem:
        return verify(access_token, token_keys(self.keyring), TOKENS, self.database.clock.now())

    async def actor(self, who: Registered) -> Actor:
        return (await self.token(who))[1].actor()

    async def verified(self, operator: Actor, roles: Sequence[str], **numbers: str) -> Registered:
        who = await self.join(roles, **numbers)
        await self.run(submit_evidence, await self.actor(who), [paper()], LIMITS)
        done = await self.run(verify_organisation, operator, org(who), State.VERIFIED, "papers in order", LIMITS)
        assert isinstance(done, Decided), done
        return who


def org(who: Registered) -> UUID:
    return ids.parse("org", who.organisation)


def paper(number: int = 1) -> Document:
    made = document("business_licence", bytes([number]) * 32, 1_000, "application/pdf")
    assert isinstance(made, Document)
    return made


@pytest.fixture
def market(database: Database, keyring: Keyring) -> Market:
    return Market(database, keyring)


async def test_from_sign_up_to_verified(market: Market) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    supplier = await market.join(["supplier", "broker"])
    assert supplier.state == "unverified"

    _, early = await market.token(supplier)
    assert early.scopes == {"organisation"}
    assert early.roles == frozenset()

    submitted = await market.run(submit_evidence, early.actor(), [paper(1), paper(2)], LIMITS)
    assert isinstance(submitted, Submitted)
    assert submitted.state == "submitted"
    again = await market.run(submit_evidence, early.actor(), [paper(1)], LIMITS)
    assert isinstance(again, Submitted)
    assert again.evidence == submitted.evidence[:1], "the same document twice is one"

    decided = await market.run(verify_organisation, operator, org(supplier), State.VERIFIED, "in order", LIMITS)
    assert isinstance(decided, Decided)
    _, late = await market.token(supplier)
    assert late.roles == {"supplier", "broker"}
    assert late.scopes == {"organisation", "supplier", "assessor"}

    async with market.database.read(late.actor()) as tx:
        moves = [(one.from_state, one.to_state, one.reason) for one in await store.my_decisions(tx, late.actor())]
        assert moves == [
            (State.UNVERIFIED, State.SUBMITTED, "evidence handed in"),
            (State.SUBMITTED, State.VERIFIED, "in order"),
        ]
        found = await store.my_organisation(tx, late.actor())
        assert found is not None
        assert found.state is State.VERIFIED
        assert [one.document.sha256[0] for one in await store.my_evidence(tx, late.actor())] == [1, 2]
        assert [one.value for one in await store.my_identifiers(tx, late.actor())] == [USCC]


async def test_standing_answers_many_at_once(market: Market) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    buyer = await market.verified(operator, ["buyer"])
    new = await market.join(["annotator"], eu_vat="DE136695976")
    found = await market.run(store.standing, [org(buyer), org(new), UUID(int=404), org(buyer)])
    assert found == {
        org(buyer): Standing(State.VERIFIED, frozenset({Role.BUYER}), "CN", None, tax_registered=True),
        org(new): Standing(State.UNVERIFIED, frozenset({Role.ANNOTATOR}), "CN"),
    }
    assert await market.run(store.standing, []) == {}


@pytest.mark.parametrize(
    ("country", "numbers", "registered"),
    [
        ("CN", {"uscc": USCC}, True),
        ("CN", {"lei": "529900T8BM49AURSDO55"}, False),
        ("CN", {"eu_vat": "DE136695976"}, False),
        ("DE", {"eu_vat": "DE136695976"}, True),
        ("DE", {"eu_vat": "FR40303265045"}, False),
        ("DE", {"lei": "529900T8BM49AURSDO55", "eu_vat": "DE136695976"}, True),
        ("GR", {"eu_vat": "EL094259216"}, True),
        ("SG", {"uscc": USCC}, False),
    ],
)
async def test_registered_for_tax_is_who_has_a_tax_number_at_home_and_is_verified(
    market: Market, country: str, numbers: dict[str, str], registered: bool
) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    who = await market.join(["buyer"], country=country, **numbers)

    async def says() -> bool:
        return (await market.run(store.standing, [org(who)]))[org(who)].tax_registered

    assert not await says(), "a number that nobody has looked at"
    await market.run(submit_evidence, await market.actor(who), [paper()], LIMITS)
    await market.run(verify_organisation, operator, org(who), State.VERIFIED, "in order", LIMITS)
    assert await says() is registered
    await market.run(verify_organisation, operator, org(who), State.SUSPENDED, "complaint", LIMITS)
    assert not await says()


async def test_a_buyer_class_holds_once_the_operator_confirmed_it(market: Market) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    buyer = await market.join(["buyer"], buyer_class="academic")
    itself = await market.actor(buyer)

    async def decide(to: State, buyer_class: BuyerClass | None = None) -> Decided | Problem:
        return await market.run(verify_organisation, operator, org(buyer), to, "seen", LIMITS, buyer_class)

    async def known() -> tuple[str | None, BuyerClass | None, BuyerClass | None]:
        standing = (await market.run(store.standing, [org(buyer)]))[org(buyer)]
        found = await market.run(store.find_organisation, org(buyer))
        assert found is not None
        return standing.buyer_class, found.buyer_class, found.buyer_class_claimed

    await market.run(submit_evidence, itself, [paper()], LIMITS)
    academic, small = BuyerClass.ACADEMIC, BuyerClass.SMALL_COMPANY
    assert await known() == (None, None, academic), "a claim is no class"
    misplaced = await decide(State.REJECTED, academic)
    assert isinstance(misplaced, Problem)
    assert misplaced.slug == "buyer-class-misplaced"
    done = await decide(State.VERIFIED)
    assert isinstance(done, Decided)
    assert (done.buyer_class, await known()) == (None, (None, None, academic)), "verified, the claim not confirmed"
    await decide(State.SUSPENDED)
    done = await decide(State.VERIFIED, academic)
    assert isinstance(done, Decided)
    assert (done.buyer_class, await known()) == ("academic", ("academic", academic, academic))
    await decide(State.SUSPENDED)
    assert await known() == (None, None, academic), "it ends with the verification"
    await decide(State.VERIFIED, small)
    assert await known() == ("small_company", small, academic), "the operator goes by the evidence"
    confirmed = [one.buyer_class for one in await market.run(store.decisions_of, org(buyer))]
    assert confirmed == [None, None, None, academic, None, small]
    async with market.database.read(itself) as tx:
        mine = await store.my_organisation(tx, itself)
        assert mine is not None
        assert (mine.buyer_class, mine.buyer_class_claimed) == (small, academic)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE parties.organisation SET buyer_class = 'student'",
        "UPDATE parties.organisation SET buyer_class_claimed = 'student'",
        "UPDATE parties.organisation SET buyer_class = 'academic'",
    ],
)
async def test_no_class_stands_in_the_database_without_a_verification(
    market: Market, database_url: str, change: str
) -> None:
    await market.join(["buyer"])
    connection = await asyncpg.connect(DatabaseUrls.from_one(database_url).app.replace("+asyncpg", ""))
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(change)
    await connection.close()


async def test_only_another_operator_decides_and_only_with_a_reason(market: Market) -> None:
    boss = await market.join(["operator"], lei=LEI)
    operator = await market.actor(boss)
    supplier = await market.join(["supplier"])
    itself = await market.actor(supplier)
    cases: list[tuple[Actor, UUID, State, str, str]] = [
        (itself, org(supplier), State.VERIFIED, "I am honest", "forbidden"),
        (operator, org(boss), State.SUSPENDED, "tired", "forbidden"),
        (operator, org(supplier), State.VERIFIED, "  ", "reason-missing"),
        (operator, org(supplier), State.VERIFIED, "x" * 2_001, "reason-missing"),
        (operator, UUID(int=404), State.VERIFIED, "ok", "not-found"),
        (operator, org(supplier), State.VERIFIED, "no papers", "state-conflict"),
        (operator, org(supplier), State.SUSPENDED, "too early", "state-conflict"),
    ]
    for actor, whom, to, reason, slug in cases:
        answer = await market.run(verify_organisation, actor, whom, to, reason, LIMITS)
        assert isinstance(answer, Problem), slug
        assert answer.slug == slug
    empty = await market.run(submit_evidence, itself, [], LIMITS)
    assert isinstance(empty, Problem)
    assert empty.slug == "evidence-missing"


async def test_two_organisations_cannot_be_verified_with_one_number(market: Market) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    await market.verified(operator, ["supplier"], uscc=USCC)
    thief = await market.join(["supplier"], uscc=USCC)
    await market.run(submit_evidence, await market.actor(thief), [paper(9)], LIMITS)
    answer = await market.run(verify_organisation, operator, org(thief), State.VERIFIED, "looks fine", LIMITS)
    assert isinstance(answer, Problem)
    assert answer.slug == "identifier-taken"
    done = await market.run(verify_organisation, operator, org(thief), State.REJECTED, "not its number", LIMITS)
    assert isinstance(done, Decided)


async def test_two_operators_at_once_verify_only_one_of_two_claimants(market: Market) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    claimants = [await market.join(["supplier"], uscc=USCC) for _ in range(6)]
    for one in claimants:
        await market.run(submit_evidence, await market.actor(one), [paper()], LIMITS)
    answers = await asyncio.gather(
        *(market.run(verify_organisation, operator, org(one), State.VERIFIED, "ok", LIMITS) for one in claimants)
    )
    slugs = sorted(answer.slug if isinstance(answer, Problem) else "verified" for answer in answers)
    assert slugs == ["identifier-taken"] * 5 + ["verified"]


async def test_suspension_takes_effect_at_once(market: Market) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    buyer = await market.verified(operator, ["buyer"])
    actor = await market.actor(buyer)
    assert await market.run(store.lapsed, [actor, operator]) == set()
    await market.run(verify_organisation, operator, org(buyer), State.SUSPENDED, "complaint", LIMITS)
    assert await market.run(store.lapsed, [actor, operator]) == {actor.jti}
    async with market.database.read(actor) as tx:
        assert await store.lapsed(tx, [actor]) == {actor.jti}, "the portal's own role finds the same"
    _, new = await market.token(buyer)
    assert new.scopes == {"organisation"}
    assert await market.run(store.lapsed, [new.actor()]) == set(), "it may still read why"


async def test_wrong_clients_get_one_and_the_same_answer(market: Market) -> None:
    who = await market.join(["buyer"])
    good = market.secrets[who.client]
    for client, secret in [
        (who.client, good[:-1] + "x"),
        (who.client, ""),
        (ids.text("cli", UUID(int=404)), good),
        (who.organisation, good),
        ("' OR 1=1", good),
    ]:
        answer = await market.run(issue_token, TokenRequest(client, secret), market.keyring, TOKENS)
        assert isinstance(answer, Problem)
        assert (answer.slug, dict(answer.fields)) == ("invalid-client", {})
    for change, slug in [
        ({"grant_type": "password"}, "unsupported-grant-type"),
        ({"scope": "operator"}, "invalid-scope"),
    ]:
        answer = await market.run(issue_token, TokenRequest(who.client, good, **change), market.keyring, TOKENS)
        assert isinstance(answer, Problem)
        assert answer.slug == slug


async def test_a_client_makes_no_stronger_client_and_a_revoked_one_is_out(market: Market) -> None:
    who = await market.join(["buyer"])
    actor = await market.actor(who)
    strong, _ = market.client(["operator"])
    refused = await market.run(create_client, actor, strong, LIMITS)
    assert isinstance(refused, Problem)
    assert refused.slug == "invalid-scope"
    weak, secret = market.client(["organisation"])
    made = await market.run(create_client, actor, weak, LIMITS)
    assert isinstance(made, ClientCreated)
    full = await market.run(create_client, actor, weak, PartiesSettings(clients_max=2))
    assert isinstance(full, Problem)
    assert full.slug == "too-many-clients"

    second = Registered(who.organisation, "", "", made.client)
    market.secrets[made.client] = secret
    held = await market.actor(second)
    client_id = ids.parse("cli", made.client)
    stranger = await market.actor(await market.join(["buyer"], lei=LEI))
    foreign = await market.run(revoke_client, stranger, client_id)
    assert isinstance(foreign, Problem)
    assert foreign.slug == "not-found"
    assert await market.run(store.lapsed, [held]) == set()
    assert not isinstance(await market.run(revoke_client, actor, client_id), Problem)
    assert await market.run(store.lapsed, [held]) == {held.jti}, "its live tokens end with it"
    answer = await market.run(issue_token, TokenRequest(made.client, secret), market.keyring, TOKENS)
    assert isinstance(answer, Problem)
    assert answer.slug == "invalid-client"


async def test_revocation_and_introspection(market: Market, clock: FixedClock) -> None:
    mine, other = await market.join(["buyer"]), await market.join(["buyer"], lei=LEI)
    sent, token = await market.token(mine)
    me, you = ((who.client, market.secrets[who.client]) for who in (mine, other))

    foreign = await market.run(revoke_token, *you, market.read(sent))
    assert isinstance(foreign, Problem)
    assert foreign.slug == "unauthorized-client"
    wrong = await market.run(revoke_token, mine.client, "no", market.read(sent))
    assert isinstance(wrong, Problem)
    assert wrong.slug == "invalid-client"
    assert await market.run(store.revoked, [token.jti]) == set()
    mine_says = await market.run(show_token, *me, market.read(sent), TOKENS)
    assert isinstance(mine_says, dict)
    assert mine_says["active"] is True
    assert await market.run(show_token, *you, market.read(sent), TOKENS) == {"active": False}

    for nonsense in ("", "a.b.c", sent):
        assert market.read(nonsense) == token or isinstance(market.read(nonsense), Problem)
        assert isinstance(await market.run(revoke_token, *me, market.read(nonsense)), TokenRevoked)
    assert isinstance(await market.run(revoke_token, *me, market.read(sent)), TokenRevoked), "twice is no error"
    assert await market.run(store.revoked, [token.jti, "tok_other"]) == {token.jti}
    assert await market.run(show_token, *me, market.read(sent), TOKENS) == {"active": False}

    assert await market.run(store.forget_expired_tokens) == 0
    clock.advance(601)
    assert await market.run(store.forget_expired_tokens) == 1
    assert isinstance(market.read(sent), Problem)


async def test_personal_data_can_go_and_the_member_stays(market: Market) -> None:
    who = await market.join(["buyer"])
    actor = await market.actor(who)
    member_id = ids.parse("mem", who.member)

    async def people() -> list[str | None]:
        async with market.database.read(actor) as tx:
            people = [opened(one, market.keys[one.id]) for one in await store.my_members(tx, actor)]
            return [one.email if one else None for one in people]

    assert await people() == ["zhang@example.cn"]
    assert await market.run(store.erase_person, member_id)
    assert await people() == [None]
    assert not await market.run(store.erase_person, member_id)


async def test_the_log_tells_the_story_without_a_name(market: Market, database_url: str) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    await market.verified(operator, ["buyer"])
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT convert_from(envelope, 'UTF8') AS said FROM compliance.audit_entry ORDER BY seq"
    )
    await connection.close()
    said = "".join(row["said"] for row in rows)
    story = ("operator.found", "organisation.register", "token.issue", "evidence.submit", "organisation.verify")
    for action in story:
        assert f'"action":"{action}"' in said
    for personal in ("张三", "zhang", USCC, "in order", *market.secrets.values()):
        assert personal not in said


async def test_a_portal_sees_its_own_and_the_verified_ones(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = await market.actor(await market.join(["operator"], lei=LEI))
    known = await market.verified(operator, ["supplier"])
    me, other = await market.join(["buyer"], eu_vat="DE136695976"), await market.join(["buyer"], eu_vat="FR40303265045")
    mine = await market.actor(me)

    # The first wall is taken down: row-level security has to hold alone.
    monkeypatch.setattr(store, "mine", lambda _column, _actor: text("true"))
    async with market.database.read(mine) as tx:
        visible = set((await tx.conn.execute(text("SELECT id FROM parties.organisation"))).scalars())
        assert visible == {org(me), org(known), operator.organisation_id}
        assert [one.organisation_id for one in await store.my_clients(tx, mine)] == [org(me)]
        assert [one.organisation_id for one in await store.my_members(tx, mine)] == [org(me)]
        assert {one.value for one in await store.my_identifiers(tx, mine)} == {"DE136695976"}
        assert await store.my_evidence(tx, mine) == []
        assert await store.public_names(tx, [org(known), org(other)]) == {org(known): {"zh": "示例", "en": "Example"}}
    async with market.database.read(None) as tx:
        assert (await tx.conn.execute(text("SELECT count(*) FROM parties.client"))).scalar_one() == 0
        assert (await tx.conn.execute(text("SELECT count(*) FROM parties.person"))).scalar_one() == 0
    with pytest.raises(DBAPIError, match="permission denied"):
        async with market.database.read(mine) as tx:
            await tx.conn.execute(text("SELECT secret_hash FROM parties.client"))


@pytest.mark.parametrize("table", ["identifier", "evidence", "decision"])
@pytest.mark.parametrize(
    "verb", ["UPDATE parties.{} SET created_at = now()", "DELETE FROM parties.{}", "TRUNCATE parties.{}"]
)
async def test_facts_stay_as_they_are_even_for_the_owner(database_url: str, table: str, verb: str) -> None:
    urls = DatabaseUrls.from_one(database_url)
    for url in (urls.app, urls.migrate):
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        with pytest.raises(asyncpg.PostgresError, match=r"permission denied|never changed"):
            await connection.execute(verb.format(table))
        await connection.close()


async def test_the_operator_turns_pages(market: Market) -> None:
    for _ in range(5):
        await market.join(["buyer"])
    seen, after = [], None
    while True:
        page = await market.run(partial(store.organisations, state=State.UNVERIFIED, request=PageRequest(2, after)))
        seen += [one.id for one in page.items]
        if page.next_cursor is None:
            break
        after = (str(page.items[-1].id),)
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen)
