"""The pages for people: both languages, no scripts, refusals as pages."""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser

from compliance import notes
from exchange.apps.assessor import app as assessor
from exchange.apps.public import app as public
from exchange.apps.supplier import app as supplier
from tests.support.api import Market
from tests.support.sequencing import sequence
from tests.support.trade import component, offer_document, on_sale

_VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Reads a page; every element that opens must close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())


async def test_every_page_reads_in_both_languages_and_every_link_leads_somewhere(exchange: Market) -> None:
    sold = await on_sale(exchange)
    origin = exchange.services.settings.process.log_origin
    signers = [notes.log_signer(exchange.services.keyring, origin)]
    await sequence(exchange.services.db, signers, origin)
    paths = [
        "/",
        "/listings",
        f"/listings/{sold.listing}",
        f"/certificate/{sold.certificate}",
        "/transparency",
        "/docs",
    ]
    seen: set[str] = set()
    for path in paths:
        for language, word in (("en", "Corpus Exchange"), ("zh", "语料交易所")):
            answer = await exchange.http.get(path, params={"lang": language})
            assert answer.status_code == 200, (path, answer.text[:500])
            page = Page(answer.text)
            assert word in answer.text
            assert "script" not in page.tags
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            seen.update(link for link in page.links if link.startswith("/"))
    (tile,) = re.findall(r"curl -O [^<]*(/log/tile/[^<]+)</pre>", (await exchange.http.get("/transparency")).text)
    assert (await exchange.http.get(tile)).status_code == 200, "a command on the page works as it is written"
    # The documents of apps that other packages serve are checked there.
    for link in sorted(one for one in seen if not re.match(r"/(oauth2|buyer|data|operator|regulator)/", one)):
        assert (await exchange.http.get(link)).status_code == 200, link


async def test_money_is_written_alike_on_every_page(exchange: Market) -> None:
    sold = await on_sale(exchange)
    document = offer_document("one_off", component({"type": "one_off", "amount": "1234567.5"}))
    wish = {"code": "large", "document": document}
    offer = (await exchange.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", wish))["id"]
    for path in ("/listings", "/", f"/listings/{sold.listing}", f"/offers/{offer}"):
        page = (await exchange.http.get(path, headers={"accept-language": "en"})).text
        assert "CNY 1,234,567.50" in page, path
        # Only the calculator's arithmetic, which is an invoice's, has plain numbers.
        assert path.startswith("/offers/") or not re.search(r"1234567|300\.00 CNY", page), path


async def test_a_listing_page_explains_price_terms_and_quality(exchange: Market) -> None:
    sold = await on_sale(exchange)
    english = (await exchange.http.get(f"/listings/{sold.listing}", headers={"accept-language": "en"})).text
    for words in ("CNY 300.00 once, when you order", "name the source and its licence", "Uniqueness", "You must"):
        assert words in english, words
    chinese = (await exchange.http.get(f"/listings/{sold.listing}", headers={"accept-language": "zh-CN"})).text
    for words in ("下单时一次性支付", "注明来源及其许可", "唯一性", "您必须"):
        assert words in chinese, words


async def test_search_and_its_refusals(exchange: Market) -> None:
    sold = await on_sale(exchange)
    assert sold.listing in (await exchange.http.get("/listings", params={"q": "唐诗"})).text
    assert sold.listing not in (await exchange.http.get("/listings", params={"q": "weather"})).text
    attack = '"><script>alert(1)</script>'
    assert "<script>" not in (await exchange.http.get("/listings", params={"q": attack})).text
    for path, status in (
        ("/nothing", 404),
        ("/listings/lst_x", 404),
        ("/listings?modality=smell", 400),
        ("/listings?cursor=x", 400),
    ):
        answer = await exchange.http.get(path, headers={"accept-language": "zh"})
        assert answer.status_code == status, (path, answer.status_code)
        assert answer.headers["content-type"].startswith("text/html")
        Page(answer.text)


async def test_the_certificate_address_leads_to_its_page(exchange: Market) -> None:
    sold = await on_sale(exchange)
    answer = await exchange.http.get(f"/certificates/{sold.certificate}", follow_redirects=True)
    assert answer.status_code == 200
    assert "Holds" in answer.text
    style = await exchange.http.get("/assets/site.css")
    unchanged = await exchange.http.get("/assets/site.css", headers={"if-none-match": style.headers["etag"]})
    assert (style.headers["content-type"], unchanged.status_code) == ("text/css; charset=utf-8", 304)


async def test_documents_build_without_a_warning(exchange: Market) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for made in (public.app(exchange.services), supplier.app(exchange.services), assessor.app(exchange.services)):
            document = made.openapi_schema.to_schema()
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    assert operation.get("description"), (method, path)
                    asks_only = path.endswith(
                        (
                            "/simulations",
                            "/plans/check",
                            "/plans/preview",
                            "/terms/check",
                            "/data-contracts/check",
                            "/split-rules/check",
                            "/split-rules/simulation",
                            "/signing-keys/draft",
                            "/verification/agreements",
                        )
                    )
                    if method == "post" and path != "/catalog/v1/organisations" and not asks_only:
                        names = [one["name"] for one in operation.get("parameters", ())]
                        assert "Idempotency-Key" in names, path
