"""Data that leaves the mainland: whose, how many persons in a calendar year, and by which way it may. Pure.

The thresholds are data (`cross_border.json`), read from the top: the first line that fits decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from compliance.reports.shape import FINDINGS_COLUMN, Cell, Column, Kind
from exchange.kernel import ids
from exchange.kernel.text import Text

TOTAL = "total"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the table: the way to take where everything named holds. `people_min` counts both kinds of persons."""

    path: str
    article: str
    critical_infrastructure: bool | None = None
    important: bool | None = None
    exempt: bool | None = None
    people_min: int = 0
    personal_min: int = 0
    sensitive_min: int = 0


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one regulation; countries `inside` are not abroad."""

    id: str
    source: str
    time_zone: str
    inside: tuple[str, ...]
    assessment_valid_years: int
    paths: tuple[Line, ...]
    satisfies: dict[str, tuple[str, ...]]
    with_document: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """What one exporter provides abroad in one calendar year.

    units    persons, not rows; `personal` counts those with no sensitive data
    """

    personal: int = 0
    sensitive: int = 0
    important: bool = False
    critical_infrastructure: bool = False
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What a supplier declared of one dataset, and since when."""

    personal: int
    sensitive: int
    important: bool
    critical_infrastructure: bool
    exemption: str | None
    path: str
    document: bytes | None
    valid_until: datetime | None
    created_at: datetime


@dataclass(slots=True)
class Abroad:
    """What went abroad of one dataset in the period."""

    provider_id: UUID
    dataset_id: UUID
    personal_data: str
    times: list[datetime] = field(default_factory=list)
    countries: set[str] = field(default_factory=set)
    first: int = 0
    last: int = 0

    def add(self, leaf_index: int, at: datetime, country: str) -> None:
        """Count one transfer; they come in the order of the log."""
        self.first = self.first if self.times else leaf_index
        self.last = leaf_index
        self.times.append(at)
        self.countries.add(country)


@lru_cache(maxsize=1)
def table() -> Table:
    """The rules in force."""
    return msgspec.json.decode((resources.files("compliance.reports") / "cross_border.json").read_bytes(), type=Table)


def path_of(x: Export, rules: Table | None = None) -> tuple[str, str]:
    """The way that the rules ask for, and the article that says so.

    source   CAC Order 16, articles 3 to 8; persons with sensitive data have no floor
    """
    for line in (rules or table()).paths:
        flags = (
            (line.critical_infrastructure, x.critical_infrastructure),
            (line.important, x.important),
            (line.exempt, x.exempt),
        )
        counts = (
            (line.people_min, x.personal + x.sensitive),
            (line.personal_min, x.personal),
            (line.sensitive_min, x.sensitive),
        )
        if all(asked in (None, said) for asked, said in flags) and all(least <= count for least, count in counts):
            return line.path, line.article
    raise ValueError("the table has no last line that takes everything")


def year_of(year: int, rules: Table | None = None) -> tuple[datetime, datetime]:
    """The calendar year as the regulation counts it, from 1 January to the next, in UTC."""
    zone = ZoneInfo((rules or table()).time_zone)
    return datetime(year, 1, 1, tzinfo=zone).astimezone(UTC), datetime(year + 1, 1, 1, tzinfo=zone).astimezone(UTC)


def is_abroad(provider_country: str, recipient_country: str, rules: Table | None = None) -> bool:
    """Whether data that is provided so leaves the mainland."""
    inside = (rules or table()).inside
    return provider_country in inside and recipient_country not in inside


def in_force(declared: Sequence[Declared], at: datetime) -> Declared | None:
    """The newest declaration made by then; None where there was none yet."""
    return max((one for one in declared if one.created_at <= at), key=lambda one: one.created_at, default=None)


def rows(abroad: Iterable[Abroad], declared: Mapping[UUID, Sequence[Declared]], year: int) -> list[dict[str, Cell]]:
    """A row for each dataset that went abroad, and one for each provider with what it adds up to."""
    by_provider: dict[UUID, list[Abroad]] = {}
    for one in abroad:
        by_provider.setdefault(one.provider_id, []).append(one)
    found: list[dict[str, Cell]] = []
    for provider_id in sorted(by_provider):
        members = sorted(by_provider[provider_id], key=lambda one: one.dataset_id)
        counted = [_counted(one, declared.get(one.dataset_id, ())) for one in members]
        found += [_dataset_row(one, count, year) for one, count in zip(members, counted, strict=True)]
        found.append(_total_row(provider_id, members, counted, year))
    return found


@dataclass(frozen=True, slots=True)
class _Counted:
    """The largest numbers that were in force at any transfer of the year, and the newest declaration."""

    export: Export | None
    newest: Declared | None
    findings: tuple[str, ...]


def _counted(one: Abroad, declared: Sequence[Declared]) -> _Counted:
    findings: list[str] = []
    used: list[Declared] = []
    for at in one.times:
        found = in_force(declared, at)
        if found is None and declared:
            findings.append("declared-late")
            found = min(declared, key=lambda each: each.created_at)
        if found is not None:
            used.append(found)
            if found.valid_until is not None and found.valid_until < at:
                findings.append("path-lapsed")
    if not used:
        # What nobody told to be important is not (article 2), so that data without people needs no declaration.
        nobody = one.personal_data == "none"
        return _Counted(Export() if nobody else None, None, () if nobody else ("people-not-declared",))
    export = Export(
        personal=max(each.personal for each in used),
        sensitive=max(each.sensitive for each in used),
        important=any(each.important for each in used),
        critical_infrastructure=any(each.critical_infrastructure for each in used),
        # Who ever claimed less than an exemption in the year has none for the whole of it.
        exempt=all(each.exemption is not None for each in used),
    )
    newest = used[-1]
    if newest.path in table().with_document and newest.document is None:
        findings.append("path-without-evidence")
    return _Counted(export, newest, tuple(dict.fromkeys(findings)))


def _dataset_row(one: Abroad, counted: _Counted, year: int) -> dict[str, Cell]:
    x, newest = counted.export, counted.newest
    cells: dict[str, Cell] = {
        "year": year,
        "provider": ids.text("org", one.provider_id),
        "dataset": ids.text("ds", one.dataset_id),
        "personal_data": one.personal_data,
        **_numbers(x),
        "exemption": newest.exemption if newest else None,
        "transfers": len(one.times),
        "countries": " ".join(sorted(one.countries)),
        "first_leaf": one.first,
        "last_leaf": one.last,
        # Only a provider's sum decides, but for a dataset that is exempt or important by itself.
        "path_required": None,
        "article": None,
        "path_declared": newest.path if newest else None,
        "document_sha256": newest.document.hex() if newest and newest.document else None,
    }
    return CROSS_BORDER.row(cells, counted.findings)


def _total_row(provider_id: UUID, members: Sequence[Abroad], counted: Sequence[_Counted], year: int) -> dict[str, Cell]:
    known = [one.export for one in counted if one.export is not None]
    # What is exempt under articles 3 to 6 is not counted with the rest, unless importance takes the exemption away.
    summed = [one for one in known if not one.exempt or one.important]
    x = Export(
        personal=sum(one.personal for one in summed),
        sensitive=sum(one.sensitive for one in summed),
        important=any(one.important for one in known),
        critical_infrastructure=any(one.critical_infrastructure for one in known),
        exempt=bool(known) and not summed and len(known) == len(counted),
    )
    if x.critical_infrastructure:
        # Article 7(1) comes before every exemption: all persons count.
        x = Export(sum(one.personal for one in known), sum(one.sensitive for one in known), x.important, True, x.exempt)
    path, article = path_of(x)
    findings = [] if len(known) == len(counted) else ["people-not-declared"]
    takes = table().satisfies[path]
    findings += ["path-insufficient" for one in counted if _short_of(one, takes)]
    cells: dict[str, Cell] = {
        "year": year,
        "provider": ids.text("org", provider_id),
        "dataset": TOTAL,
        "personal_data": None,
        **_numbers(x),
        "exemption": None,
        "transfers": sum(len(one.times) for one in members),
        "countries": " ".join(sorted({country for one in members for country in one.countries})),
        "first_leaf": min(one.first for one in members),
        "last_leaf": max(one.last for one in members),
        "path_required": path,
        "article": article,
        "path_declared": " ".join(sorted({one.newest.path for one in counted if one.newest})) or None,
        "document_sha256": None,
    }
    return CROSS_BORDER.row(cells, findings)


def _short_of(one: _Counted, takes: Sequence[str]) -> bool:
    if one.newest is None or one.export is None:
        return False
    alone = one.export.exempt and not (one.export.important or one.export.critical_infrastructure)
    # A dataset without persons needs no way of its own, whatever the others add up to.
    empty = not (one.export.personal or one.export.sensitive or one.export.important)
    return not (alone or empty) and one.newest.path not in takes


def _numbers(x: Export | None) -> dict[str, Cell]:
    return {
        "personal": None if x is None else x.personal,
        "sensitive": None if x is None else x.sensitive,
        "important": None if x is None else x.important,
        "critical_infrastructure": None if x is None else x.critical_infrastructure,
    }


_LAW = "CAC Order 16"
CROSS_BORDER = Kind(
    "cross-border",
    Text("Persons whose data went abroad", "个人信息出境人数统计"),
    "CAC Order 16, articles 3 to 8; PIPL articles 38 to 40; NDSR articles 35 and 37",
    Text(
        "For one calendar year (from 1 January, Beijing time): every dataset of a provider in mainland China that was provided "
        "to a recipient elsewhere, the persons in it as the supplier declared them, and for each provider the sum and the "
        "way that the sum asks for. Persons who are in two datasets count twice: the exchange cannot know them.",
        "以自然年（自 1 月 1 日起，北京时间）为期：列出境内供应方向境外接收方提供的每个数据集、供应方申报的涉及人数，"
        "以及各供应方的合计人数和相应的出境路径。同一人出现在两个数据集中计为两人，交易所无从识别。",
    ),
    (
        Column("year", Text("Year", "年度"), Text("The calendar year.", "自然年。"), _LAW),
        Column("provider", Text("Provider", "供应方"), Text("Who provides the data.", "数据的供应方。"), _LAW),
        Column(
            "dataset",
            Text("Dataset", "数据集"),
            Text("The dataset, or `total` in the provider's sum.", "数据集标识；合计行为 total。"),
        ),
        Column(
            "personal_data",
            Text("Personal data", "个人信息"),
            Text("What the supplier says of people in the data.", "供应方就数据是否涉及个人信息的说明。"),
        ),
        Column(
            "personal",
            Text("Persons", "人数"),
            Text("Persons with no sensitive data; empty: not declared.", "不含敏感个人信息的人数；空白表示未申报。"),
            f"{_LAW}, 7(2), 8",
        ),
        Column(
            "sensitive",
            Text("Persons, sensitive", "敏感个人信息人数"),
            Text("Persons with sensitive data; empty: not declared.", "涉及敏感个人信息的人数；空白表示未申报。"),
            f"{_LAW}, 7(2), 8",
        ),
        Column(
            "important",
            Text("Important data", "重要数据"),
            Text(
                "Whether it was told or published to be important data.",
                "是否已被告知或公开发布为重要数据。",
            ),
            f"{_LAW}, 2, 7",
        ),
        Column(
            "critical_infrastructure",
            Text("Critical infrastructure", "关键信息基础设施"),
            Text(
                "Whether the provider operates critical information infrastructure.",
                "供应方是否为关键信息基础设施运营者。",
            ),
            f"{_LAW}, 7(1)",
        ),
        Column(
            "exemption",
            Text("Exemption", "豁免情形"),
            Text("The exemption of articles 3 to 6 that is claimed.", "所主张的第三条至第六条豁免情形。"),
            f"{_LAW}, 3-6",
        ),
        Column(
            "transfers",
            Text("Orders", "订单数"),
            Text("How many orders provided it abroad.", "向境外提供的订单数。"),
        ),
        Column(
            "countries",
            Text("Recipients' countries", "接收方所在国家或地区"),
            Text("ISO 3166 codes.", "ISO 3166 代码。"),
        ),
        Column(
            "first_leaf",
            Text("First entry", "首个条目"),
            Text("Index in the log of the first of these orders.", "其中首个订单在日志中的序号。"),
        ),
        Column(
            "last_leaf",
            Text("Last entry", "末个条目"),
            Text("Index in the log of the last.", "其中末个订单在日志中的序号。"),
        ),
        Column(
            "path_required",
            Text("Way required", "应采取的路径"),
            Text(
                "exempt, standard_contract_or_certification or security_assessment; stands in the sum. With anything "
                "undeclared it is the least that is known.",
                "exempt（豁免）、standard_contract_or_certification（标准合同或认证）、security_assessment（安全评估）；"
                "载于合计行。如有未申报项，则为已知数据下的最低要求。",
            ),
            f"{_LAW}, 5-8",
        ),
        Column(
            "article",
            Text("Article", "条款"),
            Text("The article that asks for it.", "所依据的条款。"),
            _LAW,
        ),
        Column(
            "path_declared",
            Text("Way declared", "申报的路径"),
            Text("What the supplier says it did.", "供应方申报已采取的路径。"),
            _LAW,
        ),
        Column(
            "document_sha256",
            Text("Document", "文件哈希"),
            Text(
                "SHA-256 of the filing, certificate or decision that was declared.",
                "所申报的备案、证书或评估结果文件的 SHA-256。",
            ),
            _LAW,
        ),
        FINDINGS_COLUMN,
    ),
)
