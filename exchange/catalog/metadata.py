"""A listing as other catalogues read it: Croissant for people who train, DCAT-AP for data portals.

source   Croissant 1.1 and Croissant RAI 1.0 (MLCommons); DCAT-AP 3.0.1 (SEMIC)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.catalog.browsing import Shelf
from exchange.catalog.datasets import PersonalData
from exchange.catalog.revisions import StoredAsset
from exchange.kernel import ids
from exchange.kernel.text import LocaleMap

CROISSANT = "http://mlcommons.org/croissant/1.1"
CROISSANT_RAI = "http://mlcommons.org/croissant/RAI/1.0"
CROISSANT_MEDIA_TYPE = f'application/ld+json; profile="{CROISSANT}"'

_CROISSANT_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in [
            "citeAs",
            "column",
            "extract",
            "field",
            "fileProperty",
            "fileObject",
            "fileSet",
            "format",
            "includes",
            "isLiveDataset",
            "jsonPath",
            "key",
            "md5",
            "parentField",
            "path",
            "recordSet",
            "references",
            "regex",
            "repeated",
            "replace",
            "separator",
            "source",
            "subField",
            "transform",
        ]
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
_DCAT_CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_PERSONAL = {
    PersonalData.NONE: "none declared by the supplier",
    PersonalData.PSEUDONYMISED: "pseudonymised personal data, as declared by the supplier",
    PersonalData.CONTAINS: "contains personal data, as declared by the supplier",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a reader finds a listing, its files and its supplier's name."""

    listing: str
    file: Callable[[StoredAsset], str]
    supplier: LocaleMap


def croissant(shelf: Shelf, assets: Sequence[StoredAsset], at: Addresses) -> dict[str, Any]:
    """Describe a published listing as a Croissant dataset; the files need a grant's token to be loaded."""
    listing, dataset = shelf.listing, shelf.dataset
    published = listing.published_at or listing.created_at
    return {
        "@context": _CROISSANT_CONTEXT,
        "@type": "sc:Dataset",
        "@id": at.listing,
        "conformsTo": [CROISSANT, CROISSANT_RAI],
        "name": listing.title["en"],
        "alternateName": [{"@value": listing.title["zh"], "@language": "zh"}],
        "description": dataset.description["en"],
        "url": at.listing,
        "license": _licence(dataset.licence),
        "creator": {"@type": "sc:Organization", "name": at.supplier.get("en") or at.supplier.get("zh", "")},
        "datePublished": published.date().isoformat(),
        "inLanguage": list(dataset.languages),
        "version": f"{shelf.revision.number}.0.0",
        "identifier": f"sha256:{shelf.revision.sha256.hex()}",
        "isAccessibleForFree": False,
        "rai:dataCollection": dataset.provenance["en"],
        "rai:dataLimitations": f"{dataset.synthetic_share / 100:g} % of the records are synthetic",
        "rai:personalSensitiveInformation": _PERSONAL[dataset.personal_data],
        "distribution": [_file_object(stored, at) for stored in assets],
    }


def _file_object(stored: StoredAsset, at: Addresses) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": stored.asset.path,
        "name": stored.asset.path,
        "contentUrl": at.file(stored),
        "contentSize": f"{stored.asset.size_bytes} B",
        "encodingFormat": stored.asset.media_type,
        "sha256": stored.asset.sha256.hex(),
    }


def dcat(shelf: Shelf, assets: Sequence[StoredAsset], at: Addresses) -> dict[str, Any]:
    """Describe a published listing as a DCAT-AP dataset, with one distribution for each file."""
    listing, dataset = shelf.listing, shelf.dataset
    published = listing.published_at or listing.created_at
    licence = {"@id": _licence(dataset.licence)}
    return {
        "@context": _DCAT_CONTEXT,
        "@id": at.listing,
        "@type": "dcat:Dataset",
        "dct:identifier": ids.text("lst", listing.id),
        "dct:title": _in_both(listing.title),
        "dct:description": _in_both(dataset.description),
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": _in_both(at.supplier)},
        "dct:issued": {"@value": published.isoformat(), "@type": "xsd:dateTime"},
        "dct:provenance": {"@type": "dct:ProvenanceStatement", "dct:description": _in_both(dataset.provenance)},
        "dcat:landingPage": {"@id": at.listing, "@type": "foaf:Document"},
        "dcat:version": str(shelf.revision.number),
        "dcat:distribution": [
            {
                "@type": "dcat:Distribution",
                "dct:title": stored.asset.path,
                "dcat:accessURL": {"@id": at.file(stored)},
                "dcat:byteSize": {"@value": str(stored.asset.size_bytes), "@type": "xsd:nonNegativeInteger"},
                "dcat:mediaType": {"@id": f"http://www.iana.org/assignments/media-types/{stored.asset.media_type}"},
                "dct:license": licence,
                "spdx:checksum": {
                    "@type": "spdx:Checksum",
                    "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                    "spdx:checksumValue": {"@value": stored.asset.sha256.hex(), "@type": "xsd:hexBinary"},
                },
            }
            for stored in assets
        ],
    }


def _in_both(texts: LocaleMap) -> list[dict[str, str]]:
    return [{"@value": value, "@language": language} for language, value in sorted(texts.items())]


def _licence(licence: str) -> str:
    """Name a licence by its SPDX page; an own licence or an expression by itself."""
    if licence.startswith("LicenseRef-") or " " in licence:
        return f"urn:spdx:{licence.replace(' ', '%20').replace('(', '%28').replace(')', '%29')}"
    return f"https://spdx.org/licenses/{licence}"
