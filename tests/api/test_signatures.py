"""Signing keys of organisations and signatures of agreements, through HTTP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import signatures_store
from contracts.signatures import Given
from exchange.flows.register_signing_key import KeyRetired, retire_signing_key
from exchange.flows.sign_agreement import SignatureReceipt, sign_agreement
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from tests.support.api import Market, Party, market
from tests.support.outcomes import funded
from tests.support.signing import b64, own_key, public_keys, sign_kept, verify_everything
from tests.support.trade import OnSale, on_sale


class Deal:
    """A sale with its agreement."""

    def __init__(self, m: Market, sale: OnSale, buyer: Party) -> None:
        self.m, self.sale, self.supplier, self.buyer = m, sale, sale.supplier, buyer

    async def order(self) -> str:
        wish = {"offer": self.sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
        agreement: str = (await self.m.done(self.buyer, "/buyer/v1/orders", wish))["agreement"]
        return agreement

    async def signed(self, agreement: str, portal: str = "buyer") -> dict[str, Any]:
        party = self.buyer if portal == "buyer" else self.supplier
        answer = await self.m.get(party, f"/{portal}/v1/agreements/{agreement}/signatures")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@pytest_asyncio.fixture
async def deal(database_url: str, tmp_path: Path) -> AsyncIterator[Deal]:
    async with market(database_url, tmp_path, only=("supplier", "assessor", "buyer")) as m:
        yield Deal(m, await on_sale(m), await funded(m))


async def test_kept_keys_sign_a_moment_after_the_order_and_say_so(deal: Deal) -> None:
    agreement = await deal.order()
    before = await deal.signed(agreement)
    assert (before["signing"], before["missing"]) == ("waiting", ["buyer", "seller"])
    assert [one["role"] for one in before["signatures"]] == ["exchange"]
    await sign_kept(deal.m)
    await sign_kept(deal.m)
    for portal in ("buyer", "supplier"):
        after = await deal.signed(agreement, portal)
        assert (after["signing"], after["missing"]) == ("signed", [])
        kept = await verify_everything(deal.m, after, deal.buyer.organisation, deal.supplier.organisation)
        assert kept == {"exchange": False, "buyer": True, "seller": True}
    # The kept key is made once and used again.
    other = await deal.order()
    await sign_kept(deal.m)
    kids = [{one["kid"] for one in (await deal.signed(one))["signatures"]} for one in (agreement, other)]
    assert kids[0] == kids[1]
    mine = (await deal.m.get(deal.buyer, "/buyer/v1/signing-keys")).json()
    assert (mine["signs"], [one["kept"] for one in mine["items"]]) == ("kept", [True])


async def test_who_has_a_key_of_its_own_signs_itself(deal: Deal) -> None:
    m = deal.m
    key = await own_key(m, deal.buyer, "buyer")
    agreement = await deal.order()
    await sign_kept(m)
    partly = await deal.signed(agreement)
    assert (partly["signing"], partly["missing"]) == ("partly", ["buyer"])
    path, document = f"/buyer/v1/agreements/{agreement}/signatures", base64.b64decode(partly["document_base64"])
    refusals = {
        "signature-missing": {},
        "signature-wrong": key.sign(document + b" "),
        "signature-key-unknown": {**key.sign(document), "kid": "A" * 43},
    }
    for slug, body in refusals.items():
        refused = await m.post(deal.buyer, path, body)
        assert (refused.status_code, refused.json()["type"]) == (422, f"/problems/{slug}"), refused.text
    garbage = await m.post(deal.buyer, path, {"kid": key.kid, "signature": "!!"})
    assert garbage.json()["type"] == "/problems/signature-wrong"
    assert await deal.signed(agreement) == partly, "a refused signature leaves nothing behind"
    made = await m.done(deal.buyer, path, key.sign(document))
    assert made == {"agreement": agreement, "role": "buyer", "kid": key.kid, "kept": False, "signing": "signed"}
    again = await m.post(deal.buyer, path, key.sign(document))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/signed-already")
    nobody = await m.post(deal.buyer, path, {"kid": "nokid"})
    assert (nobody.status_code, nobody.json()["type"]) == (422, "/problems/signature-key-unknown")
    kept = await verify_everything(m, await deal.signed(agreement), deal.buyer.organisation, deal.supplier.organisation)
    assert kept == {"exchange": False, "seller": True, "buyer": False}


async def test_an_own_signature_may_stand_beside_a_kept_one(deal: Deal) -> None:
    agreement = await deal.order()
    await sign_kept(deal.m)
    key = await own_key(deal.m, deal.supplier, "supplier")
    # The directory says what holds: the exchange signs nothing more for it, so the kept key is in use no longer.
    there = (await deal.m.http.get(f"/.well-known/organisations/{deal.supplier.organisation}/keys")).json()["keys"]
    assert [(one["kept"], one["status"]) for one in there] == [(True, "retired"), (False, "in_use")]
    document = base64.b64decode((await deal.signed(agreement))["document_base64"])
    path = f"/supplier/v1/agreements/{agreement}/signatures"
    await deal.m.done(deal.supplier, path, key.sign(document))
    sellers = [one for one in (await deal.signed(agreement))["signatures"] if one["role"] == "seller"]
    assert [one["kept"] for one in sellers] == [True, False]


async def test_a_key_is_registered_only_by_who_holds_it(deal: Deal) -> None:
    m, private = deal.m, Ed25519PrivateKey.generate()
    public = b64(private.public_key().public_bytes_raw())
    theirs = await m.done(deal.supplier, "/supplier/v1/signing-keys/draft", {"public_key": public})
    # A proof over another organisation's registration proves nothing here.
    proof = b64(private.sign(base64.b64decode(theirs["document_base64"])))
    path = "/buyer/v1/signing-keys"
    stolen = await m.post(deal.buyer, path, {"public_key": public, "proof": proof})
    assert (stolen.status_code, stolen.json()["type"]) == (422, "/problems/signing-key-not-proven")
    for wrong in ("AAAA", "?" * 44, b64(bytes(31) + b"\x80"), b64(b"\x01" + bytes(31))):
        refused = await m.post(deal.buyer, path, {"public_key": wrong, "proof": proof})
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/signing-key-form")
    await m.done(deal.supplier, "/supplier/v1/signing-keys", {"public_key": public, "proof": proof})
    mine = await m.done(deal.buyer, f"{path}/draft", {"public_key": public})
    taken = {"public_key": public, "proof": b64(private.sign(base64.b64decode(mine["document_base64"])))}
    assert (await m.post(deal.buyer, path, taken)).json()["type"] == "/problems/signing-key-taken"
    assert (await m.get(deal.buyer, path)).json()["items"] == []


async def test_a_retired_key_signs_no_more_and_still_verifies(deal: Deal) -> None:
    m = deal.m
    first = await own_key(m, deal.buyer, "buyer")
    agreement = await deal.order()
    await sign_kept(m)
    path = f"/buyer/v1/agreements/{agreement}/signatures"
    document = base64.b64decode((await deal.signed(agreement))["document_base64"])
    await m.done(deal.buyer, path, first.sign(document))
    second = await own_key(m, deal.buyer, "buyer", replaces=first.id)
    again = await m.post(deal.buyer, f"/buyer/v1/signing-keys/{first.id}/retirement")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/signing-key-retired")
    other = await deal.order()
    other_document = base64.b64decode((await deal.signed(other))["document_base64"])
    path = f"/buyer/v1/agreements/{other}/signatures"
    refused = await m.post(deal.buyer, path, first.sign(other_document))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/signing-key-retired")
    await m.done(deal.buyer, path, second.sign(other_document))
    keys = await public_keys(m, deal.buyer.organisation)
    assert [keys[one.kid][1]["status"] for one in (first, second)] == ["retired", "in_use"]
    assert keys[first.kid][1]["valid_to"] is not None
    assert (
        await verify_everything(m, await deal.signed(agreement), deal.buyer.organisation, deal.supplier.organisation)
    )["buyer"] is False
    # Without a key of its own in use, the kept one signs again; retired, its private part is gone and another is made.
    await m.done(deal.buyer, f"/buyer/v1/signing-keys/{second.id}/retirement")
    third = await deal.order()
    await sign_kept(m)
    assert (await deal.signed(third))["signing"] == "signed"
    listed = (await m.get(deal.buyer, "/buyer/v1/signing-keys")).json()
    kept = next(one for one in listed["items"] if one["kept"])
    await m.done(deal.buyer, f"/buyer/v1/signing-keys/{kept['id']}/retirement")
    fourth = await deal.order()
    await sign_kept(m)
    kids = {one["kid"] for one in (await deal.signed(fourth))["signatures"] if one["role"] == "buyer"}
    assert len(kids) == 1
    assert kept["kid"] not in kids


async def test_what_a_key_signed_lies_before_its_retirement_whoever_came_first(deal: Deal) -> None:
    m, services = deal.m, deal.m.services
    key = await own_key(m, deal.buyer, "buyer")
    agreement = await deal.order()
    document = base64.b64decode((await deal.signed(agreement))["document_base64"])
    signature = Given(key.kid, key.private.sign(document))
    begun, signed = asyncio.Event(), asyncio.Event()

    async def retire(tx: Tx) -> KeyRetired | Problem:
        # Begun before the signature, and behind it at the lock.
        begun.set()
        await signed.wait()
        return await retire_signing_key(tx, deal.buyer.actor, ids.parse("key", key.id))

    retiring = asyncio.create_task(services.db.run(retire))
    await begun.wait()
    name = ids.parse("agr", agreement)
    made = await services.db.run(lambda tx: sign_agreement(tx, services.keyring, deal.buyer.actor, name, signature))
    assert isinstance(made, SignatureReceipt)
    signed.set()
    retired = await retiring
    assert isinstance(retired, KeyRetired)
    (one,) = [one for one in (await deal.signed(agreement))["signatures"] if one["role"] == "buyer"]
    assert datetime.fromisoformat(one["at"]) < datetime.fromisoformat(retired.valid_to)
    keys = await public_keys(m, deal.buyer.organisation)
    assert keys[key.kid][1]["valid_to"] == retired.valid_to


async def test_no_key_is_retired_under_a_signature(deal: Deal) -> None:
    services = deal.m.services
    key = await own_key(deal.m, deal.buyer, "buyer")
    held, go_on = asyncio.Event(), asyncio.Event()

    async def sign(tx: Tx) -> None:
        await signatures_store.hold_keys(tx, [deal.buyer.id, deal.supplier.id])
        held.set()
        await go_on.wait()

    signing = asyncio.create_task(services.db.run(sign))
    await held.wait()
    path = f"/buyer/v1/signing-keys/{key.id}/retirement"
    retiring = asyncio.create_task(deal.m.post(deal.buyer, path))
    # Others sign at the same time.
    await services.db.run(lambda tx: signatures_store.hold_keys(tx, [deal.buyer.id]))
    done, _ = await asyncio.wait([retiring], timeout=0.3)
    assert not done
    go_on.set()
    await signing
    assert (await retiring).status_code in (200, 201)


async def test_the_directory_shows_keys_of_whoever_is_known_and_of_nobody_else(deal: Deal) -> None:
    known = await deal.m.http.get(f"/.well-known/organisations/{deal.buyer.organisation}/keys")
    assert (known.status_code, known.json()) == (200, {"keys": []})
    unknown = deal.buyer.organisation[:-1] + ("0" if deal.buyer.organisation[-1] != "0" else "1")
    assert (await deal.m.http.get(f"/.well-known/organisations/{unknown}/keys")).status_code == 404
    assert (await deal.m.http.get("/.well-known/organisations/nobody/keys")).status_code == 404
