"""exchange terms: check, explain and question licence terms in a file. Needs no server and no database."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts import drafting, evaluation, questions
from contracts.evaluation import Verdict
from contracts.terms import load
from exchange.cli.output import add_json, add_language, language_of, say
from exchange.cli.reading import BadFlag, Refused, read_bytes
from exchange.cli.tools import Tools
from exchange.kernel import written
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

_YES_NO = {"yes": True, "no": False}
_HEADINGS = {
    "you_may": Text("You may", "您可以"),
    "you_may_not": Text("You may not", "您不得"),
    "you_must": Text("You must", "您必须"),
    "unclear": Text("Not said, so not allowed", "未明确，视为不允许"),
}
_VERDICTS = {
    Verdict.PERMIT: Text("Yes, you may.", "可以。"),
    Verdict.DENY: Text("No.", "不可以。"),
    Verdict.UNKNOWN: Text("Not known, which is a no.", "无法确定，视为不可以。"),
}
_CODES = {Verdict.PERMIT: 0, Verdict.DENY: 3, Verdict.UNKNOWN: 4}
_FRAME = Text("Legal frame", "法律框架")
_INSTEAD = Text("Or, instead, under these terms:", "或选择以下条款：")
_USABLE = Text("The terms can be used.", "条款可用。")
_MISSING = Text("Not stated in the legal frame: {names}", "法律框架未约定：{names}")
_MUST = Text("For it you must:", "为此您必须：")
_NOTHING = Text("the file holds no terms", "文件中没有许可条款")


@dataclass(frozen=True, slots=True)
class _Read:
    """What stands in the file: terms, perhaps a frame, and at which lines their fields stand."""

    terms: dict[str, Any]
    frame: dict[str, Any] | None
    lines: Mapping[str, int]
    prefix: str


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "terms",
        help="check, explain and question licence terms",
        description="Work with licence terms in a JSON or YAML file (- reads standard input): terms alone, or an offer "
        "or request that holds them, with its legal frame. No server is needed. "
        "Exit code 0: usable, or permitted; 1: the terms are wrong; 2: no such file or flag; 3: denied; 4: unknown. "
        "检查、解释并询问 JSON 或 YAML 许可条款文件。退出码 0：可用或允许；1：条款有误；2：文件或参数有误；3：不允许；4：无法确定。",
    )
    actions = command.add_subparsers(dest="action", required=True)
    actions.add_parser("check", help="what is wrong; 1 if the terms cannot be used")
    actions.add_parser("explain", help="what a buyer may, may not and must do, and the legal frame")
    ask = actions.add_parser("ask", help="may I? with every rule that decided")
    ask.add_argument("purpose", metavar="PURPOSE", help="such as pretrain, fine_tune, evaluate")
    ask.add_argument("--territory", metavar="CN", help="where it is used")
    ask.add_argument("--country", metavar="CN", help="where your organisation has its seat")
    ask.add_argument("--commercial", choices=sorted(_YES_NO), help="whether the use is commercial")
    ask.add_argument("--users", type=int, metavar="N")
    ask.add_argument("--sites", type=int, metavar="N")
    ask.add_argument(
        "--output", action="append", metavar="verbatim_output", help="what comes of the use; may be repeated"
    )
    ask.add_argument("--no-output", action="store_true", help="nothing comes of the use that terms may forbid")
    ask.add_argument("--others", choices=sorted(_YES_NO), help="whether others hold rights to the same data")
    ask.add_argument("--at", metavar="2026-01-31T08:00:00Z", help="the moment of use; now if absent")
    ask.add_argument(
        "--start", metavar="2026-01-31T08:00:00Z", help="the agreement's beginning; the moment of use if absent"
    )
    for action in actions.choices.values():
        action.add_argument("file", metavar="FILE")
        add_language(action)
        add_json(action)
    command.set_defaults(run=run, blocking=True)


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do what was asked; the exit code says how it came out."""
    language = language_of(chosen, tools.environment)
    try:
        read = _read(chosen.file)
        _refuse_wrong(read)
        if chosen.action == "ask":
            return _ask(chosen, read, tools, language)
        return _explain(chosen, read, language) if chosen.action == "explain" else _check(chosen, read, language)
    except Refused as refused:
        answer = {"ok": False, "why": refused.why.map(), "problems": refused.faults}
        lines = [_fault_line(one, language) for one in refused.faults] or [refused.why.in_(language)]
        say(answer, as_json=chosen.json, lines=lines)
        return 2 if isinstance(refused, BadFlag) else 1


def _check(chosen: argparse.Namespace, read: _Read, language: str) -> int:
    said = drafting.preview(read.terms, read.frame)
    missing = [one for one in said["frame"] if one["missing"]]
    lines = [_USABLE.in_(language)]
    if missing:
        names = ("、" if language == "zh" else ", ").join(one["title"][language] for one in missing)
        lines.append(_MISSING.in_(language).format(names=names))
    answer = {"ok": True, "problems": [], "sha256": said["sha256"], "missing": [one["key"] for one in missing]}
    say(answer, as_json=chosen.json, lines=lines)
    return 0


def _explain(chosen: argparse.Namespace, read: _Read, language: str) -> int:
    said = drafting.preview(read.terms, read.frame)
    lines = _words(said["terms"], language)
    for other in said["terms"]["instead"]:
        lines += ["", _INSTEAD.in_(language), *_words(other, language)]
    lines += ["", _FRAME.in_(language)]
    for section in said["frame"]:
        sentences = " ".join(one[language] for one in section["sentences"])
        lines.append(f"  {section['title'][language]}: {sentences}")
    say({"ok": True, **said}, as_json=chosen.json, lines=lines)
    return 0


def _words(said: Mapping[str, Any], language: str) -> list[str]:
    lines = []
    for name, heading in _HEADINGS.items():
        if said[name]:
            lines += [heading.in_(language), *(f"  - {one[language]}" for one in said[name])]
    return lines


def _ask(chosen: argparse.Namespace, read: _Read, tools: Tools, language: str) -> int:
    now = tools.settings.clock().now()
    for flag, value in (("--at", chosen.at), ("--start", chosen.start)):
        _refuse_moment(flag, value)
    outputs = [] if chosen.no_output else chosen.output
    asked = {
        "purpose": chosen.purpose,
        "place": chosen.territory,
        "organisation": {
            "country": chosen.country,
            "commercial": _YES_NO.get(chosen.commercial),
            "users": chosen.users,
            "sites": chosen.sites,
        },
        "outputs": outputs if outputs is None else sorted(set(outputs)),
        "others": _YES_NO.get(chosen.others),
        "at": chosen.at,
        "starts_at": chosen.start or chosen.at or now.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    question = questions.parse(asked, now.replace(microsecond=0))
    if isinstance(question, list):
        faults = [
            {"in": "question", "line": None, "field": str(one.fields["field"]), "why": _map(one)} for one in question
        ]
        raise Refused(Text("the question cannot be answered", "无法回答该问题"), faults)
    decision = evaluation.decide(load(read.terms), question)
    lines = [_VERDICTS[decision.verdict].in_(language)]
    lines += [f"  [{one.rule}] {one.text.in_(language)}" for one in decision.reasons]
    if decision.must:
        lines += [_MUST.in_(language), *(f"  - {duty.text().in_(language)}" for duty in decision.must)]
    answer = {"ok": True, "question": questions.document(question), **decision.document()}
    say(answer, as_json=chosen.json, lines=lines)
    return _CODES[decision.verdict]


def _refuse_moment(flag: str, value: str | None) -> None:
    try:
        fine = value is None or datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        fine = False
    if not fine:
        raise BadFlag(
            Text(
                f"{flag} must be a moment with a time zone, such as 2026-01-31T08:00:00Z, not {value}",
                f"{flag} 须为带时区的时间，例如 2026-01-31T08:00:00Z，不能为 {value}",
            )
        )


def _read(name: str) -> _Read:
    data = read_bytes(name)
    if isinstance(data, Text):
        raise BadFlag(data)
    as_yaml = name.lower().endswith((".yaml", ".yml")) or (
        not name.lower().endswith(".json") and not data.lstrip().startswith(b"{")
    )
    found = written.read(data, as_yaml=as_yaml)
    if isinstance(found, Problem):
        raise Refused(Text(found.detail("en"), found.detail("zh")))
    document, around = found.value, ""
    if isinstance(document, dict) and isinstance(document.get("document"), dict):
        document, around = document["document"], "/document"
    if not isinstance(document, dict):
        raise Refused(_NOTHING)
    if "terms" in document and document.get("type") != "terms":
        if not isinstance(document["terms"], dict):
            raise Refused(_NOTHING)
        return _Read(document["terms"], document.get("frame"), found.lines, around)
    return _Read(document, None, found.lines, "")


def _refuse_wrong(read: _Read) -> None:
    if found := drafting.problems(read.terms, read.frame):
        faults = [{**one, "line": _line(one, read)} for one in drafting.faults(found)]
        raise Refused(Text("the terms cannot be used", "条款不可用"), faults)


def _line(fault: Mapping[str, Any], read: _Read) -> int | None:
    """The line of a field, or of the nearest thing around it."""
    around = f"{read.prefix}/{fault['in']}"
    place = (around if around in read.lines else "") + (fault["field"] if fault["field"] != "/" else "")
    while place:
        if place in read.lines:
            return read.lines[place]
        place = place.rpartition("/")[0]
    return read.lines.get("/", read.lines.get(""))


def _fault_line(fault: Mapping[str, Any], language: str) -> str:
    line = fault["line"]
    place = "" if line is None else f"第 {line} 行：" if language == "zh" else f"line {line}: "
    return f"{place}{fault['field']} {fault['why'][language]}"


def _map(problem: Problem) -> dict[str, str]:
    why = problem.fields["why"]
    assert isinstance(why, Text)
    return why.map()
