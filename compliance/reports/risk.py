"""Data for the yearly risk report (DSL 30, NDSR 33): what happened in a period, counted. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from compliance.reports.shape import FINDINGS_COLUMN, Cell, Column, Kind, Row, found_in
from exchange.kernel.text import Text

# A checkpoint is to follow an entry within a second or two.
LATE_S = 2
# What the log calls things that a risk report has to name one by one, by how their actions begin.
INCIDENTS: Mapping[str, Text] = {
    "directive.": Text("directives", "监管指令"),
    "erasure.": Text("erasures", "删除请求"),
    "right.withdraw": Text("rights withdrawn", "权利撤回"),
    "rights.told": Text("buyers told to stop or delete", "通知买方停止使用或删除"),
    "data-contract.broken": Text("data contracts broken", "数据合约违约"),
    "usage.aside": Text("usage put aside as implausible", "因异常暂缓计量的用量"),
    "client.revoke": Text("clients revoked", "应用停用"),
    "token.revoke": Text("tokens revoked", "访问令牌撤销"),
}


@dataclass(slots=True)
class Lateness:
    """How long entries waited for a signed checkpoint, of those that had one."""

    entries: int = 0
    late: int = 0
    longest_ms: int = 0

    def add(self, entries: int, late: int, longest_ms: int) -> None:
        """Count a part of the log."""
        self.entries += entries
        self.late += late
        self.longest_ms = max(self.longest_ms, longest_ms)


@dataclass(slots=True)
class Tally:
    """Everything counted of a period."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    lateness: Lateness = field(default_factory=Lateness)
    reports: dict[str, Counter[str]] = field(default_factory=dict)
    transfers: Counter[str] = field(default_factory=Counter)

    def entries(self, action: str, problem: str | None, count: int) -> None:
        """Count entries of one action, refused with `problem` or done."""
        if problem is None:
            self.done[action] += count
        else:
            self.refused[problem, action] += count

    def report_row(self, kind: str, row: Row) -> None:
        """Count a row of another report, with its findings."""
        counted = self.reports.setdefault(kind, Counter())
        counted["rows"] += 1
        counted.update(found_in(row))

    def transfer(self, row: Row) -> None:
        """Count a row of the report on transfers by what it is about."""
        self.transfers["all"] += 1
        self.transfers["abroad"] += bool(row["abroad"])
        self.transfers["personal"] += row["personal_data"] in ("contains", "pseudonymised")
        self.transfers["personal-abroad"] += bool(row["abroad"]) and row["personal_data"] != "none"


def rows(tally: Tally) -> Iterator[dict[str, Cell]]:
    """The counts, section by section, each in the order of its words."""
    late = tally.lateness
    yield _row("log", "entries", None, sum(tally.done.values()) + sum(tally.refused.values()))
    yield _row("log", "entries-under-checkpoint", None, late.entries)
    yield _row("log", "entries-late", f">{LATE_S}s", late.late, ["checkpoint-late"] if late.late else [])
    yield _row("log", "longest-wait-ms", None, late.longest_ms)
    for action, count in sorted(tally.done.items()):
        yield _row("incident" if _is_incident(action) else "activity", action, None, count)
    for (problem, action), count in sorted(tally.refused.items()):
        yield _row("refusal", problem, action, count)
    for name in ("all", "abroad", "personal", "personal-abroad"):
        yield _row("transfer", name, None, tally.transfers[name])
    for kind, counted in sorted(tally.reports.items()):
        for word, count in sorted(counted.items()):
            yield _row("finding" if word != "rows" else "report", word, kind, count)


def _is_incident(action: str) -> bool:
    return any(action.startswith(one) for one in INCIDENTS)


def _row(section: str, measure: str, of: str | None, count: int, findings: list[str] | None = None) -> dict[str, Cell]:
    return RISK.row({"section": section, "measure": measure, "of": of, "count": count}, findings or [])


RISK = Kind(
    "risk",
    Text("Data for the annual risk report", "年度风险评估报告数据"),
    "Data Security Law, article 30; Network Data Security Regulations (NDSR), article 33",
    Text(
        "What happened in the period, counted from the log: everything done, everything refused and by which rule, incidents "
        "(directives, erasures, withdrawn rights, broken data contracts, late checkpoints), transfers, and the findings of the "
        "other reports. The assessment itself is the operator's.",
        "根据日志统计期间内的情况：完成的操作、被拒绝的操作及其规则、事件（监管指令、删除、权利撤回、数据合约违约、"
        "检查点延迟）、数据提供情况，以及其他报告发现的问题。评估结论由运营方作出。",
    ),
    (
        Column(
            "section",
            Text("Section", "部分"),
            Text(
                "log, activity, incident, refusal, transfer, report or finding.",
                "log（日志）、activity（操作）、incident（事件）、refusal（拒绝）、transfer（提供）、report（报告）、finding（问题）。",
            ),
            "DSL 30",
        ),
        Column("measure", Text("What", "项目"), Text("What is counted.", "统计项目。"), "DSL 30; NDSR 33"),
        Column(
            "of",
            Text("Of", "归属"),
            Text("The action that was refused, or the report.", "被拒绝的操作，或所属报告。"),
        ),
        Column("count", Text("Count", "数量"), Text("How many, or milliseconds.", "数量或毫秒数。"), "DSL 30; NDSR 33"),
        FINDINGS_COLUMN,
    ),
)
