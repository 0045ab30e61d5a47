"""Papers about money over HTTP: documents, statements and receipts, in both languages, to their owners alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import facturx
import pypdfium2
import pytest

from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from settlement.en16931.cii import cii
from settlement.fiscal_papers import About
from tests.support.api import Market, Party, market
from tests.support.fiscal_kept import between, keep
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.trade import on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def read(m: Market, who: Party, at: str, **wanted: tuple[str, ...]) -> None:
    """The page and the PDF hold these words, by language, and need nothing but themselves."""
    for language, words in wanted.items():
        page = await m.get(who, f"{at}.html?lang={language}")
        assert page.status_code == 200, page.text
        assert page.headers["content-language"] == language
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        sheet = await m.get(who, f"{at}.pdf?lang={language}")
        assert sheet.headers["content-type"] == "application/pdf"
        file = pypdfium2.PdfDocument(sheet.content)
        text = "".join(one.get_textpage().get_text_range() for one in file)
        file.close()
        assert [word for word in words if word not in page.text or word not in text] == []


async def test_papers_of_all_kinds_are_read_by_their_owners_alone(m: Market, clock: FixedClock) -> None:
    sold, buyer = await on_sale(m), await funded(m)
    wish = {"offer": sold.offer, "purposes": ["pretrain"], "payment": "wallet"}
    order = (await m.done(buyer, "/buyer/v1/orders", wish))["id"]
    at = f"/buyer/v1/orders/{order}/receipt"
    await read(m, buyer, at, en=("Receipt", "= received"), zh=("收据", "钱包余额"))
    announced = await m.done(
        buyer, "/buyer/v1/top-ups", {"amount": {"amount": "5.00", "currency": "CNY"}, "method": "bank"}
    )
    unpaid = f"/buyer/v1/payments/{announced['id']}"
    assert (await m.get(buyer, unpaid)).status_code == 200
    assert (await m.get(buyer, f"{unpaid}/receipt.html")).status_code == 404

    await m.post(buyer, f"/buyer/v1/orders/{order}/acceptance")
    supplier, buyer = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), sold.supplier, buyer)
    await settle(m, 2026, 1)
    statement = (await m.get(supplier, "/supplier/v1/statements")).json()["items"][0]["id"]
    shown = f"/supplier/v1/statements/{statement}/paper"
    await read(m, supplier, shown, en=("= Closing balance", "264.00"), zh=("= 期末余额",))

    doc = between("380 china", supplier.id, buyer.id)
    await keep(m.services.db, About.SALE, doc)
    name = ids.text("doc", doc.id)
    for who, portal in ((buyer, "buyer"), (supplier, "supplier")):
        at = f"/{portal}/v1/documents/{name}"
        await read(
            m, who, f"{at}/paper", **{"en": ("rounded half to even",)} if who is buyer else {"zh": ("四舍六入五成双",)}
        )
        hybrid = await m.get(who, f"{at}/factur-x.pdf?lang=zh")
        assert facturx.get_xml_from_pdf(hybrid.content, check_xsd=True) == ("factur-x.xml", cii(doc))
    stranger = await m.join("buyer", "supplier")
    for path in (
        f"/buyer/v1/documents/{name}/paper.html",
        f"/supplier/v1/documents/{name}/factur-x.pdf",
        f"/buyer/v1/orders/{order}/receipt.html",
        f"/supplier/v1/statements/{statement}/paper.pdf",
    ):
        assert (await m.get(stranger, path)).status_code == 404, path
    french = await m.get(buyer, f"/buyer/v1/documents/{name}/paper.html?lang=fr")
    assert french.status_code == 400
