"""exchange regulator direct: issue directives, see how far they have come, read the answers, take one back."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, get_args

from compliance.directive_rules import NO, PROPERTIES, YES
from compliance.directives import LAWS, Kind
from exchange.cli.output import say
from exchange.cli.reading import Refused
from exchange.cli.regulator.session import CLIENT, SECRET, Session, add_verb, make_folder
from exchange.cli.regulator.watch import language_of
from exchange.cli.tools import Tools
from exchange.kernel.text import LANGUAGES, Text

_AT = "/regulator/v1/directives"
_PLAIN = re.compile(r"[^\w.() -]", re.ASCII)
_ISSUED = Text(
    "{id}: {kind} of {targets}; organisations told: {told}", "{id}：{kind}，对象 {targets}；已通知 {told} 家机构"
)
_MATCHED = Text("datasets that its rules caught: {matched}", "依规则纳入 {matched} 个数据集")
_BAD_RULE = Text(
    "a rule is written as name=value,name=value with the names "
    f"{', '.join(PROPERTIES)} ({YES} or {NO}), not as {{rule}}",
    f"规则写作 名称=取值,名称=取值，名称为 {'、'.join(PROPERTIES)}（{YES} 或 {NO}），而非 {{rule}}",
)
_LIFTED = Text("{id} is lifted; organisations told: {told}", "{id} 已解除；已通知 {told} 家机构")
# The codes of the log are English words; whoever reads Chinese is told what they mean.
_ZH = {
    "freeze": "冻结",
    "delist": "下架",
    "preserve": "保全",
    "disclose": "披露",
    "inform": "询问",
    "issued": "已发出",
    "acknowledged": "均已确认",
    "answered": "均已答复",
    "expired": "已逾期",
    "lifted": "已解除",
}
_LINE = Text("{id}  {state}  {kind}  {targets}", "{id}  {state}  {kind}  {targets}")
_OWED = Text(
    "told {told}, confirmed {confirmed}, answered {answered}",
    "已通知 {told} 家，已确认 {confirmed} 家，已答复 {answered} 家",
)
_DEADLINE = Text("deadline {deadline}", "期限 {deadline}")
_ANSWER = Text("answer of {organisation} at {created_at}: {text}", "{organisation} 于 {created_at} 答复：{text}")
_SAVED = Text("saved {file}", "已保存 {file}")


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "direct",
        help="issue directives and take them back",
        description="Freeze, delist, preserve, disclose or inform. "
        f"Needs {CLIENT} and {SECRET} in the environment. Exit code 0: done; 2: refused. "
        "发出、查看和解除监管指令：冻结、下架、保全、披露、询问。退出码 0：完成；2：被拒绝。",
    )
    verbs = command.add_subparsers(dest="verb", required=True, metavar="VERB")
    issue = _verb(verbs, "issue", "issue a directive 发出指令")
    issue.add_argument("kind", choices=get_args(Kind))
    issue.add_argument(
        "targets", nargs="*", metavar="ID", help="org_, ds_, rev_, lst_, ofr_, agr_, grt_ or ord_ 对象编号"
    )
    issue.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="NAME=VALUE,...",
        help="every dataset with all of these declared: "
        + ", ".join(PROPERTIES)
        + "; more than once 按申报属性指定数据集",
    )
    issue.add_argument("--law", required=True, choices=sorted(LAWS), help="the law it rests on 法律依据")
    issue.add_argument("--article", default="", metavar="ARTICLE", help="条款")
    for language in LANGUAGES:
        issue.add_argument(
            f"--basis-{language}", required=True, metavar="WORDS", help="the basis, for everybody 公开说明"
        )
        issue.add_argument(f"--reason-{language}", metavar="WORDS", help="why, or what is asked 理由或要求")
    issue.add_argument("--deadline", metavar="TIME", help="RFC 3339 with a zone 期限")
    listed = _verb(verbs, "list", "directives, the newest first 指令列表")
    listed.add_argument("--active", action="store_true", help="only those in force 仅看有效指令")
    shown = _verb(verbs, "show", "one directive with its answers 指令详情与答复")
    shown.add_argument("--files", metavar="FOLDER", help="where the files of answers go 答复附件保存目录")
    lifted = _verb(verbs, "lift", "take a directive of yours back 解除指令")
    for one in (shown, lifted):
        one.add_argument("directive", metavar="ID", help="dir_...")
    command.set_defaults(run=run, blocking=True)


def _verb(verbs: Any, name: str, words: str) -> argparse.ArgumentParser:
    made = add_verb(verbs, name, words)
    made.add_argument("--url", required=True, metavar="ORIGIN", help="the exchange, such as https://... 交易所地址")
    return made


def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Do what was asked; a refusal is told in the exchange's own words."""
    language = language_of(chosen, tools)
    try:
        with Session(chosen.url, tools.environment, language) as session:
            answer, lines = {"issue": _issue, "list": _list, "show": _show, "lift": _lift}[chosen.verb](
                session, chosen, language
            )
    except Refused as refused:
        said = refused.why.in_(language)
        say({"refused": said}, as_json=chosen.json, lines=[said])
        return 2
    say(answer, as_json=chosen.json, lines=lines)
    return 0


def _issue(session: Session, chosen: argparse.Namespace, language: str) -> tuple[Any, list[str]]:
    reason = {one: getattr(chosen, f"reason_{one}") for one in LANGUAGES if getattr(chosen, f"reason_{one}")}
    text = {one: getattr(chosen, f"basis_{one}") for one in LANGUAGES}
    wish = {
        "kind": chosen.kind,
        "targets": chosen.targets,
        "rules": [_rule(one) for one in chosen.rule],
        "basis": {"law": chosen.law, "article": chosen.article, "text": text},
        "reason": reason,
        "deadline": chosen.deadline,
    }
    answer = session.post(_AT, wish)
    lines = [_said(_ISSUED, {**answer, "rules": wish["rules"]}, language)]
    return answer, [*lines, _MATCHED.in_(language).format(**answer)] if chosen.rule else lines


def _list(session: Session, chosen: argparse.Namespace, language: str) -> tuple[Any, list[str]]:
    found = list(session.pages(_AT, active="true" if chosen.active else None))
    return {"items": found}, [_said(_LINE, one, language) for one in found]


def _show(session: Session, chosen: argparse.Namespace, language: str) -> tuple[Any, list[str]]:
    at = f"{_AT}/{chosen.directive}"
    one = session.get(at)
    lines = [_said(_LINE, one, language), _OWED.in_(language).format(**one)]
    if one["deadline"]:
        lines.append(_DEADLINE.in_(language).format(**one))
    # Only who issued it may read what was answered.
    answers = (
        list(session.pages(f"{at}/answers"))
        if one["issued_by"] == session.get("/regulator/v1/organisation")["id"]
        else []
    )
    for answer in answers:
        words = answer["text"].get(language) or next(iter(answer["text"].values()))
        lines.append(_ANSWER.in_(language).format(**{**answer, "text": words}))
        for file in answer["files"] if chosen.files else ():
            # The name is the organisation's: it becomes one plain name in the folder, whatever it says.
            place = Path(chosen.files) / f"{file['id']}-{_PLAIN.sub('_', file['name'])[-100:]}"
            make_folder(place.parent)
            session.save(f"{at}/files/{file['id']}", place)
            lines.append(_SAVED.in_(language).format(file=place))
    return {**one, "answers": answers}, lines


def _lift(session: Session, chosen: argparse.Namespace, language: str) -> tuple[Any, list[str]]:
    answer = session.post(f"{_AT}/{chosen.directive}/lifting", {})
    return answer, [_said(_LIFTED, answer, language)]


def _rule(given: str) -> dict[str, str | bool]:
    """A rule as it is written on the command line, as the request has it."""
    pairs = [one.partition("=") for one in given.split(",")]
    names = [name for name, _, _ in pairs]
    if len(set(names)) != len(names) or any(name not in PROPERTIES or not value for name, _, value in pairs):
        raise Refused(Text(_BAD_RULE.en.format(rule=given), _BAD_RULE.zh.format(rule=given)))
    rule: dict[str, str | bool] = {name: value for name, _, value in pairs}
    if "cross_border" in rule:
        if rule["cross_border"] not in (YES, NO):
            raise Refused(Text(_BAD_RULE.en.format(rule=given), _BAD_RULE.zh.format(rule=given)))
        rule["cross_border"] = rule["cross_border"] == YES
    return rule


def _said(words: Text, one: Any, language: str) -> str:
    rules = [",".join(f"{name}={_written(value)}" for name, value in rule.items()) for rule in one.get("rules", ())]
    facts = {**one, "targets": ", ".join([*one["targets"], *rules]) or "-"}
    if language == "zh":
        facts |= {name: _ZH.get(facts[name], facts[name]) for name in ("kind", "state") if name in facts}
    return words.in_(language).format(**facts)


def _written(value: str | bool) -> str:
    """A rule's value as it is written on the command line."""
    return (YES if value else NO) if isinstance(value, bool) else value
