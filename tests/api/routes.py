"""The ways in: routes are read from the apps themselves, so that a new one cannot be forgotten, and what each is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.api.tenants import CONTRACT, PROFILE, RELIEF, RIGHT, SPLIT, TABLE
from tests.support.outcomes import REASON
from tests.support.trade import STATEMENT, SUMMARY, TITLE, offer_document

IBAN = {"scheme": "iban", "holder": "Corpus Works", "account": "DE89370400440532013000", "bank": "COBADEFFXXX"}


@dataclass(frozen=True)
class Route:
    """One way in: method, path, and what its guard asks for."""

    app: str
    method: str
    path: str
    portal: str | None

    def __str__(self) -> str:
        """As in a log."""
        return f"{self.method} {self.path}"


def routes_of(root: Any) -> Iterator[Route]:
    """Every route of every app, without the answers to OPTIONS that the framework adds."""
    served = (getattr(app, "app", app) for app in (*root._apps.values(), root._fallback))
    apps = {id(app): app for app in served}
    for app in apps.values():
        for route in app.routes:
            for handler in getattr(route, "route_handlers", None) or [route.route_handler]:
                for method in getattr(handler, "http_methods", {"GET"}):
                    if method != "OPTIONS":
                        name = getattr(app.state, "name", "") or "web"
                        yield Route(name, str(method), route.path, handler.opt.get("portal"))


# What the second tenant sends where a body is wanted; everything in it is valid but for whose it is.
BODIES: dict[str, dict[str, Any]] = {
    **{f"/{portal}/v1/profile": PROFILE for portal in ("supplier", "buyer", "assessor")},
    **{f"/{portal}/v1/bank-destinations": IBAN for portal in ("supplier", "assessor")},
    "/operator/v1/bank-accounts": {"kind": "client", "currency": "EUR", "details": IBAN},
    "/operator/v1/credit-lines": {"buyer": "{organisation}", "limit": {"amount": "1", "currency": "EUR"}},
    "/operator/v1/withholding-tables": TABLE,
    "/operator/v1/seller-reports": {"kind": "dac7", "year": 2025, "currency": "CNY"},
    "/operator/v1/withholding-reliefs": {"organisation": "{organisation}", **RELIEF},
    "/operator/v1/payout-batches": {"currency": "EUR", "execution_date": "2026-02-02"},
    **{f"/{portal}/v1/self-billing/acceptance": {"sha256": "0" * 64} for portal in ("supplier", "assessor")},
    "/operator/v1/efapiao/exports": {},
    "/operator/v1/efapiao/{document:str}/number": {"number": "26312000000123456789", "issued_on": "2026-01-05"},
    "/operator/v1/efapiao/{document:str}/confirmation": {"number": "31000026110000000042", "reason": "02"},
    "/operator/v1/approvals/{approval:str}/approval": {},
    "/operator/v1/approvals/{approval:str}/refusal": {},
    "/operator/v1/reconciliation/stops/{movement:str}/resolution": {"remedy": "fees", "note": REASON},
    "/buyer/v1/obligations/{obligation:str}/evidence": {"sha256": "0" * 64},
    "/buyer/v1/orders/{order:str}/rejection": {"ground": "incomplete", "evidence_sha256": "0" * 64},
    "/buyer/v1/payments/{payment:str}/card-refunds": {},
    "/buyer/v1/payment-methods": {"payment_method": "pm_card_visa"},
    "/supplier/v1/orders/{order:str}/refunds": {"reason": "goodwill"},
    "/supplier/v1/orders/{order:str}/milestones/{milestone:str}/reports": {
        "note": REASON,
        "evidence_sha256": "0" * 64,
    },
    "/buyer/v1/orders/{order:str}/milestones/{milestone:str}/rejection": {"reason": REASON},
    "/supplier/v1/charges/{charge:str}/refunds": {"reason": "goodwill"},
    "/supplier/v1/obligations/{obligation:str}/waiver": {"reason": REASON},
    "/supplier/v1/obligations/{obligation:str}/demand": {"reason": REASON},
    "/supplier/v1/weight-vectors/{vector:str}/consent": {"sha256": "0" * 64},
    "/supplier/v1/datasets/{dataset:str}/split-rules": {"code": "main", "document": SPLIT},
    "/supplier/v1/datasets/{dataset:str}/split-rules/check": {"document": SPLIT},
    "/supplier/v1/datasets/{dataset:str}/split-rules/simulation": {
        "rule": SPLIT,
        "first": "2026-01",
        "last": "2026-01",
    },
    "/assessor/v1/mandates/{mandate:str}/claims": {"buyer": "{organisation}", "evidence_sha256": "0" * 64},
    "/supplier/v1/datasets/{dataset:str}/people-declarations": {
        "personal": 0,
        "sensitive": 0,
        "important": False,
        "critical_infrastructure": False,
        "path": "none",
    },
    "/assessor/v1/revisions/{revision:str}/samples": {"records": 5},
    "/assessor/v1/samples/{sample:str}/result": {"passed": 0},
    "/supplier/v1/datasets/{dataset:str}/uploads": {"path": "a.txt", "size_bytes": 3},
    "/supplier/v1/datasets/{dataset:str}/revisions": {"uploads": ["{upload}"]},
    "/supplier/v1/datasets/{dataset:str}/rights": {"rights": [RIGHT]},
    "/supplier/v1/datasets/{dataset:str}/data-contract": CONTRACT,
    "/supplier/v1/datasets/{dataset:str}/rights/{right:str}/withdrawal": {"reason": REASON},
    "/supplier/v1/revisions/{revision:str}/assessments": {"assessor": "{assessor}"},
    "/supplier/v1/listings/{listing:str}/offers": {"code": "theirs", "document": offer_document()},
    "/buyer/v1/grants/{grant:str}/change-offer": {"offer": "{offer}"},
    "/supplier/v1/auctions/{auction:str}/cancellation": {"reason": {"en": "Mine", "zh": "我的"}},
    "/assessor/v1/assessments/{assessment:str}/certificate": {"statement": STATEMENT, "scope": "full", "valid_days": 9},
    "/supplier/v1/listings/{listing:str}/private-offers": {"buyer": "{organisation}", "document": offer_document()},
    "/buyer/v1/negotiations/{negotiation:str}/verification": {"sha256": "0" * 64},
    **{
        f"/{portal}/v1/disputes/{{dispute:str}}/{verb}": body
        for portal in ("supplier", "buyer", "assessor")
        for verb, body in (
            ("answers", {"words": REASON}),
            ("evidence", {"title": REASON, "log": "{order}"}),
            ("proposals", {"words": REASON}),
            ("acceptance", {"proposal": "rsc_01m80jwmabesg81hwe4cc73nw9"}),
            ("withdrawal", {"words": REASON}),
            ("appeal", {"words": REASON}),
            ("redelivery", {"words": REASON}),
            ("redelivery/rejection", {"words": REASON}),
        )
    },
    **{f"/assessor/v1/cases/{{case:str}}/{verb}": {"words": REASON} for verb in ("refusal", "questions", "decision")},
    "/operator/v1/disputes/{dispute:str}/arbitrator": {"organisation": "{organisation}"},
    **{
        f"/{role}/v1/webhooks/{{webhook:str}}/{verb}": body
        for role in ("supplier", "buyer", "assessor")
        for verb, body in (("changes", {}), ("secret-rotation", {}), ("replay", {"message": "{message}"}))
    },
    **{
        f"/{role}/v1/directive-notices/{{directive_notice:str}}/answers": {"text": REASON}
        for role in ("supplier", "buyer", "assessor", "operator")
    },
    **{
        f"/{portal}/v1/negotiations/{{negotiation:str}}/{noun}": {}
        for portal, noun in (
            ("buyer", "requests"),
            ("buyer", "acceptance"),
            ("buyer", "termination"),
            ("supplier", "offers"),
            ("supplier", "agreement"),
            ("supplier", "finalization"),
            ("supplier", "termination"),
        )
    },
    **{
        f"/{portal}/v1/{noun}": body
        for portal in ("supplier", "buyer")
        for noun, body in (
            ("agreements/{agreement:str}/signatures", {}),
            ("agreements/{agreement:str}/events", {"kind": "retirement"}),
            ("agreement-events/{event:str}/signatures", {"sha256": "0" * 64}),
            ("agreement-events/{event:str}/refusal", {}),
            ("agreement-events/{event:str}/withdrawal", {}),
        )
    },
    **{
        f"/{portal}/v1/measurements/{{measurement:str}}/{verb}": body
        for portal in ("supplier", "buyer", "assessor")
        for verb, body in (
            ("acceptance", {"sha256": "0" * 64}),
            ("dispute", {"reason": REASON}),
            ("withdrawal", {"reason": REASON}),
        )
    },
}
_MEASURED = {
    "grant": "{grant}",
    "component": "uplift",
    "measured": "75",
    "measured_at": "2026-01-16T00:00:00Z",
    "evidence_sha256": "ab" * 32,
    "method": STATEMENT,
}
# Commands without an id in the path that name the first tenant's objects in the body, and how they are refused.
NAMED_IN_BODY: list[tuple[str, str, dict[str, Any], int]] = [
    *(
        (role, f"/{role}/v1/disputes", {"kind": "order", "source": "{order}", "words": REASON}, 404)
        for role in ("supplier", "buyer", "assessor")
    ),
    ("supplier", "/supplier/v1/listings", {"revision": "{revision}", "title": TITLE, "summary": SUMMARY}, 404),
    (
        "supplier",
        "/supplier/v1/auctions",
        {
            "offer": "{offer}",
            "exclusive": "exclusive",
            "reserve": {"amount": "5.00", "currency": "CNY"},
            "closes_at": "2026-04-01T00:00:00Z",
        },
        404,
    ),
    ("supplier", "/supplier/v1/usage/sources", {"client": "{client}"}, 404),
    ("supplier", "/supplier/v1/weight-vectors", {"subject": "theirs", "revisions": ["{revision}"]}, 404),
    ("supplier", "/supplier/v1/data-contracts/check", {"document": CONTRACT, "revision": "{revision}"}, 404),
    ("supplier", "/supplier/v1/plans/check", {"plan": offer_document()["plan"], "listing": "{listing}"}, 404),
    ("supplier", "/supplier/v1/plans/preview", {"plan": "{plan}", "listing": "{listing}"}, 404),
    ("supplier", "/supplier/v1/plans/preview", {"plan": offer_document()["plan"], "offer": "{offer}"}, 404),
    *[(role, f"/{role}/v1/measurements", _MEASURED, 404) for role in ("supplier", "buyer", "assessor")],
    (
        "supplier",
        "/supplier/v1/quotes",
        {
            "offer": "{offer}",
            "buyer": "{organisation}",
            "amounts": {"price": "1"},
            "purposes": ["pretrain"],
            "expires_at": "2026-04-01T00:00:00Z",
        },
        404,
    ),
    ("buyer", "/buyer/v1/orders", {"offer": "{offer}", "purposes": ["pretrain"], "quote": "{quote}"}, 404),
    ("buyer", "/buyer/v1/orders", {"offer": "{private}", "purposes": ["pretrain"]}, 404),
    ("buyer", "/buyer/v1/quotes", {"offer": "{private}", "purposes": ["pretrain"]}, 404),
    ("buyer", "/buyer/v1/negotiations", {"offer": "{private}"}, 404),
    *[
        ("buyer", "/buyer/v1/questions", {name: f"{{{of}}}", "purpose": "pretrain"}, 404)
        for name, of in (("agreement", "agreement"), ("grant", "grant"), ("offer", "private"))
    ],
    *[(role, f"/{role}/v1/negotiations", {"agreement": "{agreement}"}, 404) for role in ("buyer", "supplier")],
]
