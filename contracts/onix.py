"""Reads the rights side of ONIX for Books 3.0: what the work is, who holds it, where it may be sold, since when.

Reference names and short tags mean the same. A document type that brings entities of its own is refused before any of
them is expanded, and nothing outside the file is ever fetched.

source   EDItEUR, ONIX for Books 3.0, product information format: groups P.1, P.2, P.3.20, P.7, P.19, P.20, P.21;
         code lists 1 (05: delete), 5 (identifiers), 46 (sales rights), 145 and 146 (usage), 163 (dates)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from xml.parsers import expat

from contracts.countries import COUNTRIES as WORLD
from exchange.kernel.text import Text

DEPTH_MAX = 40
TEXT_MAX_CHARS = 2_000
PRODUCTS_MAX = 100_000
# Short tags and the reference names that they stand for; composites have their reference name in lower case.
_SHORT = {
    "a001": "recordreference",
    "a002": "notificationtype",
    "b221": "productidtype",
    "b244": "idvalue",
    "b035": "contributorrole",
    "b036": "personname",
    "b047": "corporatename",
    "b081": "publishername",
    "b291": "publishingrole",
    "b089": "salesrightstype",
    "x456": "rowsalesrightstype",
    "x449": "countriesincluded",
    "x450": "regionsincluded",
    "x451": "countriesexcluded",
    "x452": "regionsexcluded",
    "x448": "publishingdaterole",
    "b306": "date",
    "x318": "epubusagetype",
    "x319": "epubusagestatus",
}
# List 5, the best first.
_SCHEMES = {"15": "isbn", "06": "doi", "03": "gtin", "02": "isbn10", "01": "own"}
# List 46: the types by which a work is for sale; every other one says that it is not.
_FOR_SALE = frozenset({"01", "02", "07", "08"})
_NOT_FOR_SALE = frozenset({"03", "04", "05", "06"})
_MINING, _PROHIBITED, _PUBLISHED, _DELETE, _PUBLISHER, _AUTHOR = "11", "03", "01", "05", "01", "A01"
ELEMENTS_MAX = 20_000


class BadOnix(ValueError):
    """A file that is no ONIX 3.0 message, or a dangerous one; `line` is where."""

    def __init__(self, line: int, element: str, why: Text) -> None:
        """Say where and why."""
        super().__init__(f"line {line}: {element} {why.en}")
        self.line, self.element, self.why = line, element, why


@dataclass(slots=True)
class Product:
    """One product of a message; one with `faults` cannot be used.

    shapes   territory: "*" or ISO 3166 codes; published: a day such as 2020-01-31; faults: (line, element, why)
    """

    line: int
    scheme: str = ""
    identifier: str = ""
    holder: str = ""
    territory: str | list[str] = "*"
    published: str | None = None
    mining_reserved: bool = False
    faults: list[tuple[int, str, Text]] = field(default_factory=list)


@dataclass(slots=True)
class _Element:
    name: str
    line: int
    parts: list[str] = field(default_factory=list)
    inner: list[_Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts).strip()

    def every(self, *path: str) -> Iterator[_Element]:
        first, *rest = path
        for one in self.inner:
            if one.name == first:
                yield from one.every(*rest) if rest else (one,)

    def first(self, *path: str) -> str:
        return next((one.text for one in self.every(*path)), "")


class _Reader:
    """Builds one product at a time out of the parser's events."""

    def __init__(self) -> None:
        self.found: list[Product] = []
        self.open: list[_Element] = []
        self.depth = self.elements = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.EntityDeclHandler = self.refuse_entity
        self.parser.ExternalEntityRefHandler = self.refuse_entity
        # An entity that only a document type elsewhere could declare would otherwise vanish without a word.
        self.parser.SkippedEntityHandler = self.refuse_entity

    def line(self) -> int:
        return int(self.parser.CurrentLineNumber)

    def refuse_entity(self, *_: object) -> int:
        raise BadOnix(self.line(), "DOCTYPE", Text("uses entities, which are not read", "使用了实体，系统不予解析"))

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2].lower()
        name = _SHORT.get(name, name)
        self.depth += 1
        if self.depth == 1:
            self._check_root(name, attributes.get("release", ""))
        if self.depth > DEPTH_MAX:
            raise BadOnix(self.line(), name, Text("is nested too deeply", "嵌套层级过深"))
        if self.open or (name == "product" and self.depth == 2):
            element = _Element(name, self.line())
            self.elements = self.elements + 1 if self.open else 1
            if self.elements > ELEMENTS_MAX:
                raise BadOnix(self.line(), "Product", Text("has too many elements", "元素过多"))
            if self.open:
                self.open[-1].inner.append(element)
            self.open.append(element)

    def _check_root(self, name: str, release: str) -> None:
        if name != "onixmessage" or not release.startswith("3."):
            raise BadOnix(
                self.line(),
                "ONIXMessage",
                Text('is not the root with release="3.0"', '根元素应为 ONIXMessage，且 release="3.0"'),
            )

    def end(self, _tag: str) -> None:
        self.depth -= 1
        if self.open and (element := self.open.pop()) and not self.open:
            if len(self.found) >= PRODUCTS_MAX:
                raise BadOnix(element.line, "Product", Text("is one too many", "产品数量过多"))
            self.found.append(_product(element))

    def text(self, data: str) -> None:
        if self.open:
            element = self.open[-1]
            if sum(map(len, element.parts)) < TEXT_MAX_CHARS:
                element.parts.append(data[:TEXT_MAX_CHARS])


def products(content: bytes) -> list[Product]:
    """The products of a message, each with what is wrong with it.

    errors   BadOnix for what is no message at all
    """
    reader = _Reader()
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code) or "unknown"
        raise BadOnix(error.lineno, "XML", Text(f"is not well formed: {said}", f"格式不正确：{said}")) from error
    except (ValueError, LookupError) as error:
        if isinstance(error, BadOnix):
            raise
        raise BadOnix(1, "XML", Text("has an unknown encoding", "编码未知")) from error
    return reader.found


def _product(element: _Element) -> Product:
    found = Product(element.line)
    if element.first("notificationtype") == _DELETE:
        why = Text("is a deletion: withdraw the right instead", "为删除通知：请改为撤回相应权利")
        found.faults.append((_line(element, "notificationtype"), "NotificationType", why))
    _identify(element, found)
    found.holder = _holder(element)
    if not found.holder:
        why = Text("is missing: no copyright owner, publisher or author", "缺失：没有版权人、出版者或作者")
        found.faults.append((element.line, "Publisher", why))
    _place(element, found)
    _publish(element, found)
    found.mining_reserved = any(
        one.first("epubusagetype") == _MINING and one.first("epubusagestatus") == _PROHIBITED
        for one in element.every("descriptivedetail", "epubusageconstraint")
    )
    return found


def _identify(element: _Element, found: Product) -> None:
    known = {one.first("productidtype"): one.first("idvalue") for one in element.every("productidentifier")}
    for kind, scheme in _SCHEMES.items():
        if known.get(kind):
            found.scheme, found.identifier = scheme, known[kind]
            return
    reference = element.first("recordreference")
    found.scheme, found.identifier = "record", reference
    if not reference:
        why = Text("is missing, and there is no ProductIdentifier", "缺失，且没有 ProductIdentifier")
        found.faults.append((element.line, "RecordReference", why))


def _holder(element: _Element) -> str:
    owner = ("publishingdetail", "copyrightstatement", "copyrightowner")
    names = [element.first(*owner, name) for name in ("corporatename", "personname")]
    names += [
        one.first("publishername")
        for one in element.every("publishingdetail", "publisher")
        if one.first("publishingrole") in ("", _PUBLISHER)
    ]
    names += [
        one.first(name)
        for one in element.every("descriptivedetail", "contributor")
        if one.first("contributorrole") == _AUTHOR
        for name in ("corporatename", "personname")
    ]
    return next((name for name in names if name), "")


def _place(element: _Element, found: Product) -> None:
    """Where the work may be sold: what the sales rights name, less what they exclude; a part of a country never counts as it."""
    rights = list(element.every("publishingdetail", "salesrights"))
    rest = element.first("publishingdetail", "rowsalesrightstype")
    if not rights and not rest:
        why = Text("is missing: where the work may be sold is not stated", "缺失：未说明可销售的地域")
        found.faults.append((element.line, "SalesRights", why))
        return
    sold: set[str] = set()
    closed: set[str] = set()
    for one in rights:
        kind = one.first("salesrightstype")
        if kind not in _FOR_SALE | _NOT_FOR_SALE:
            why = Text(f"has the type {kind!r}, which is not on list 46", f"类型 {kind!r} 不在代码表 46 中")
            found.faults.append((one.line, "SalesRightsType", why))
        for place in one.every("territory"):
            (sold if kind in _FOR_SALE else closed).update(_territory(place, found, whole=kind in _FOR_SALE))
    if rest in _FOR_SALE:
        sold = set(WORLD) - closed if not rights else sold | (set(WORLD) - closed)
    sold -= closed
    if not sold and not found.faults:
        why = Text("leaves no country in which the work may be sold", "没有任何可销售的国家或地区")
        found.faults.append((element.line, "SalesRights", why))
    found.territory = "*" if sold >= WORLD else sorted(sold)


def _territory(place: _Element, found: Product, *, whole: bool) -> set[str]:
    named: set[str] = set()
    for one in place.every("regionsincluded"):
        for region in one.text.split():
            if region in ("WORLD", "ROW"):
                named |= WORLD
            elif not whole:
                named.add(region[:2])
    without: set[str] = set()
    for name, side in (("countriesincluded", named), ("countriesexcluded", without)):
        for one in place.every(name):
            codes = set(one.text.split())
            if unknown := sorted(codes - WORLD):
                why = Text(
                    f"names {unknown[0][:9]!r}, which is no country code", f"{unknown[0][:9]!r} 不是国家或地区代码"
                )
                found.faults.append((one.line, name, why))
            side.update(codes & WORLD)
    for one in place.every("regionsexcluded"):
        # A territory that is for sale but for a province: the whole country is left out, so that it is never too wide.
        without |= {region[:2] for region in one.text.split() if whole}
    return named - without


def _publish(element: _Element, found: Product) -> None:
    for one in element.every("publishingdetail", "publishingdate"):
        if one.first("publishingdaterole") != _PUBLISHED:
            continue
        written = one.first("date")
        day = {4: f"{written}0101", 6: f"{written}01"}.get(len(written), written[:8])
        try:
            if not day.isascii():
                raise ValueError(day)
            found.published = date(int(day[:4]), int(day[4:6]), int(day[6:8])).isoformat()
        except ValueError:
            why = Text(f"{written[:20]!r} is no day such as 20200131", f"{written[:20]!r} 不是日期，例如 20200131")
            found.faults.append((one.line, "PublishingDate", why))


def _line(element: _Element, name: str) -> int:
    return next((one.line for one in element.every(name)), element.line)
