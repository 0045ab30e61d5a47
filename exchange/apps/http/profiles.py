"""What is to stand on an organisation's invoices. The same in every portal."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.wire import Id, Texts, Time, stamp
from exchange.flows.put_profile import ProfileKept, put_profile
from exchange.kernel import ids
from exchange.parties import profile_store
from exchange.parties.profiles import LINES_MAX, Profile, ProfileDraft

_ANY = {"portal": "any"}
_ADMIN = {"portal": "organisation"}
_Line = Annotated[str, Meta(min_length=1, max_length=200)]
_LANGUAGE = Meta(description="The language of papers to you. 票据语言。", examples=["en"])


class ProfileWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Printed as it is. Your country and official numbers are those of your verification."""

    legal_name: Annotated[Texts, Meta(description="As registered, by language. 登记的法定名称。")]
    address: Annotated[
        list[_Line],
        Meta(min_length=1, max_length=LINES_MAX, description="Lines above the city.", examples=[["Hauptstrasse 5"]]),
    ]
    city: Annotated[str, Meta(min_length=1, max_length=100, examples=["Berlin"])]
    postcode: Annotated[str, Meta(max_length=20, examples=["10115"])] = ""
    subdivision: Annotated[str, Meta(max_length=100, description="State or province.", examples=["Berlin"])] = ""
    language: Annotated[Literal["en", "zh"], _LANGUAGE] = "en"


class ProfileView(msgspec.Struct, frozen=True):
    """The newest version."""

    organisation: Id
    version: int
    legal_name: Texts
    address: list[str]
    city: str
    postcode: str
    subdivision: str
    country: Annotated[str, Meta(examples=["DE"])]
    tax_ids: dict[str, str]
    language: Annotated[str, Meta(examples=["en"])]
    created_at: Time


def profile_routes(prefix: str) -> tuple[Any, ...]:
    """The two routes under a portal's prefix."""
    path = f"{prefix}/profile"

    @command(path, ProfileKept, 400, 401, 403, 422, opt=_ADMIN)
    async def put(request: Asked, data: JSONBody[ProfileWish]) -> Response[bytes]:
        """Say what is to stand on your invoices: legal name and address. 填写票据资料。

        Every change is a new version; papers that were issued keep the version that they were written with.
        """
        actor = actor_of(request)
        draft = ProfileDraft(
            dict(data.legal_name), tuple(data.address), data.city, data.postcode, data.subdivision, data.language
        )
        return await write(request, "profile.put", lambda tx: put_profile(tx, actor, draft))

    @show(path, ProfileView, 401, 404, opt=_ANY)
    async def read(request: Asked) -> ProfileView:
        """What stands on your invoices. 查看票据资料。"""
        actor = actor_of(request)
        async with services_of(request).db.read(actor) as tx:
            profile = found(await profile_store.own_profile(tx, actor))
        return profile_view(profile)

    return put, read


def profile_view(one: Profile) -> ProfileView:
    """A profile as the API shows it."""
    return ProfileView(
        organisation=ids.text("org", one.organisation_id),
        version=one.version,
        legal_name=dict(one.legal_name),
        address=list(one.address),
        city=one.city,
        postcode=one.postcode,
        subdivision=one.subdivision,
        country=one.country,
        tax_ids=dict(one.tax_ids),
        language=one.language,
        created_at=stamp(one.created_at),
    )
