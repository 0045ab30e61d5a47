"""The directory of organisations' signing keys, for anybody who checks a signature."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response
from litestar.params import FromPath

from contracts import signatures
from contracts import signatures_store as store
from exchange.apps.http.answers import Asked
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import show
from exchange.apps.http.wire import object_id
from exchange.kernel.errors import NOT_FOUND, Refused
from exchange.parties import store as parties


class OrganisationKeySet(msgspec.Struct, frozen=True):
    """A JSON Web Key Set (RFC 7517): each key with status (in_use, retired), kept, valid_from and valid_to."""

    keys: list[dict[str, Any]]


@show("/.well-known/organisations/{organisation:str}/keys", OrganisationKeySet, 404)
async def read_organisation_keys(request: Asked, organisation: FromPath[str]) -> Response[OrganisationKeySet]:
    """The signing keys of an organisation, retired ones too. 机构签名公钥集（含已停用）。

    `kept: true` says that the exchange holds the private part for the organisation. A signature by a retired key stays
    good if it was made between `valid_from` and `valid_to`.
    """
    organisation_id = object_id("org", organisation)
    async with services_of(request).db.read(None) as tx:
        keys = await store.keys_of(tx, [organisation_id])
        if not keys and organisation_id not in await parties.public_names(tx, [organisation_id]):
            raise Refused(NOT_FOUND())
    found = OrganisationKeySet([dict(key) for key in signatures.directory(keys)["keys"]])
    headers = {"cache-control": "public, max-age=60"}
    return Response(found, media_type="application/jwk-set+json", headers=headers)


ROUTES = (read_organisation_keys,)
