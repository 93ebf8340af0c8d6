"""The smallest model: y = w·x + b, fitted to the sum of two numbers with noise. What Run does is tested on it."""

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from models import common

NAME = "line"
PER_EPOCH = 4
X = np.random.default_rng(0).standard_normal((31, 2)).astype(np.float32)


def options():
    parser = common.Options(NAME, __doc__)
    parser.add("--lr", 0.05, "learning rate", type=common.number(float, above=0))
    parser.add("--steps", 12, "steps of training", type=common.number(int, 1))
    parser.add("--data", "points", "where the points come from")
    parser.add("--bias", False, "learn b, too", action="store_true")
    parser.add_common(NAME)
    return parser


def build(config):
    return nn.Linear(2, 1, bias=config["bias"])


def seen(run, x):
    """What the model sees of x: a place for a test to make trouble in a step."""
    return x


def changed(run, model):
    """What happens to the weights after a step: likewise."""


def train(run, model, optimizer):
    for step in run.steps(run.config["steps"], PER_EPOCH):
        x = mg.from_numpy(X[common.batch(len(X), 8, run.config["seed"], step)]).to(run.device)
        target = x.sum(axis=1, keepdims=True) + 0.1 * mg.randn(len(x), 1, device=run.device)
        loss = F.mse_loss(model(seen(run, x)), target)
        run.log(loss=loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        changed(run, model)
        if step % 5 == 0:
            run.frame("weights", common.outputs(model, model, X[:16]).reshape(4, 4).astype(np.uint8))
        if (step + 1) % PER_EPOCH == 0:
            run.log(test_loss=float(np.square(common.outputs(model, model, X)[:, 0] - X.sum(axis=1)).mean()))


def report(run, model):
    return {"test_loss": run.history["test_loss"][1][-1] if "test_loss" in run.history else 1.0}


def main(arguments=None):
    run = common.Run(NAME, options(), arguments)
    run.remember(points=len(X))
    model = run.keep("model", build(run.config))
    optimizer = run.keep("optimizer", optim.Adam(model.parameters(), lr=run.config["lr"]))
    train(run, model, optimizer)
    return run.finish(report(run, model))


def sample(arguments=None):
    """Draw what the line says of random points, as images of one pixel."""
    given = (parser := common.sample_options(NAME, sample.__doc__)).defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    model = common.restored(checkpoint, "model", build(checkpoint["config"]))
    x = np.random.default_rng(given["seed"]).standard_normal((given["count"], 2))
    common.draw_samples(common.outputs(model, model, x)[:, :, None], given["out"])
