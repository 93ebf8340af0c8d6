"""Ten training steps, each written once, that run on minigrad and on PyTorch: the same lines, the same arithmetic.

    python tests/benchmarks/workloads.py                          minigrad alone
    python tests/benchmarks/workloads.py --torch PYTHON           beside PyTorch, which PYTHON can import
    python tests/benchmarks/workloads.py lstm_lm --sweep T=16,64,256

A workload is a function of the library (`lib` is the module minigrad or torch) and of a problem: float32 arrays as
initial parameters and as data, and sizes. It returns a function that makes one training step and returns the loss.
Dense weights are given as (in, out), recurrent ones as (in, gates·hidden) with one bias; convolutions as in PyTorch.

Each library runs in a process of its own, and the processes take turns, so that a noisy minute hits both alike. Compare
within one run only. Noise and data are drawn beforehand; the losses of the first steps must agree.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

ADAM = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Problem:
    params: dict
    data: dict
    cfg: dict
    device: str = "cpu"


# ------------------------------------------------------------------ what the workloads share
def parameters(lib, problem, *, dense=()):
    """Leaf tensors; the weights named in `dense` are turned to (out, in)."""
    arrays = {name: x.T if name in dense else x for name, x in problem.params.items()}
    tensors = {name: lib.from_numpy(np.array(x, order="C")) for name, x in arrays.items()}
    return {name: x.to(problem.device).requires_grad_() for name, x in tensors.items()}


def tensors(lib, problem):
    return {name: lib.from_numpy(x).to(problem.device) for name, x in problem.data.items()}


def adam(lib, params, cfg):
    return lib.optim.Adam(list(params), lr=cfg["lr"], betas=cfg["betas"], eps=cfg["eps"])


def training(lib, params, cfg, loss_of):
    """The step that most have: loss, backward, Adam."""
    optimizer = adam(lib, params, cfg)

    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def vae_loss(F, logits, x, mu, logvar):
    """Reconstruction and KL divergence in nats, each summed and divided by the batch size."""
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()
    return (bce + kl) / len(x)


# ------------------------------------------------------------------ dense networks
def scalar_chain(lib, problem):
    """1,000 tiny ops one after another, forward and backward: what the engine itself costs."""
    p = parameters(lib, problem)
    x, w, b = p["x"], p["w"], p["b"]

    def step():
        x.grad = w.grad = b.grad = None
        y = x
        for k in range(problem.cfg["n_ops"]):
            y = y * w if k % 3 == 0 else y + b if k % 3 == 1 else lib.tanh(y)
        loss = y.sum()
        loss.backward()
        return loss.item()

    return step


def mlp_ae(lib, problem):
    """Autoencoder 784-256-32-256-784, ReLU, squared error."""
    F, p, x = lib.nn.functional, parameters(lib, problem, dense=("w1", "w2", "w3", "w4")), tensors(lib, problem)["x"]

    def loss():
        h = x
        for k in "123":
            h = F.relu(F.linear(h, p["w" + k], p["b" + k]))
        return F.mse_loss(lib.sigmoid(F.linear(h, p["w4"], p["b4"])), x)

    return training(lib, p.values(), problem.cfg, loss)


def mlp_vae(lib, problem):
    """VAE 784-400-(20, 20)-400-784."""
    F, p, d = lib.nn.functional, parameters(lib, problem, dense=("w1", "w2", "w3", "w4", "w5")), tensors(lib, problem)
    x, eps = d["x"], d["eps"]

    def loss():
        h = F.relu(F.linear(x, p["w1"], p["b1"]))
        mu, logvar = F.linear(h, p["w2"], p["b2"]), F.linear(h, p["w3"], p["b3"])
        z = mu + eps * lib.exp(0.5 * logvar)
        return vae_loss(F, F.linear(F.relu(F.linear(z, p["w4"], p["b4"])), p["w5"], p["b5"]), x, mu, logvar)

    return training(lib, p.values(), problem.cfg, loss)


# ------------------------------------------------------------------ convolutional networks
def conv_clf(lib, problem):
    """Classifier of 28x28 images: twice convolution 3x3, ReLU, max pooling; a dense layer."""
    F, p, d = lib.nn.functional, parameters(lib, problem, dense=("w3",)), tensors(lib, problem)

    def loss():
        h = F.max_pool2d(F.relu(F.conv2d(d["x"], p["w1"], p["b1"], padding=1)), 2)
        h = F.max_pool2d(F.relu(F.conv2d(h, p["w2"], p["b2"], padding=1)), 2)
        return F.cross_entropy(F.linear(h.flatten(1), p["w3"], p["b3"]), d["t"])

    return training(lib, p.values(), problem.cfg, loss)


def conv_vae(lib, problem):
    """VAE of 28x28 images: two strided convolutions, 16 latent numbers, two transposed convolutions."""
    F, p, d = lib.nn.functional, parameters(lib, problem, dense=("w3", "w4", "w5")), tensors(lib, problem)
    x, eps = d["x"], d["eps"]

    def loss():
        h = F.relu(F.conv2d(x, p["w1"], p["b1"], stride=2, padding=1))
        h = F.relu(F.conv2d(h, p["w2"], p["b2"], stride=2, padding=1)).flatten(1)
        mu, logvar = F.linear(h, p["w3"], p["b3"]), F.linear(h, p["w4"], p["b4"])
        z = mu + eps * lib.exp(0.5 * logvar)
        h = F.relu(F.linear(z, p["w5"], p["b5"])).reshape(-1, len(p["w6"]), 7, 7)
        h = F.relu(F.conv_transpose2d(h, p["w6"], p["b6"], stride=2, padding=1))
        return vae_loss(F, F.conv_transpose2d(h, p["w7"], p["b7"], stride=2, padding=1), x, mu, logvar)

    return training(lib, p.values(), problem.cfg, loss)


def dcgan(lib, problem):
    """A step of the discriminator, then one of the generator, both with batch normalisation."""
    F, p, d, c = lib.nn.functional, parameters(lib, problem), tensors(lib, problem), problem.cfg
    real, z = d["x"], d["z"]
    generator, discriminator = ([x for name, x in p.items() if name.startswith(net)] for net in ("g.", "d."))
    g_optimizer, d_optimizer = adam(lib, generator, c), adam(lib, discriminator, c)
    running = {k: (lib.zeros_like(x), lib.ones_like(x)) for k, x in p.items() if "gamma" in k}

    def normalised(h, gamma):
        beta = p[gamma.replace("gamma", "beta")]
        return F.batch_norm(h, *running[gamma], p[gamma], beta, True, c["bn_momentum"], c["bn_eps"])

    def generate():
        h = F.relu(normalised(F.conv_transpose2d(z, p["g.w1"]), "g.gamma1"))
        h = F.relu(normalised(F.conv_transpose2d(h, p["g.w2"], stride=2, padding=1), "g.gamma2"))
        return lib.tanh(F.conv_transpose2d(h, p["g.w3"], stride=2, padding=1))

    def discriminate(h):
        h = F.leaky_relu(F.conv2d(h, p["d.w1"], stride=2, padding=1), c["slope"])
        h = F.leaky_relu(normalised(F.conv2d(h, p["d.w2"], stride=2, padding=1), "d.gamma2"), c["slope"])
        return F.conv2d(h, p["d.w3"]).flatten()

    bce, one, zero = (
        F.binary_cross_entropy_with_logits,
        lib.ones_like(real[:, 0, 0, 0]),
        lib.zeros_like(real[:, 0, 0, 0]),
    )

    def step():
        fake = generate()
        d_optimizer.zero_grad()
        d_loss = bce(discriminate(real), one) + bce(discriminate(fake.detach()), zero)
        d_loss.backward()
        d_optimizer.step()
        g_loss = bce(discriminate(fake), one)
        for x, gradient in zip(generator, lib.autograd.grad(g_loss, generator), strict=True):
            x.grad = gradient
        g_optimizer.step()
        return d_loss.item() + g_loss.item()

    return step


# ------------------------------------------------------------------ critics with a gradient penalty
def gradient_penalty(lib, problem, params, critic):
    d, c = tensors(lib, problem), problem.cfg
    real, fake, alpha = d["real"], d["fake"], d["alpha"]

    def loss():
        mixed = (alpha * real + (1 - alpha) * fake).requires_grad_()
        (slope,) = lib.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        norm = (slope.flatten(1).square().sum(1) + 1e-12).sqrt()
        return critic(fake).mean() - critic(real).mean() + c["gp"] * (norm - 1).square().mean()

    return training(lib, params, c, loss)


def wgan_gp_mlp(lib, problem):
    """A step of a dense critic 2-512-512-512-1 under the gradient penalty: backward twice."""
    F, p = lib.nn.functional, parameters(lib, problem, dense=("w1", "w2", "w3", "w4"))

    def critic(h):
        for k in "123":
            h = F.relu(F.linear(h, p["w" + k], p["b" + k]))
        return F.linear(h, p["w4"], p["b4"])

    return gradient_penalty(lib, problem, p.values(), critic)


def wgan_gp_conv(lib, problem):
    """The same with a convolutional critic of 28x28 images."""
    F, p, slope = lib.nn.functional, parameters(lib, problem), problem.cfg["slope"]

    def critic(h):
        h = F.leaky_relu(F.conv2d(h, p["w1"], p["b1"], stride=2, padding=1), slope)
        h = F.leaky_relu(F.conv2d(h, p["w2"], p["b2"], stride=2, padding=1), slope)
        return F.conv2d(h, p["w3"], p["b3"])

    return gradient_penalty(lib, problem, p.values(), critic)


# ------------------------------------------------------------------ character models
def language_model(lib, problem, layer):
    """Embedding, one recurrent layer (its second bias stays 0), a dense layer, cross-entropy over all steps."""
    F, d, cfg = lib.nn.functional, tensors(lib, problem), problem.cfg
    p = parameters(lib, problem, dense=("wx", "wh", "wo"))
    rnn = layer(cfg["embed"], cfg["hidden"]).to(problem.device)
    with lib.no_grad():
        rnn.weight_ih_l0.copy_(p.pop("wx"))
        rnn.weight_hh_l0.copy_(p.pop("wh"))
        rnn.bias_ih_l0.copy_(p.pop("b"))
        rnn.bias_hh_l0.zero_()
    rnn.bias_hh_l0.requires_grad_(False)
    target = d["t"].flatten()

    def loss():
        h, _ = rnn(F.embedding(d["x"], p["embed"]))
        return F.cross_entropy(F.linear(h, p["wo"], p["bo"]).flatten(0, 1), target)

    return training(lib, [x for x in (*rnn.parameters(), *p.values()) if x.requires_grad], cfg, loss)


def lstm_lm(lib, problem):
    """Character model with an LSTM of 128, 64 steps of 32 sequences."""
    return language_model(lib, problem, lib.nn.LSTM)


def rnn_tanh(lib, problem):
    """The same with a tanh RNN."""
    return language_model(lib, problem, lib.nn.RNN)


WORKLOADS = {
    f.__name__: f
    for f in (
        scalar_chain, mlp_ae, mlp_vae, conv_clf, conv_vae, dcgan, wgan_gp_mlp, wgan_gp_conv, lstm_lm, rnn_tanh,
    )
}  # fmt: skip


# ------------------------------------------------------------------ their problems
RNG = np.random.default_rng(7)


def normal(*shape, std=1.0):
    return (std * RNG.standard_normal(shape)).astype(np.float32)


def uniform(*shape, low=0.0):
    return RNG.uniform(low, 1, shape).astype(np.float32)


def layers(*shapes, gain=2.0):
    """Weights w1, w2, ... with the variance gain / fan_in, and biases of 0; dense ones are (in, out)."""
    params = {}
    for k, shape in enumerate(shapes, 1):
        fan_in = shape[0] if len(shape) == 2 else shape[1] * shape[2] * shape[3]
        params[f"w{k}"] = normal(*shape, std=(gain / fan_in) ** 0.5)
        params[f"b{k}"] = np.zeros(shape[1] if len(shape) == 2 else shape[0], np.float32)
    return params


def chain_problem():
    params = {"x": normal(8), "w": 1 + normal(8, std=0.1), "b": normal(8, std=0.1)}
    return Problem(params, {}, dict(n_ops=1000))


def ae_problem(batch=128):
    return Problem(layers((784, 256), (256, 32), (32, 256), (256, 784)), {"x": uniform(batch, 784)}, ADAM)


def vae_problem(batch=128, latent=20):
    params = layers((784, 400), (400, latent), (400, latent), (latent, 400), (400, 784), gain=1.0)
    return Problem(params, {"x": uniform(batch, 784), "eps": normal(batch, latent)}, ADAM)


def classifier_problem(batch=64, channels=16):
    params = layers((channels, 1, 3, 3), (2 * channels, channels, 3, 3), (2 * channels * 49, 10))
    return Problem(params, {"x": normal(batch, 1, 28, 28), "t": RNG.integers(0, 10, batch)}, ADAM)


def conv_vae_problem(batch=64, channels=32, latent=16):
    k, z, hidden = channels, latent, 2 * channels * 49
    p = layers((k, 1, 3, 3), (2 * k, k, 3, 3), (hidden, z), (hidden, z), (z, hidden), (2 * k, k, 4, 4), (k, 1, 4, 4))
    p |= {"w3": p["w3"] / 2, "w4": p["w4"] / 2, "b6": p["b6"][:k], "b7": p["b7"][:1]}  # transposed: (in, out, ...)
    return Problem(p, {"x": uniform(batch, 1, 28, 28), "eps": normal(batch, z)}, ADAM)


def dcgan_problem(batch=64, channels=64, z=64):
    k = channels
    params = {"g.w1": normal(z, 2 * k, 7, 7, std=0.02), "g.w2": normal(2 * k, k, 4, 4, std=0.02)}
    params |= {"g.w3": normal(k, 1, 4, 4, std=0.02), "d.w1": normal(k, 1, 4, 4, std=0.1)}
    params |= {"d.w2": normal(2 * k, k, 4, 4, std=0.02), "d.w3": normal(1, 2 * k, 7, 7, std=0.02)}
    for layer, n in (("g.{}1", 2 * k), ("g.{}2", k), ("d.{}2", 2 * k)):
        params |= {layer.format("gamma"): np.ones(n, np.float32), layer.format("beta"): np.zeros(n, np.float32)}
    data = {"x": uniform(batch, 1, 28, 28, low=-1), "z": normal(batch, z, 1, 1)}
    cfg = dict(lr=2e-4, betas=(0.5, 0.999), eps=1e-8, bn_eps=1e-5, bn_momentum=0.1, slope=0.2)
    return Problem(params, data, cfg)


def critic_problem(params, batch, *shape):
    data = {"real": uniform(batch, *shape, low=-1), "fake": uniform(batch, *shape, low=-1)}
    data["alpha"] = uniform(batch, *[1] * len(shape))
    return Problem(params, data, dict(lr=1e-4, betas=(0.0, 0.9), eps=1e-8, gp=10.0, slope=0.2))


def dense_critic_problem(batch=256, hidden=512):
    return critic_problem(layers((2, hidden), (hidden, hidden), (hidden, hidden), (hidden, 1)), batch, 2)


def conv_critic_problem(batch=64, channels=64):
    params = layers((channels, 1, 4, 4), (2 * channels, channels, 4, 4), (1, 2 * channels, 7, 7))
    return critic_problem(params, batch, 1, 28, 28)


def text_problem(gates, batch=32, T=64, hidden=128, vocabulary=64, embed=64):
    params = {"embed": normal(vocabulary, embed, std=0.5), "wx": normal(embed, gates * hidden, std=embed**-0.5)}
    params |= {"wh": normal(hidden, gates * hidden, std=0.5 * hidden**-0.5), "b": np.zeros(gates * hidden, np.float32)}
    params |= {"wo": normal(hidden, vocabulary, std=hidden**-0.5), "bo": np.zeros(vocabulary, np.float32)}
    data = {name: RNG.integers(0, vocabulary, (T, batch)) for name in "xt"}
    return Problem(params, data, dict(embed=embed, hidden=hidden, **ADAM))


PROBLEMS = {
    "scalar_chain": chain_problem, "mlp_ae": ae_problem, "mlp_vae": vae_problem, "conv_clf": classifier_problem,
    "conv_vae": conv_vae_problem, "dcgan": dcgan_problem, "wgan_gp_mlp": dense_critic_problem,
    "wgan_gp_conv": conv_critic_problem, "lstm_lm": partial(text_problem, 4), "rnn_tanh": partial(text_problem, 1),
}  # fmt: skip


# ------------------------------------------------------------------ timing
def serve(library, name, sizes, threads):
    """A process that, each time a line with seconds arrives, makes steps for so long and prints their median in ms."""
    lib = importlib.import_module(library)
    if library == "torch":
        lib.set_num_threads(threads)
    else:
        importlib.import_module("minigrad.backend").keep_freed_memory()
    before = memory("VmRSS")
    step = WORKLOADS[name](lib, PROBLEMS[name](**sizes))
    print(json.dumps([step() for _ in range(3)]), flush=True)
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line)
        while len(times) < 5 or time.perf_counter() < end:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(json.dumps([statistics.median(times[2:]) * 1e3, memory("VmHWM") - before]), flush=True)


def memory(key):
    """Resident (VmRSS) or highest (VmHWM) memory of this process in MiB, NaN where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))


class Runner:
    """One library at one workload, in a process of its own."""

    def __init__(self, python, library, name, sizes, threads):
        command = [python, __file__, "--serve", library, name, json.dumps(sizes), str(threads)]
        numbers = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        env = {**os.environ, **numbers, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.losses, self.rounds, self.peak = self.answer(), [], 0

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker stopped: {' '.join(self.process.args[2:5])}; its message stands above")
        return json.loads(line)

    def round(self, seconds):
        print(seconds, file=self.process.stdin, flush=True)
        milliseconds, self.peak = self.answer()
        self.rounds.append(milliseconds)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def row(name, sizes, options):
    """One line of the table: all libraries at one workload, in turns."""
    libraries = {"minigrad": sys.executable} | ({"torch": options.torch} if options.torch else {})
    runners = [Runner(python, library, name, sizes, options.threads) for library, python in libraries.items()]
    for _ in range(options.rounds):
        for runner in runners:
            runner.round(options.seconds)
    for runner in runners:
        runner.close()
    own, *others = ((statistics.median(runner.rounds), runner.peak) for runner in runners)
    cells = [" ".join([name, *(f"{key}={value}" for key, value in sizes.items())]), f"{own[0]:.2f}", f"{own[1]:.0f}"]
    for other in others:
        off = max(abs(a - b) / abs(b) for a, b in zip(runners[0].losses, runners[1].losses, strict=True))
        cells += [f"{other[0]:.2f}", f"{other[1]:.0f}", f"{own[0] / other[0]:.2f}", f"{off:.0e}"]
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(WORKLOADS)}")
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has PyTorch, to compare with")
    parser.add_argument("--sweep", metavar="SIZE=N,N,...", default="=", help="batch, T, hidden or channels")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each library (default 5)")
    parser.add_argument("--seconds", type=float, default=0.6, help="length of a turn (default 0.6)")
    parser.add_argument("--threads", type=int, default=2, help="threads of BLAS and of PyTorch (default 2)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(WORKLOADS):
        parser.error(f"no workload is called {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    key, values = options.sweep.split("=")
    columns = ["workload", "minigrad ms", "MiB"] + ["PyTorch ms", "MiB", "ratio", "losses differ by"] * bool(
        options.torch
    )
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for name in options.names or WORKLOADS:
        for value in values.split(","):
            print("| " + " | ".join(row(name, {key: int(value)} if key else {}, options)) + " |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:4], json.loads(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
