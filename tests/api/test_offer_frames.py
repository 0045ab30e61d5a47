"""An offer with a legal frame, and one without: checked when it is written, shown to everybody with what is missing."""

from __future__ import annotations

from typing import Any

from tests.support.api import Market
from tests.support.trade import offer_document, on_sale

FRAME: dict[str, Any] = {
    "governing_law": "CN",
    "forum": {"kind": "arbitration", "name": {"en": "CIETAC, Beijing", "zh": "中国国际经济贸易仲裁委员会（北京）"}},
    "warranties": ["right_to_license", "as_described"],
    "indemnity": {"by": "seller", "covers": ["third_party_rights"], "capped": True},
    "liability_cap": {"multiple_of_price": "1"},
    "acceptance": {"days": 14},
}
STATED = ["governing_law", "forum", "prevailing_language", "warranties", "indemnity", "liability_cap", "acceptance"]


async def shown(m: Market, listing: str, code: str) -> dict[str, Any]:
    page = (await m.http.get(f"/catalog/v1/listings/{listing}")).json()
    (offer,) = [one for one in page["offers"] if one["code"] == code]
    found: dict[str, Any] = offer
    return found


async def test_an_offer_shows_its_legal_frame_and_what_it_does_not_state(exchange: Market) -> None:
    sold = await on_sale(exchange)
    path = f"/supplier/v1/listings/{sold.listing}/offers"
    document = {**offer_document(), "frame": FRAME}
    await exchange.done(sold.supplier, path, {"code": "framed", "document": document})
    framed = await shown(exchange, sold.listing, "framed")
    assert framed["document"]["frame"] == FRAME
    assert [part["key"] for part in framed["frame"] if not part["missing"]] == STATED
    (missing,) = [part for part in framed["frame"] if part["missing"]]
    assert (missing["key"], missing["sentences"]) == (
        "voice_and_likeness",
        [{"en": "Not stated in this offer.", "zh": "本报价方案未约定。"}],
    )
    # The terms say which language counts; nothing else is known of an offer without a frame.
    plain = await shown(exchange, sold.listing, "once")
    assert [part["key"] for part in plain["frame"] if not part["missing"]] == ["prevailing_language"]
    for language, words in (
        ("en", ("The law of China governs", "parts not stated")),
        ("zh", ("本合约适用中国法律", "部分内容未约定")),
    ):
        page = (await exchange.http.get(f"/listings/{sold.listing}?lang={language}")).text
        assert all(word in page for word in words)


async def test_a_wrong_legal_frame_is_refused_where_it_is_wrong(exchange: Market) -> None:
    sold = await on_sale(exchange)
    path = f"/supplier/v1/listings/{sold.listing}/offers"
    wrong: list[tuple[object, str, str]] = [
        ({}, "offer-invalid", "frame"),
        ("CN", "offer-invalid", "frame"),
        ({"governing_law": "China"}, "frame-field-wrong", "/governing_law"),
        ({"prevailing_language": "en"}, "frame-field-wrong", "/prevailing_language"),
        ({"warranties": ["as_is", "as_described"]}, "frame-field-wrong", "/warranties"),
    ]
    for number, (frame, slug, field) in enumerate(wrong):
        wish = {"code": f"wrong-{number}", "document": {**offer_document(), "frame": frame}}
        answer = await exchange.post(sold.supplier, path, wish)
        assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}"), answer.text
        assert field in answer.json()["detail"]
    wish = {"code": "other", "document": {**offer_document(), "legal": FRAME}}
    answer = await exchange.post(sold.supplier, path, wish)
    assert answer.json()["type"] == "/problems/offer-invalid"
    assert "may have frame" in answer.json()["detail"]
