"""An agreement taken away through HTTP by both sides, and verified by everybody."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pypdfium2
import pytest_asyncio

from exchange.flows.sign_agreements import sign_agreements
from exchange.kernel.money import Money
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.pythons import oldest
from tests.support.trade import OnSale, on_sale


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """An exchange with the portals of a trade."""
    async with market(database_url, tmp_path, only=("supplier", "assessor", "buyer")) as made:
        yield made


async def bought(m: Market) -> tuple[OnSale, Party, str]:
    """A listing, and an agreement over it."""
    sold, buyer = await on_sale(m), await m.join("buyer", name="Reading Lab")
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(900_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    wish = {"offer": sold.offer, "purposes": ["pretrain"], "payment": "wallet"}
    order = await m.done(buyer, "/buyer/v1/orders", wish)
    return sold, buyer, order["agreement"]


async def kept_keys_sign(m: Market) -> None:
    await m.services.db.run(partial(sign_agreements, keyring=m.services.keyring))


async def test_both_sides_get_the_same_file_and_it_verifies(m: Market, tmp_path: Path) -> None:
    sold, buyer, agreement = await bought(m)
    await kept_keys_sign(m)
    mine = await m.get(buyer, f"/buyer/v1/agreements/{agreement}/bundle")
    theirs = await m.get(sold.supplier, f"/supplier/v1/agreements/{agreement}/bundle")
    assert mine.status_code == 200
    assert mine.content == theirs.content
    assert f'filename="{agreement}.json"' in mine.headers["content-disposition"]
    checked = (await m.http.post("/catalog/v1/verification/agreements", content=mine.content)).json()
    assert (checked["holds"], checked["complete"], checked["keys_from_elsewhere"]) == (True, True, True)
    assert checked["agreement"] == agreement
    assert sorted((one["role"], one["kept"]) for one in checked["signed"]) == [
        ("buyer", True),
        ("exchange", False),
        ("seller", True),
    ]
    # Then alone: the script, the file and the published keys, in a process that can import nothing of ours.
    script = await m.http.get("/catalog/v1/verification/verify_agreement.py")
    (tmp_path / "verify_agreement.py").write_bytes(script.content)
    (tmp_path / "keys.json").write_bytes((await m.http.get("/.well-known/jwks.json")).content)
    (tmp_path / "agreement.json").write_bytes(mine.content)
    words = [oldest(), "-I", "-S", "verify_agreement.py", "agreement.json", "--keys", "keys.json"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


async def test_a_file_of_before_the_parties_signed_says_who_is_missing(m: Market) -> None:
    _, buyer, agreement = await bought(m)
    file = (await m.get(buyer, f"/buyer/v1/agreements/{agreement}/bundle")).content
    checked = (await m.http.post("/catalog/v1/verification/agreements", content=file)).json()
    assert (checked["holds"], checked["complete"]) == (True, False)
    assert {one["role"] for one in checked["missing"]} == {"buyer", "seller"}
    page = (await m.get(buyer, f"/buyer/v1/agreements/{agreement}/paper.html?lang=en")).text
    assert "Not signed yet by the buyer." in page


async def test_a_changed_file_is_refused_with_the_place(m: Market) -> None:
    _, buyer, agreement = await bought(m)
    file = (await m.get(buyer, f"/buyer/v1/agreements/{agreement}/bundle")).content
    at = file.index(b'"document":"', file.index(b'"offer"')) + 40
    changed = file[:at] + (b"A" if file[at : at + 1] != b"A" else b"B") + file[at + 1 :]
    checked = (await m.http.post("/catalog/v1/verification/agreements", content=changed)).json()
    assert not checked["holds"]
    assert any(one["at"].startswith("/offer") and one["bytes"][0] <= at < one["bytes"][1] for one in checked["faults"])
    for rubbish in (b"", b"{", b"\xff" * 100, json.dumps({"keys": [{"kid": "x"}]}).encode()):
        answer = await m.http.post("/catalog/v1/verification/agreements", content=rubbish)
        assert answer.status_code == 200
        assert not answer.json()["holds"]
    huge = await m.http.post("/catalog/v1/verification/agreements", content=b"[" * 1_100_000)
    assert huge.status_code == 413


async def test_page_and_pdf_in_both_languages_for_both_sides(m: Market) -> None:
    sold, buyer, agreement = await bought(m)
    await kept_keys_sign(m)
    for party, portal in ((buyer, "buyer"), (sold.supplier, "supplier")):
        at = f"/{portal}/v1/agreements/{agreement}"
        for language, word, name in (("en", "You may", "Reading Lab"), ("zh", "可以", "唐诗三百首")):
            page = await m.get(party, f"{at}/paper.html?lang={language}")
            assert page.headers["content-type"].startswith("text/html")
            assert page.headers["content-language"] == language
            assert "'unsafe-inline'" not in page.headers["content-security-policy"]
            assert word in page.text
            assert name in page.text
            sheet = await m.get(party, f"{at}/paper.pdf?lang={language}")
            assert sheet.headers["content-type"] == "application/pdf"
            assert sheet.content == (await m.get(party, f"{at}/paper.pdf?lang={language}")).content
            document = pypdfium2.PdfDocument(sheet.content)
            text = "".join(page.get_textpage().get_text_range() for page in document)
            document.close()
            assert word in text
            assert name in text
    assert (await m.get(buyer, f"/buyer/v1/agreements/{agreement}/paper.pdf?lang=fr")).status_code == 400


async def test_strangers_get_nothing(m: Market) -> None:
    _, _, agreement = await bought(m)
    other = await m.join("buyer", "supplier")
    for portal in ("buyer", "supplier"):
        for name in ("bundle", "paper.html", "paper.pdf"):
            at = f"/{portal}/v1/agreements/{agreement}/{name}"
            assert (await m.get(other, at)).status_code == 404
            assert (await m.http.get(at)).status_code == 401
