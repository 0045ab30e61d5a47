"""Sign-up: an organisation joins and gets its first client."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers
from exchange.apps.http.people import newcomers
from exchange.apps.http.wire import Texts
from exchange.flows.register_organisation import register_organisation
from exchange.parties.clients import SECRET_BYTES, hash_secret, new_client
from exchange.parties.organisations import wish
from exchange.parties.roles import scopes_of

_Role = Annotated[str, Meta(max_length=40, examples=["supplier"])]


class ContactWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the operator may write to; personal data, kept apart and erasable."""

    name: Annotated[str, Meta(min_length=1, max_length=200, examples=["Li Hua"])]
    email: Annotated[str, Meta(max_length=254, examples=["li.hua@example.com"])]


class OrganisationWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application to join."""

    name: Texts
    roles: Annotated[tuple[_Role, ...], Meta(min_length=1, max_length=19, examples=[["supplier"]])]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", examples=["CN"])]
    identifiers: Annotated[
        dict[str, str],
        Meta(description="At least one of uscc, lei, eu_vat.", examples=[{"uscc": "91110108772551611J"}]),
    ]
    contact: ContactWish
    buyer_class: Annotated[
        Literal["academic", "small_company", "large_company", "public_body"] | None,
        Meta(
            description="What kind of buyer you are; some prices depend on it. It holds once the operator confirmed it. "
            "买方类别，部分价格与此有关；经运营方确认后生效。",
            examples=["academic"],
        ),
    ] = None
    client_label: Annotated[str, Meta(min_length=1, max_length=200)] = "first client"


class Joined(msgspec.Struct, frozen=True):
    """The new organisation and its first client. The secret is shown this once: keep it."""

    organisation: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    state: Annotated[str, Meta(examples=["unverified"])]
    member: str
    client: Annotated[str, Meta(examples=["cli_01m80jwmabesg81hwe4cc73nw9"])]
    client_secret: Annotated[str, Meta(examples=["pOJ2mYkSgL9zq0eKk0f0QmT1xJb7d0vWk3VbIYQyKjM"])]
    scopes: list[str]
    next_steps: list[Texts]


# No key: nobody is known here yet who could own one. A second application makes a second organisation, and only one of
# the two can be verified with the same number. How often one address may ask is limited by the proxy (deploy/).
@post("/catalog/v1/organisations", status_code=201, responses=answers(Joined, 201, 400, 422))
async def join(request: Asked, data: JSONBody[OrganisationWish]) -> Response[Joined]:
    """Apply to join the exchange; the answer holds the first client's secret, once. 申请入驻（密钥仅显示一次）。"""
    services = services_of(request)
    limits = services.settings.parties
    wanted = accepted_value(
        wish(
            name=data.name,
            roles=data.roles,
            country=data.country,
            identifiers=data.identifiers,
            contact_name=data.contact.name,
            contact_email=data.contact.email,
            settings=limits,
            buyer_class=data.buyer_class,
        )
    )
    secret = secrets.token_urlsafe(SECRET_BYTES)
    scopes = sorted(scopes_of(wanted.roles))
    client = accepted_value(new_client(data.client_label, scopes, hash_secret(secret), limits))
    # Keys are made before the transaction: one that is never used seals nothing and harms nobody.
    who = await newcomers(services)
    made = await services.db.run(lambda tx: register_organisation(tx, wanted, client, who))
    joined = Joined(
        organisation=made.organisation,
        state=made.state,
        member=made.member,
        client=made.client,
        client_secret=secret,
        scopes=scopes,
        next_steps=[
            {
                "en": "Ask POST /oauth2/token for a token (client credentials).",
                "zh": "通过 POST /oauth2/token 获取令牌（客户端凭证模式）。",
            },
            {
                "en": "Hand in evidence with POST /{portal}/v1/organisation/evidence; the operator then decides.",
                "zh": "通过 POST /{portal}/v1/organisation/evidence 提交证明材料，等待运营方核验。",
            },
        ],
    )
    return Response(joined, status_code=201, headers={"cache-control": "no-store"})


ROUTES = (join,)
