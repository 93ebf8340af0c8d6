"""Optimizers against their update rules, written out in plain NumPy."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

RNG = np.random.default_rng(0)
A = RNG.standard_normal((7, 3))
START = RNG.standard_normal((3, 2)), RNG.standard_normal(2)


def gradient(w, b):
    """Of the mean of (tanh(Aw + b))⁴, by hand."""
    h = np.tanh(A @ w + b)
    g = 4 * h**3 * (1 - h * h) / h.size
    return A.T @ g, g.sum(0)


def train(make, steps=100):
    w, b = (mg.tensor(x, requires_grad=True) for x in START)
    opt = make([w, b])
    for _ in range(steps):
        opt.zero_grad()
        (mg.tanh(mg.tensor(A) @ w + b) ** 4).mean().backward()
        opt.step()
    return w.data, b.data


def sgd(lr, momentum=0.0, weight_decay=0.0, steps=100):
    xs, vs = [x.copy() for x in START], [0.0, 0.0]
    for _ in range(steps):
        for i, g in enumerate(gradient(*xs)):
            vs[i] = momentum * vs[i] + g + weight_decay * xs[i]
        xs = [x - lr * v for x, v in zip(xs, vs, strict=True)]
    return xs


def adam(lr, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.0, steps=100):
    xs, ms, vs = [x.copy() for x in START], [0.0, 0.0], [0.0, 0.0]
    for t in range(1, steps + 1):
        gs = gradient(*xs)
        for i in range(2):
            g = gs[i] + weight_decay * xs[i]
            ms[i] = b1 * ms[i] + (1 - b1) * g
            vs[i] = b2 * vs[i] + (1 - b2) * g * g
            xs[i] = xs[i] - lr * (ms[i] / (1 - b1**t)) / (np.sqrt(vs[i] / (1 - b2**t)) + eps)
    return xs


def rmsprop(lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, steps=100):
    xs, vs, bs = [x.copy() for x in START], [0.0, 0.0], [0.0, 0.0]
    for _ in range(steps):
        gs = gradient(*xs)
        for i in range(2):
            g = gs[i] + weight_decay * xs[i]
            vs[i] = alpha * vs[i] + (1 - alpha) * g * g
            bs[i] = momentum * bs[i] + g / (np.sqrt(vs[i]) + eps)
            xs[i] = xs[i] - lr * bs[i]
    return xs


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda p: optim.SGD(p, lr=0.5), sgd(0.5)),
        (lambda p: optim.SGD(p, lr=0.5, momentum=0.9), sgd(0.5, 0.9)),
        (lambda p: optim.SGD(p, 0.5, 0.9, weight_decay=0.1), sgd(0.5, 0.9, 0.1)),
        (lambda p: optim.SGD(p, 0.5, weight_decay=0.1), sgd(0.5, weight_decay=0.1)),
        (lambda p: optim.RMSprop(p), rmsprop(0.01)),
        (lambda p: optim.RMSprop(p, 0.02, 0.9, 1e-3, 0.1, 0.8), rmsprop(0.02, 0.9, 1e-3, 0.1, 0.8)),
        (lambda p: optim.Adam(p, lr=0.01), adam(0.01)),
        (lambda p: optim.Adam(p, 0.01, (0.5, 0.9), 1e-3, 0.1), adam(0.01, 0.5, 0.9, 1e-3, 0.1)),
    ],
    ids=["sgd", "momentum", "momentum and decay", "decay", "rmsprop", "rmsprop, all", "adam", "adam, all"],
)
def test_100_steps_equal_the_rule(make, expected):
    for found, x in zip(train(make), expected, strict=True):
        np.testing.assert_allclose(found, x, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [lambda p: optim.SGD(p, 0.1, 0.9), lambda p: optim.RMSprop(p, 0.1, momentum=0.9), lambda p: optim.Adam(p, 0.1)],
    ids=["sgd", "rmsprop", "adam"],
)
def test_a_saved_optimizer_continues_exactly(make, tmp_path):
    def run(interrupted):
        w = mg.tensor(START[0], requires_grad=True)
        opt = make([w])
        for i in range(6):
            if interrupted and i == 3:
                mg.save([w, opt.state_dict()], tmp_path / "state.npz")
                saved_w, state = mg.load(tmp_path / "state.npz")
                w = mg.tensor(saved_w, requires_grad=True)
                opt = make([w])
                opt.load_state_dict(state)
            opt.zero_grad()
            (w**4).sum().backward()
            opt.step()
        return w.data

    assert (run(False) == run(True)).all()


def test_a_loaded_state_is_a_copy():
    w = mg.ones(2, requires_grad=True)
    first, second = optim.SGD([w], 0.1, 0.9), optim.SGD([w], 0.1, 0.9)
    w.grad = mg.ones(2)
    first.step()
    second.load_state_dict(first.state_dict())
    first.step()
    assert second.state[w]["momentum_buffer"].tolist() == [1, 1]


def test_groups_have_options_of_their_own():
    a, b, c = (mg.zeros(1, requires_grad=True) for _ in range(3))
    opt = optim.SGD([{"params": [a], "lr": 1.0}, {"params": [b, c]}], lr=0.1)
    for p in (a, b):
        p.grad = mg.ones(1)
    opt.step()
    assert (a.item(), b.item(), c.item()) == (-1.0, pytest.approx(-0.1), 0.0)
    opt.param_groups[0]["lr"] = 2.0
    opt.step()
    assert a.item() == -3.0


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, 0.1, 0.9),
        lambda p: optim.SGD(p, 0.1, 0.9, weight_decay=0.1),
        lambda p: optim.RMSprop(p, momentum=0.9, weight_decay=0.1),
        lambda p: optim.Adam(p),
    ],
)
def test_a_step_leaves_gradients_alone_and_float32_as_it_is(make):
    w = mg.ones(3, requires_grad=True)
    w.grad = mg.tensor([1.0, -2.0, 3.0])
    opt = make([w])
    for _ in range(2):
        opt.step()
    assert w.grad.tolist() == [1.0, -2.0, 3.0] and w.dtype == np.float32
    assert all(v.dtype == np.float32 for v in opt.state[w].values() if isinstance(v, np.ndarray))


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, 0.1, 0.9, weight_decay=0.1),
        lambda p: optim.RMSprop(p, 0.1, momentum=0.5),
        lambda p: optim.Adam(p, 0.1),
    ],
)
def test_a_number_can_be_a_parameter(make):
    x = mg.tensor(1.0, requires_grad=True)
    opt = make([x])
    for _ in range(3):
        opt.zero_grad()
        (x * x).backward()
        opt.step()
    assert x.item() < 1 and all(v.dtype == np.float32 for v in opt.state[x].values() if not isinstance(v, int))


def test_rmsprop_without_momentum_keeps_one_number_per_parameter():
    w = mg.ones(3, requires_grad=True)
    w.grad = mg.ones(3)
    opt = optim.RMSprop([w])
    opt.step()
    assert list(opt.state[w]) == ["square_avg"]


def test_parameters_without_a_gradient_stay():
    w = mg.ones(1, requires_grad=True)
    optim.Adam([w]).step()
    assert w.item() == 1


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: optim.SGD([]), ValueError, "no parameters"),
        (lambda: optim.SGD([mg.ones(1, requires_grad=True) * 2]), TypeError, "leaf"),
        (lambda: optim.SGD([np.ones(1)]), TypeError, "leaf"),
        (lambda: optim.SGD(mg.ones(2)), TypeError, "list of parameters"),
        (lambda: optim.SGD(2 * [mg.ones(1, requires_grad=True)]), ValueError, "twice"),
        (lambda: optim.SGD([mg.ones(1)], lr=-1.0), ValueError, "learning rate"),
        (lambda: optim.Adam([mg.ones(1)], betas=(0.9, 1.0)), ValueError, "betas"),
        (lambda: optim.SGD([mg.ones(1)]).load_state_dict(optim.SGD([mg.ones(1), mg.ones(1)]).state_dict()), ValueError,
         "groups of"),
    ],
)  # fmt: skip
def test_misuse(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_network_learns_xor():
    mg.manual_seed(0)
    x, t = mg.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), mg.tensor([[0.0], [1], [1], [0]])
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    opt = optim.Adam(net.parameters(), lr=0.05)
    for _ in range(300):
        opt.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(x), t)
        loss.backward()
        opt.step()
    assert ((net(x).data > 0) == t.data).all() and loss.item() < 0.05


def test_a_state_in_the_form_of_pytorchs_is_taken():
    """There the number of steps is a 0-d tensor."""
    p = nn.Parameter(mg.ones(2))
    adam = optim.Adam([p], lr=0.1)
    moments = dict(exp_avg=np.full(2, 0.5, np.float32), exp_avg_sq=np.full(2, 0.25, np.float32))
    adam.load_state_dict({"state": {0: {"step": np.array(9.0), **moments}}, "param_groups": [{"params": [0]}]})
    p.grad = mg.full((2,), 0.5)
    adam.step()
    assert adam.state[p]["step"] == 10
    m, v = 0.9 * 0.5 + 0.1 * 0.5, 0.999 * 0.25 + 0.001 * 0.25
    expected = 1 - 0.1 * (m / (1 - 0.9**10)) / np.sqrt(v / (1 - 0.999**10))
    np.testing.assert_allclose(p.data, expected, rtol=1e-5)
