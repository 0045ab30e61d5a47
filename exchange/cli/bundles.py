"""An export that lies here, checked: what the commands that check one say of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compliance import verify
from compliance.exports.forms import check_forms
from compliance.verify_bundle import Bundle
from compliance.verify_notes import Failed, Key
from exchange.cli.output import say
from exchange.cli.reading import Refused
from exchange.kernel.text import Text

_WHOLE = Text("Everything holds.", "全部有效。")
_EMPTY = Text(
    "NOTHING IS IN IT: no entry of the log fits what was asked for; are the ids, names and times the ones you mean?",
    "其中没有任何条目：日志中没有符合所申请范围的内容；请核对标识、名称与时间是否无误",
)
_FORMS = Text("made again from the events, the same to the byte: {names}", "由事件重新生成，逐字节一致：{names}")


@dataclass(frozen=True, slots=True)
class Known:
    """What whoever checks has got elsewhere."""

    vkeys: Sequence[str] = ()
    witnesses: Sequence[str] = ()
    previous: str | None = None
    delivery: str | None = None


def check(place: Path, known: Known, language: str, *, as_json: bool) -> int:
    """Check a zip or a folder and say what was found; 0 where everything holds, 1 where anything does not.

    errors   raises Refused for files that are not there
    """
    if not place.exists():
        raise Refused(Text(f"there is no {place}", f"{place} 不存在"))
    previous, delivery = kept(known.previous), kept(known.delivery)
    _refuse_keys(known)
    try:
        lines = verify.verify(place, known.vkeys, previous, delivery, known.witnesses)
        with Bundle(place) as bundle:
            manifest = json.loads(bundle.read("manifest.json"))
            forms = check_forms(bundle, manifest)
    except Failed as error:
        faults = [{**one._asdict(), "told": {"en": one.told("en"), "zh": one.told("zh")}} for one in error.faults]
        said = [one.told(language) for one in error.faults]
        say({"sound": False, "faults": faults}, as_json=as_json, lines=said)
        return 1
    except Exception as error:  # noqa: BLE001  # whatever a broken bundle provokes is a bundle that does not hold
        why = Text(f"the bundle cannot be read ({error!r})", f"无法读取导出包（{error!r}）")
        say({"sound": False, "why": why.map()}, as_json=as_json, lines=[why.in_(language)])
        return 1
    # The verifier says everything twice, English first.
    told = [*lines[language == "zh" :: 2], _FORMS.in_(language).format(names=", ".join(forms) or "-")]
    if not manifest["entries"]:
        told.append(_EMPTY.in_(language))
    say({"sound": True, "faults": [], "said": told}, as_json=as_json, lines=[*told, _WHOLE.in_(language)])
    return 0


def _refuse_keys(known: Known) -> None:
    """A key that cannot be read says nothing about the bundle."""
    for lines, kind in ((known.vkeys, 1), (known.witnesses, 4)):
        for line in lines:
            try:
                Key(line, "", kind=kind)
            except Failed as error:
                raise Refused(
                    Text(f"{line!r} is no key: one line, name+id+key", f"{line!r} 不是公钥：应为一行 name+id+key")
                ) from error


def kept(name: str | None) -> bytes | None:
    """A file that was named, or nothing.

    errors   raises Refused
    """
    try:
        return None if name is None else Path(name).read_bytes()
    except OSError as error:
        raise Refused(Text(f"the file {name} cannot be read", f"无法读取文件 {name}")) from error
