"""The legal frame of an offer: what the parties answer for, under which law, before whom.

Nothing is assumed: a part that the document leaves out is shown to both sides as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.countries import named
from contracts.problems import FRAME_FIELD
from exchange.kernel.errors import Problem
from exchange.kernel.schemas import Shape
from exchange.kernel.text import Text

SHAPE = Shape.load("contracts", "frame.schema.json")
FRAME_SCHEMA = SHAPE.schema
LANGUAGES = {"en": Text("the English text", "英文文本"), "zh": Text("the Chinese text", "中文文本")}
WARRANTIES: dict[str, Text] = {
    "right_to_license": Text("it may grant these rights", "有权授予上述许可"),
    "lawful_source": Text("the data were obtained lawfully", "数据来源合法"),
    "no_known_claims": Text("it knows of no claim of others against the data", "未知悉任何第三方对数据的权利主张"),
    "personal_data_lawful": Text(
        "personal data in it are processed and passed on lawfully", "其中个人信息的处理与提供合法"
    ),
    "as_described": Text("the data are as the listing describes them", "数据与上架说明相符"),
    "no_harmful_code": Text("the files hold no harmful code", "文件不含恶意代码"),
    "as_is": Text("it warrants nothing: the data come as they are", "不作任何保证，数据按现状提供"),
}
INDEMNITIES: dict[str, Text] = {
    "third_party_rights": Text("claims that the data infringe rights of others", "数据侵犯第三方权利的索赔"),
    "personal_data": Text("claims because of personal data in it", "因其中个人信息引起的索赔"),
    "breach_of_warranty": Text("claims because a warranty is wrong", "因保证不实引起的索赔"),
    "misuse": Text("claims because the data were used against the terms", "因违反条款使用数据引起的索赔"),
}
_BY = {
    "seller": Text("The seller holds the buyer harmless from", "供应方保障买方免受以下索赔的损失："),
    "buyer": Text("The buyer holds the seller harmless from", "买方保障供应方免受以下索赔的损失："),
    "both": Text("Each side holds the other harmless from", "双方相互保障对方免受以下索赔的损失："),
}
_LIKENESS = {
    "none": Text("No person can be heard or recognised in the data.", "数据中不含可辨识个人的声音或肖像。"),
    "consented": Text(
        "The persons heard or recognised in the data consented.", "数据中可辨识的个人已同意使用其声音与肖像。"
    ),
}
_USES = {
    "recognise": Text("training models that recognise speech or pictures", "训练语音或图像识别模型"),
    "synthesise": Text(
        "training models that make voices or faces which are nobody's", "训练生成不属于任何真人的声音或面容的模型"
    ),
    "imitate": Text("imitating their own voice or face", "模仿其本人的声音或面容"),
}
TITLES: dict[str, Text] = {
    "governing_law": Text("Governing law", "适用法律"),
    "forum": Text("Disputes are decided by", "争议解决机构"),
    "prevailing_language": Text("Prevailing language", "优先文本语言"),
    "warranties": Text("Warranties", "保证"),
    "indemnity": Text("Indemnity", "损害保障"),
    "liability_cap": Text("Liability cap", "责任上限"),
    "voice_and_likeness": Text("Voice and likeness", "声音与肖像"),
    "acceptance": Text("Acceptance", "验收"),
}
MISSING = Text("Not stated in this offer.", "本报价方案未约定。")

_ALONE = Text("says as_is, which excludes every other warranty", "包含 as_is，即排除其他任何保证")
_COVERED_BY_NOBODY = Text("is given by nobody, so it covers nothing", "无人承担，不应填写 covers 或 capped")
_COVERS_WHAT = Text("is missing; say what the indemnity covers", "缺失；请写明损害保障的范围")
_NO_CAP = Text("cannot hold: there is no liability cap", "不成立：未约定责任上限")
_ZERO = Text("is zero: that is no cap but an exclusion of all liability", "为零：这不是上限，而是排除全部责任")
_NOT_CONSENTED = Text(
    "names uses, but voice_and_likeness is not consented", "列出了用途，但 voice_and_likeness 不是 consented"
)
_OTHER_LANGUAGE = Text("is {frame}, but the licence terms say {terms}", "为 {frame}，而许可条款为 {terms}")


class BadFrame(ValueError):
    """A stored frame that no longer parses: a defect, since none are stored unchecked."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A legal frame that was checked: the document, and what it does not say.

    shapes   missing: names of TITLES, in that order
    """

    document: Mapping[str, Any]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the frame as a person reads it; a missing part has the one sentence that says so."""

    key: str
    title: Text
    sentences: tuple[Text, ...]
    missing: bool

    def document(self) -> dict[str, Any]:
        """The section as JSON, each text a locale map."""
        return {
            "key": self.key,
            "title": self.title.map(),
            "sentences": [one.map() for one in self.sentences],
            "missing": self.missing,
        }


def parse(document: object) -> Frame | list[Problem]:
    """Check a legal frame and understand it, or say which fields are wrong and what would be right.

    shapes   a non-empty list of problems, at most 20 from the schema
    """
    wrongs = [FRAME_FIELD(field=wrong.field, why=wrong.why) for wrong in SHAPE.wrongs(document)]
    if wrongs or not isinstance(document, dict):
        return wrongs
    if problems := _meaning(document):
        return problems
    return Frame(document, tuple(key for key in TITLES if not _says(document, key)))


def load(document: Mapping[str, Any]) -> Frame:
    """Understand a frame that was checked when it was stored.

    errors   BadFrame
    """
    frame = parse(dict(document))
    if isinstance(frame, Frame):
        return frame
    raise BadFrame("; ".join(problem.detail("en") for problem in frame))


def fits(frame: Frame, prevailing_language: str) -> Problem | None:
    """Refuse a frame whose prevailing language is another one than that of the licence terms beside it."""
    said = frame.document.get("prevailing_language", prevailing_language)
    if said == prevailing_language:
        return None
    return _wrong("/prevailing_language", _OTHER_LANGUAGE, frame=said, terms=prevailing_language)


def words(frame: Frame | None, prevailing_language: str | None = None) -> list[Section]:
    """The frame in sentences, all of its parts; a part that is not there is a section that says so.

    shapes   one section for each of TITLES, in that order; prevailing_language: what the licence terms say, which counts
             where the frame itself is silent
    """
    document = {} if frame is None else dict(frame.document)
    if prevailing_language is not None:
        document.setdefault("prevailing_language", prevailing_language)
    return [
        Section(key, title, tuple(_SAID[key](document)), missing=False)
        if _says(document, key)
        else Section(key, title, (MISSING,), missing=True)
        for key, title in TITLES.items()
    ]


def _says(document: Mapping[str, Any], key: str) -> bool:
    return key in document and document[key] != "not_stated"


def _meaning(document: Mapping[str, Any]) -> list[Problem]:
    found = []
    warranties = document.get("warranties", ())
    if "as_is" in warranties and len(warranties) > 1:
        found.append(_wrong("/warranties", _ALONE))
    if (indemnity := document.get("indemnity")) is not None:
        found += _indemnity_wrongs(indemnity, document)
    cap = document.get("liability_cap")
    if cap is not None:
        text, where = (
            (cap["multiple_of_price"], "multiple_of_price")
            if "multiple_of_price" in cap
            else (cap["amount"]["amount"], "amount")
        )
        if not Decimal(text):
            found.append(_wrong(f"/liability_cap/{where}", _ZERO))
    if "voice_and_likeness_uses" in document and document.get("voice_and_likeness") != "consented":
        found.append(_wrong("/voice_and_likeness_uses", _NOT_CONSENTED))
    return found


def _indemnity_wrongs(indemnity: Mapping[str, Any], document: Mapping[str, Any]) -> list[Problem]:
    if indemnity["by"] == "none":
        return [_wrong("/indemnity", _COVERED_BY_NOBODY)] if len(indemnity) > 1 else []
    found = []
    if "covers" not in indemnity:
        found.append(_wrong("/indemnity/covers", _COVERS_WHAT))
    if indemnity.get("capped") and document.get("liability_cap") is None:
        found.append(_wrong("/indemnity/capped", _NO_CAP))
    return found


def _wrong(field: str, why: Text, **names: str) -> Problem:
    return FRAME_FIELD(field=field, why=Text(why.en.format(**names), why.zh.format(**names)))


def _law(document: Mapping[str, Any]) -> list[Text]:
    country = named(document["governing_law"])
    return [Text(f"The law of {country.en} governs the agreement.", f"本合约适用{country.zh}法律。")]


def _forum(document: Mapping[str, Any]) -> list[Text]:
    forum = document["forum"]
    kind = Text("a court", "法院诉讼") if forum["kind"] == "court" else Text("arbitration", "仲裁")
    return [Text(f"{forum['name']['en']} ({kind.en}).", f"{forum['name']['zh']}（{kind.zh}）。")]


def _language(document: Mapping[str, Any]) -> list[Text]:
    one = LANGUAGES[document["prevailing_language"]]
    return [Text(f"Where the two texts differ, {one.en} counts.", f"两种文本不一致时，以{one.zh}为准。")]


def _warranties(document: Mapping[str, Any]) -> list[Text]:
    said = [text for name, text in WARRANTIES.items() if name in document["warranties"]]
    return [Text(f"The seller warrants: {one.en}.", f"供应方保证：{one.zh}。") for one in said]


def _indemnity(document: Mapping[str, Any]) -> list[Text]:
    indemnity = document["indemnity"]
    if indemnity["by"] == "none":
        return [Text("Neither side holds the other harmless.", "双方均不提供损害保障。")]
    by = _BY[indemnity["by"]]
    found = [
        Text(f"{by.en} {text.en}.", f"{by.zh}{text.zh}。")
        for name, text in INDEMNITIES.items()
        if name in indemnity["covers"]
    ]
    if "capped" in indemnity:
        found.append(
            Text("The liability cap holds for this too.", "责任上限同样适用于此项保障。")
            if indemnity["capped"]
            else Text("The liability cap does not hold for this.", "责任上限不适用于此项保障。")
        )
    return found


def _cap(document: Mapping[str, Any]) -> list[Text]:
    cap = document["liability_cap"]
    if cap is None:
        return [Text("Liability has no cap; the parties say so.", "双方明确约定责任不设上限。")]
    if "multiple_of_price" in cap:
        times = cap["multiple_of_price"]
        if Decimal(times) == 1:
            return [Text("At most the price paid.", "以已付价款为限。")]
        return [Text(f"At most {times} times the price paid.", f"以已付价款的 {times} 倍为限。")]
    amount, currency = cap["amount"]["amount"], cap["amount"]["currency"]
    return [Text(f"At most {amount} {currency}.", f"以 {amount} {currency} 为限。")]


def _likeness(document: Mapping[str, Any]) -> list[Text]:
    found = [_LIKENESS[document["voice_and_likeness"]]]
    uses = document.get("voice_and_likeness_uses", ())
    if document["voice_and_likeness"] == "consented" and not uses:
        found.append(Text("To which uses they consented is not stated.", "未约定其同意的具体用途。"))
    return found + [
        Text(f"They consented to {text.en}.", f"其同意：{text.zh}。") for name, text in _USES.items() if name in uses
    ]


def _acceptance(document: Mapping[str, Any]) -> list[Text]:
    acceptance = document["acceptance"]
    days = acceptance["days"]
    found = [
        Text(
            f"The buyer has {days} day{'s'[: days != 1]} from the first delivery to accept or refuse.",
            f"买方自首次交付起 {days} 天内决定是否接受。",
        )
    ]
    if "silence" not in acceptance:
        found.append(Text("What silence means is not stated.", "未约定逾期未表示的后果。"))
    elif acceptance["silence"] == "accepts":
        found.append(Text("Whoever says nothing in that time has accepted.", "逾期未表示的，视为接受。"))
    else:
        found.append(Text("Whoever says nothing in that time has refused.", "逾期未表示的，视为拒绝。"))
    return found


_SAID: dict[str, Callable[[Mapping[str, Any]], list[Text]]] = {
    "governing_law": _law,
    "forum": _forum,
    "prevailing_language": _language,
    "warranties": _warranties,
    "indemnity": _indemnity,
    "liability_cap": _cap,
    "voice_and_likeness": _likeness,
    "acceptance": _acceptance,
}
