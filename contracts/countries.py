"""The codes of countries and areas that may stand in a territory.

source   ISO 3166-1 alpha-2, officially assigned, as of 2026
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from babel import Locale

from exchange.kernel.text import Text

_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD "
    "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF "
    "GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI "
    "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_CODES.split())
# Codes that people write, and the ones that they mean.
MEANT = {"UK": "GB", "EL": "GR"}
# As the tax table calls them, with brackets since they stand in lists.
_OWN = {
    "HK": Text("Hong Kong SAR (China)", "中国香港"),
    "MO": Text("Macao SAR (China)", "中国澳门"),
    "TW": Text("Taiwan (China)", "中国台湾"),
}
_WITH_ARTICLE = re.compile(
    "United |(Netherlands|Philippines|Bahamas|Maldives|Comoros|Gambia)$|.*(Republic|Islands|Territor)"
)


@cache
def named(code: str) -> Text:
    """What people call a country or area, as it stands within a sentence; an unknown code is its own name.

    shapes   code: of a country, or of a part of one such as US-NY, which is named by its country with the code
    source   Unicode CLDR, through babel
    """
    if "-" in code:
        country = named(code.partition("-")[0])
        return Text(f"{country.en} ({code})", f"{country.zh}（{code}）")
    if code in _OWN:
        return _OWN[code]
    if code not in COUNTRIES:
        return Text(code, code)
    english, chinese = (Locale(language).territories.get(code, code) for language in ("en", "zh"))
    return Text(f"the {english}" if _WITH_ARTICLE.match(english) else english, chinese)


def places(codes: Iterable[str]) -> Text:
    """Countries and areas in one line, in the order of their codes."""
    names = [named(code) for code in sorted(codes)]
    *most, last = [one.en for one in names]
    return Text(f"{', '.join(most)} and {last}" if most else last, "、".join(one.zh for one in names))
