"""The character RNN and its tasks: `python -m models char_rnn` as it is shipped, and gradients before training."""

import tempfile

import numpy as np

import minigrad as mg
from models import char_rnn
from models.memory import gradient_norms

from .rows import real_data, row


def trained(seed: int, *options) -> dict:
    """metrics.json's figures of a run with these options."""
    with tempfile.TemporaryDirectory() as folder:
        return char_rnn.main([*map(str, options), "--seed", str(seed), "--out", folder])


SMALL = ("--hidden", 64, "--lr", 0.005, "--batch", 64, "--clip", 1)
ADDING = ("--task", "adding", "--forget-bias", 1, *SMALL)
RECALL = ("--task", "recall", "--length", 50, "--steps", 400, *SMALL)
SHAKESPEARE = ("--hidden", 128, "--length", 64, "--batch", 32, "--clip", 5, "--lr", 0.01, "--halve", 0, "--steps", 1500)


# ------------------------------------------------------------------ how far a memory reaches
@row(
    "LSTM of 64, forget bias 1, Adam 5e-3, batch 64, clip 1; error of 2,000 new sequences; who says the mean has 1/6",
    mse_50=(None, 0.005),
    mse_100=(None, 0.005),
)
def adding_problem_lstm(seed):
    return {
        "mse_50": trained(seed, *ADDING, "--length", 50, "--steps", 1000)["mse"],
        "mse_100": trained(seed, *ADDING, "--length", 100, "--steps", 2000)["mse"],
    }


@row("as the LSTM, with tanh instead, 2,000 steps at T=100", mse=(0.14, 0.19))
def adding_problem_tanh(seed):
    return {"mse": trained(seed, *ADDING, "--length", 100, "--steps", 2000, "--cell", "tanh")["mse"]}


@row(
    "which of 8 tokens came first, T=50, 32 kinds of distractors; 64 units, Adam 5e-3, batch 64, clip 1, 400 steps; "
    "the LSTM's forget bias 4; chance is 1/8",
    lstm=(0.99, None),
    tanh=(None, 0.6),
)
def first_token_recall(seed):
    return {
        "lstm": trained(seed, *RECALL, "--forget-bias", 4)["accuracy"],
        "tanh": trained(seed, *RECALL, "--cell", "tanh")["accuracy"],
    }


@row(
    "log10 of the norm of dL/dx over lag 50, L a random projection of the last state: x ~ N(0, 1) of 32 features, 128 "
    "units, 101 steps, 4 sequences, before training; median of 10 networks",
    tanh=(None, -13),
    lstm_bias_1=(-4.3, -3.3),
    lstm_bias_2=(-1, None),
    relu=(7, None),
)
def gradient_over_lag_50(seed):
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    found = {}
    for _ in range(10):
        for name, rnn in char_rnn.untrained(inputs=32, hidden=128).items():
            norms = gradient_norms(rnn.double(), rng.standard_normal((101, 4, 32)), rng)
            found.setdefault(name, []).append(np.log10(norms[-51] / norms[-1]))
    median = {name: float(np.median(values)) for name, values in found.items()}
    return {
        "tanh": median["tanh RNN"],
        "lstm_bias_1": median["LSTM, forget bias 1"],
        "lstm_bias_2": median["LSTM, forget bias 2"],
        "relu": median["ReLU RNN, 1.5 x He"],
    }


# ------------------------------------------------------------------ language models
@row(
    "LSTM of 128, T=64, batch 32, clip 5, Adam 1e-2, 1,500 steps; the last tenth of the text is the test; trigrams of "
    "Witten-Bell (Witten & Bell 1991) stand for a memory of two characters",
    bits=(None, 2.50),
    below_trigrams=(0, None),
)
def char_lm_shakespeare(seed):
    text = real_data("text") / "shakespeare.txt.gz"
    figures = trained(seed, "--data", text, *SHAKESPEARE)
    return {**figures_of(figures), "below_trigrams": figures["3-grams"] - figures["bits"]}


@row("the default run; bits over the true entropy of the grammar, which no model can be below", ratio=(1, 1.1))
def char_lm_stories(seed):
    figures = trained(seed)
    return {**figures_of(figures), "ratio": figures["bits"] / figures["true_entropy"]}


def figures_of(metrics):
    return {name: metrics[name] for name in ("bits", "3-grams", "5-grams", "seconds")}
