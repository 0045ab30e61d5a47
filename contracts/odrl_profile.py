"""Our ODRL profile: the names our vocabulary has in a policy, and what other vocabularies call the same.

The profile is closed: what it does not name is refused by name, never dropped.

source   ODRL 2.2 (W3C Recommendation 2018); Dataspace Protocol 2025-1, contract negotiation; W3C Data Privacy Vocabulary 2.3;
         IETF draft-ietf-aipref-vocab (the working group's text of September 2026, without consensus yet)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.rights import BREAKS, DUTIES, PURPOSES

PROFILE = "https://corpus-exchange.example/odrl/1"
NAMESPACE = f"{PROFILE}#"
DSP_CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
CC = "http://creativecommons.org/ns#"
CONTEXT: list[Any] = [DSP_CONTEXT, {"cx": NAMESPACE, "cc": CC}]
DPV = "https://w3id.org/dpv#"
PREFIXES = {"cx": NAMESPACE, "cc": CC, "dpv": DPV, "odrl": "http://www.w3.org/ns/odrl/2/"}
LANGUAGE = "cx:prevailingLanguage"

USE = "use"
PURPOSE, PLACE, TIME = "purpose", "spatial", "elapsedTime"
COMMERCIAL, USERS, SITES, OUTPUT = "cx:commercial", "cx:users", "cx:sites", "cx:output"
EXCLUSIVITY, EXCLUSIVITY_TIME, LICENCE = "cx:exclusivity", "cx:exclusivityTime", "cx:spdx"
EVENT, INTERVAL = "event", "timeInterval"
OPERANDS = (
    PURPOSE,
    PLACE,
    TIME,
    COMMERCIAL,
    USERS,
    SITES,
    OUTPUT,
    EXCLUSIVITY,
    EXCLUSIVITY_TIME,
    LICENCE,
    EVENT,
    INTERVAL,
)
PERIODS = {"month": "P1M", "quarter": "P3M", "year": "P1Y"}
# Words of ODRL's common vocabulary and of Creative Commons where they say the same; ours elsewhere.
ACTIONS = {
    **{name: f"cx:{name}" for name in DUTIES if name != "no_reidentification"},
    "attribution": "attribute",
    "share_alike": "cc:ShareAlike",
    "keep_notices": "cc:Notice",
    "notify": "inform",
    "delete": "delete",
    "compensate": "compensate",
}
OUTPUT_VALUES = {limit: f"cx:{fact}" for limit, fact in BREAKS.items()}


@dataclass(frozen=True, slots=True)
class Mapped:
    """What another vocabulary calls a term of ours, and how well it fits.

    shapes   relation: exact, close, broader (theirs covers more), narrower (theirs covers less), none (they have no word)
    """

    term: str
    vocabulary: str
    name: str | None
    relation: str


def _mapped(vocabulary: str, rows: dict[str, tuple[str | None, str]]) -> list[Mapped]:
    return [Mapped(term, vocabulary, name, relation) for term, (name, relation) in rows.items()]


MAPPINGS: tuple[Mapped, ...] = (
    *_mapped(
        "dpv",
        {
            "pretrain": ("dpv:ResearchAndDevelopment", "broader"),
            "fine_tune": ("dpv:ResearchAndDevelopment", "broader"),
            "align": ("dpv:ResearchAndDevelopment", "broader"),
            "evaluate": ("dpv:ResearchAndDevelopment", "broader"),
            "retrieve": ("dpv:SearchFunctionalities", "broader"),
            "infer": (None, "none"),
            "research": ("dpv:ScientificResearch", "exact"),
            "redistribute": (None, "none"),
            "synthesise": (None, "none"),
            "commercial": ("dpv:CommercialPurpose", "close"),
        },
    ),
    *_mapped(
        "aipref",
        {
            # Theirs is about generative models only, and takes in every training that changes such a model.
            "pretrain": ("train-ai", "close"),
            "fine_tune": ("train-ai", "close"),
            "align": ("train-ai", "close"),
            "evaluate": (None, "none"),
            # Theirs needs an answer that sends people to the source; answers made from passages are ai-use.
            "retrieve": ("ai-use", "close"),
            "infer": ("ai-use", "close"),
            "research": (None, "none"),
            "redistribute": (None, "none"),
            "synthesise": (None, "none"),
            "commercial": (None, "none"),
        },
    ),
)
# Read in a foreign policy as ours: only words that say exactly the same.
PURPOSE_VALUES = {
    **{f"cx:{name}": name for name in PURPOSES},
    **{f"{NAMESPACE}{name}": name for name in PURPOSES},
    **{row.name: row.term for row in MAPPINGS if row.relation == "exact" and row.name is not None},
    **{
        row.name.replace("dpv:", DPV): row.term
        for row in MAPPINGS
        if row.relation == "exact" and row.vocabulary == "dpv" and row.name is not None
    },
}
# Words of theirs that say nearly the same: refused, with what they could mean.
NEAR_PURPOSES = {
    name: [row.term for row in MAPPINGS if row.name == name]
    for name in {row.name for row in MAPPINGS if row.name is not None and row.relation != "exact"}
}


def document() -> dict[str, Any]:
    """The profile as JSON: every name that a policy of ours can hold, and the mappings."""
    return {
        "type": "odrl-profile",
        "v": 1,
        "profile": PROFILE,
        "context": CONTEXT,
        "purposes": {name: f"cx:{name}" for name in PURPOSES},
        "outputs": OUTPUT_VALUES,
        "duties": ACTIONS,
        "operands": list(OPERANDS),
        "mappings": [
            {"term": row.term, "vocabulary": row.vocabulary, "name": row.name, "relation": row.relation}
            for row in MAPPINGS
        ],
    }
