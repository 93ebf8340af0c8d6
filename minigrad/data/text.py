"""Text as characters: any text file, or micro-stories of known entropy; and the batches that a language model takes.

`read_text`, `Characters` and `streams` serve any text. Stories come from `Grammar`; the two that are there, English
and Korean, stand at the end.
"""

from __future__ import annotations

import bisect
import math
import string
import zlib
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import numpy as np

from .mnist_files import unzipped


# ------------------------------------------------------------------ any text
def read_text(path) -> str:
    """The text of a UTF-8 file, gzipped or not.

    A file that is missing is a FileNotFoundError, one that is empty or not UTF-8 a ValueError; both name it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no text file {path}")
    try:
        text = unzipped(path.read_bytes()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}; save it as UTF-8 text"
        ) from None
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: it does not unzip ({error})") from None
    if not text.strip():
        raise ValueError(f"{path} is empty; give a file with text in it")
    return text


class Characters:
    """The characters of a text as a vocabulary: text ↔ array of integers 0 ... len − 1, in the order of Unicode.

    >>> characters = Characters("hello")
    >>> characters.symbols, characters.encode("hole").tolist(), characters.decode([1, 0, 2, 2])
    ('ehlo', [1, 3, 2, 0], 'hell')
    """

    def __init__(self, text: str):
        self.symbols = "".join(sorted(set(text)))
        self._codes = _code_points(self.symbols)

    def __len__(self):
        return len(self.symbols)

    def encode(self, text: str) -> np.ndarray:
        """(len(text),) int64. A character outside the vocabulary is a ValueError."""
        unknown = sorted(set(text) - set(self.symbols))
        if unknown:
            raise ValueError(f"the vocabulary of {len(self)} characters has no {', '.join(map(repr, unknown[:5]))}")
        return np.searchsorted(self._codes, _code_points(text))

    def decode(self, tokens) -> str:
        return "".join(self.symbols[i] for i in tokens)


def _code_points(text):
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def streams(tokens: np.ndarray, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Batches for truncated backpropagation through time: x and y, both (steps, T, N), with N = n and T = length.

    The tokens are cut into n parallel streams, and these into chunks of `length`: step i trains on ``x[i]`` (T, N), and
    stream k of ``x[i + 1]`` goes on where it ended, so that the state can be carried over. y is what follows each token
    of x. What does not fill a chunk at the end of the streams is left out.

    >>> x, y = streams(np.arange(14), n=2, length=3)
    >>> x.tolist()
    [[[0, 6], [1, 7], [2, 8]], [[3, 9], [4, 10], [5, 11]]]
    >>> y[0].tolist()
    [[1, 7], [2, 8], [3, 9]]
    """
    steps = (len(tokens) - 1) // (n * length)
    if steps < 1:
        raise ValueError(
            f"a text of {len(tokens)} characters is too short: {n} streams in chunks of {length} need {n * length + 1}"
        )
    span = steps * length  # of one stream
    return tuple(tokens[i : i + n * span].reshape(n, steps, length).transpose(1, 2, 0) for i in (0, 1))


# ------------------------------------------------------------------ stories
class Grammar:
    """A probabilistic grammar of stories in which what is drawn early decides forms far behind.

    `rules` give each symbol's alternatives: templates with weights, or a list of equally likely ones. In a template
    ``{thing}`` draws an alternative of `thing`, ``{THING}`` repeats the one drawn last, and ``{THING:a|b|c}`` is the
    form a, b or c that agrees with it: its index is ``kind(word)``. A story is one draw of `story` and a line end.

    Draws do not depend on one another, so a symbol's expected information and length add up over its alternatives,
    which have the probabilities p:

        bits(symbol) = Σ p·(−log₂ p + Σ bits(symbol drawn in the template))

    If no text can be drawn in two ways, the expected bits of a story over its expected length are the entropy rate of
    an endless row of stories: no model predicts it with fewer bits per character in the long run (Shannon 1948).

    >>> rules = {"story": ["{hero} sees {HERO:her|his} {pet}."], "hero": ["Ann", "Bob"], "pet": ["dog", "fox"]}
    >>> grammar = Grammar(rules, kind={"Ann": 0, "Bob": 1}.get)
    >>> grammar.story(np.random.default_rng(1))
    ('Bob sees his dog.\\n', 2.0)
    >>> grammar.entropy() == 2 / len("Bob sees his dog.\\n")
    True
    """

    def __init__(self, rules: dict[str, list[str] | dict[str, float]], kind: Callable[[str], int]):
        self.kind, self.rules = kind, {}
        for symbol, options in rules.items():
            weights = np.array([*options.values()] if isinstance(options, dict) else [1] * len(options), float)
            parts = [[part[:3] for part in string.Formatter().parse(template)] for template in options]
            self.rules[symbol] = [*zip((weights / weights.sum()).tolist(), parts)]
        self._cumulative = {symbol: [*accumulate(p for p, _ in rule)][:-1] for symbol, rule in self.rules.items()}

    def story(self, rng: np.random.Generator) -> tuple[str, float]:
        """A story with its line end, and its information −log₂ p in bits."""
        recalled, drawn = {}, []

        def draw(symbol):
            p, parts = self.rules[symbol][bisect.bisect(self._cumulative[symbol], rng.random())]
            drawn.append(p)
            recalled[symbol] = "".join(literal + fill(field, forms) for literal, field, forms in parts)
            return recalled[symbol]

        def fill(field, forms):
            if field is None:
                return ""
            if field.islower():
                return draw(field)
            word = recalled[field.lower()]
            return forms.split("|")[self.kind(word)] if forms else word

        return draw("story") + "\n", -math.fsum(map(math.log2, drawn))

    def text(self, length: int, rng: np.random.Generator) -> str:
        """Whole stories, one a line, of at least `length` characters together."""
        stories, total = [], 0
        while total < length:
            stories.append(self.story(rng)[0])
            total += len(stories[-1])
        return "".join(stories)

    def entropy(self) -> float:
        """The true entropy of the row of stories in bits per character."""
        bits, length = self._expected("story")
        return bits / (length + 1)

    def _expected(self, symbol):
        """(bits, characters) of one draw of `symbol`."""
        bits = length = 0.0
        for p, parts in self.rules[symbol]:
            bits -= p * math.log2(p)
            for literal, field, forms in parts:
                length += p * len(literal)
                if not field:
                    continue
                field_bits, field_length = self._expected(field.lower())
                if forms:
                    words = self.rules[field.lower()]
                    field_length = sum(q * len(forms.split("|")[self.kind(word[0][0])]) for q, word in words)
                bits += p * field_bits * field.islower()
                length += p * field_length
        return bits, length


def ends_in_consonant(word: str) -> bool:
    """Whether a Korean word's last syllable has a final consonant: it then takes 은, 이, 을 instead of 는, 가, 를.

    Unicode orders the syllables by initial, vowel and final consonant, with 28 finals the first of which is none.

    >>> ends_in_consonant("한국말"), ends_in_consonant("한국어")
    (True, False)
    """
    return (ord(word[-1]) - ord("가")) % 28 > 0


# ------------------------------------------------------------------ English: she, he or they
SHE = "Ada Ana Ava Bea Eva Fia Gia Ida Ina Isa Iva Kia Lea Mia Nia Ola Pia Ria Tia Uma Una Zia".split()
HE = "Abe Art Ben Bob Dan Gus Guy Hal Ian Jim Ken Leo Lou Max Ned Pat Ray Rob Sam Tim Tom Vic".split()
THEY = ["My aunts", "My sons", "Our cooks", "The boys", "The kids", "The men"]
ADJECTIVES = "apt bad big dim dry fat hot icy lax mad new odd old raw red sad shy sly tan wee wet wry".split()
ENGLISH = {
    "story": ["{hero} and {HERO:her|his|their} {animal} {act}.{then}"],
    "then": {
        "": 1,
        " {HERO:She|He|They} {verb}{HERO:s|s|} {name}'s {adjective} {thing}.{last}": 8,
        " The {ANIMAL} {verb}s {HERO:her|his|their} {adjective} {thing}.{last}": 1,
    },
    "last": {"": 3, " {name} {verb}s {HERO:her|his|their} {thing}.": 2},
    "act": {"{verb} {a} {thing}": 1, "{rest}": 2},
    "hero": SHE + HE + THEY,
    "name": SHE + HE,
    "animal": "cat cow dog emu fox hen hog owl pig ram rat yak".split(),
    "verb": """buy drop dye eye find get hate hide hug keep kick like lug need own rip rub see sell spot take tip tug
        use want""".split(),
    "rest": "act beg cry dig err fly hop jog lie nap nod row run sit sob yap".split(),
    "a": [f"an {word}" if word[0] in "aio" else f"a {word}" for word in ADJECTIVES],
    "adjective": ADJECTIVES,
    "thing": """axe bag bat bed bib bin bow box bun can cap car cot cup egg fan fig gem ham hat hut jam jar jug keg key
        lid log map mat mop mug net nut oar pan pen pie pin pot rug sax tea tie toy tub urn van wig yam""".split(),
}

# ------------------------------------------------------------------ Korean: particles, and verbs that honour the elders
ELDERS = "할머니 할아버지 어머니 아버지 이모 고모 선생님 사장님".split()
NAMES = "민수 영희 철수 미나 지수 하나 수지 준호 유리 은주 지훈 수진 민준 서연 동생 영민 하은 유진 소현 재석".split()
DID = """샀다 사셨다, 찾았다 찾으셨다, 숨겼다 숨기셨다, 그렸다 그리셨다, 버렸다 버리셨다, 팔았다 파셨다,
    빌렸다 빌리셨다, 고쳤다 고치셨다, 닦았다 닦으셨다, 받았다 받으셨다, 골랐다 고르셨다, 만들었다 만드셨다,
    옮겼다 옮기셨다, 꺼냈다 꺼내셨다, 봤다 보셨다, 얻었다 얻으셨다"""
FELT = "웃었다 웃으셨다, 울었다 우셨다, 놀랐다 놀라셨다, 기뻐했다 기뻐하셨다, 화냈다 화내셨다, 잤다 주무셨다"


def _by_rank(who, verbs):
    """For each pair of a plain and an honouring verb, the template that chooses by the kind of `who`."""
    pairs = [pair.split() for pair in verbs.split(",")]
    return [f"{{{who}:{plain}|{plain}|{honouring}}}" for plain, honouring in pairs]


def _korean_kind(word):
    """0 after a final consonant, 1 after a vowel, 2 for those who are honoured."""
    return 2 if word in ELDERS else int(not ends_in_consonant(word))


KOREAN = {
    "story": ["{hero}{HERO:은|는|께서는} {where}{adjective} {thing}{THING:을|를} {hero_did}.{then}"],
    "where": ["", "{place}에서 "],
    "then": {
        "": 1,
        " {owner}{OWNER:이|가|께서} 그 {THING}{THING:을|를} {owner_did}.{last}": 2,
        " 그런데 {THING}{THING:이|가} {state}.{last}": 2,
    },
    "last": {"": 3, " 그래서 {hero_felt}.": 2, " 그래서 {HERO}{HERO:은|는|께서는} {hero_felt}.": 1},
    "hero": NAMES + ELDERS,
    "owner": NAMES + ELDERS,
    "hero_did": _by_rank("HERO", DID),
    "owner_did": _by_rank("OWNER", DID),
    "hero_felt": _by_rank("HERO", FELT),
    "adjective": """낡은 작은 큰 새 빨간 파란 노란 하얀 검은 예쁜 비싼 가벼운 무거운 둥근 멋진 젖은 귀한 이상한 튼튼한
        값싼 긴 짧은 고운 차가운""".split(),
    "thing": """책 공 신발 연필 가방 거울 편지 모자 시계 우산 인형 그림 상자 지도 의자 열쇠 장갑 안경 냄비 접시 바구니
        이불 리본 풍선 피리 북 칼 컵 종 비누 사진 반지""".split(),
    "place": "시장 공원 학교 바다 숲 강가 산 역 정원 창고 마을 부엌 마당 가게 섬 절".split(),
    "state": "무거웠다 더러웠다 깨졌다 젖었다 사라졌다 빛났다 차가웠다 망가졌다".split(),
}

STORIES = {
    "en": Grammar(ENGLISH, {**dict.fromkeys(SHE, 0), **dict.fromkeys(HE, 1), **dict.fromkeys(THEY, 2)}.get),
    "ko": Grammar(KOREAN, _korean_kind),
}
