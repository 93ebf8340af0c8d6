"""Character RNN: text, one character after another, by an RNN or an LSTM; and four tasks that need a long memory.

A recurrent network reads x₁, x₂, ... and keeps a state hₜ of what it has read; a linear layer turns hₜ into logits for
the next character. Trained on −log p(text) = −Σ log p(xₜ₊₁ | x₁ ... xₜ), it writes texts of its own (Graves 2013,
arXiv:1308.0850; Karpathy 2015). The default text is stories from a grammar whose entropy is known: in the long run no
model predicts them with fewer bits per character. How one begins decides words far behind: "Ada and her cat ... She".

The tasks show how far back a memory reaches. Gradients that go through many steps vanish or explode (Hochreiter 1991;
Bengio et al. 1994), and the gates of an LSTM are there to prevent it (Hochreiter & Schmidhuber 1997).
"""

# Reading order: CharRNN, next_probabilities, generate; Text and Task, which have the batches; train; report; then the
# command line. What is looked at inside the network stands in memory.py.

from __future__ import annotations

import math
import textwrap
from string import ascii_letters

import numpy as np
import scipy.special

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot
from minigrad.data import STORIES, Characters, read_text, streams
from minigrad.data.sequences import adding_problem, copy_memory, country_to_language, first_token_recall

from . import common
from .memory import draw_gradients, draw_states, gradient_norms, inner_states
from .metrics import NGram, bits_per_character, mean_squared_error

NAME = "char_rnn"


# ------------------------------------------------------------------ the network
class CharRNN(nn.Module):
    """x: tokens (T, N) or numbers (T, N, inputs) → outputs (T, N, outputs), and the state after the last step.

    The state is h, and of an LSTM h and c, in one tensor (1 or 2, layers, N, hidden). A token enters one-hot, and so
    picks a column of the input weights. An LSTM's forget gate starts about σ(`forget_bias`): the nearer to 1, the
    longer a new network keeps what is in its cells (Gers et al. 2000; Jozefowicz et al. 2015).
    """

    def __init__(self, inputs: int, outputs: int, cell: str, hidden: int, layers: int, forget_bias: float):
        self.inputs = inputs
        if cell == "lstm":
            self.rnn = nn.LSTM(inputs, hidden, layers)
            for layer in range(layers):  # rows of i, f, g, o in turn; a gate sees the sum of both biases
                getattr(self.rnn, f"bias_ih_l{layer}").data[hidden : 2 * hidden] = forget_bias
                getattr(self.rnn, f"bias_hh_l{layer}").data[hidden : 2 * hidden] = 0
        else:
            self.rnn = nn.RNN(inputs, hidden, layers, nonlinearity=cell)
        self.readout = nn.Linear(hidden, outputs)

    def vectors(self, x):
        """Tokens one-hot, numbers as they are: (T, N, inputs)."""
        return x if x.ndim == 3 else F.one_hot(x, self.inputs).float()

    def forward(self, x, state=None):
        if isinstance(self.rnn, nn.LSTM):
            y, last = self.rnn(self.vectors(x), None if state is None else tuple(state))
        else:
            y, *last = self.rnn(self.vectors(x), None if state is None else state[0])
        return self.readout(y), mg.stack(last)


class Carried(nn.Module):
    """The state that goes on from step to step of the training; a module, to be saved and resumed with the network."""

    def __init__(self, net: CharRNN, n: int):
        rnn = net.rnn
        self.register_buffer("state", mg.zeros(len(rnn.states), rnn.num_layers, n, rnn.hidden_size))


def outputs(net, x: np.ndarray, state=None):
    """The outputs as an array, and the state after them, without a graph."""
    with mg.no_grad():
        found, state = net(mg.from_numpy(x).to(net.readout.weight.device), state)
    return found.cpu().numpy(), state


# ------------------------------------------------------------------ writing text
def next_probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """p(c) = softmax(logits / τ) ∝ p₁(c)^(1/τ), where τ is the temperature and p₁ what the network has learnt.

    Below 1 the likely becomes likelier still, and near 0 only the likeliest is left; above 1 all become alike.

    >>> next_probabilities(np.log([0.8, 0.2]), temperature=0.5).round(4).tolist()  # as 0.8² to 0.2²
    [0.9412, 0.0588]
    """
    return scipy.special.softmax(np.asarray(logits, np.float64) / temperature)


def generate(net, symbols: str, length: int, rng, temperature: float = 1.0, prompt: str = "") -> str:
    """Up to `length` characters after the prompt, each drawn from the probabilities and then read by the network.

    Without a prompt it begins as after a line end, or after symbols[0] where there is none, and its first line is left
    out: a network that has read nothing yet, which is rare in training, does not write well.
    """
    characters, state, written = Characters(symbols), None, []
    tokens = characters.encode(prompt or ("\n" if "\n" in symbols else symbols[0]))
    for _ in range(length):
        logits, state = outputs(net, tokens[:, None], state)
        p = next_probabilities(logits[-1, 0], temperature)
        tokens = rng.choice(len(p), size=1, p=p)
        written.append(tokens[0])
    text = characters.decode(written)
    return text if prompt else text.partition("\n")[2] or text


# ------------------------------------------------------------------ what it learns from
class Text:
    """A text in chunks for truncated backpropagation: each goes on where the last one ended, in n streams at once."""

    def __init__(self, config: dict):
        if config["data"] is None:
            grammar, rng = STORIES[config["language"]], np.random.default_rng((config["seed"], 0, 1))
            self.train, self.test = (grammar.text(n, rng) for n in (config["characters"], config["characters"] // 10))
            self.levels = {"true_entropy": grammar.entropy()}
        else:
            text = read_text(config["data"])
            cut = len(text) * 9 // 10
            self.train, self.test, self.levels = text[:cut], text[cut:], {}
        characters = Characters(self.train + self.test)
        self.symbols, self.tokens = characters.symbols, characters.encode(self.test)
        self.x, self.y = streams(characters.encode(self.train), config["batch"], config["length"])  # (chunks, T, N)

    def batch(self, step: int):
        """x (T, N), y one character ahead of x, and whether the streams begin anew."""
        chunk = step % len(self.x)
        return self.x[chunk], self.y[chunk], chunk == 0

    def scores(self, net, quick: bool = False) -> dict:
        """Bits per character on the test text, or on the beginning of it."""
        return {"bits": bits_per_character(log_probabilities(net, self.tokens[: 20_000 if quick else None]))}

    def baselines(self) -> dict:
        """The entropy of the grammar, and the bits that n-grams need for the test text."""
        for order in range(3, 7):
            log_p = NGram(self.train, order, len(self.symbols)).log_probabilities(self.test)
            self.levels[f"{order}-grams"] = bits_per_character(log_p)
        return self.levels

    def example(self, seed: int):
        """The first piece of the test text beside the next ones, (T, N), and the first as it is read."""
        steps = min(72, len(self.tokens))
        n = min(16, len(self.tokens) // steps)
        return self.tokens[: n * steps].reshape(n, steps).T, self.test[:steps]


def log_probabilities(net, tokens: np.ndarray) -> np.ndarray:
    """log p, in nats, of each token given those before it, read in up to 16 streams from the state 0."""
    n = max(1, min(16, len(tokens) // 5000))
    found, state = [], None
    for x, y in zip(*streams(tokens, n, min(100, (len(tokens) - 1) // n))):
        logits, state = outputs(net, x, state)
        log_p = scipy.special.log_softmax(logits.astype(np.float64), axis=-1)
        found.append(np.take_along_axis(log_p, y[..., None], axis=-1))
    return np.concatenate(found).ravel()


VOCABULARIES = {"copy": "01234567_?", "recall": f"01234567{ascii_letters[:32]}?"}  # _ is a blank, ? asks


class Task:
    """Sequences in which what came long before decides, new ones in every step (`minigrad/data/sequences.py`).

    Adding: two numbers are marked, say their sum. Copy: repeat ten symbols. Recall: which of eight tokens came first?
    Deck: "I grew up in France . ... I speak fluent", what comes next?
    """

    def __init__(self, config: dict):
        self.config, self.kind = config, config["task"]
        if self.kind == "adding":
            self.inputs, self.outputs, self.chance = 2, 1, 1 / 6
        else:
            countries = country_to_language(1, 20, np.random.default_rng(0), config["language"])[2]
            self.vocabulary = VOCABULARIES.get(self.kind, countries)
            self.inputs = self.outputs = len(self.vocabulary)
            self.chance = 1 / 12 if self.kind == "deck" else 1 / 8

    def draw(self, n: int, *seed: int):
        """x (T, N) or (T, N, inputs), and y (L, N) or (L, N, outputs): what the last L outputs should be."""
        length, rng = self.config["length"], np.random.default_rng(seed)
        if self.kind == "copy":
            return copy_memory(n, length, rng)
        if self.kind == "adding":
            x, y = adding_problem(n, length, rng)
        elif self.kind == "recall":
            x, y = first_token_recall(n, length, 8, rng)
        else:
            x, y, _ = country_to_language(n, length, rng, self.config["language"])
        return x, y[None]

    def batch(self, step: int):
        """x and y for this step, and that they begin anew."""
        return *self.draw(self.config["batch"], self.config["seed"], step), True

    def scores(self, net, quick: bool = False) -> dict:
        """On new sequences: the mean squared error, or the share that is right of what was to be remembered."""
        x, y = self.draw(500 if quick else 2000, self.config["seed"], 0, 1)
        y = y[-10:]  # of a copy the symbols, not the blanks before them
        found, _ = outputs(net, x)
        if self.kind == "adding":
            return {"mse": mean_squared_error(found[-1:], y)}
        return {"accuracy": float(np.mean(found[-len(y) :].argmax(axis=-1) == y))}

    def baselines(self) -> dict:
        """The score without a memory: of one who says the mean, or guesses."""
        return {"chance": self.chance}

    def example(self, seed: int):
        """Some sequences (T, N[, inputs]), and the first as it is read."""
        x, _ = self.draw(16, seed, 0, 2)
        return x, self.words(x[:, 0])

    def words(self, x) -> list[str]:
        """One sequence (T,) as it is read; of numbers (T, 2) or (T, 1) those that are marked."""
        if self.kind == "adding":
            return [f"{number:.2f}" if all(mark) else "" for number, *mark in x]
        return [self.vocabulary[token] for token in x]


# ------------------------------------------------------------------ training
def train(run, net, optimizer, carried, data) -> None:
    """Truncated backpropagation through time (Williams & Peng 1990): the state goes on, the gradient stops.

    A step goes back through `length` characters, but it starts from the state in which the step before it ended, so the
    network can remember further back than it is trained through. The sequences of a task begin anew in every step.
    """
    config = run.config
    looks, pictures = common.moments(config["steps"], 30), common.moments(config["steps"], 10)
    for step in run.steps(config["steps"]):
        x, y, anew = data.batch(step)
        x, y = mg.from_numpy(x).to(run.device), mg.from_numpy(y).to(run.device)
        if anew:
            carried.state.zero_()
        output, state = net(x, carried.state)
        loss = loss_of(output[-len(y) :], y)
        run.log(loss=loss.item())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), config["clip"])  # against gradients that explode
        optimizer.param_groups[0]["lr"] = learning_rate(config, step)
        optimizer.step()
        carried.state = state.detach()  # its values without its history: here the gradient of the next step ends
        if step in looks:
            run.log(**data.scores(net, quick=True))
        if step in pictures and config["task"] == "text":
            text = generate(net, data.symbols, 300, np.random.default_rng(config["seed"]), temperature=0.8)
            print(f"\n{text[:150]} ...\n")
            run.frame("samples", text_picture(text, f"after {step + 1} steps"))


def loss_of(output, y):
    """Numbers: the mean squared error. Tokens: the cross-entropy −log p(y), mean, in nats."""
    if y.dtype.kind == "f":
        return F.mse_loss(output, y)
    return F.cross_entropy(output.flatten(0, 1), y.flatten())


def learning_rate(config, step: int) -> float:
    """It halves every `halve` steps, whatever their total is, so that a run can be resumed for more."""
    return config["lr"] * (0.5 ** (step / config["halve"]) if config["halve"] else 1)


# ------------------------------------------------------------------ pictures and figures
def report(run, net, data) -> dict:
    """Write the pictures; return the figures."""
    folder, seed = run.folder, run.config["seed"]
    figures, baselines = data.scores(net), data.baselines()
    draw_training(run, next(iter(figures)), baselines, folder / "training.png")
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((101, 16, 32))
    norms = {name: gradient_norms(rnn, noise, rng) for name, rnn in untrained(inputs=32).items()}
    x, words = data.example(seed)
    x = net.vectors(mg.from_numpy(x)).numpy()
    norms["this run, trained"] = gradient_norms(net.rnn, x, rng)
    draw_gradients(norms, folder / "gradients.png")
    draw_states(inner_states(net.rnn, x[:, 0]), words, folder / "gates.png")
    return figures | baselines


def untrained(inputs: int, hidden: int = 128) -> dict:
    """Recurrent layers as they start: name → layer."""
    rnns = {f"LSTM, forget bias {bias}": CharRNN(inputs, 1, "lstm", hidden, 1, bias).rnn for bias in (0, 1, 2)}
    rnns["tanh RNN"] = CharRNN(inputs, 1, "tanh", hidden, 1, 0).rnn
    rnns["ReLU RNN, 1.5 x He"] = CharRNN(inputs, 1, "relu", hidden, 1, 0).rnn
    nn.init.normal_(rnns["ReLU RNN, 1.5 x He"].weight_hh_l0, 0, 1.5 * math.sqrt(2 / hidden))  # He et al. 2015: √(2 / H)
    return rnns


def draw_training(run, score: str, levels: dict, path) -> None:
    """The score over training; of text also the training loss, in means of a hundredth of the run."""
    lines = {"test": run.history.get(score, ([], []))}
    if score == "bits":
        steps, nats = map(np.array, run.history.get("loss", ([], [])))
        blocks = [block for block in np.array_split(np.arange(len(steps)), 100) if len(block)]
        lines["training"] = [[values[block].mean() for block in blocks] for values in (steps, nats / math.log(2))]
    fig, axes = plot.figure(1, 1, width=7, height=4.5)
    ylabel = {"bits": "bits per character", "mse": "mean squared error", "accuracy": "accuracy"}[score]
    plot.curves(axes[0, 0], lines, "step", ylabel, {name.replace("_", " "): level for name, level in levels.items()})
    axes[0, 0].set_ylim(0, 1.1 * max(levels.values()) if score == "bits" else None)
    plot.save(fig, path)


def text_picture(text: str, title: str) -> np.ndarray:
    """The first lines of a text as a picture (height, width) uint8."""
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, 100)]
    fig, axes = plot.figure(1, 1, width=8, height=1.8)
    axes[0, 0].set_title(title, loc="left")
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0, 1, plot.drawable("\n".join(lines[:8])), va="top", family=plot.FONTS, size=9, parse_math=False)
    return plot.as_image(fig)[..., 0]


# ------------------------------------------------------------------ the command line
OWN = {  # defaults of each task
    "text": dict(length=64, steps=2500, batch=32, lr=0.01, halve=750, clip=5.0, forget_bias=1.0, hidden=128),
    "adding": dict(length=50, steps=1000, batch=64, lr=0.005, halve=0, clip=1.0, forget_bias=1.0, hidden=64),
    "copy": dict(length=20, steps=2000, batch=64, lr=0.005, halve=0, clip=1.0, forget_bias=4.0, hidden=64),
    "recall": dict(length=50, steps=400, batch=64, lr=0.005, halve=0, clip=1.0, forget_bias=4.0, hidden=64),
    "deck": dict(length=30, steps=400, batch=64, lr=0.005, halve=0, clip=1.0, forget_bias=4.0, hidden=64),
}


def options() -> common.Options:
    parser, number = common.Options(NAME, __doc__), common.number

    def add(flag, help, **how):
        """An option whose default depends on the task."""
        name = flag.removeprefix("--").replace("-", "_")
        own = ", ".join(f"{values[name]:g} for {task}" for task, values in OWN.items())
        parser.add(flag, None, f"{help} (default: {own})", **how)

    parser.add(
        "--task", "text", "text, a character language model, or a test of memory: adding two marked numbers, a copy of "
        "ten symbols, recall of the first token, the deck's 'I grew up in France ... I speak fluent French'",
        choices=OWN,
    )  # fmt: skip
    parser.add("--data", None, "a text to learn instead of the stories: UTF-8, may be gzipped", metavar="FILE")
    parser.add("--characters", 1_000_000, "stories to train on, in characters", type=number(int, 100))
    parser.add("--language", "en", "of the stories and of the deck's sentence", choices=STORIES)
    parser.add(
        "--cell", "lstm", "recurrent layer: an LSTM, or a plain RNN of tanh or relu", choices=("lstm", "tanh", "relu")
    )
    parser.add("--layers", 1, "recurrent layers, one above the other", type=number(int, 1, 16))
    add("--hidden", "units of a recurrent layer", type=number(int, 1, 8192))
    add("--forget-bias", "bias that an LSTM's forget gate starts with", type=number(float))
    add("--length", "text: steps that the gradient goes back; tasks: steps to be bridged", type=number(int, 1))
    add("--batch", "sequences read side by side in a step", type=number(int, 1))
    add("--steps", "steps of training", type=number(int, 1))
    add("--lr", "learning rate of Adam", type=number(float, above=0))
    add("--halve", "steps in which the learning rate halves, 0: never", type=number(int, 0))
    add("--clip", "norm to which a larger gradient is clipped", type=number(float, above=0))
    parser.add_common(NAME)
    return parser


def build(config) -> CharRNN:
    if config["task"] == "text":
        inputs = outputs = len(config["symbols"])
    else:
        task = Task(config)
        inputs, outputs = task.inputs, task.outputs
    net = CharRNN(inputs, outputs, config["cell"], config["hidden"], config["layers"], config["forget_bias"])
    if config["task"] != "adding":
        nn.init.normal_(net.rnn.weight_ih_l0)  # a column is a token's embedding; at ±1/√H it would hardly move a gate
    return net


def main(arguments=None) -> dict:
    run = common.Run(NAME, options(), arguments)
    config = run.config
    config.update({name: value for name, value in OWN[config["task"]].items() if config[name] is None})
    try:
        data = Text(config) if config["task"] == "text" else Task(config)
        data.batch(0)
    except ValueError as error:
        raise common.UserError(error) from None
    if config["task"] == "text":
        run.remember(text_characters=len(data.train) + len(data.test), symbols=data.symbols)
    net = run.keep("net", build(config))
    optimizer = run.keep("optimizer", optim.Adam(net.parameters(), lr=config["lr"]))
    carried = run.keep("carried", Carried(net, config["batch"]))
    print(net)
    train(run, net, optimizer, carried, data)
    return run.finish(report(run, net, data))


def sample(arguments=None) -> None:
    """Write text with a trained network; after --task deck, sentences whose last word is the network's."""
    parser = common.Options(f"sample {NAME}", sample.__doc__)
    parser.add("--checkpoint", f"runs/{NAME}/checkpoint.npz", "a trained network", metavar="FILE")
    parser.add("--seed", 0, "seed of what is drawn", type=common.number(int, 0))
    parser.add("--length", 600, "characters to write", type=common.number(int, 1))
    parser.add("--temperature", 0.8, "below 1 more cautious, above 1 more daring", type=common.number(float, above=0))
    parser.add("--prompt", "", "what the text goes on from (default: a new line)", metavar="TEXT")
    given = parser.defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    config, rng = checkpoint["config"], np.random.default_rng(given["seed"])
    net = common.restored(checkpoint, "net", build(config))
    if config["task"] != "text":
        return print_answers(net, Task(config), given["seed"])
    try:
        text = generate(net, config["symbols"], given["length"], rng, given["temperature"], given["prompt"])
    except ValueError as error:
        raise common.UserError(f"--prompt: {error}") from None
    print(given["prompt"] + text)


def print_answers(net, task: Task, seed: int, n: int = 5) -> None:
    x, y = task.draw(n, seed, 0, 3)
    found = outputs(net, x)[0][-len(y) :]
    answers = found if task.kind == "adding" else found.argmax(axis=-1)
    for i in range(n):
        print(" ".join(task.words(x[:, i])), "→", " ".join(task.words(answers[-10:, i])))
