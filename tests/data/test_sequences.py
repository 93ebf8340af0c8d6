"""Sequence tasks: each batch against a loop over its sequences, and what a guess that remembers nothing reaches."""

import math
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import adding_problem, copy_memory, country_to_language, first_token_recall
from minigrad.data.sequences import COUNTRIES, FILLERS, LINKS

TASKS = {
    "adding": lambda rng: adding_problem(5, 20, rng),
    "copy": lambda rng: copy_memory(5, 20, rng),
    "recall": lambda rng: first_token_recall(5, 20, 8, rng),
    "en": lambda rng: country_to_language(5, 20, rng),
    "ko": lambda rng: country_to_language(5, 20, rng, "ko"),
}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_batch_is_a_function_of_the_generator(task):
    first, again, other = (task(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


# ------------------------------------------------------------------ adding
@given(n=st.integers(1, 9), length=st.integers(2, 30), seed=st.integers(0, 99))
def test_adding_marks_one_number_in_each_half_and_asks_for_their_sum(n, length, seed):
    x, y = adding_problem(n, length, np.random.default_rng(seed))
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((length, n, 2), np.float32, (n, 1), np.float32)
    for k in range(n):
        first, second = np.flatnonzero(x[:, k, 1])
        assert first < length // 2 <= second
        assert x[first, k, 1] == x[second, k, 1] == 1
        assert y[k, 0] == pytest.approx(x[first, k, 0] + x[second, k, 0], abs=1e-6)


def test_adding_draws_numbers_and_places_uniformly():
    x, _ = adding_problem(20_000, 5, np.random.default_rng(0))
    np.testing.assert_allclose(x[..., 1].mean(axis=1), [1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3], atol=0.015)
    np.testing.assert_allclose(np.quantile(x[..., 0], [0, 0.25, 0.5, 0.75, 1]), [0, 0.25, 0.5, 0.75, 1], atol=0.01)


def test_adding_to_say_the_mean_errs_by_a_sixth():
    _, y = adding_problem(200_000, 4, np.random.default_rng(0))
    assert np.mean((y - 1.0) ** 2) == pytest.approx(1 / 6, abs=0.002)


# ------------------------------------------------------------------ copying
@given(n=st.integers(1, 5), lag=st.integers(1, 20), seed=st.integers(0, 9), size=st.tuples(*[st.integers(1, 9)] * 2))
def test_copy_shows_the_symbols_then_blanks_then_the_go_sign_and_wants_them_at_the_end(n, lag, seed, size):
    symbols, copied = size
    x, y = copy_memory(n, lag, np.random.default_rng(seed), symbols, copied)
    assert x.shape == y.shape == (lag + 2 * copied, n)
    blank, go = symbols, symbols + 1
    for tokens, wanted in zip(x.T.tolist(), y.T.tolist(), strict=True):
        shown = tokens[:copied]
        assert set(shown) <= set(range(symbols))
        assert tokens == shown + [blank] * (lag - 1) + [go] + [blank] * copied
        assert wanted == [blank] * (lag + copied) + shown


def test_copy_is_the_papers_unless_told():
    x, y = copy_memory(2000, 100, np.random.default_rng(0))
    assert len(x) == 100 + 20
    assert np.unique(x).tolist() == [*range(10)]
    np.testing.assert_allclose(np.bincount(x[:10].ravel()) / 20_000, 1 / 8, atol=0.01)


def test_copy_who_remembers_nothing_has_ten_log_eight_over_t_nats():
    x, y = copy_memory(20_000, 30, np.random.default_rng(0))
    per_step = [-(p := np.bincount(row) / len(row))[p > 0] @ np.log(p[p > 0]) for row in y]
    assert np.mean(per_step) == pytest.approx(10 * math.log(8) / 50, rel=1e-3)


# ------------------------------------------------------------------ recall
@given(n=st.integers(1, 9), length=st.integers(2, 30), classes=st.integers(1, 9), seed=st.integers(0, 9))
def test_recall_shows_the_class_first_and_asks_last(n, length, classes, seed):
    x, y = first_token_recall(n, length, classes, np.random.default_rng(seed))
    assert x.shape == (length, n)
    assert np.array_equal(x[0], y) and np.all(y < classes)
    assert np.all((classes <= x[1:-1]) & (x[1:-1] < 5 * classes))
    assert np.all(x[-1] == 5 * classes)


def test_recall_classes_are_equally_likely_and_distractors_tell_nothing():
    x, y = first_token_recall(64_000, 3, 8, np.random.default_rng(0))
    pairs = np.bincount(32 * y + x[1] - 8, minlength=256)
    np.testing.assert_allclose(pairs / 250, 1, atol=0.3)


def test_recall_answers_are_no_view_of_the_question():
    x, y = first_token_recall(4, 5, 3, np.random.default_rng(0))
    assert not np.shares_memory(x, y)


# ------------------------------------------------------------------ country to language
def sentences(n, gap, language, seed=0):
    x, y, words = country_to_language(n, gap, np.random.default_rng(seed), language)
    return [([words[i] for i in tokens], words[answer]) for tokens, answer in zip(x.T, y, strict=True)]


def said(country, spoken, language):
    """With 를 or 을 by the final consonant, which Unicode's decomposition shows as a third letter."""
    if language == "en":
        return country, spoken
    return f"{country}에서", spoken + ("을" if len(unicodedata.normalize("NFD", spoken[-1])) == 3 else "를")


SAID = {language: dict(said(*pair, language) for pair in pairs.items()) for language, pairs in COUNTRIES.items()}
LEAST = {"en": 4, "ko": 3}


@pytest.mark.parametrize("language", SAID)
def test_as_many_words_as_asked_stand_between_country_and_language(language):
    for gap in range(LEAST[language], 60):
        for tokens, answer in sentences(3, gap, language, seed=gap):
            where = next(i for i, word in enumerate(tokens) if word in SAID[language])
            assert SAID[language][tokens[where]] == answer
            assert len([*tokens, answer]) - 1 - where == gap + 1


@pytest.mark.parametrize("language, start, end", [("en", "I grew up in {} .", "I speak fluent"),
                                                  ("ko", "나는 {} 자랐습니다 .", "나는")])  # fmt: skip
def test_the_gap_is_filled_with_whole_sentences(language, start, end):
    countries, fillers, links = ("|".join(part[language]) for part in (SAID, FILLERS, LINKS))
    pattern = rf"{start.format(f'({countries})')}( ({fillers}))*( ({links}))? {end}".replace(" .", r" \.")
    for gap in range(LEAST[language], 40):
        for tokens, _ in sentences(3, gap, language):
            assert re.fullmatch(pattern, " ".join(tokens))


@pytest.mark.parametrize("language", SAID)
def test_countries_are_equally_likely_and_named_only_once(language):
    drawn = sentences(12_000, 10, language)
    counts = np.unique([answer for _, answer in drawn], return_counts=True)[1]
    assert len(counts) == 12
    np.testing.assert_allclose(counts / 1000, 1, atol=0.15)
    assert all(sum(word in SAID[language] for word in tokens) == 1 for tokens, _ in drawn[:500])
    assert not any(word in SAID[language].values() for tokens, _ in drawn[:500] for word in tokens)


@pytest.mark.parametrize("language", SAID)
def test_the_vocabulary_is_the_same_for_every_gap_and_has_each_word_once(language):
    first, second = (country_to_language(1, gap, np.random.default_rng(gap), language)[2] for gap in (5, 50))
    assert first == second == sorted(set(first))


def test_korean_languages_take_their_particle():
    assert {"프랑스에서": "프랑스어를", "한국에서": "한국말을", "영국에서": "영어를"}.items() <= SAID["ko"].items()
    assert set(SAID["ko"].values()) == {answer for _, answer in sentences(500, 9, "ko")}


MISUSES = {
    "adding": (lambda rng: adding_problem(4, 1, rng), "length must be at least 2, not 1"),
    "copy": (lambda rng: copy_memory(4, 0, rng), "lag must be at least 1, not 0"),
    "recall": (lambda rng: first_token_recall(4, 1, 8, rng), "length must be at least 2, not 1"),
    "en": (lambda rng: country_to_language(4, 3, rng), "gap must be at least 4, not 3"),
    "ko": (lambda rng: country_to_language(4, 2, rng, "ko"), "gap must be at least 3, not 2"),
    "language": (lambda rng: country_to_language(4, 9, rng, "fr"), "language must be one of en, ko, not 'fr'"),
}


@pytest.mark.parametrize("call, words", MISUSES.values(), ids=MISUSES)
def test_too_short_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.random.default_rng(0))
