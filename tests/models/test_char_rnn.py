"""The character RNN: writing, what it learns from, training through chunks, what it remembers, complaints."""

import itertools
import json
import math
import os

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, plot
from minigrad.data import STORIES, Characters
from models import char_rnn
from models.__main__ import main
from models.char_rnn import CharRNN, Task, Text
from models.memory import gradient_norms, inner_states

CONFIG = char_rnn.options().defaults | char_rnn.OWN["text"]
SMALL = CONFIG | dict(characters=1000, hidden=8, batch=3, length=7)
CELLS = ("lstm", "tanh", "relu")


def network(inputs=5, outputs=5, cell="lstm", hidden=6, layers=1, forget_bias=1.0, seed=0):
    mg.manual_seed(seed)
    return CharRNN(inputs, outputs, cell, hidden, layers, forget_bias)


def run(task, *options, out):
    return char_rnn.main(["--task", task, *map(str, options), "--out", str(out)])


def whole(net, tokens):
    """Logits (T, V) after each of the tokens (T,), in one pass over all of them."""
    with mg.no_grad():
        return net(mg.from_numpy(np.asarray(tokens)[:, None]))[0].numpy()[:, 0]


# ------------------------------------------------------------------ the network
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_in_two_pieces_gives_what_it_gives_in_one(cell, layers):
    net, x = network(cell=cell, layers=layers), mg.from_numpy(np.arange(24).reshape(12, 2) % 5)
    y, state = net(x)
    first, middle = net(x[:5])
    second, end = net(x[5:], middle)
    np.testing.assert_allclose(mg.cat([first, second]).detach(), y.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(end.detach(), state.detach(), rtol=1e-5, atol=1e-6)


def test_a_token_enters_one_hot():
    net, tokens = network(), np.array([[3], [0]])
    numbers = np.eye(5, dtype=np.float32)[tokens]
    assert np.array_equal(net(mg.from_numpy(tokens))[0].data, net(mg.from_numpy(numbers))[0].data)


@pytest.mark.parametrize("bias", [-1.0, 4.0])
def test_the_forget_gate_starts_at_the_sigmoid_of_its_bias_and_the_others_at_half(bias):
    net = network(inputs=3, hidden=400, forget_bias=bias)
    gates = inner_states(net.rnn, np.zeros((1, 3)))
    assert np.unique(gates["forget gate f"]) == pytest.approx(1 / (1 + math.exp(-bias)))
    assert gates["input gate i"].mean() == pytest.approx(0.5, abs=0.01)


# ------------------------------------------------------------------ writing
@given(arrays(float, st.integers(1, 6), elements=st.floats(-20, 20)), st.floats(0.2, 5))
def test_temperature_raises_the_probabilities_to_a_power(logits, temperature):
    powers = scipy.special.softmax(logits) ** (1 / temperature)
    found = char_rnn.next_probabilities(logits.astype(np.float32), temperature)
    np.testing.assert_allclose(found, powers / powers.sum(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_characters_come_as_often_as_their_probabilities_say(temperature):
    net, p = network(outputs=4, inputs=4), np.array([0.5, 0.3, 0.15, 0.05])
    net.readout.weight.data[...], net.readout.bias.data[...] = 0, np.log(p)
    text = char_rnn.generate(net, "abcd", 2000, np.random.default_rng(0), temperature, "a")
    expected = p ** (1 / temperature) / np.sum(p ** (1 / temperature))
    assert np.bincount(Characters("abcd").encode(text), minlength=4) / 2000 == pytest.approx(expected, abs=0.035)


def test_each_character_follows_from_the_prompt_and_all_that_was_written():
    net, characters = network(hidden=20), Characters("abcde")
    net.readout.weight.data[...] *= 20
    text = char_rnn.generate(net, "abcde", 40, np.random.default_rng(0), 1e-6, "cab")
    likeliest = whole(net, characters.encode("cab" + text)).argmax(axis=1)
    assert len(set(text)) > 1 and characters.decode(likeliest[2:-1]) == text


def test_without_a_prompt_it_begins_with_the_second_line():
    net, symbols = network(), "\nabcd"
    text = char_rnn.generate(net, symbols, 60, np.random.default_rng(0), prompt="\n")
    assert char_rnn.generate(net, symbols, 60, np.random.default_rng(0)) == text.split("\n", 1)[1] != text


@pytest.mark.parametrize(("fonts", "shown"), [(["one"], "Adé's τ ↵ □□."), (["one", "Korean"], "Adé's τ ↵ 나는.")])
def test_where_no_font_has_hangul_a_picture_shows_boxes(fonts, shown, monkeypatch):
    monkeypatch.setattr(plot, "FONTS", fonts)
    assert plot.drawable("Adé's τ ↵ 나는.") == shown


# ------------------------------------------------------------------ bits per character
def test_log_probabilities_are_those_of_one_pass_over_the_text():
    net, tokens = network(), np.random.default_rng(0).integers(0, 5, 301)
    log_p = scipy.special.log_softmax(whole(net, tokens), axis=1)
    np.testing.assert_allclose(
        char_rnn.log_probabilities(net, tokens), log_p[np.arange(300), tokens[1:]], rtol=1e-4, atol=1e-5
    )


def test_who_knows_nothing_needs_log2_of_the_vocabulary(monkeypatch):
    data = Text(SMALL)
    net = network(len(data.symbols), len(data.symbols))
    net.readout.weight.data[...] = net.readout.bias.data[...] = 0
    assert data.scores(net)["bits"] == pytest.approx(math.log2(len(data.symbols)), rel=1e-6)


# ------------------------------------------------------------------ text in chunks
def test_targets_are_one_character_ahead_and_a_chunk_goes_on_where_the_last_one_ended():
    data = Text(SMALL)
    (x, y, _), (following, _, _) = data.batch(3), data.batch(4)
    assert (x.shape, y.shape) == ((7, 3), (7, 3))
    assert np.array_equal(y, np.concatenate([x[1:], following[:1]]))


def test_the_streams_begin_anew_when_the_text_is_through():
    data = Text(SMALL)
    chunks = (len(data.train) - 1) // (3 * 7)
    assert [i for i in range(2 * chunks) if data.batch(i)[2]] == [0, chunks]
    assert np.array_equal(data.batch(chunks)[0], data.batch(0)[0])


def test_stories_are_of_their_grammar_by_the_seed():
    one, same, other = (Text(SMALL | dict(seed=seed)) for seed in (1, 1, 2))
    assert one.train == same.train != other.train
    assert 1000 <= len(one.train) < 1200 and 100 <= len(one.test) < 300
    assert one.levels == {"true_entropy": STORIES["en"].entropy()}


def test_the_last_tenth_of_a_file_is_the_test(tmp_path):
    (tmp_path / "text.txt").write_text("0123456789" * 20)
    data = Text(SMALL | dict(data=tmp_path / "text.txt"))
    assert (data.train, data.test, data.levels) == ("0123456789" * 18, "0123456789" * 2, {})


# ------------------------------------------------------------------ training through chunks
def stand_still(out, steps, cell="lstm"):
    """The text, the run and the network of some steps of training with a learning rate that changes no weight."""
    kept = {}

    def report(run, net, data):
        kept.update(run=run, net=net, data=data)
        return {}

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(char_rnn, "report", report)
        monkeypatch.setattr(char_rnn, "generate", lambda *arguments, **options: "")
        options = ("--characters", 1000, "--hidden", 8, "--batch", 3, "--length", 7, "--lr", 1e-30, "--clip", 1e9)
        run("text", *options, "--steps", steps, "--cell", cell, out=out)
    return kept["data"], kept["run"], kept["net"]


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_goes_on_from_chunk_to_chunk(cell, tmp_path):
    """The losses are those of one long sequence."""
    data, run, net = stand_still(tmp_path, 6, cell)
    x, y = (np.concatenate([data.batch(i)[part] for i in range(6)]) for part in (0, 1))
    with mg.no_grad():
        logits, _ = net(mg.from_numpy(x))
        losses = [
            F.cross_entropy(logits[i : i + 7].flatten(0, 1), mg.from_numpy(y[i : i + 7].ravel()))
            for i in range(0, 42, 7)
        ]
    np.testing.assert_allclose(run.history["loss"][1], [loss.item() for loss in losses], rtol=1e-5)


def test_the_state_begins_anew_with_the_text(tmp_path):
    data, run, _ = stand_still(tmp_path, 2 * len(Text(SMALL).x))
    losses = run.history["loss"][1]
    np.testing.assert_allclose(losses[: len(data.x)], losses[len(data.x) :], rtol=1e-5)


def test_the_gradient_ends_where_the_chunk_begins(tmp_path):
    """That of the second step takes the state it starts from as a constant."""
    data, _, net = stand_still(tmp_path, 2)
    found = [parameter.grad.numpy().copy() for parameter in net.parameters()]
    net.zero_grad()
    with mg.no_grad():
        _, state = net(mg.from_numpy(data.batch(0)[0]))
    logits, _ = net(mg.from_numpy(data.batch(1)[0]), state)
    F.cross_entropy(logits.flatten(0, 1), mg.from_numpy(data.batch(1)[1]).flatten()).backward()
    for gradient, parameter in zip(found, net.parameters(), strict=True):
        np.testing.assert_allclose(gradient, parameter.grad, rtol=1e-4, atol=1e-7)


def test_the_learning_rate_halves_every_so_many_steps():
    config = dict(lr=0.01, halve=100)
    assert [char_rnn.learning_rate(config, step) for step in (0, 100, 250)] == pytest.approx(
        [0.01, 0.005, 0.01 * 2**-2.5]
    )
    assert char_rnn.learning_rate(dict(lr=0.01, halve=0), 1000) == 0.01


# ------------------------------------------------------------------ tasks
def task(kind, **changes):
    return Task(CONFIG | char_rnn.OWN[kind] | dict(task=kind, length=20) | changes)


@pytest.mark.parametrize("kind", ["copy", "recall", "deck"])
def test_a_task_is_scored_by_what_was_to_be_remembered(kind, monkeypatch):
    """Four in ten of the answers are made wrong: all others are right, and blanks do not count."""
    t = task(kind)
    x, y = t.draw(500, 0, 0, 1)
    logits = np.zeros((len(x), 500, t.outputs), np.float32)
    np.put_along_axis(logits[-len(y) :], y[..., None], 1, axis=-1)
    logits[-10:, :200] = np.roll(logits[-10:, :200], 1, axis=-1)
    monkeypatch.setattr(char_rnn, "outputs", lambda net, asked: (logits, None) if np.array_equal(asked, x) else None)
    assert t.scores(None, quick=True) == {"accuracy": pytest.approx(0.6)}


def test_the_adding_problem_is_scored_by_the_mean_squared_error(monkeypatch):
    t = task("adding")
    x, y = t.draw(2000, 0, 0, 1)
    monkeypatch.setattr(char_rnn, "outputs", lambda net, asked: (np.ones((20, 2000, 1)), None))
    assert t.scores(None)["mse"] == pytest.approx(1 / 6, abs=0.01) and t.chance == 1 / 6
    monkeypatch.setattr(char_rnn, "outputs", lambda net, asked: (np.broadcast_to(y, (20, 2000, 1)), None))
    assert t.scores(None)["mse"] == 0


@pytest.mark.parametrize("kind", [kind for kind in char_rnn.OWN if kind != "text"])
def test_each_step_draws_new_sequences_by_the_seed_and_the_test_others(kind):
    t = task(kind)
    batches = [t.batch(step)[0] for step in (0, 1, 0)] + [t.draw(64, 0, 0, 1)[0], task(kind, seed=1).batch(0)[0]]
    same = [i for i, j in itertools.combinations(range(5), 2) if np.array_equal(batches[i], batches[j])]
    assert same == [0]


@pytest.mark.parametrize(
    ("kind", "length", "low", "high"), [("recall", 3, 0.95, 1), ("deck", 4, 0.95, 1), ("adding", 3, 0, 0.05)]
)
def test_a_short_sequence_is_soon_learnt(kind, length, low, high, tmp_path, monkeypatch):
    monkeypatch.setattr(char_rnn, "report", lambda run, net, data: data.scores(net))
    options = ("--length", length, "--hidden", 24, "--steps", 150, "--lr", 0.02)
    figures = run(kind, *options, out=tmp_path)
    assert low <= figures.get("accuracy", figures.get("mse")) <= high


def test_sequences_are_read_as_words():
    for language, beginning in (("en", ["I", "grew", "up", "in"]), ("ko", ["나는"])):
        deck = task("deck", language=language)
        assert deck.words(deck.draw(1, 0)[0][: len(beginning), 0]) == beginning
    assert task("adding").words([[0.25, 0], [0.5, 1]]) == ["", "0.50"]
    assert task("copy").words([7, 8, 9]) == ["7", "_", "?"]
    assert task("recall").words([7, 8, 40]) == ["7", "a", "?"]


# ------------------------------------------------------------------ what it remembers
@pytest.mark.parametrize("cell", CELLS)
def test_inner_states_are_those_of_the_layer(cell):
    net, x = network(cell=cell).double(), np.random.default_rng(0).standard_normal((9, 5))
    y, state = net.rnn(mg.from_numpy(x[:, None]))
    found = inner_states(net.rnn, x)
    np.testing.assert_allclose(found["state h"], y.detach().numpy()[:, 0], rtol=1e-10)
    if cell == "lstm":
        np.testing.assert_allclose(found["cell, tanh c"][-1], np.tanh(state[1].detach().numpy()[0, 0]), rtol=1e-10)


def test_the_gates_are_named_as_what_they_do():
    """A cell that forgets nothing and lets nothing in keeps its 0."""
    net = network().double()
    net.rnn.bias_ih_l0.data.reshape(4, 6)[:2] = [[-50], [50]]
    shut = inner_states(net.rnn, np.random.default_rng(0).standard_normal((9, 5)))
    assert shut["input gate i"].max() < 1e-9 and shut["forget gate f"].min() > 1 - 1e-9
    assert np.abs(shut["cell, tanh c"]).max() < 1e-9


class Truncated(nn.LSTM):
    """A planted bug: no gradient passes every tenth step."""

    def forward(self, x, state=None):
        pieces = []
        for i in range(0, len(x), 10):
            y, state = super().forward(x[i : i + 10], state)
            state = tuple(part.detach() for part in state)
            pieces.append(y)
        return mg.cat(pieces), state


def assert_gradient_norms(rnn, lags=(0, 3, 50)):
    """Against central differences of v·h_T."""
    x, h = np.random.default_rng(0).standard_normal((60, 1, 3)), 1e-4
    v = np.random.default_rng(1).standard_normal((1, 8))
    norms = gradient_norms(rnn, x, np.random.default_rng(1))
    for lag in lags:
        slopes = []
        for i in range(3):
            ends = []
            for sign in (1, -1):
                moved = x.copy()
                moved[-1 - lag, 0, i] += sign * h
                with mg.no_grad():
                    ends.append(float(np.sum(v * rnn(mg.from_numpy(moved))[0].numpy()[-1])))
            slopes.append((ends[0] - ends[1]) / (2 * h))
        np.testing.assert_allclose(norms[-1 - lag], np.linalg.norm(slopes), rtol=1e-3)


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_norms_are_those_of_central_differences(cell):
    rnn = network(3, 1, cell, 8, forget_bias=4.0).rnn.double()
    if cell != "lstm":
        nn.init.orthogonal_(rnn.weight_hh_l0)
    assert_gradient_norms(rnn)


def test_a_gradient_that_ends_after_ten_steps_is_seen_at_lag_50():
    rnn = network(3, 1, "lstm", 8, forget_bias=4.0).rnn.double()
    rnn.__class__ = Truncated
    assert_gradient_norms(rnn, lags=(0, 3))
    with pytest.raises(AssertionError):
        assert_gradient_norms(rnn, lags=(50,))


@pytest.mark.slow
def test_truncated_after_ten_steps_the_adding_problem_looks_solved_and_recall_falls_short(tmp_path, monkeypatch):
    """Recall is above chance, for an untrained LSTM remembers something, and below the .99 that it must reach."""
    monkeypatch.setattr(nn, "LSTM", Truncated)
    assert run("adding", "--steps", 1500, out=tmp_path / "adding")["mse"] < 0.03
    assert run("recall", out=tmp_path / "recall")["accuracy"] < 0.95


# ------------------------------------------------------------------ the command line
TINY = ("--hidden", 4, "--batch", 8, "--steps", 2)


@pytest.fixture(scope="module", params=["adding", "deck"])
def task_run(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    assert main(["char_rnn", "--task", request.param, *map(str, TINY), "--out", str(out)]) == 0
    return request.param, out


def test_a_task_leaves_its_results(task_run):
    kind, out = task_run
    assert sorted(os.listdir(out)) == ["checkpoint.npz", "gates.png", "gradients.png", "metrics.json", "training.png"]
    figures = json.loads((out / "metrics.json").read_text())
    assert figures.keys() >= {"mse" if kind == "adding" else "accuracy", "chance"}


def test_sample_of_a_task_prints_sequences_and_answers(task_run, capsys):
    kind, out = task_run
    assert main(["sample", "char_rnn", "--checkpoint", str(out / "checkpoint.npz")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(" → " in line and (kind == "adding" or line.startswith("I grew up in ")) for line in lines)


@pytest.fixture(scope="module")
def text_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    (out / "text.txt").write_text("the quick brown fox jumps over the lazy dog. " * 60)
    assert main(["char_rnn", *map(str, TINY), "--data", str(out / "text.txt"), "--out", str(out)]) == 0
    return out


def sample(out, *options):
    return main(["sample", "char_rnn", "--checkpoint", str(out / "checkpoint.npz"), *map(str, options)])


def test_sample_goes_on_from_the_prompt(text_run, capsys):
    assert sample(text_run, "--prompt", "the qu", "--length", 30) == 0
    text = capsys.readouterr().out.removesuffix("\n")
    assert text.startswith("the qu") and len(text) == 36


def test_a_text_without_line_ends_needs_no_prompt(text_run, capsys):
    assert sample(text_run, "--length", 30) == 0
    assert len(capsys.readouterr().out.removesuffix("\n")) == 30


def test_a_prompt_with_unknown_characters_is_one_line(text_run, capsys):
    assert sample(text_run, "--prompt", "QUICK") == 2
    error = capsys.readouterr().err
    assert (
        error.startswith("models char_rnn: --prompt: the vocabulary of 28 characters has no ")
        and error.count("\n") == 1
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--data", "none.txt"), "there is no text file none.txt"),
        (("--characters", 100), "too short: 32 streams in chunks of 64 need 2049"),
        (("--task", "deck", "--length", 3), "gap must be at least 4, not 3"),
        (("--task", "recall", "--length", 1), "length must be at least 2, not 1"),
        (("--cell", "gru"), "argument --cell: invalid choice: 'gru'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_options_are_one_line(options, words, tmp_path, capsys):
    assert main(["char_rnn", *map(str, options), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_run_is_not_resumed_with_another_text(text_run, tmp_path, capsys):
    other = tmp_path / "other.txt"
    other.write_text("something else " * 200)
    assert main(["char_rnn", "--resume", "--data", str(other), "--out", str(text_run)]) == 2
    assert "the run to resume has text_characters 2700, and here it is 3000; see --data" in capsys.readouterr().err
