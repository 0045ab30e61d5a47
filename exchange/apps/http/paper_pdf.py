"""An agreement's paper as a PDF with its font inside: it looks the same everywhere, and its text can be copied and searched."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from pylopdf_fonts_zh_cn import sans_path

from contracts.paper import Paper, Section
from exchange.kernel.text import Text

_FONT = "NotoSansSC"
_MARGIN, _NUMBER = 22.0, 14.0
_INK, _SOFT, _BRAND, _LINE = (22, 32, 43), (82, 96, 109), (11, 92, 84), (223, 228, 234)
_COLOURS = {
    "may": (10, 107, 61),
    "may_not": (164, 38, 44),
    "missing": (164, 38, 44),
    "must": (138, 90, 0),
    "unclear": (138, 90, 0),
}
_NAME = Text("Corpus Exchange", "语料交易所")


def pdf(paper: Paper, language: str, concluded_at: datetime) -> bytes:
    """The paper as a PDF in one language; the same paper gives the same bytes.

    shapes   a sign that the font lacks stands there as [U+1F600], never as nothing
    """
    sheet = _Sheet(paper, language)
    sheet.set_creation_date(concluded_at)
    sheet.set_title(f"{paper.title.in_(language)} {paper.agreement}")
    sheet.set_lang("zh-Hans" if language == "zh" else "en")
    sheet.set_author(_NAME.in_(language))
    sheet.add_page()
    sheet.head()
    for section in paper.sections:
        sheet.section(section)
    return bytes(sheet.output())


class _Sheet(FPDF):
    def __init__(self, paper: Paper, language: str) -> None:
        super().__init__(format="A4")
        self._paper, self._language = paper, language
        self.add_font(_FONT, fname=sans_path())
        self._there: Container[int] = self.fonts[_FONT.lower()].cmap  # type: ignore[union-attr]
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN)

    def footer(self) -> None:
        self.set_y(-15)
        self._write(8, _SOFT, f"{self._paper.agreement}   {self.page_no()}", align="C")

    def head(self) -> None:
        paper = self._paper
        self._write(9, _BRAND, _NAME.in_(self._language))
        self._write(20, _INK, paper.title.in_(self._language))
        self.ln(1)
        self._write(8, _SOFT, paper.agreement)
        self._write(8, _SOFT, f"SHA-256 {paper.sha256}")

    def section(self, section: Section) -> None:
        if self.get_y() > self.h - 45:
            self.add_page()  # a heading stays with what follows it
        self.ln(4)
        self._write(12.5, _INK, f"{section.number}. {section.title.in_(self._language)}")
        self.set_draw_color(*_LINE)
        self.line(_MARGIN, self.get_y() + 0.5, self.w - _MARGIN, self.get_y() + 0.5)
        self.ln(2)
        for clause in section.clauses:
            text = self._spelled(clause.text.in_(self._language))
            self.set_font(_FONT, size=9.5)
            said = self.multi_cell(self.epw - _NUMBER, 5.2, text, dry_run=True, output="LINES")
            lines = len(said) if isinstance(said, list) else 1
            if self.get_y() + lines * 5.2 > self.h - _MARGIN and lines < 40:
                self.add_page()  # a clause stays on one page
            top = self.get_y()
            self._write(9.5, _COLOURS.get(clause.kind, _SOFT), clause.number, width=_NUMBER)
            self.set_xy(_MARGIN + _NUMBER, top)
            colour = _COLOURS["missing"] if clause.kind == "missing" else _INK
            self._write(9.5, colour, text, width=self.epw - _NUMBER)
            self.ln(0.8)

    def _write(
        self, size: float, colour: tuple[int, int, int], text: str, *, width: float = 0, align: str = "L"
    ) -> None:
        self.set_font(_FONT, size=size)
        self.set_text_color(*colour)
        self.multi_cell(width, size * 0.55, self._spelled(text), align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _spelled(self, text: str) -> str:
        return "".join(one if one == "\n" or ord(one) in self._there else f"[U+{ord(one):04X}]" for one in text)
