"""The gradient checker: wrong gradients are rejected with the right diagnosis, right ones never are."""

import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, ops
from minigrad.autograd import Op
from minigrad.check import Checked, GradientError, diagnose, gradcheck, gradgradcheck, numeric_grad
from minigrad.ops.elementwise import (
    Abs,
    Clamp,
    Cos,
    Div,
    Exp,
    Log,
    Maximum,
    Mul,
    Pow,
    ReLU,
    Sigmoid,
    Sin,
    Sqrt,
    Square,
    Sub,
    Tanh,
    Where,
)  # fmt: skip
from minigrad.ops.index import GetItem
from minigrad.ops.linalg import Linear, MatMul
from minigrad.ops.reduce import AMax, LogSoftmax, Mean, Norm, Softmax, Sum, Var
from minigrad.ops.shape import Concatenate, Permute

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def positive(*shape):
    return RNG.uniform(0.5, 2, shape)


def planted(right, name, gradient, *parameters):
    """An instance of the op with one of its gradients replaced."""
    return type(right.__name__, (right,), {name: gradient})(*parameters)


# ------------------------------------------------------------------ ops to plant mistakes in
class Scale(Op):
    """y = s·x + b, with s (n, 1) and b (m,) for x (n, m)"""

    def forward(self, x, s, b):
        return x * s + b

    def grad_x(self, g, y, x, s, b):
        return g * s

    def grad_s(self, g, y, x, s, b):
        return ops.sum(g * x, 1, True)

    def grad_b(self, g, y, x, s, b):
        return ops.sum(g, 0)


class Correlate(Op):
    """y[i] = Σₖ w[k]·x[i + k]"""

    def forward(self, x, w):
        return np.correlate(x, w, "valid")

    def grad_x(self, g, y, x, w):
        return np.convolve(g, w)

    def grad_w(self, g, y, x, w):
        return np.correlate(x, g, "valid")


class Drop(Op):
    """y = x without its first row"""

    def forward(self, x):
        return x[1:]

    def grad_x(self, g, y, x):
        return np.concatenate([np.zeros((1, *x.shape[1:])), g])


class Gates(Op):
    """y = σ(i), σ(f), tanh(g), σ(o), for the four quarters of x's last axis"""

    def forward(self, x):
        i, f, g, o = np.split(x, 4, -1)
        return np.concatenate([1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), np.tanh(g), 1 / (1 + np.exp(-o))], -1)

    def grad_x(self, g, y, x):
        i, f, c, o = np.split(y, 4, -1)
        return g * np.concatenate([i * (1 - i), f * (1 - f), 1 - c * c, o * (1 - o)], -1)


class Center(Op):
    """y = x − x̄ over the first axis"""

    def forward(self, x):
        return x - x.mean(0)

    def grad_x(self, g, y, x):
        return g - ops.mean(g, 0)


class Standardize(Op):
    """y = (x − x̄) / √(var x) over the first axis"""

    def forward(self, x):
        return (x - x.mean(0)) / x.std(0)

    def grad_x(self, g, y, x):
        return (g - g.mean(0) - y * (g * y).mean(0)) / x.std(0)


class Smooth(Op):
    """y[i] = (x[i − 1] + 2 x[i] + x[i + 1]) / 4, where the ends are continued by themselves"""

    def forward(self, x):
        p = np.concatenate([x[:1], x, x[-1:]])
        return (p[:-2] + 2 * p[1:-1] + p[2:]) / 4

    def grad_x(self, g, y, x):
        p = np.pad(g, 1)
        gx = (p[:-2] + 2 * p[1:-1] + p[2:]) / 4
        gx[0] += g[0] / 4
        gx[-1] += g[-1] / 4
        return gx


class Twice(Op):
    """y = x·x + x, as a graph with a shared node would have it"""

    def forward(self, x):
        return x * x + x

    def grad_x(self, g, y, x):
        return g * (2 * x + 1)


class CumulativeSum(Op):
    """y[i] = Σ_{j ≤ i} x[j]"""

    def forward(self, x):
        return np.cumsum(x)

    def grad_x(self, g, y, x):
        return np.cumsum(g[::-1])[::-1]


class Softplus(Op):
    """y = log(1 + eˣ)"""

    def forward(self, x):
        return np.log1p(np.exp(x))

    def grad_x(self, g, y, x):
        return g / (1 + np.exp(-x))

    def reference(self, x):
        return ops.softplus(x)


def as_function(op):
    """The op on Tensors, for mistakes that show only in a graph."""
    return lambda x: type(op)()(x)


def permuted(gx, *order):
    return np.concatenate([np.split(gx, len(order), -1)[i] for i in order], -1)


def overwritten(self, g, y, x):
    gx = np.zeros(x.shape)
    gx[self.index] = g
    return gx


CONDITION = np.array([[True, False, True], [False, True, True]])
DOUBLED = (np.array([0, 2, 2, 1, 0]),)
TIED = np.array([[1.0, 3.0, 3.0], [3.0, 0.0, 2.0]])
A, B = normal(2, 3), normal(2, 3)
SQUARE = (normal(3, 3), normal(3, 3))
DENSE = (normal(7, 3), normal(5, 3), normal(5))
DOUBLED_TANH = planted(Tanh, "grad_x", lambda self, g, y, x: 2 * g * (1 - y * y))
SCALE = (normal(5, 3), normal(5, 1), normal(3))

PLANTS = [  # the mistake, the op or function that has it, its inputs, the kind of the diagnosis, words in its text
    ("twice too large", planted(Mul, "grad_x", lambda self, g, z, x, y: 2 * g * y), (A, B), "factor", "factor 2"),
    ("half", planted(Square, "grad_x", lambda self, g, y, x: g * x), (A,), "factor", "1/2"),
    ("a sign", planted(Sub, "grad_y", lambda self, g, z, x, y: g), (A, B), "factor", "sign"),
    ("a sign of the derivative", planted(Cos, "grad_x", lambda self, g, y, x: g * np.sin(x)), (A,), "factor", "sign"),
    ("sum for mean", planted(Mean, "grad_x", lambda self, g, y, x: np.full(x.shape, g), None, False), (A,),
     "factor", "factor 6 "),
    ("mean for sum", planted(Sum, "grad_x", lambda self, g, y, x: np.full(x.shape, g / x.size), None, False), (A,),
     "factor", "1/6"),
    ("mean over the batch for sum", planted(Linear, "grad_w", lambda self, g, y, x, w, b: g.T @ x / len(x)), DENSE,
     "factor", "1/7"),
    ("n for n − 1", planted(Var, "grad_x", lambda self, g, y, x: g * 2 / x.size * (x - x.mean()), None, False, 1), (A,),
     "factor", "0.8333"),
    ("a shared node counted twice", planted(Twice, "grad_x", lambda self, g, y, x: 2 * g * (2 * x + 1)), (A,),
     "factor", "factor 2"),
    ("the root forgotten", planted(Norm, "grad_x", lambda self, g, y, x: g * x, None, False), (A,), "factor", ""),
    ("half of the paths", lambda x: x * x.detach(), (A,), "factor", "1/2"),
    ("a tiny one, doubled", lambda x: as_function(DOUBLED_TANH)(x) * 1e-12, (A,), "factor", "factor 2"),
    ("a huge one, doubled", lambda x: as_function(DOUBLED_TANH)(x) * 1e12, (A,), "factor", "factor 2"),
    ("zero", planted(Exp, "grad_x", lambda self, g, y, x: 0 * g), (A,), "zero", ""),
    ("said to be constant", planted(Exp, "grad_x", None), (A,), "zero", ""),
    ("detached", lambda x: x.detach().exp() + 0 * x, (A,), "zero", ""),
    ("the cotangent ignored", planted(Log, "grad_x", lambda self, g, y, x: 1 / x), (positive(2, 3),), "cotangent", ""),
    ("the cotangent ignored, two inputs", planted(Mul, "grad_y", lambda self, g, z, x, y: x), (A, B), "cotangent", ""),
    ("the cotangent ignored by a sum", planted(Sum, "grad_x", lambda self, g, y, x: np.ones(x.shape), (1,), False),
     (A,), "cotangent", ""),
    ("the cotangent ignored by matmul", planted(MatMul, "grad_x", lambda self, g, z, x, y: np.ones(g.shape) @ y.T),
     (normal(2, 3), normal(3, 5)), "cotangent", ""),
    ("x for y", planted(Mul, "grad_x", lambda self, g, z, x, y: g * x), (A, B), "another input", "for y"),
    ("the other input's", planted(Div, "grad_x", lambda self, g, z, x, y: -g * z / y), (A, positive(2, 3)),
     "another input", "for y"),
    ("the other input's, negated", planted(Div, "grad_y", lambda self, g, z, x, y: -g / y), (A, positive(2, 3)),
     "another input", "minus the gradient for x"),
    ("pieces exchanged", planted(Concatenate, "grad_xs", lambda self, g, y, *xs, i: g[:2] if i else g[2:], 0), (A, B),
     "another input", "xs[1]"),
    ("transposed, square", planted(MatMul, "grad_x", lambda self, g, z, x, y: (g @ y.T).T), SQUARE, "transposed", ""),
    ("transposed, not square", planted(MatMul, "grad_x", lambda self, g, z, x, y: (g @ y.T).T),
     (normal(2, 3), normal(3, 5)), "transposed", ""),
    ("a weight's gradient as (in, out)", planted(Linear, "grad_w", lambda self, g, y, x, w, b: x.T @ g), DENSE,
     "transposed", ""),
    ("reshaped for transposed", planted(Permute, "grad_x", lambda self, g, y, x: g.reshape(x.shape), (1, 0)), (A,),
     "transposed", ""),
    ("permuted by the order itself", planted(Permute, "grad_x", lambda self, g, y, x: g.transpose(self.order),
     (1, 2, 0)), (normal(3, 3, 3),), "transposed", ""),
    ("not flipped back", planted(GetItem, "grad_x", lambda self, g, y, x: g, (slice(None, None, -1),)), (A,),
     "flipped", "axis 0"),
    ("a filter flipped", planted(Correlate, "grad_w", lambda self, g, y, x, w: np.correlate(x, g, "valid")[::-1]),
     (normal(11), normal(5)), "flipped", "axis 0"),
    ("off by one", planted(Drop, "grad_x", lambda self, g, y, x: np.concatenate([g, np.zeros((1, 3))])),
     (normal(7, 3),), "shifted", "axis 0"),
    ("off by one the other way", planted(Correlate, "grad_x", lambda self, g, y, x, w: np.roll(np.convolve(g, w), 1)),
     (normal(11), normal(3)), "shifted", ""),
    ("gates in another order", planted(Gates, "grad_x",
     lambda self, g, y, x: permuted(Gates.grad_x(self, g, y, x), 0, 2, 1, 3)), (normal(2, 12),), "blocks",
     "[0, 2, 1, 3]"),
    ("gates turned round", planted(Gates, "grad_x",
     lambda self, g, y, x: permuted(Gates.grad_x(self, g, y, x), 3, 0, 1, 2)), (normal(2, 8),), "blocks", "axis 1"),
    ("not summed over the batch", planted(Linear, "grad_b", lambda self, g, y, x, w, b: g), DENSE, "not summed",
     "axis 0"),
    ("not summed where it broadcasts", planted(Scale, "grad_s", lambda self, g, y, x, s, b: g * x), SCALE,
     "not summed", "axis 1"),
    ("only the last of the batch", planted(Linear, "grad_b", lambda self, g, y, x, w, b: g[-1]), DENSE, "not summed",
     "axis 0 of the output only element 6"),
    ("only the first column", planted(Scale, "grad_s", lambda self, g, y, x, s, b: (g * x)[:, :1]), SCALE,
     "not summed", "axis 1 of the output only element 0"),
    ("summed over too much", planted(Scale, "grad_s", lambda self, g, y, x, s, b: (g * x).sum()), SCALE, "summed",
     "axis 0"),
    ("each the sum of all", planted(Tanh, "grad_x",
     lambda self, g, y, x: np.broadcast_to((g * (1 - y * y)).sum(0), x.shape)), (A,), "summed", "axis 0"),
    ("each the mean of its row", planted(Tanh, "grad_x",
     lambda self, g, y, x: np.broadcast_to((g * (1 - y * y)).mean(1, keepdims=True), x.shape)), (A,), "summed",
     "averaged over axis 1"),
    ("softmax of single elements", planted(Softmax, "grad_x", lambda self, g, y, x: y * g, (1,)), (A,), "centring",
     "axis 1"),
    ("log-softmax without its sum", planted(LogSoftmax, "grad_x", lambda self, g, y, x: g, (1,)), (A,), "centring",
     "axis 1"),
    ("the mean held constant", planted(Center, "grad_x", lambda self, g, y, x: g), (normal(5, 3),), "centring",
     "axis 0"),
    ("batch norm's mean held constant", planted(Standardize, "grad_x",
     lambda self, g, y, x: (g - y * (g * y).mean(0)) / x.std(0)), (normal(5, 3),), "centring", "axis 0"),
    ("the ends not continued", planted(Smooth, "grad_x", lambda self, g, y, x: np.convolve(g, [0.25, 0.5, 0.25],
     "same")), (normal(7),), "border", "axis 0"),
    ("a convolution cut at its end", planted(Correlate, "grad_x", lambda self, g, y, x, w: np.pad(
     np.convolve(g, w)[1:-1], 1)), (normal(11), normal(3)), "border", "axis 0"),
    ("ties all credited", planted(AMax, "grad_x", lambda self, g, y, x: g * (x == y), None, False), (TIED,), "ties",
     "must add up to"),
    ("three in a tie, each half", planted(AMax, "grad_x", lambda self, g, y, x: g * (x == y) * 0.5, None, False),
     (TIED,), "ties", ""),
    ("ties of two inputs both credited", planted(Maximum, "grad_x", lambda self, g, z, x, y: g * (x >= y)),
     (TIED, np.array([1.0, 3.0, 1.0])), "ties", ""),
    ("no gradient at a tie", planted(AMax, "grad_x", lambda self, g, y, x: g * (x == y) * 0, None, False), (TIED,),
     "ties", ""),
    ("0/0 where the norm is 0", planted(Norm, "grad_x", lambda self, g, y, x: g * x / y, None, False), (np.zeros(3),),
     "not finite", ""),
    ("the mask forgotten", planted(ReLU, "grad_x", lambda self, g, y, x: g), (A,), "entries", ""),
    ("one bound forgotten", planted(Clamp, "grad_x", lambda self, g, y, x: g * (x > -0.5), -0.5, 0.5), (A,),
     "entries", ""),
    ("where sends it to both", planted(Where, "grad_y", lambda self, g, z, condition, x, y: g), (CONDITION, A, B),
     "entries", "4 of its 6"),
    ("repeated places overwritten", planted(GetItem, "grad_x", overwritten, DOUBLED), (normal(4),), "entries", ""),
    ("the reference is another function", planted(Softplus, "reference", lambda self, x: ops.relu(x)), None, "modes",
     ""),
    ("outside of a kink's two slopes", planted(ReLU, "grad_x", lambda self, g, y, x: g * ((x > 0) + 5 * (x == 0))),
     (np.array([0.0, 1.0]),), "kink", "any slope from 0 to"),
    ("a tie that takes from one to give to another", planted(AMax, "grad_x",
     lambda self, g, y, x: g * np.array([3, -2, 0]), None, False), (np.array([1.0, 1.0, 0.0]),), None, ""),
    ("infinite at one place", planted(Square, "grad_x", lambda self, g, y, x: np.where(x > 1, np.inf, g * 2 * x)),
     (np.array([0.5, 1.5]),), "not finite", ""),
    ("infinite, and wrong elsewhere", planted(Sqrt, "grad_x", lambda self, g, y, x: g / y), (np.array([0.0, 1.0]),),
     None, ""),
    ("the size of the cotangent", planted(Square, "grad_x", lambda self, g, y, x: np.abs(g) * 2 * x),
     (np.array([0.5]),), "cotangent", "linear"),
    ("a constant added", planted(Square, "grad_x", lambda self, g, y, x: g * 2 * x + 1e-5), (A,), "cotangent",
     "linear"),
    ("where the right one is zero", planted(ReLU, "grad_x", lambda self, g, y, x: g), (-np.abs(A),), "not zero", ""),
    ("by a hundred-thousandth", planted(Square, "grad_x", lambda self, g, y, x: g * 2 * x * (1 + 1e-5)), (A,), "small",
     "1e-05"),
    ("of one number", planted(Sin, "grad_x", lambda self, g, y, x: g * np.sin(x)), (np.array([0.7]),), "unknown", ""),
    ("half, beside a kink", planted(Abs, "grad_x", lambda self, g, y, x: g * np.sign(x) / 2),
     (np.array([0.0, 1.0, -2.0]),), "factor", "0.5"),
    ("one of two rows", planted(Tanh, "grad_x", lambda self, g, y, x: g * (1 - y * y) * [[1.0], [1.5]]), (A,),
     "entries", "3 of its 6"),
    ("the derivative of another function", planted(Sigmoid, "grad_x", lambda self, g, y, x: g * (1 - y * y)), (A,),
     None, ""),
    ("an exponent off by one", planted(Pow, "grad_x", lambda self, g, z, x, y: g * y * x**y), (positive(2, 3), A),
     None, ""),
    ("summed from the wrong end", planted(CumulativeSum, "grad_x", lambda self, g, y, x: np.cumsum(g)), (normal(5),),
     None, ""),
    ("one term of the variance", planted(Standardize, "grad_x", lambda self, g, y, x: (g - g.mean(0)) / x.std(0)),
     (normal(5, 3),), None, ""),
]  # fmt: skip


@pytest.mark.parametrize("wrong, inputs, kind, words", [row[1:] for row in PLANTS], ids=[row[0] for row in PLANTS])
def test_a_wrong_gradient_is_rejected_and_diagnosed(wrong, inputs, kind, words):
    if kind == "modes":
        wrong, inputs = as_function(wrong), (A,)
    with pytest.raises(GradientError) as caught, np.errstate(all="ignore"):
        gradcheck(wrong, inputs)
    diagnosis = caught.value.report.diagnosis
    assert kind is None or (diagnosis.kind == kind and words in diagnosis.text), diagnosis


class SavedSquare(Square):
    """y = x², whose gradient formula takes x out of the graph"""

    def grad_x(self, g, y, x):
        return g * (2 * getattr(x, "data", x)) if isinstance(x, mg.Tensor) else g * 2 * x


class SavedTanh(Tanh):
    """y = tanh x, whose gradient formula takes the output out of the graph"""

    def grad_x(self, g, y, x):
        y = y.detach() if isinstance(y, mg.Tensor) else y
        return g * (1 - y * y)


class SavedCube(Op):
    """y = x³, whose gradient formula takes one of two x out of the graph"""

    def forward(self, x):
        return x * x * x

    def grad_x(self, g, y, x):
        return g * 3 * x * (x.detach() if isinstance(x, mg.Tensor) else x)


class SavedCotangent(Square):
    """y = x², whose gradient formula takes the cotangent out of the graph"""

    def grad_x(self, g, y, x):
        return (g.detach() if isinstance(g, mg.Tensor) else g) * 2 * x


@pytest.mark.parametrize("op", [SavedSquare, SavedTanh, SavedCube, SavedCotangent])
def test_a_value_saved_where_it_should_be_differentiated_shows_to_second_order(op):
    gradcheck(op(), A)
    for check in (lambda: gradcheck(op(), A, order=2), lambda: gradgradcheck(op(), A)):
        with pytest.raises(GradientError) as caught:
            check()
        assert caught.value.report.order == 2 and caught.value.report.diagnosis.kind == "constant"


def test_enough_mistakes_are_planted_and_named():
    kinds = [row[3] for row in PLANTS] + ["constant"] * 4
    assert len(kinds) >= 40 and sum(kind is not None for kind in kinds) >= 35
    assert len(set(kinds)) >= 15


# ------------------------------------------------------------------ right gradients are never rejected
FUNCTIONS = [  # a function, and the interval from which each of its inputs is drawn
    (lambda x, y: x + y, (-2, 2), (-2, 2)),
    (lambda x, y: x * y, (-2, 2), (-2, 2)),
    (lambda x, y: x / y, (-2, 2), (0.5, 2)),
    (lambda x, y: x**y, (0.5, 2), (-2, 2)),
    (lambda x: x**3, (-2, 2)),
    (mg.exp, (-2, 2)),
    (mg.log, (0.01, 2)),
    (mg.sqrt, (0.1, 2)),
    (mg.sin, (-3, 3)),
    (mg.tanh, (-3, 3)),
    (mg.sigmoid, (-3, 3)),
    (F.softplus, (-3, 3)),
    (mg.relu, (-2, 2)),
    (mg.abs, (-2, 2)),
    (lambda x: mg.clamp(x, -1, 1), (-2, 2)),
    (lambda x: F.leaky_relu(x, 0.2), (-2, 2)),
    (mg.maximum, (-2, 2), (-2, 2)),
    (mg.minimum, (-2, 2), (-2, 2)),
    (lambda x, y: mg.where(x > y, x, y), (-2, 2), (-2, 2)),
    (mg.max, (-2, 2)),
    (lambda x: x.amax(0), (-2, 2)),
    (lambda x: x.max(0).values, (-2, 2)),
    (mg.min, (-2, 2)),
    (mg.norm, (-2, 2)),
    (lambda x: mg.norm(x, 1), (-2, 2)),
    (lambda x: mg.norm(x, math.inf), (-2, 2)),
    (lambda x: mg.norm(x, 3), (-2, 2)),
    (mg.logsumexp, (-2, 2)),
    (lambda x: mg.softmax(x, -1), (-2, 2)),
    (lambda x: mg.log_softmax(x, -1), (-2, 2)),
    (lambda x: x.var(unbiased=False), (-2, 2)),
    (lambda x: x.sum(0) * x.mean(), (-2, 2)),
    (lambda x: x.reshape(-1, 1) @ x.reshape(1, -1), (-2, 2)),
    (lambda x: mg.cat([x[1:], x * x, x.flip(0)]), (-2, 2)),
    (lambda x: (x.relu(), x * 2, x.sum()), (-2, 2)),
    (lambda x, y: F.mse_loss(x, y), (-2, 2), (-2, 2)),
    (lambda x, y: F.binary_cross_entropy_with_logits(x, y), (-4, 4), (0.1, 0.9)),
    (lambda x, y: F.binary_cross_entropy(x, y), (0.05, 0.95), (0.1, 0.9)),
    (lambda x: (x * x, x.float() * 3), (-2, 2)),
]


def random_case(seed):
    """A right function and inputs for it: at times with ties and kinks, tiny, huge, or in float32."""
    rng = np.random.default_rng(seed)
    f, *intervals = FUNCTIONS[seed % len(FUNCTIONS)]
    shape = [(3,), (2, 3), (1, 5), (3, 2, 2), (4, 1)][rng.integers(5)]
    xs = [rng.uniform(*interval, shape) for interval in intervals]
    kinds = ("plain", "ties", "near ties", "scaled output", "scaled input", "float32", "saturated")
    kind = kinds[seed // len(FUNCTIONS) % 7]
    if kind == "saturated" and min(interval[0] for interval in intervals) < -1:
        xs = [x * 10 ** rng.uniform(0, 2) for x in xs]
    if kind in ("ties", "near ties"):
        xs = [np.clip(np.round(x * 2) / 2, *interval) for x, interval in zip(xs, intervals, strict=True)]
    if kind == "near ties":
        xs = [x + 10.0 ** rng.integers(-9, -2) * rng.uniform(0.1, 1, shape) for x in xs]
    if kind == "float32":
        xs = [x.astype(np.float32) for x in xs]
    if kind == "scaled output":
        scale = 10.0 ** rng.integers(-12, 13)
        return (lambda *xs: [y * scale for y in outputs(f, xs)]), xs
    if kind == "scaled input":
        scale = 10.0 ** rng.integers(-12, 13)
        return (lambda *xs: f(*(x / scale for x in xs))), [x * scale for x in xs]
    return f, xs


def outputs(f, xs):
    y = f(*xs)
    return y if isinstance(y, tuple) else (y,)


class Wrong(Op):
    """y = x, with a gradient that is wrong by a thousandth"""

    def forward(self, x):
        return x.copy()

    def grad_x(self, g, y, x):
        return g * 1.001


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_a_thousand_right_gradients_are_accepted_and_rejected_when_wrong_by_a_thousandth(first):
    """The second, for every third, where no entry lies at a kink or stays open and one is not 0."""
    for seed in range(first, first + 100):
        f, xs = random_case(seed)
        checked = gradcheck(f, xs)
        clear = checked.kinks == checked.open == 0 and any(np.abs(g).max() > 1e-15 for g in numeric_grad(f, xs))
        if seed % 3 == 0 and clear:
            with pytest.raises(GradientError):
                gradcheck(lambda *xs, f=f: f(*(Wrong()(x) for x in xs)), xs)


@pytest.mark.parametrize(
    "f, x",
    [
        (lambda x: mg.softmax(x, 0), [0.0, 40.0]),
        (lambda x: mg.log_softmax(x, 0), [-700.0, 0.0, 300.0]),
        (mg.logsumexp, [635.0, 456.0, -369.0]),
        (lambda x: F.binary_cross_entropy_with_logits(x, np.ones(3)), [34.0, 59.0, -59.0]),
        (mg.tanh, [10.0, 18.0, 19.0, 20.0, 40.0, 800.0]),
        (mg.sigmoid, [36.0, -36.0, 40.0, 800.0]),
        (F.softplus, [-745.0, -36.0, 36.0, 700.0]),
        (mg.log, [1e-12, 1e200]),
        (mg.max, [1.0, 1 + 1e-6]),
        (lambda x: mg.maximum(x[0], x[1]), [[1.0, 2.0], [1 + 3e-7, 0.0]]),
    ],
)
def test_a_right_gradient_in_saturation_or_near_a_tie_is_accepted(f, x):
    """There the differences, or the formula itself, are nothing but rounding."""
    gradcheck(f, np.array(x), order=2)


def test_a_kink_is_reported_and_so_is_what_no_difference_can_resolve():
    assert gradcheck(mg.relu, np.array([-1.0, 0.0, 1e-7, 2.0])) == Checked(agree=3, kinks=1, open=0)
    assert gradcheck(lambda x: x + 1e12, np.array([1e-9])).open == 1


def test_the_slope_of_a_step_is_open_and_of_a_dead_unit_agrees():
    assert gradcheck(mg.sign, np.array([0.0, 0.5])) == Checked(agree=1, kinks=0, open=1)
    assert gradcheck(mg.relu, np.array([-1e-3])) == Checked(agree=1, kinks=0, open=0)


# ------------------------------------------------------------------ what can be checked
def test_every_parameter_of_a_module_is_checked_by_its_name():
    class Net(nn.Module):
        op = Linear

        def __init__(self):
            self.hidden, self.out = nn.Linear(3, 5), nn.Linear(5, 2)

        def forward(self, x):
            return self.op()(self.hidden(x).tanh(), self.out.weight, self.out.bias)

    net = Net()
    before = {name: p.data.copy() for name, p in net.named_parameters()}
    x = normal(7, 3).astype(np.float32)
    assert gradcheck(net, x, order=2).agree == (21 + 15 + 5 + 10 + 2) * 2 + 14
    for name, p in net.named_parameters():
        assert p.dtype == np.float32 and p.grad is None and np.array_equal(p.data, before[name])
    net.op = type(planted(Linear, "grad_b", lambda self, g, y, x, w, b: 2 * ops.sum(g, 0)))
    with pytest.raises(GradientError, match="Net: the gradient for out.bias"):
        gradcheck(net, x)


def test_inputs_that_are_not_floating_point_are_constants():
    labels = np.array([1, 0])
    assert gradcheck(lambda x, i, n: mg.gather(x, 1, i.reshape(2, 1)) * n, (A, labels, 3), order=2).agree == 14
    assert gradcheck(Where(), (CONDITION, A, B)).agree == 12
    assert gradcheck(Linear(), (normal(2, 3), normal(5, 3), None)).agree == 21
    assert gradcheck(Concatenate(0), (A, B), order=2).agree == 36


def test_frozen_parameters_are_left_out():
    net = nn.Linear(3, 2)
    net.weight.requires_grad_(False)
    assert gradcheck(net, A).agree == 8


def test_a_gradient_is_checked_under_no_grad_too():
    with mg.no_grad():
        assert gradcheck(mg.tanh, A).agree == 6


def test_to_second_order_an_op_is_checked_on_tensors_too():
    wrong = planted(Square, "grad_x", lambda self, g, y, x: g * (3 if isinstance(g, mg.Tensor) else 2) * x)
    assert gradcheck(wrong, A).agree == 6
    for op in (wrong, planted(Softplus, "reference", lambda self, x: ops.relu(x))):
        with pytest.raises(GradientError) as caught:
            gradcheck(op, A, order=2)
        assert caught.value.report.diagnosis.kind == "modes"


def test_one_wrong_entry_among_thousands_is_found():
    x = normal(50, 100)
    wrong = planted(Tanh, "grad_x", lambda self, g, y, x: np.where(x == x[31, 17], 1.01, 1) * g * (1 - y * y))
    with pytest.raises(GradientError) as caught:
        gradcheck(wrong, x, samples=5)
    assert caught.value.report.index == (31, 17)


def test_several_outputs_and_unused_inputs():
    assert gradcheck(lambda x, y: (x * x, x.sum(), x.detach().argmax()), (A, B), order=2).agree >= 24


def test_a_derivative_that_is_0_only_up_to_rounding_is_accepted():
    for x in np.linspace(0.05, 2, 40):
        assert gradcheck(mg.norm, np.array(x), order=2).kinks == 0
    with pytest.raises(GradientError, match="second derivative for x"):
        gradgradcheck(lambda x: mg.norm(x) + 1e-3 * x * x.detach(), np.array(0.3))


def test_a_0d_an_empty_and_a_plain_number():
    assert gradcheck(mg.tanh, 0.5, order=2) == Checked(3, 0, 0)
    assert gradcheck(mg.tanh, np.zeros((0, 3)), order=2) == Checked(0, 0, 0)


def test_large_inputs_are_sampled_and_the_same_sample_is_drawn_again():
    seen = []

    def f(x):
        seen.append(x.data.copy())
        return x * x

    x = normal(100, 10)
    assert gradcheck(f, x, samples=7).agree == 7
    first, seen[:] = len(seen), []
    gradcheck(f, x, samples=7)
    assert len(seen) == first < 30


def test_a_float32_result_is_checked_at_its_own_precision():
    checked = gradcheck(lambda x: x.float().tanh(), A, order=2)
    assert checked.agree >= 15 and checked.kinks == 0
    with pytest.raises(GradientError):
        gradcheck(lambda x: Wrong()(x.float()).tanh() * 1.0 + Wrong()(x.float()) * 100, A)


# ------------------------------------------------------------------ numbers and reports
def test_numeric_grad_equals_calculus():
    x, y, c = A, positive(2, 3), normal(2, 3)
    gx, gy = numeric_grad(lambda x, y: x * y.log(), (x, y), c)
    np.testing.assert_allclose(gx, c * np.log(y), rtol=1e-8)
    np.testing.assert_allclose(gy, c * x / y, rtol=1e-8)
    (g,) = numeric_grad(mg.sin, mg.tensor(x.astype(np.float32)))
    np.testing.assert_allclose(g, np.cos(x.astype(np.float32).astype(float)), rtol=1e-8)


def test_the_report_is_data_its_text_is_for_people_and_it_can_be_drawn():
    wrong = planted(Mul, "grad_y", lambda self, g, z, x, y: -g * x)
    wrong.__class__.__name__ = "MyMul"
    with pytest.raises(GradientError) as caught:
        gradcheck(wrong, (A, B))
    report = caught.value.report
    assert (report.function, report.input, report.order, report.index) == ("MyMul", "y", 1, (0, 0))
    np.testing.assert_allclose(report.analytic, -report.numeric, rtol=1e-6)
    assert 0 < report.error < 1e-6
    text = str(caught.value)
    for words in ("MyMul", "gradient for y", "y[0, 0]", f"{report.analytic[0, 0]:.10g}", "the sign is wrong"):
        assert words.replace("the sign", "sign") in text
    fig = report.draw()
    assert [ax.get_title() for ax in fig.axes[:3]] == ["by formula", "by differences", "formula − differences"]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 2, 2)])
def test_reports_of_every_shape_can_be_drawn(shape):
    with pytest.raises(GradientError) as caught:
        gradcheck(planted(Exp, "grad_x", lambda self, g, y, x: g), normal(*shape))
    caught.value.report.draw().canvas.draw()


def test_the_kind_is_found_without_a_jacobian_too():
    right = normal(3, 4)
    for wrong, kind in (
        (right * 3, "factor"), (right.T, "transposed"), (right[::-1], "flipped"), (right.sum(0), "summed"),
        (np.zeros((3, 4)), "zero"), (np.zeros((5,)), "shape"), (right + normal(3, 4), "unknown"),
        (right[[1, 0, 2]], "blocks"),
    ):  # fmt: skip
        assert diagnose(wrong, right).kind == kind


def overwriting(x):
    x.data *= 2
    return x * 1.0


MISUSES = [
    ("a class for an op", lambda: gradcheck(Tanh, A), TypeError, ["Tanh", "instance"]),
    ("not a function", lambda: gradcheck(3.0, A), TypeError, ["3.0", "function"]),
    ("an unknown order", lambda: gradcheck(mg.tanh, A, order=3), ValueError, ["1 or 2", "3"]),
    ("nothing to differentiate", lambda: gradcheck(mg.tanh, np.array([1, 2])), TypeError, ["floating-point"]),
    ("a function of arrays", lambda: gradcheck(lambda x: x.data, A), TypeError, ["return a Tensor", "ndarray"]),
    ("a random function", lambda: gradcheck(lambda x: x * mg.rand(3), A), ValueError, ["two results", "random"]),
    ("a function that overwrites its input", lambda: gradcheck(overwriting, A.copy()), ValueError, ["overwrites"]),
    ("a function that is not finite", lambda: gradcheck(mg.log, np.zeros(3)), ValueError, ["log", "not finite"]),
    ("no sample", lambda: gradcheck(mg.tanh, A, samples=0), ValueError, ["at least one sample", "0"]),
    ("an op of integers", lambda: gradcheck(Tanh(), np.array([1, 2])), TypeError, ["floating-point"]),
    ("nothing to differentiate in the result", lambda: gradcheck(mg.argmax, A), TypeError, ["argmax", "no gradient"]),
    ("an op with inputs missing", lambda: gradcheck(Mul(), A), TypeError, ["Mul", "grad_x, grad_y", "here are 1"]),
    (
        "return forgotten in a gradient",
        lambda: gradcheck(planted(Tanh, "grad_x", lambda self, g, y, x: None), A),
        TypeError,
        ["grad_x of Tanh", "NoneType"],
    ),
    (
        "return forgotten in forward",
        lambda: gradcheck(planted(Tanh, "forward", lambda self, x: None), A),
        TypeError,
        ["forward of Tanh", "NoneType"],
    ),
    (
        "NumPy in a gradient on Tensors",
        lambda: gradcheck(lambda x: planted(Tanh, "grad_x", lambda self, g, y, x: g * np.cosh(x))(x), A),
        TypeError,
        ["create_graph", "operators and functions of minigrad"],
    ),
    ("a cotangent of another shape", lambda: numeric_grad(mg.tanh, A, B.T), ValueError, ["(3, 2)", "tanh", "(2, 3)"]),
]


@pytest.mark.parametrize("misuse, error, words", [row[1:] for row in MISUSES], ids=[row[0] for row in MISUSES])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_the_message_says_what_is_wrong_and_what_to_do(misuse, error, words):
    with pytest.raises(error) as caught:
        misuse()
    assert [word for word in words if word not in str(caught.value)] == []


# ------------------------------------------------------------------ the diagnosis by itself
RIGHT = np.array([[1.0, -2.0, 3.0], [5.0, 7.0, -11.0]])


@pytest.mark.parametrize(
    ("off", "kind"),
    [([0], "entries"), ([0, 1, 2, 3], "entries"), ([0, 1, 2, 3, 4], "unknown")],
    ids=["one of six", "four of six", "five of six: the sixth may be right by chance"],
)
def test_some_wrong_entries_are_named_while_a_third_is_right(off, kind):
    wrong = RIGHT.copy()
    wrong.flat[off] += [0.3, 0.7, -0.2, 0.4, 1.1][: len(off)]
    assert diagnose(wrong, RIGHT).kind == kind


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 1, 3), (2, 3, 1)])
def test_an_axis_of_length_1_too_many_or_too_few_is_no_missing_sum(shape):
    assert diagnose(RIGHT.reshape(shape), RIGHT).kind == "shape"
    assert diagnose(RIGHT, RIGHT.reshape(shape)).kind == "shape"


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1, 0)])
def test_an_empty_gradient_is_diagnosed(shape):
    assert diagnose(np.zeros(shape), np.ones(1)).kind == "shape"
    assert diagnose(np.zeros(shape), RIGHT).kind == "shape"
