"""Words with an opposite that is easily written in their place, in English and in Japanese.

Two texts that say the same have the same word of each group: where one says *query* and *before*, the other says
neither *key* nor *after*.
"""

import re

GROUPS = (
    {r"quer(y|ies)": r"クエリ", r"\bkeys?\b|\bpress": r"キー"},
    {
        r"\bbefore|\bprevious|\bearlier|\bback|without any|first without|\bformer": (
            r"直前|前の(?!結果|呼び出し|スコア)|(?<!の)前に(?!並|あった)|より前"
        ),
        r"\bafter|\bnext|\blater|\bfollow|\bahead|\bthen\b": (
            r"直後|次の(?!結果)|(?<!動)後の(?!層の仕事|キー)|後に(?!クエリ)"
        ),
    },
    {r"\blast\b|\bfinal|\bend|whole sentence|downwards": r"最後|終わり", r"\bfirst\b|\bbegin|\bstart": r"最初"},
    {
        r"\brows?\b|one below another|line": r"(?<!一)行(?![いうきっわ列])",
        r"\bcolumns?\b": r"(?<![配行系数1])列",
    },
    {r"\bmean|\baverage": r"平均", r"\bsum|\btotal|\badd|together": r"合計|総和"},
    {
        r"larg|\bmost\b|maxim|longest|strong|highest|\bbest|great": r"最大|最も大|いちばん(大|多|長|高|強|良)|最長",
        r"small|\bleast\b|minim|shortest|lowest|few": r"最小|最も小|いちばん(小|少|短|低)",
    },
    {r"full|own space|\bspace": r"元の空間", r"flat|plane|2-d|picture|drawn|map": r"平面"},
    {r"\bbits?\b": r"ビット", r"\bnats?\b": r"ナット"},
    {r"\bright\b|correct|\border\b": r"正しい|正解", r"\bwrong|mistake": r"間違|誤り"},
    {r"dark|strong": r"濃", r"pale|light|faint": r"薄"},
)


def exchanged(english: str, japanese: str) -> list[str]:
    """What the Japanese text says in place of the word of the English one."""
    english, japanese = (re.sub(r"{\w+}|`[^`]*`", " ", text).lower() for text in (english, japanese))
    found = []
    for group in GROUPS:
        said = {own for word, own in group.items() if re.search(word, english)}
        own = {own for own in group.values() if re.search(own, japanese)}
        if said and not own <= said:
            found.append(f"{' '.join(sorted(own - said))}, not {' '.join(sorted(said))}")
    return found
