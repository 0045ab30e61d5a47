"""Publication rules: what a listing has to show before it goes on sale. Pure, versioned, each rule with its reason.

A rule set never changes once listings were published under it: a change is a new version beside the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exchange.kernel.text import LANGUAGES, LocaleMap, Text

# 2: as 1, and the data contract is kept.
PUBLICATION = "publication/2"
PERSONAL_DATA = frozenset({"none", "pseudonymised", "contains"})
TITLE_MAX = 200
# Scores run from 0 to 100; a dimension that could not be measured for this kind of data is not asked for.
MINIMUMS: Mapping[str, int] = {"overall": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationFacts:
    """What is known of a listing when the operator wants to publish it.

    units    scores and minimums 0..100; `synthetic_share` in ten-thousandths of the records; times aware and UTC
    """

    now: datetime
    supplier_verified: bool
    certificate_valid_until: datetime | None
    certificate_revoked: bool
    certificate_covers_revision: bool
    licence_known: bool
    synthetic_share: int | None
    synthetic_marked: bool
    personal_data: str | None
    legal_basis: bool
    cross_border: bool
    cross_border_basis: str | None
    scores: Mapping[str, int | None]
    title: LocaleMap
    summary: LocaleMap
    offer_count: int
    price_plans_valid: bool
    frozen: bool = False
    contract_kept: bool = True
    minimums: Mapping[str, int] = field(default_factory=lambda: MINIMUMS)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """Whether one rule is met, and why it exists."""

    rule: str
    passed: bool
    why: Text


def _certificate_valid(f: PublicationFacts) -> bool:
    until = f.certificate_valid_until
    return until is not None and f.now < until and not f.certificate_revoked and f.certificate_covers_revision


def _scores_met(f: PublicationFacts) -> bool:
    """Every minimum is met; only the overall score has to be there."""
    found = {name: f.scores.get(name) for name in f.minimums}
    if "overall" in found and found["overall"] is None:
        return False
    return all(score is None or score >= f.minimums[name] for name, score in found.items())


def _bilingual(f: PublicationFacts) -> bool:
    titles = [f.title.get(language, "").strip() for language in LANGUAGES]
    summaries = [f.summary.get(language, "").strip() for language in LANGUAGES]
    return all(titles) and all(summaries) and all(len(one) <= TITLE_MAX for one in titles)


Rule = tuple[str, Callable[[PublicationFacts], bool], Text]

_RULES: tuple[Rule, ...] = (
    (
        "supplier-verified",
        lambda f: f.supplier_verified,
        Text("The supplier's identity has been verified.", "供应方须通过主体认证。"),
    ),
    (
        "not-frozen",
        lambda f: not f.frozen,
        Text("No regulator's directive stands against it.", "不得存在有效的监管指令。"),
    ),
    (
        "certificate-valid",
        _certificate_valid,
        Text(
            "A certificate covers this revision, is not revoked and has not run out.",
            "须有覆盖该版本、未被撤销且在有效期内的质量证书。",
        ),
    ),
    (
        "licence-known",
        lambda f: f.licence_known,
        Text(
            "The data's licence is on the list of licences or is a text of the supplier's own on file.",
            "数据许可须在许可清单中，或为已备案的供应方自有许可。",
        ),
    ),
    (
        "synthetic-marked",
        lambda f: f.synthetic_share is not None and (f.synthetic_share == 0 or f.synthetic_marked),
        Text(
            "The share of synthetic records is declared, and the listing is marked if there are any.",
            "须声明合成数据占比；含合成数据的产品须作出标识。",
        ),
    ),
    (
        "personal-data-declared",
        lambda f: f.personal_data in PERSONAL_DATA and (f.personal_data != "contains" or f.legal_basis),
        Text(
            "The supplier says whether people can be recognised in the data; where they can, on which legal basis.",
            "须声明数据是否含个人信息；含个人信息的须说明合法性基础。",
        ),
    ),
    (
        "cross-border-basis",
        lambda f: not f.cross_border or f.personal_data == "none" or bool((f.cross_border_basis or "").strip()),
        Text(
            "Data about people that may leave its country names the basis on which it does.",
            "可能出境的个人相关数据须说明出境依据。",
        ),
    ),
    ("scores-met", _scores_met, Text("The quality scores reach the minimums.", "质量评分须达到最低要求。")),
    (
        "bilingual",
        _bilingual,
        Text("Title and summary exist in English and Chinese.", "标题与简介须有中英文两种文本。"),
    ),
    ("offer-present", lambda f: f.offer_count > 0, Text("There is at least one offer.", "须至少有一个报价方案。")),
    (
        "price-plan-valid",
        lambda f: f.offer_count > 0 and f.price_plans_valid,
        Text("Every offer's price plan is complete.", "所有报价方案的价格计划须完整有效。"),
    ),
    (
        "data-contract-kept",
        lambda f: f.contract_kept,
        Text(
            "The revision keeps the dataset's data contract, where that says that a broken one is not put on sale.",
            "数据合同约定不合格版本不得上架的，该版本须符合数据合同。",
        ),
    ),
)


def publication(facts: PublicationFacts) -> list[RuleResult]:
    """Judge a listing by publication/2: every rule, in a fixed order, passed or not."""
    return [RuleResult(rule, check(facts), why) for rule, check, why in _RULES]


def unmet(results: list[RuleResult]) -> list[RuleResult]:
    """The rules that are not met; none means that the listing may be published."""
    return [one for one in results if not one.passed]
