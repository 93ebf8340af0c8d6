"""Text: reading, encoding and cutting it; and that the entropy of the stories is the true one."""

import collections
import functools
import gzip
import math
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import STORIES, Characters, Grammar, read_text, streams
from minigrad.data.text import ELDERS, ENGLISH, HE, KOREAN, SHE, THEY, ends_in_consonant


# ------------------------------------------------------------------ reading
@pytest.mark.parametrize("encode", [str.encode, lambda text: b"\xef\xbb\xbf" + text.encode(),
                                    lambda text: gzip.compress(text.encode())],
                         ids=["plain", "with a byte order mark", "gzipped"])  # fmt: skip
def test_a_text_is_read_as_utf8(tmp_path, encode):
    (tmp_path / "text").write_bytes(encode("나는 sings\n"))
    assert read_text(tmp_path / "text") == "나는 sings\n"


DAMAGED = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "gzip of nothing": (gzip.compress(b""), "is empty"),
    "Korean in EUC-KR": ("나".encode("euc-kr"), "is not UTF-8: byte 0 is 0xb3; save it as UTF-8"),
    "cut in a character": ("가나".encode()[:-1], "is not UTF-8: byte 3 is 0xeb"),
    "gzip cut off": (gzip.compress(b"text")[:-9], "does not unzip"),
}


@pytest.mark.parametrize("content, words", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_text_is_named(tmp_path, content, words):
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} .*{words}"):
        read_text(path)


@pytest.mark.parametrize("name", ["absent.txt", "."], ids=["missing", "a folder"])
def test_a_missing_text_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"no text file {re.escape(str(tmp_path / name))}"):
        read_text(tmp_path / name)


# ------------------------------------------------------------------ encoding
@given(st.text(min_size=1))
def test_decoding_undoes_encoding(text):
    characters = Characters(text)
    tokens = characters.encode(text)
    assert tokens.dtype == np.int64
    assert tokens.tolist() == [characters.symbols.index(c) for c in text]
    assert characters.decode(tokens) == text


@given(st.text(min_size=1))
def test_a_vocabulary_is_made_again_from_its_symbols(text):
    characters = Characters(text)
    assert Characters(characters.symbols).symbols == characters.symbols == "".join(sorted(set(text)))
    assert len(characters) == len(set(text))


def test_an_unknown_character_is_named():
    with pytest.raises(ValueError, match="vocabulary of 3 characters has no '나', '하'"):
        Characters("abc").encode("a하b나")


# ------------------------------------------------------------------ streams
@given(n=st.integers(1, 5), length=st.integers(1, 7), extra=st.integers(0, 100))
def test_streams_are_parallel_runs_of_the_text_with_the_next_token_as_target(n, length, extra):
    tokens = np.arange(n * length + 1 + extra)
    x, y = streams(tokens, n, length)
    steps = (len(tokens) - 1) // (n * length)
    assert x.shape == y.shape == (steps, length, n)
    for stream in range(n):  # chunk after chunk, a stream is a piece of the text without a gap
        run = x[:, :, stream].ravel()
        assert run.tolist() == [*range(stream * steps * length, (stream + 1) * steps * length)]
    assert np.array_equal(y, x + 1)


def test_a_text_too_short_for_one_chunk_is_refused():
    assert len(streams(np.arange(13), 3, 4)[0]) == 1
    with pytest.raises(ValueError, match="12 characters is too short: 3 streams in chunks of 4 need 13"):
        streams(np.arange(12), 3, 4)


# ------------------------------------------------------------------ an oracle: the grammar read as an automaton
class Automaton:
    """What can come next: a state is what is left to say and what of the words drawn will be recalled."""

    def __init__(self, rules, kind):
        self.kind, self.rules = kind, {}
        for symbol, options in rules.items():
            options = dict.fromkeys(options, 1) if isinstance(options, list) else options
            parts = {text: tuple(re.findall(r"[^{}]|\{[^}]*\}", text)) for text in options}
            self.rules[symbol] = [(parts[text], w / sum(options.values())) for text, w in options.items()]
        self.remembered = {
            name.lower() for text in map(str, rules.values()) for name in re.findall("[{]([A-Z]+)", text)
        }
        self.start = ("{story}", "\n"), frozenset()
        self.steps = functools.cache(self.steps)

    @functools.cache  # noqa: B019
    def recalled(self, part):
        """{(symbol, whether its word and not only its kind counts)} of all that can be recalled in a part."""
        if part[0] != "{" or part[1].isupper():
            return {(part[1:-1].split(":")[0].lower(), ":" not in part)} if part[0] == "{" else set()
        return {need for parts, _ in self.rules[part[1:-1]] for p in parts for need in self.recalled(p)}

    def state(self, rest, memory):
        """With everything forgotten that cannot matter any more."""
        needs = {need for part in rest for need in self.recalled(part)}
        kept = set()
        for symbol, (word, kind) in dict(memory).items():
            if (symbol, True) in needs or (symbol, False) in needs:
                kept.add((symbol, (word if (symbol, True) in needs else None, kind)))
        return rest, frozenset(kept)

    def steps(self, state):
        """[(next character, or "" at the end; state; probability)] for every way to go on."""
        (part, *rest), memory = state[0] or ("",), state[1]
        if len(part) < 2:
            return [(part, self.state(tuple(rest), memory), 1.0)]
        name, _, forms = part[1:-1].partition(":")
        if name.isupper():
            word, kind = dict(memory)[name.lower()]
            return self.steps(self.state((*(forms.split("|")[kind] if forms else word), *rest), memory))
        result = []
        for parts, p in self.rules[name]:
            new = memory
            if name in self.remembered:
                word = "".join(parts)
                new = frozenset({**dict(memory), name: (word, self.kind(word))}.items())
            result += [(c, then, p * q) for c, then, q in self.steps(self.state((*parts, *rest), new))]
        return result

    def probability(self, text):
        now = {self.start: 1.0}
        for c in text:
            after = collections.Counter()
            for state, p in now.items():
                for found, then, q in self.steps(state):
                    if found == c:
                        after[then] += p * q
            now = after
        return sum(p for (rest, _), p in now.items() if not rest)

    def ambiguous(self):
        """Whether some story can be drawn in two ways: every prefix leads every derivation to a state of its own."""
        seen, todo = set(), [frozenset({self.start})]
        while todo:
            after = collections.defaultdict(list)
            for state in todo.pop():
                for c, then, _ in self.steps(state) if state[0] else []:
                    after[c].append(then)
            for states in after.values():
                unique = frozenset(states)
                if len(unique) < len(states):
                    return True
                if unique not in seen:
                    seen.add(unique)
                    todo.append(unique)
        return False


def all_derivations(rules, kind):
    """[(story, probability)], one for each way to draw a story."""

    def expand(parts, memory):
        if not parts:
            return [("", memory, 1.0)]
        part, rest = parts[0], parts[1:]
        name, _, forms = part[1:-1].partition(":")
        if len(part) == 1:
            heads = [(part, memory, 1.0)]
        elif name.isupper():
            word = memory[name.lower()]
            heads = [(forms.split("|")[kind(word)] if forms else word, memory, 1.0)]
        else:
            options = dict.fromkeys(rules[name], 1) if isinstance(rules[name], list) else rules[name]
            heads = []
            for text, w in options.items():
                for word, known, p in expand(re.findall(r"[^{}]|\{[^}]*\}", text), memory):
                    heads.append((word, {**known, name: word}, p * w / sum(options.values())))
        return [(head + tail, last, p * q) for head, known, p in heads for tail, last, q in expand(rest, known)]

    return [(text, p) for text, _, p in expand(["{story}", "\n"], {})]


SMALL = {
    "no choice": {"story": ["the end"]},
    "a coin": {"story": {"heads": 1, "tail": 3}},
    "agreement": {
        "story": ["{who} sees {WHO:her|his own} {pet}.{then}"],
        "who": {"Ann": 2, "Bob": 1, "Al": 1},
        "pet": ["cat", "bird"],
        "then": {"": 1, " {WHO} hugs {who}, {WHO:a|the} {PET}.": 2},
    },
    "nested": {
        "story": {"{a}{b}{b}": 5, "-{b}{C}!": 2},
        "a": ["x{who}{WHO:1|22}", "yy"],
        "b": {"({c})": 1, "[{c}{c}]": 3},
        "c": {"u": 1, "vvv": 6},
        "who": ["Ann", "Bob"],
    },
}
KIND = {"Ann": 0}


def small(name):
    return SMALL[name], lambda word: KIND.get(word, 1)


@pytest.mark.parametrize("name", SMALL)
def test_the_entropy_is_that_of_all_stories_listed(name):
    stories = all_derivations(*small(name))
    assert len({text for text, _ in stories}) == len(stories)
    assert math.fsum(p for _, p in stories) == pytest.approx(1)
    bits = math.fsum(-p * math.log2(p) for _, p in stories)
    length = math.fsum(p * len(text) for text, p in stories)
    assert Grammar(*small(name)).entropy() == pytest.approx(bits / length, rel=1e-12)


@pytest.mark.parametrize("name", SMALL)
def test_stories_come_as_often_as_they_should_and_with_their_information(name):
    probability, grammar = dict(all_derivations(*small(name))), Grammar(*small(name))
    rng = np.random.default_rng(0)
    drawn = collections.Counter(grammar.story(rng) for _ in range(5000))
    for (text, bits), times in drawn.items():
        assert bits == pytest.approx(-math.log2(probability[text]), abs=1e-9)
        assert abs(times - 5000 * (p := probability[text])) < 5 * math.sqrt(5000 * p * (1 - p)) + 1


@pytest.mark.parametrize("name", SMALL)
def test_the_automaton_agrees_with_the_list(name):
    automaton = Automaton(*small(name))
    for text, p in all_derivations(*small(name)):
        assert automaton.probability(text) == pytest.approx(p)


AMBIGUOUS = {
    "two ways to one word": {"story": ["ab", "a{x}"], "x": ["b", "c"]},
    "a border that moves": {"story": ["{x}{y}"], "x": ["a", "aa"], "y": ["aa", "a"]},
    "two rules with the same text": {"story": ["{x}!", "{y}!"], "x": ["a"], "y": ["a"]},
    "a word that is not seen": {"story": ["{who}"], "who": ["{x}a", "{y}a"], "x": [""], "y": [""]},
}


@pytest.mark.parametrize("rules", [*AMBIGUOUS.values(), *SMALL.values()], ids=[*AMBIGUOUS, *SMALL])
def test_the_automaton_finds_what_can_be_drawn_in_two_ways(rules):
    texts = [text for text, _ in all_derivations(rules, lambda word: KIND.get(word, 1))]
    assert Automaton(rules, lambda word: KIND.get(word, 1)).ambiguous() == (len(set(texts)) < len(texts))


# ------------------------------------------------------------------ the stories that come with minigrad
AUTOMATA = {"en": Automaton(ENGLISH, STORIES["en"].kind), "ko": Automaton(KOREAN, STORIES["ko"].kind)}


@pytest.fixture(scope="module", params=STORIES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def text(language):
    return STORIES[language].text(200_000, np.random.default_rng(0))


@pytest.mark.parametrize("which", ["en", pytest.param("ko", marks=pytest.mark.slow)])
def test_no_story_can_be_drawn_in_two_ways(which):
    """All stories, not a sample: 10¹⁸ in English and 10¹⁰ in Korean, by the automaton's states."""
    assert not AUTOMATA[which].ambiguous()


def test_a_storys_information_is_that_of_its_text(language):
    rng = np.random.default_rng(1)
    for _ in range(100):
        story, bits = STORIES[language].story(rng)
        assert -math.log2(AUTOMATA[language].probability(story)) == pytest.approx(bits, rel=1e-9)


def test_the_entropy_is_the_mean_information_per_character(language):
    """Within 4 standard errors, which are under 1 % of it."""
    grammar, rng = STORIES[language], np.random.default_rng(2)
    drawn = [(bits, len(story)) for story, bits in (grammar.story(rng) for _ in range(10_000))]
    bits, length = np.array(drawn).T
    surplus = bits - grammar.entropy() * length  # 0 in the mean
    error = surplus.std() / math.sqrt(len(drawn))
    assert abs(surplus.mean()) < 4 * error < 0.01 * bits.mean()


def test_the_entropy_leaves_room_below_trigrams(language, text):
    """The true entropy is .7 to 1 bits; trigrams that know this very text by heart need over 1.25 times that."""
    entropy = STORIES[language].entropy()
    count = collections.Counter(zip(text, text[1:], text[2:]))
    context = collections.Counter(zip(text[:-1], text[1:]))
    trigram = -sum(n * math.log2(n / context[key[:2]]) for key, n in count.items()) / count.total()
    assert 0.7 < entropy < 1.0
    assert trigram > 1.25 * entropy


def test_a_text_is_of_whole_stories_and_as_long_as_asked(language):
    text = STORIES[language].text(1000, np.random.default_rng(0))
    *stories, end = text.split("\n")
    assert end == "" and len(text) - len(stories[-1]) - 1 < 1000 <= len(text)
    assert all(re.fullmatch(r"([^.]+\.){1,3}", story) for story in stories)


def test_a_text_is_a_function_of_the_generator(language):
    first, again, other = (STORIES[language].text(300, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_english_pronouns_and_verbs_agree_with_the_one_the_story_began_with():
    forms = {0: ("her", "She", "s"), 1: ("his", "He", "s"), 2: ("their", "They", "")}
    for story in STORIES["en"].text(50_000, np.random.default_rng(0)).splitlines():
        hero = story.split(" and ")[0]
        his, he, s = forms[0 if hero in SHE else 1 if hero in HE else 2]
        assert hero in SHE + HE + THEY
        assert set(re.findall(r"\b(her|his|their)\b", story)) == {his}
        for pronoun, verb in re.findall(r"\b(She|He|They) (\w+)", story):
            assert pronoun == he and (verb in ENGLISH["verb"]) == (s == "")
        assert not re.search(r"\b(a [aeiou]|an [^aeiou])", story)


def test_korean_particles_and_honouring_verbs_agree():
    plain, honouring = (
        set(re.findall(r"\w+다", " ".join(f.split("|")[i] for f in KOREAN["hero_did"]))) for i in (1, 2)
    )
    nouns = "|".join(KOREAN["hero"] + KOREAN["thing"])
    particles = {"은": True, "이": True, "을": True, "는": False, "가": False, "를": False}
    for story in STORIES["ko"].text(50_000, np.random.default_rng(0)).splitlines():
        for noun, particle in re.findall(rf"(?<!\w)({nouns})([은는이가을를]|께서는?)(?!\w)", story):
            final = len(unicodedata.normalize("NFD", noun[-1])) == 3
            assert particle[:2] == "께서" if noun in ELDERS else particles[particle] == final
        hero, verb = re.match(r"(\w+?)(?:은|는|께서는) .*?(\w+)\.", story).groups()
        assert verb in (honouring if hero in ELDERS else plain)


@pytest.mark.parametrize("word", ["가", "각", "힣", "하", "서울", "나라", "값"])
def test_final_consonants_are_those_of_unicodes_decomposition(word):
    assert ends_in_consonant(word) == (len(unicodedata.normalize("NFD", word[-1])) == 3)
