"""The assessor's portal, and the account that every portal shares."""

from __future__ import annotations

import base64

from exchange.flows.register_organisation import Registered
from tests.support import trade
from tests.support.api import Market


async def test_an_assessor_sees_only_what_it_was_asked(exchange: Market) -> None:
    supplier, assessor, other = (
        await exchange.join("supplier"),
        await exchange.join("assessor"),
        await exchange.join("assessor"),
    )
    dataset = (await exchange.done(supplier, "/supplier/v1/datasets", trade.DATASET))["id"]
    upload = await trade.uploaded(exchange, supplier, dataset, "poems.jsonl", trade.CONTENT)
    revision, card = await trade.measured(exchange, supplier, dataset, upload)
    asked = await exchange.done(
        supplier, f"/supplier/v1/revisions/{revision}/assessments", {"assessor": assessor.organisation}
    )
    path = f"/assessor/v1/assessments/{asked['assessment']}"
    shown = (await exchange.get(assessor, path)).json()
    assert shown["scorecard"]["id"] == card
    assert (await exchange.get(other, path)).status_code == 404
    assert (await exchange.post(other, f"{path}/acceptance")).status_code == 404
    early = await exchange.post(
        assessor, f"{path}/certificate", {"statement": trade.STATEMENT, "scope": "full", "valid_days": 9}
    )
    assert early.status_code == 409
    await exchange.done(assessor, f"{path}/acceptance")
    listed = (await exchange.get(assessor, "/assessor/v1/assessments", state="accepted")).json()["items"]
    assert [one["id"] for one in listed] == [asked["assessment"]]
    assert (await exchange.get(assessor, "/assessor/v1/assessments", state="signed")).json()["items"] == []
    await exchange.done(assessor, f"{path}/refusal")
    assert (await exchange.get(None, f"/catalog/v1/scorecards/{card}")).status_code == 404


async def test_portals_are_for_their_roles(exchange: Market) -> None:
    supplier, broker = await exchange.join("supplier"), await exchange.join("broker")
    assert (await exchange.get(supplier, "/assessor/v1/assessments")).status_code == 403
    assert (await exchange.get(broker, "/supplier/v1/datasets")).status_code == 403
    assert (await exchange.get(broker, "/assessor/v1/statements")).status_code == 200
    assert (await exchange.get(None, "/supplier/v1/datasets")).status_code == 401
    bad = await exchange.http.get("/supplier/v1/datasets", headers={"authorization": f"Bearer {supplier.token}x"})
    assert bad.status_code == 401


async def test_an_unverified_organisation_hands_in_evidence_and_nothing_else(exchange: Market) -> None:
    new = await exchange.join("supplier", verified=False)
    assert (await exchange.get(new, "/supplier/v1/datasets")).status_code == 403
    own = (await exchange.get(new, "/supplier/v1/organisation")).json()
    assert (own["state"], own["evidence"]) == ("unverified", [])
    paper = {
        "kind": "business_licence",
        "media_type": "application/pdf",
        "content": base64.b64encode(b"%PDF-1.7 licence").decode(),
    }
    taken = await exchange.done(new, "/supplier/v1/organisation/evidence", {"documents": [paper]})
    assert taken["state"] == "submitted"
    own = (await exchange.get(new, "/supplier/v1/organisation")).json()
    assert [one["kind"] for one in own["evidence"]] == ["business_licence"]
    assert [one["after"] for one in own["decisions"]] == ["submitted"]
    huge = {**paper, "content": base64.b64encode(bytes(4 * 1024 * 1024 + 1)).decode()}
    refused = await exchange.post(new, "/supplier/v1/organisation/evidence", {"documents": [huge]})
    assert refused.status_code == 413
    wrong = await exchange.post(
        new, "/supplier/v1/organisation/evidence", {"documents": [{**paper, "kind": "birthday_card"}]}
    )
    assert wrong.status_code == 422


async def test_a_clients_secret_is_shown_once_and_ends_with_it(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    wish = {"label": "uploader", "scopes": ["supplier"]}
    made = await exchange.post(supplier, "/supplier/v1/clients", wish, key="one")
    assert made.status_code == 201
    again = await exchange.post(supplier, "/supplier/v1/clients", wish, key="one")
    assert again.headers["idempotency-replayed"] == "true"
    assert "client_secret" not in again.json()
    assert again.json()["client"] == made.json()["client"]
    client, secret = made.json()["client"], made.json()["client_secret"]
    second = await exchange.sign_in(Registered(supplier.organisation, "", "", client), secret)
    assert (await exchange.get(second, "/supplier/v1/datasets")).status_code == 200
    # It was not given the organisation itself, so it neither makes nor ends clients, nor hands in papers.
    refused = [
        await exchange.post(second, "/supplier/v1/clients", {"label": "x", "scopes": ["supplier"]}),
        await exchange.post(second, f"/supplier/v1/clients/{supplier.client}/revocation"),
        await exchange.post(second, "/supplier/v1/organisation/evidence", {"documents": []}),
    ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]
    more = await exchange.post(supplier, "/supplier/v1/clients", {"label": "x", "scopes": ["buyer"]})
    assert more.status_code == 400
    await exchange.done(supplier, f"/supplier/v1/clients/{client}/revocation")
    assert (await exchange.get(second, "/supplier/v1/datasets")).status_code == 401
    clients = (await exchange.get(supplier, "/supplier/v1/clients")).json()["items"]
    assert [one["revoked_at"] is not None for one in clients] == [False, True]
    stranger = await exchange.join("supplier")
    assert (await exchange.post(stranger, f"/supplier/v1/clients/{client}/revocation")).status_code == 404
