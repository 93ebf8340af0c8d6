"""Sequence tasks in which what came long before decides: made to show what a recurrent network can remember.

Each function draws a fresh batch from a numpy Generator, laid out as `nn.RNN` and `nn.LSTM` take it: (T, N, ...), T
steps of N sequences. Tokens are integers, to be one-hot encoded or embedded.
"""

from __future__ import annotations

import numpy as np

from .text import ends_in_consonant


# ------------------------------------------------------------------ numbers and symbols
def adding_problem(n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of which two are marked, and the sum of these two.

    x (T, N, 2) float32: a number from U(0, 1), and a mark that is 1 at one step of each half and else 0; y (N, 1)
    float32. Always saying 1, the mean, has the mean squared error Var(U₁ + U₂) = 1/6.
    Hochreiter & Schmidhuber 1997, section 5.4, in the form of Le, Jaitly & Hinton 2015 (arXiv:1504.00941).

    >>> x, y = adding_problem(n=3, length=50, rng=np.random.default_rng(0))
    >>> x.shape, np.allclose(y[:, 0], (x[..., 0] * x[..., 1]).sum(axis=0))
    ((50, 3, 2), True)
    """
    _at_least("length", length, 2)
    numbers, marks = rng.random((length, n)), np.zeros((length, n))
    for first, end in ((0, length // 2), (length // 2, length)):
        marks[rng.integers(first, end, n), np.arange(n)] = 1
    x = np.stack([numbers, marks], axis=-1)
    return x.astype(np.float32), (numbers * marks).sum(axis=0)[:, None].astype(np.float32)


def copy_memory(
    n: int, lag: int, rng: np.random.Generator, symbols: int = 8, copied: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Symbols to be repeated, `lag` steps after the last of them, when a go sign has come.

    x and y (T, N) int64 with T = lag + 2·copied: x has `copied` tokens below `symbols`, lag − 1 blanks (token
    `symbols`), the go sign (`symbols` + 1) and blanks to the end; y is blank, and in the last `copied` steps those
    tokens again. There are symbols + 2 tokens.
    Who remembers nothing has at best a cross-entropy of copied·log(symbols)/T nats per step.
    Arjovsky, Shah & Bengio 2016 (arXiv:1511.06464), whose T is the lag.

    >>> x, y = copy_memory(n=1, lag=3, rng=np.random.default_rng(0), symbols=2, copied=2)
    >>> x[:, 0].tolist(), y[:, 0].tolist()
    ([1, 1, 2, 2, 3, 2, 2], [2, 2, 2, 2, 2, 1, 1])
    """
    _at_least("lag", lag, 1)
    x = np.full((lag + 2 * copied, n), symbols)
    y = x.copy()
    x[:copied] = y[-copied:] = rng.integers(0, symbols, (copied, n))
    x[copied + lag - 1] = symbols + 1
    return x, y


def first_token_recall(n: int, length: int, classes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The first token tells the class, distractors follow, and the last token asks for the class.

    x (T, N) int64 with T = length: a token below `classes`, then distractors, each one of 4·classes others, then the
    question, token 5·classes; y (N,) int64, the first token. There are 5·classes + 1 tokens; a guess is right in 1 of
    `classes` cases. With fewer kinds of distractors a tanh network learns it too, from some seeds.
    After Hochreiter & Schmidhuber 1997, experiment 2b: long time lags without local regularities.

    >>> first_token_recall(n=1, length=6, classes=4, rng=np.random.default_rng(0))[0][:, 0].tolist()
    [3, 14, 12, 8, 8, 20]
    """
    _at_least("length", length, 2)
    x = np.full((length, n), 5 * classes)
    x[0] = rng.integers(0, classes, n)
    x[1:-1] = rng.integers(classes, 5 * classes, (length - 2, n))
    return x, x[0].copy()


# ------------------------------------------------------------------ "I grew up in France ... I speak fluent French"
COUNTRIES = {
    "en": dict(
        Brazil="Portuguese", China="Chinese", Egypt="Arabic", England="English", France="French", Germany="German",
        Greece="Greek", Italy="Italian", Japan="Japanese", Korea="Korean", Russia="Russian", Spain="Spanish",
    ),
    "ko": dict(
        브라질="포르투갈어", 중국="중국어", 이집트="아랍어", 영국="영어", 프랑스="프랑스어", 독일="독일어",
        그리스="그리스어", 이탈리아="이탈리아어", 일본="일본어", 한국="한국말", 러시아="러시아어", 스페인="스페인어",
    ),
}  # fmt: skip
BEFORE = {"en": "I grew up in", "ko": "나는"}  # the country
AFTER = {"en": ".", "ko": "자랐습니다 ."}
LEAD = {"en": "I speak fluent", "ko": "나는"}  # to the language
FILLERS = {
    "en": [
        "Time passed .", "School was fun .", "We had a dog .", "It rained a lot .", "Summers were long and hot .",
        "I learned to swim there .", "Then my family moved away .",
    ],
    "ko": [
        "시간이 흘렀습니다 .", "학교는 즐거웠습니다 .", "우리는 개를 키웠습니다 .", "비가 자주 왔습니다 .",
        "여름은 길고 아주 더웠습니다 .", "나는 거기에서 수영을 배웠습니다 .", "그 뒤에 가족이 모두 이사했습니다 .",
    ],
}  # fmt: skip
LINKS = {"en": ["", "So", "And so"], "ko": ["", "그래서", "그래서 지금도"]}  # by length, where no sentence fits


def country_to_language(
    n: int, gap: int, rng: np.random.Generator, language: str = "en"
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The words "I grew up in France . ... I speak fluent" and what comes next, "French", with `gap` words between.

    x (T, N) int64 are the words up to the language and y (N,) int64 is the language, both as indices into `words`,
    which comes with them and is always the same. Random sentences fill the gap exactly. The 12 countries are equally
    likely, so a guess is right in 1 of 12 cases. In Korean a word carries its particle: 프랑스에서, 프랑스어를.
    The example of a long-term dependency in Olah 2015, "Understanding LSTM Networks".

    >>> x, y, words = country_to_language(n=2, gap=10, rng=np.random.default_rng(0))
    >>> [" ".join(words[i] for i in tokens) for tokens in (x[:, 0], y[:1])]
    ['I grew up in Russia . It rained a lot . So I speak fluent', 'Russian']
    >>> x, y, words = country_to_language(n=2, gap=10, rng=np.random.default_rng(0), language="ko")
    >>> [" ".join(words[i] for i in tokens) for tokens in (x[:, 0], y[:1])]
    ['나는 러시아에서 자랐습니다 . 비가 자주 왔습니다 . 시간이 흘렀습니다 . 나는', '러시아어를']
    """
    if language not in COUNTRIES:
        raise ValueError(f"language must be one of {', '.join(COUNTRIES)}, not {language!r}")
    before, after, lead = (part[language].split() for part in (BEFORE, AFTER, LEAD))
    fillers, links = ([text.split() for text in part[language]] for part in (FILLERS, LINKS))
    pairs = [_as_said(*pair, language) for pair in COUNTRIES[language].items()]
    words = sorted({*before, *after, *lead, *sum(fillers + links, []), *sum(pairs, ())})
    index = {word: i for i, word in enumerate(words)}
    _at_least("gap", gap, len(after) + len(lead))
    x, y = [], []
    for i in rng.integers(0, len(pairs), n):
        country, spoken = pairs[i]
        filling = _filling(gap - len(after) - len(lead), fillers, links, rng)
        x.append([index[word] for word in [*before, country, *after, *filling, *lead]])
        y.append(index[spoken])
    return np.array(x).T.copy(), np.array(y), words


def _as_said(country, spoken, language):
    """The two words as they stand in the sentence."""
    if language == "en":
        return country, spoken
    return f"{country}에서", spoken + ("을" if ends_in_consonant(spoken) else "를")


def _filling(length, fillers, links, rng):
    """Random sentences, and a link before the last one, of `length` words together."""
    words = []
    while fitting := [sentence for sentence in fillers if len(sentence) <= length - len(words)]:
        words += fitting[rng.integers(len(fitting))]
    return words + links[length - len(words)]


def _at_least(name, value, least):
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
