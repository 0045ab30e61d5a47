"""Who stands on papers: an organisation's profile with the numbers of its verification, and who the exchange is itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.parties import profile_store
from exchange.parties import store as parties
from exchange.parties.organisations import Standing
from exchange.parties.profiles import Profile
from settlement.fiscal import LegalId, Party

# ISO 6523: the legal entity identifier has a code of its own; China's unified number has none there.
_LEI = "0199"


@dataclass(frozen=True, slots=True)
class Parties:
    """The parties of some papers; `operator` is the exchange's own organisation, None where nobody runs it yet."""

    known: Mapping[UUID, Party]
    standing: Mapping[UUID, Standing]
    operator: UUID | None


async def parties_of(tx: Tx, organisation_ids: Sequence[UUID]) -> Parties:
    """Everybody of these who has a profile, and the exchange itself."""
    operator = await profile_store.operator_of(tx)
    wanted = sorted({*organisation_ids, *([operator] if operator else [])})
    profiles = await profile_store.profiles_of(tx, wanted)
    return Parties(
        {one: party_of(profile) for one, profile in profiles.items()}, await parties.standing(tx, wanted), operator
    )


def party_of(profile: Profile) -> Party:
    """An organisation as its papers name it."""
    numbers = profile.tax_ids
    uscc, lei = numbers.get("uscc"), numbers.get("lei")
    legal = LegalId(uscc) if uscc else LegalId(lei, _LEI) if lei else None
    return Party(
        organisation_id=profile.organisation_id,
        legal_name=dict(profile.legal_name),
        language=profile.language,
        address=profile.address,
        city=profile.city,
        postcode=profile.postcode,
        subdivision=profile.subdivision,
        country=profile.country,
        vat_id=numbers.get("eu_vat"),
        # China's one number is the tax office's, too.
        tax_id=uscc,
        legal_id=legal,
        profile_version=profile.version,
    )
