"""Fill an empty exchange: parties join and are verified, data sets are uploaded, measured, certified and put on sale.

Every command has the same key whenever it is repeated, so an interrupted run goes on where it stood.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.demo.client import DemoFailed, Origin, Party, Refused
from sandbox.demo.credentials import Credentials
from sandbox.demo.goods import GOODS, Goods, offers
from sandbox.demo.parties import BY_KEY, CAST, Cast
from sandbox.demo.telling import Telling, money

PART_BYTES = 192 * 1024
PAYEES = ("supplier", "archive", "assessor", "broker")


@dataclass
class OnSale:
    """One dataset on the market: its ids, and its offers by code."""

    goods: Goods
    dataset: str
    revision: str = ""
    listing: str = ""
    offers: dict[str, str] = field(default_factory=dict)


@dataclass
class Market:
    """The parties, and what is on sale."""

    origin: Origin
    telling: Telling
    credentials: Credentials
    parties: dict[str, Party] = field(default_factory=dict)
    shelf: dict[str, OnSale] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Party:
        """A party by its part in the demo."""
        return self.parties[key]

    def name(self, organisation: str) -> str:
        """Who an organisation's id is."""
        for key, party in self.parties.items():
            if party.organisation == organisation:
                return self.telling.text(f"role.{key}")
        return organisation


def seed(origin: Origin, credentials: Credentials, telling: Telling) -> Market:
    """Bring the market to where buyers can come; the operator's credentials are in the file already.

    errors   raises DemoFailed
    """
    market = Market(origin, telling, credentials)
    market.parties["operator"] = credentials.party("operator", origin)
    with telling.step("join", origin):
        for cast in CAST:
            _join(market, cast)
        for key in PAYEES:
            _open_payout_account(market, key)
    with telling.step("upload", origin):
        for goods in GOODS:
            market.shelf[goods.key] = _upload(market, goods)
    with telling.step("list", origin):
        for sale in market.shelf.values():
            _draft(market, sale)
        _refused_publication(market, market.shelf["zh_poems"])
    with telling.step("certify", origin):
        for sale in market.shelf.values():
            _certify(market, sale)
    with telling.step("publish", origin):
        for sale in market.shelf.values():
            _publish(market, sale)
    credentials.finish()
    return market


def _join(market: Market, cast: Cast) -> None:
    """Sign up, hand in evidence, and have the operator decide."""
    telling = market.telling
    if not market.credentials.known(cast.key):
        wish = {
            "name": {"en": cast.en, "zh": cast.zh},
            "roles": list(cast.roles),
            "country": cast.country,
            "identifiers": cast.identifiers,
            "contact": {"name": cast.contact, "email": cast.email},
        }
        made = market.origin.post("/catalog/v1/organisations", wish)
        market.credentials.keep(cast.key, made["organisation"], made["client"], made["client_secret"])
    party = market.parties[cast.key] = market.credentials.party(cast.key, market.origin)
    evidence = {"documents": [_evidence(cast)]}
    party.do("evidence", f"{cast.portal}/organisation/evidence", evidence)
    decision = {"decision": "verify", "reason": f"Business licence and {', '.join(cast.identifiers)} agree."}
    market["operator"].do(f"verify {cast.key}", f"/operator/v1/organisations/{party.organisation}/decisions", decision)
    # The first token was of an organisation without rights.
    party.token(fresh=True)
    numbers = ", ".join(f"{scheme.upper()} {value}" for scheme, value in cast.identifiers.items())
    name = cast.en if telling.language == "en" else cast.zh
    telling.say("joined", role=telling.text(f"role.{cast.key}"), name=name, numbers=numbers)


def _evidence(cast: Cast) -> dict[str, str]:
    content = f"%PDF-1.7\n% Business licence of {cast.en}, an organisation made up for a demo.\n".encode()
    return {
        "kind": "business_licence",
        "media_type": "application/pdf",
        "content": base64.b64encode(content).decode(),
    }


def _open_payout_account(market: Market, key: str) -> None:
    party, portal = market[key], BY_KEY[key].portal
    receipt = party.do("payout account", f"{portal}/payout-accounts")
    result = party.job(receipt["job"], portal)
    if result.get("outcome") not in ("active", "restricted"):
        raise DemoFailed(f"the payout account of {key} was not opened: {result}")
    market.telling.say("payout-account", role=market.telling.text(f"role.{key}"), account=result["account"])


def _upload(market: Market, goods: Goods) -> OnSale:
    """Register a dataset, upload its files in parts, and seal them into a revision."""
    party, telling = market[goods.supplier], market.telling
    wish = {
        "title": dict(goods.title),
        "description": dict(goods.description),
        "modality": goods.modality,
        "languages": list(goods.languages),
        "personal_data": "none",
        "licence": goods.licence,
        "provenance": dict(goods.provenance),
    }
    dataset = party.do(f"dataset {goods.key}", "/supplier/v1/datasets", wish)["id"]
    uploads = [_upload_file(market, party, dataset, goods, path) for path in goods.files()]
    sealed = party.do(f"revision {goods.key}", f"/supplier/v1/datasets/{dataset}/revisions", {"uploads": uploads})
    telling.say(
        "sealed",
        title=telling.name(goods.title),
        files=sealed["assets"],
        size=f"{sealed['size_bytes']:,}",
        sha256=sealed["sha256"][:16],
    )
    party.job(sealed["job"], "/supplier/v1", telling.progress("measuring", title=telling.name(goods.title)))
    return OnSale(goods, dataset, sealed["id"])


def _upload_file(market: Market, party: Party, dataset: str, goods: Goods, path: Path) -> str:
    content = path.read_bytes()
    wish = {"path": path.name, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    command = f"upload {goods.key}/{path.name}"
    upload: str = party.do(command, f"/supplier/v1/datasets/{dataset}/uploads", wish)["id"]
    at = f"/supplier/v1/uploads/{upload}"
    for number, (start, part) in enumerate(_parts(content, _offset(party, at))):
        if number == 1 and path.name == "tang.jsonl":
            # As if the line had gone dead here: another client asks how far the first one came, and goes on.
            market.telling.say("resume", path=path.name, offset=f"{_offset(party, at):,}", size=f"{len(content):,}")
        party.send("PATCH", at, content=part, headers={"upload-offset": str(start)})
    party.do(f"{command} complete", f"{at}/completion")
    return upload


def _offset(party: Party, at: str) -> int:
    return int(party.send("HEAD", at).headers["upload-offset"])


def _parts(content: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    for at in range(start, len(content), PART_BYTES):
        yield at, content[at : at + PART_BYTES]


def _draft(market: Market, sale: OnSale) -> None:
    """Draft the listing with its offers."""
    goods, party, telling = sale.goods, market[sale.goods.supplier], market.telling
    wish = {"revision": sale.revision, "title": dict(goods.title), "summary": dict(goods.summary)}
    sale.listing = party.do(f"listing {goods.key}", "/supplier/v1/listings", wish)["id"]
    known = {key: one.organisation for key, one in market.parties.items()}
    prices = []
    for code, document in offers(goods, known).items():
        body = {"code": code, "document": document}
        made = party.do(f"offer {goods.key} {code}", f"/supplier/v1/listings/{sale.listing}/offers", body)
        sale.offers[code] = made["id"]
        prices.append(f"{telling.text(f'kind.{code}')} {money(made['entry_price'])}")
    telling.say("drafted", title=telling.name(goods.title), prices=telling.join(prices))


def _refused_publication(market: Market, sale: OnSale) -> None:
    """Show that the rules hold: nothing is published without a certificate."""
    party, at = market[sale.goods.supplier], f"/supplier/v1/listings/{sale.listing}/publication"
    try:
        answer = party.do(f"publish {sale.goods.key} early", at)
    except Refused as refused:
        if refused.slug != "publication-rules-not-met":
            raise
        problem = refused.problem
        market.telling.say("refused", title=problem["title"], detail=problem["detail"])
        return
    # An interrupted run that got further is told what it was told before; anything else is a defect.
    if answer["state"] != "published":
        raise DemoFailed("a listing without a certificate was neither refused nor published")


def _certify(market: Market, sale: OnSale) -> None:
    """The assessor reads the scorecard and signs."""
    goods, telling, assessor = sale.goods, market.telling, market["assessor"]
    wish = {"assessor": assessor.organisation}
    asked = market[goods.supplier].do(
        f"assess {goods.key}", f"/supplier/v1/revisions/{sale.revision}/assessments", wish
    )
    at = f"/assessor/v1/assessments/{asked['assessment']}"
    assessor.do(f"accept {goods.key}", f"{at}/acceptance")
    card = assessor.get(at)["scorecard"]
    statement = {
        "statement": {
            "en": "We recomputed the scorecard from the files and read a sample of the records.",
            "zh": "我们依据文件重新计算了评分卡，并抽样阅读了部分记录。",
        },
        "scope": "sample",
        "valid_days": 365,
    }
    signed = assessor.do(f"sign {goods.key}", f"{at}/certificate", statement)
    telling.say(
        "certified",
        title=telling.name(goods.title),
        score=card["score"],
        grade=card["grade"],
        facts=_facts(telling, card["document"]),
        until=signed["valid_until"][:10],
    )


def _facts(telling: Telling, card: dict[str, Any]) -> str:
    signals = card["signals"]
    spoken = sorted(signals["languages"], key=lambda one: -one["records"])
    tags = telling.join(f"{one['tag']} {one['records']:,}" for one in spoken[:3]) or "-"
    return telling.text("facts", tags=tags, **{key: signals[key] for key in ("records", "tokens", "duplicate_records")})


def _publish(market: Market, sale: OnSale) -> None:
    goods, party = sale.goods, market[sale.goods.supplier]
    receipt = party.do(f"publish {goods.key}", f"/supplier/v1/listings/{sale.listing}/publication")
    passed = sum(rule["passed"] for rule in receipt["rules"])
    title, count = market.telling.name(goods.title), len(receipt["rules"])
    market.telling.say("published", title=title, passed=passed, count=count, rules=receipt["rule_set"])
