"""Says in which language a text is written: `cx-language/1`, by script and by the commonest words.

No model and no download: Han, kana and hangul are told by their characters, simplified from traditional Chinese by
the characters that only one of them uses, and Latin-script languages by their commonest words.
"""

from __future__ import annotations

import re

METHOD = "cx-language/1"
UNKNOWN = "und"
CHARACTERS_LOOKED_AT = 1_000

_HAN = re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_KANA = re.compile("[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff]+")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")

# Simplified and traditional forms of common characters, in pairs; both columns are used by one script only.
_PAIRS = """
爱愛 罢罷 备備 笔筆 边邊 变變 标標 别別 宾賓 参參 残殘 苍蒼 层層 产產 长長 场場 车車 尘塵 陈陳 称稱 诚誠 迟遲 处處 传傳 从從
达達 带帶 单單 当當 灯燈 敌敵 递遞 点點 电電 东東 动動 独獨 断斷 队隊 对對 尔爾 儿兒 发發 飞飛 丰豐 风風 凤鳳 该該 刚剛 个個
龟龜 归歸 贵貴 国國 过過 还還 汉漢 红紅 后後 华華 画畫 话話 怀懷 欢歡 环環 会會 鸡雞 积積 绩績 极極 纪紀 记記 际際 继繼 价價
间間 见見 将將 讲講 娇嬌 觉覺 节節 紧緊 进進 经經 惊驚 静靜 旧舊 举舉 剧劇 绝絕 军軍 开開 课課 来來 兰蘭 劳勞 乐樂 泪淚 类類
离離 里裡 丽麗 历歷 联聯 怜憐 练練 凉涼 两兩 灵靈 刘劉 龙龍 楼樓 陆陸 录錄 论論 罗羅 马馬 买買 卖賣 满滿 门門 们們 梦夢 鸣鳴
难難 鸟鳥 宁寧 农農 气氣 钱錢 强強 桥橋 亲親 轻輕 请請 穷窮 权權 劝勸 热熱 认認 荣榮 软軟 洒灑 扫掃 杀殺 伤傷 设設 谁誰 圣聖
胜勝 诗詩 时時 识識 实實 势勢 视視 寿壽 书書 术術 树樹 数數 双雙 说說 丝絲 岁歲 孙孫 谈談 铁鐵 听聽 头頭 团團 万萬 为為 网網
围圍 卫衛 闻聞 问問 无無 雾霧 习習 戏戲 细細 闲閒 贤賢 现現 线線 县縣 乡鄉 响響 谢謝 兴興 须須 许許 选選 学學 烟煙 严嚴 颜顏
杨楊 阳陽 样樣 药藥 业業 叶葉 义義 忆憶 艺藝 阴陰 银銀 应應 营營 忧憂 优優 游遊 鱼魚 与與 语語 园園 远遠 愿願 云雲 运運 杂雜
则則 战戰 张張 帐帳 这這 着著 针針 阵陣 争爭 郑鄭 证證 织織 执執 质質 钟鐘 众眾 专專 转轉 装裝 状狀 总總 组組 邺鄴 浊濁 缕縷
"""
_SIMPLIFIED = re.compile("[" + "".join(pair[0] for pair in _PAIRS.split()) + "]")
_TRADITIONAL = re.compile("[" + "".join(pair[1] for pair in _PAIRS.split()) + "爲淸眞]")

_COMMON = {
    "en": "the be to of and that have with is was in it for not on as by this but from they his her or are at which",
    "fr": "le la les des et est une dans que qui pour pas sur du au ce il elle nous vous avec plus ne se",
    "de": "der die das und ist nicht ein eine zu den von mit sich auf für dem im es ich sie wir auch als",
    "es": "el los las de que y en un una por con no para es al lo como más su se del pero sus",
    "it": "il di che è e la per un in non sono una con del della i le si lo gli da anche come",
    "pt": "o a os as de que e do da em um uma para com não por mais dos no na se ao é",
    "nl": "de het een en van ik te dat die in is niet op aan met voor zijn er maar om",
}
_STOP_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}


def language_of(text: str) -> str | None:
    """The BCP 47 tag of a text's main language, `und` where the rule cannot say, None for a text without letters.

    shapes   zh-Hans, zh-Hant, zh (no character tells), ja, ko, en, fr, de, es, it, pt, nl, und
    units    only the first CHARACTERS_LOOKED_AT characters are read
    """
    text = text[:CHARACTERS_LOOKED_AT]
    if not text.isascii():
        kana, hangul = _length(_KANA.findall(text)), _length(_HANGUL.findall(text))
        characters = _length(_HAN.findall(text)) + kana + hangul
        if characters and characters >= len(_LATIN.findall(text)):
            return _cjk(text, kana, hangul, characters)
    words = _LATIN.findall(text.lower())
    if words:
        return _latin(words)
    return UNKNOWN if any(map(str.isalpha, text)) else None


def _length(runs: list[str]) -> int:
    return sum(map(len, runs))


def _cjk(text: str, kana: int, hangul: int, characters: int) -> str:
    if hangul * 2 > characters:
        return "ko"
    if kana * 20 > characters:
        return "ja"
    simplified, traditional = len(_SIMPLIFIED.findall(text)), len(_TRADITIONAL.findall(text))
    if simplified == traditional:
        return "zh"
    return "zh-Hans" if simplified > traditional else "zh-Hant"


def _latin(words: list[str]) -> str:
    best, hits = UNKNOWN, 0
    for language, common in _STOP_WORDS.items():
        found = len([word for word in words if word in common])
        if found > hits:
            best, hits = language, found
    # A twentieth of running text is far below any of these languages (a third is usual) and above chance.
    return best if hits >= 2 and hits * 20 >= len(words) else UNKNOWN


def family(tag: str) -> str:
    """The language of a tag without its script: zh for zh-Hans, zh-Hant and zh."""
    return tag.split("-", 1)[0]
