"""The parser of the command line, and what it refuses, in the language of whoever types."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from exchange.cli.output import language_of

_HEAD, _HEAD_ZH = "usage: ", "用法："
_HEADING = re.compile("^(参数|选项):$", re.MULTILINE)
# What the parser says, and the same in Chinese; {n} is the n-th group. The first that fits is taken.
_PATTERNS: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern, re.DOTALL), zh)
    for pattern, zh in (
        (r"the following arguments are required: (.*)", "缺少必填参数：{1}"),
        (r"one of the arguments (.*) is required", "参数 {1} 中须有其一"),
        (r"unrecognized arguments: (.*)", "无法识别的参数：{1}"),
        (r"ambiguous option: (.*) could match (.*)", "选项 {1} 不明确，可能是 {2}"),
        (r"argument (.*?): (.*)", "参数 {1}：{2}"),
        (r"expected one argument", "须有一个取值"),
        (r"expected at most one argument", "至多一个取值"),
        (r"expected at least one argument", "至少一个取值"),
        (r"expected (\d+) arguments?", "须有 {1} 个取值"),
        (r"invalid choice: (.*) \(choose from (.*)\)", "取值 {1} 无效，可选：{2}"),
        (r"invalid int value: (.*)", "{1} 不是整数"),
        (r"invalid float value: (.*)", "{1} 不是数字"),
        (r"invalid (\w+) value: (.*)", "取值 {2} 无效"),
        (r"not allowed with argument (.*)", "不能与 {1} 同时使用"),
        (r"ignored explicit argument (.*)", "此选项不带取值，却给出了 {1}"),
    )
]


class Parser(argparse.ArgumentParser):
    """A parser whose own words are in `language`; its subcommands' parsers are of the same kind."""

    language = "en"

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and end with 2."""
        self.exit(2, f"{self.format_usage()}{self.prog}: {self._error()}{told(message, self.language)}\n")

    def _error(self) -> str:
        return "错误：" if self.language == "zh" else "error: "


class ChineseParser(Parser):
    """The same in Chinese: the headings of help, too."""

    language = "zh"

    def format_usage(self) -> str:
        """The usage with its head in Chinese."""
        return _headed(super().format_usage())

    def format_help(self) -> str:
        """The help with its headings in Chinese."""
        for group, title in ((self._positionals, "参数"), (self._optionals, "选项")):
            group.title = title
        for action in self._actions:
            if isinstance(action, argparse._HelpAction):  # noqa: SLF001  # the one that the parser adds itself
                action.help = "显示本说明后退出"
        return _HEADING.sub(r"\1：", _headed(super().format_help()))


PARSERS = {one.language: one for one in (Parser, ChineseParser)}


def language_asked(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language to refuse in, before anything is understood: of --lang, or else that of the environment."""
    wanted = None
    for number, one in enumerate(arguments):
        name, _, value = one.partition("=")
        if name == "--lang":
            wanted = value or next(iter(arguments[number + 1 :]), "")
    return language_of(argparse.Namespace(lang=wanted if wanted in PARSERS else None), environment)


def told(message: str, language: str) -> str:
    """What the parser says, in `language`; as it stands where it is none of the known sentences."""
    if language != "zh":
        return message
    for pattern, zh in _PATTERNS:
        if found := pattern.fullmatch(message):
            return zh.format(message, *(told(one, language) for one in found.groups()))
    return message


def _headed(text: str) -> str:
    return _HEAD_ZH + text.removeprefix(_HEAD) if text.startswith(_HEAD) else text
