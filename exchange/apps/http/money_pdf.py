"""A paper about money as a PDF with its font inside; with a file within it, it is a PDF/A-3 for archives and machines."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from pylopdf_fonts_zh_cn import sans_path

from settlement import facturx
from settlement.paper.sheet import Block, Boxes, Facts, Sentences, Sheet, Sums, Table, Words

PRODUCER = "Corpus Exchange"
_FONT = "NotoSansSC"
_MARGIN, _GAP, _LOW = 18.0, 6.0, 20.0
_INK, _SOFT, _BRAND, _LINE = (22, 32, 43), (82, 96, 109), (11, 92, 84), (223, 228, 234)
_NAME = "Corpus Exchange", "语料交易所"
# What a line of a size takes, in millimetres.
_HIGH = 0.53


@dataclass(frozen=True, slots=True)
class Within:
    """A file inside the PDF that says the same to machines, and the description (XMP) that tells them so."""

    name: str
    body: bytes
    media_type: str
    description: str
    xmp: str


def pdf(sheet: Sheet, within: Within | None = None) -> bytes:
    """The paper as a PDF; the same paper gives the same bytes.

    shapes   a sign that the font lacks stands there as [U+1F600], never as nothing; within: the PDF is then PDF/A-3U
    """
    at = datetime.combine(sheet.dated, time(), UTC)
    paper = _Paper(sheet, "PDF/A-3U" if within else None)
    paper.set_creation_date(at)
    paper.set_producer(PRODUCER)
    paper.set_title(title_of(sheet))
    paper.set_subject(sheet.about)
    paper.set_author(sheet.author)
    paper.set_lang("zh-Hans" if sheet.language == "zh" else "en")
    if within:
        paper.set_xmp_metadata(within.xmp)
        paper.embed_file(
            bytes=within.body,
            basename=within.name,
            mime_type=within.media_type,
            desc=within.description,
            associated_file_relationship="Alternative",
            modification_date=at,
            compress=True,
            checksum=True,
        )
    paper.add_page()
    paper.head()
    for block in sheet.blocks:
        paper.block(block)
    return bytes(paper.output())


def facturx_pdf(sheet: Sheet, xml: bytes) -> bytes:
    """The paper as Factur-X: people read the PDF, programs the XML within; the same document gives the same bytes."""
    described = facturx.xmp(title_of(sheet), sheet.author, sheet.about, PRODUCER, sheet.dated)
    return pdf(sheet, Within(facturx.FILE_NAME, xml, facturx.MEDIA_TYPE, facturx.DESCRIPTION, described))


def title_of(sheet: Sheet) -> str:
    """What the file calls itself, in its own description too."""
    return f"{sheet.title} {sheet.number}"


class _Paper(FPDF):
    def __init__(self, sheet: Sheet, compliance: str | None) -> None:
        super().__init__(format="A4", enforce_compliance=compliance)
        self._sheet, self._say = sheet, Words(sheet.language)
        self.add_font(_FONT, fname=sans_path())
        self._there: Container[int] = self.fonts[_FONT.lower()].cmap  # type: ignore[union-attr]
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_LOW)

    def footer(self) -> None:
        self.set_y(-14)
        self._text(7.5, _SOFT, f"{self._sheet.foot}   ·   {self.page_no()}", align="C")

    def head(self) -> None:
        self._text(9, _BRAND, self._say(*_NAME))
        self.ln(1)
        self._text(19, _INK, self._sheet.title)
        self.ln(1)
        self._text(9.5, _SOFT, self._sheet.number)

    def block(self, block: Block) -> None:
        if isinstance(block, Boxes):
            self._boxes(block)
        elif isinstance(block, Facts):
            self._facts(block)
        elif isinstance(block, Table):
            self._table(block)
        elif isinstance(block, Sums):
            self._sums(block)
        else:
            self._sentences(block)

    def _boxes(self, block: Boxes) -> None:
        self.ln(_GAP)
        width = (self.epw - _GAP * (len(block.boxes) - 1)) / len(block.boxes)
        top, end = self.get_y(), self.get_y()
        for n, box in enumerate(block.boxes):
            left = _MARGIN + n * (width + _GAP)
            self.set_y(top)
            self._text(8, _SOFT, box.title, left=left, width=width)
            self.ln(0.8)
            for place, line in enumerate(box.lines):
                size, colour = (10.5, _INK) if place == 0 else (9, _INK)
                self._text(size, colour, line, left=left, width=width)
            end = max(end, self.get_y())
        self.set_y(end)

    def _facts(self, block: Facts) -> None:
        self.ln(_GAP)
        width = (self.epw - _GAP) / 2
        for pair in range(0, len(block.rows), 2):
            self._keep(12)
            top, end = self.get_y(), self.get_y()
            for n, (name, value) in enumerate(block.rows[pair : pair + 2]):
                left = _MARGIN + n * (width + _GAP)
                self.set_y(top)
                self._text(7.5, _SOFT, name, left=left, width=width)
                self._text(9.5, _INK, value, left=left, width=width)
                end = max(end, self.get_y())
            self.set_y(end + 1.4)

    def _table(self, block: Table) -> None:
        self._heading(block.title)
        whole = sum(column.width for column in block.columns)
        widths = [self.epw * column.width / whole for column in block.columns]
        aligned = ["R" if column.number else "L" for column in block.columns]
        titles = [column.title for column in block.columns]
        self._row(titles, widths, aligned, 7.5, _SOFT)
        self._rule(0.3)
        inset = widths[0] if block.indented else 0
        for row in block.rows:
            high = self._high(row.cells, widths, 9)
            rest = self.epw - inset
            high += sum(self._count(text, rest, 7.5) * 7.5 * _HIGH for text in row.below)
            if self.get_y() + high + 2 > self.h - _LOW and high < self.eph - 30:
                self.add_page()  # a row stays on one page, below the titles
                self._row(titles, widths, aligned, 7.5, _SOFT)
                self._rule(0.3)
            self.ln(0.9)
            self._row(row.cells, widths, aligned, 9, _INK)
            for text in row.below:
                self._text(7.5, _SOFT, text, left=_MARGIN + inset, width=rest)
            self.ln(0.9)
            self._rule(0.15)

    def _row(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        aligned: Sequence[str],
        size: float,
        colour: tuple[int, int, int],
    ) -> None:
        top, end, left = self.get_y(), self.get_y(), _MARGIN
        for cell, width, align in zip(cells, widths, aligned, strict=True):
            self.set_y(top)
            self._text(size, colour, cell, left=left, width=width, align=align)
            end, left = max(end, self.get_y()), left + width
        self.set_y(end)

    def _sums(self, block: Sums) -> None:
        self._keep(14 + 6 * len(block.rows))  # an addition stays in one piece
        self._heading(block.title)
        name, how, amount = self.epw * 0.38, self.epw * 0.36, self.epw * 0.26
        for row in block.rows:
            if row.strong:
                self._rule(0.15)
                self.ln(0.6)
            size, top = 10.5 if row.strong else 9, self.get_y()
            self._row((row.name, "", row.amount), (name, how, amount), ("L", "R", "R"), size, _INK)
            end = self.get_y()
            self.set_y(top + (size - 8.5) * _HIGH / 2)
            self._text(8.5, _SOFT, row.how, left=_MARGIN + name, width=how, align="R")
            self.set_y(max(end, self.get_y()))
            self.ln(0.8)

    def _sentences(self, block: Sentences) -> None:
        if block.texts:
            self._heading(block.title)
        for text in block.texts:
            # A sentence is not torn apart, least of all the digest at the end.
            self._keep(min(self._count(text, self.epw, 8.5) * 8.5 * _HIGH, self.eph / 2))
            self._text(8.5, _SOFT, text)
            self.ln(0.8)

    def _heading(self, title: str) -> None:
        self._keep(28)  # a heading stays with what follows it
        self.ln(_GAP)
        self._text(10.5, _INK, title)
        self.ln(1)

    def _keep(self, high: float) -> None:
        if self.get_y() + high > self.h - _LOW:
            self.add_page()

    def _rule(self, thick: float) -> None:
        self.set_draw_color(*_LINE)
        self.set_line_width(thick)
        self.line(_MARGIN, self.get_y() + 0.3, self.w - _MARGIN, self.get_y() + 0.3)
        self.ln(0.6)

    def _high(self, cells: Sequence[str], widths: Sequence[float], size: float) -> float:
        return max(self._count(cell, width, size) for cell, width in zip(cells, widths, strict=True)) * size * _HIGH

    def _count(self, text: str, width: float, size: float) -> int:
        self.set_font(_FONT, size=size)
        said = self.multi_cell(width, size * _HIGH, self._spelled(text), dry_run=True, output="LINES")
        return len(said) if isinstance(said, list) else 1

    def _text(
        self,
        size: float,
        colour: tuple[int, int, int],
        text: str,
        *,
        left: float = _MARGIN,
        width: float = 0,
        align: str = "L",
    ) -> None:
        self.set_font(_FONT, size=size)
        self.set_text_color(*colour)
        self.set_x(left)
        self.multi_cell(
            width, size * _HIGH, self._spelled(text), align=align, padding=0, new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def _spelled(self, text: str) -> str:
        return "".join(one if one == "\n" or ord(one) in self._there else f"[U+{ord(one):04X}]" for one in text)
