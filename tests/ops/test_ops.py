"""Every op: value against an independent oracle, first and second derivatives against finite differences, dtypes."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from minigrad.autograd import Op
from minigrad.ops.pad import Pad
from minigrad.ops.reduce import AMax, AMin, LogSoftmax, LogSumExp, PNorm, Softmax, Var
from tests.numeric import assert_close, assert_gradients, leaves

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def positive(*shape):
    return RNG.uniform(0.5, 2, shape)


def unit(*shape):
    return RNG.uniform(0.05, 0.95, shape)


def apart(*shape):
    """Away from 0, 1 and -1, where the ops below have kinks."""
    x = RNG.uniform(0.1, 0.9, shape) + RNG.integers(0, 2, shape)
    return x * RNG.choice([-1, 1], shape)


@dataclass
class Row:
    name: str
    op: type
    f: object
    oracle: object
    inputs: tuple

    def __str__(self):
        return self.name


def index_oracle(index, shape):
    def scatter(x):
        y = np.zeros(shape)
        np.add.at(y, index, x)
        return y

    return scatter


REPEATED = (np.array([0, 2, 0, 1]), slice(1, None))
MASK = RNG.random((4, 3)) < 0.5
CONDITION = RNG.random((5, 3)) < 0.5
CROSSING = np.array([[1.0, -2.0, 3.0], [-1.0, 2.0, -3.0]])
PROBABILITIES, TARGETS = unit(3, 7), unit(3, 7)
DISTINCT = RNG.permutation(30).reshape(2, 3, 5) / 10
PLACES = np.array([[2, 0, 2, 2], [1, 1, 0, 2]])

ROWS = [
    Row("add", ops.elementwise.Add, lambda x, y: x + y, np.add, (normal(2, 3), normal(2, 3))),
    Row("add, broadcast", ops.elementwise.Add, mg.add, np.add, (normal(5, 1, 3), normal(2, 1))),
    Row("add, 0-d", ops.elementwise.Add, mg.add, np.add, (normal(), normal(2, 3))),
    Row("sub", ops.elementwise.Sub, lambda x, y: x - y, np.subtract, (normal(2, 3), normal(3))),
    Row("mul", ops.elementwise.Mul, lambda x, y: x * y, np.multiply, (normal(2, 3), normal(5, 1, 1))),
    Row("div", ops.elementwise.Div, lambda x, y: x / y, np.divide, (normal(2, 3), apart(2, 1))),
    Row("reciprocal", ops.elementwise.Div, mg.reciprocal, np.reciprocal, (apart(5),)),
    Row("neg", ops.elementwise.Neg, lambda x: -x, np.negative, (normal(2, 3),)),
    Row("pow", ops.elementwise.Pow, lambda x, y: x**y, np.power, (positive(2, 3), normal(3))),
    Row("cube of negatives", ops.elementwise.Pow, lambda x: x**3, lambda x: x * x * x, (normal(5),)),
    Row("number ** tensor", ops.elementwise.Pow, lambda y: 2.5**y, lambda y: 2.5**y, (normal(5),)),
    Row("square", ops.elementwise.Square, lambda x: x**2, np.square, (normal(2, 3),)),
    Row("sqrt", ops.elementwise.Sqrt, mg.sqrt, np.sqrt, (positive(2, 3),)),
    Row("abs", ops.elementwise.Abs, mg.abs, np.abs, (apart(2, 3),)),
    Row("exp", ops.elementwise.Exp, mg.exp, np.exp, (normal(2, 3),)),
    Row("expm1", ops.elementwise.Expm1, mg.expm1, np.expm1, (normal(2, 3),)),
    Row("log", ops.elementwise.Log, mg.log, np.log, (positive(2, 3),)),
    Row("log1p", ops.elementwise.Log1p, mg.log1p, np.log1p, (positive(2, 3),)),
    Row("sin", ops.elementwise.Sin, mg.sin, np.sin, (normal(2, 3),)),
    Row("cos", ops.elementwise.Cos, mg.cos, np.cos, (normal(2, 3),)),
    Row("tanh", ops.elementwise.Tanh, mg.tanh, np.tanh, (normal(2, 3),)),
    Row("sigmoid", ops.elementwise.Sigmoid, mg.sigmoid, scipy.special.expit, (normal(2, 3),)),
    Row("relu", ops.elementwise.ReLU, mg.relu, lambda x: np.where(x > 0, x, 0), (apart(2, 3),)),
    Row("leaky_relu", ops.elementwise.LeakyReLU, lambda x: F.leaky_relu(x, 0.2), lambda x: np.where(x > 0, x, 0.2 * x),
        (apart(2, 3),)),
    Row("leaky_relu, steep", ops.elementwise.LeakyReLU, lambda x: F.leaky_relu(x, 3.0),
        lambda x: np.where(x > 0, x, 3 * x), (apart(2, 3),)),
    Row("softplus", ops.elementwise.Softplus, F.softplus, lambda x: np.logaddexp(0, x), (normal(2, 3),)),
    Row("maximum", ops.elementwise.Maximum, mg.maximum, np.maximum, (CROSSING, np.array([0.5, -0.5, 0.1]))),
    Row("minimum", ops.elementwise.Minimum, mg.minimum, np.minimum, (CROSSING, np.array([0.5, -0.5, 0.1]))),
    Row("clamp", ops.elementwise.Clamp, lambda x: mg.clamp(x, -1, 1), lambda x: np.clip(x, -1, 1), (apart(2, 3),)),
    Row("clamp, one bound", ops.elementwise.Clamp, lambda x: mg.clamp(x, min=0), lambda x: np.clip(x, 0, None),
        (apart(2, 3),)),
    Row("where", ops.elementwise.Where, lambda x, y: mg.where(mg.tensor(CONDITION), x, y),
        lambda x, y: np.where(CONDITION, x, y), (normal(5, 3), normal(3))),
    Row("where, integer condition", ops.elementwise.Where, lambda x, y: mg.where(mg.tensor([0, 2, 1]), x, y),
        lambda x, y: np.where([0, 2, 1], x, y), (normal(2, 3), normal(3))),
    Row("clone", ops.elementwise.Clone, mg.clone, np.copy, (normal(2, 3),)),
    Row("sum", ops.reduce.Sum, mg.sum, np.sum, (normal(2, 3),)),
    Row("sum, axis", ops.reduce.Sum, lambda x: x.sum(axis=-2), lambda x: x.sum(-2), (normal(2, 3, 5),)),
    Row("sum, axes kept", ops.reduce.Sum, lambda x: x.sum(dim=(0, 2), keepdim=True),
        lambda x: x.sum((0, 2), keepdims=True), (normal(2, 3, 5),)),
    Row("sum, 0-d", ops.reduce.Sum, mg.sum, np.sum, (normal(),)),
    Row("mean", ops.reduce.Mean, mg.mean, np.mean, (normal(2, 3),)),
    Row("mean, axes", ops.reduce.Mean, lambda x: x.mean((0, -1)), lambda x: x.mean((0, -1)), (normal(2, 3, 5),)),
    Row("norm", ops.reduce.Norm, ops.norm, lambda x: np.sqrt((x**2).sum()), (normal(2, 3),)),
    Row("norm of order 1", ops.reduce.Norm, lambda x: ops.norm(x, 1, axis=0), lambda x: np.abs(x).sum(0),
        (apart(2, 3),)),
    Row("norm, axis", ops.reduce.Norm, lambda x: ops.norm(x, axis=1), lambda x: np.linalg.norm(x, axis=1),
        (normal(2, 3),)),
    Row("norm of order 3", PNorm, lambda x: mg.norm(x, 3), lambda x: (np.abs(x) ** 3).sum() ** (1 / 3),
        (apart(2, 3),)),
    Row("norm of order 1.5, axes", PNorm, lambda x: x.norm(1.5, (0, 2), keepdims=True),
        lambda x: (np.abs(x) ** 1.5).sum((0, 2), keepdims=True) ** (2 / 3), (apart(2, 3, 5),)),
    Row("norm of order inf", AMax, lambda x: x.norm(np.inf, dim=-1), lambda x: np.linalg.norm(x, np.inf, axis=-1),
        (DISTINCT[0] - 1.55,)),
    Row("var", Var, mg.var, lambda x: np.var(x, ddof=1), (normal(2, 3),)),
    Row("var, by n, axes", Var, lambda x: x.var((0, -1), unbiased=False, keepdims=True),
        lambda x: ((x - x.mean((0, 2), keepdims=True)) ** 2).mean((0, 2), keepdims=True), (normal(2, 3, 5),)),
    Row("var, 0-d by n", Var, lambda x: x.var(unbiased=False), np.var, (normal(),)),
    Row("std", ops.reduce.Norm, mg.std, lambda x: np.std(x, ddof=1), (normal(2, 3),)),
    Row("std, by n, axis", ops.reduce.Norm, lambda x: x.std(dim=1, unbiased=False), lambda x: np.std(x, 1),
        (normal(2, 3),)),
    Row("amax", AMax, mg.amax, np.max, (DISTINCT,)),
    Row("amax, axes", AMax, lambda x: x.amax((0, -1)), lambda x: x.max((0, -1)), (DISTINCT,)),
    Row("amax, kept", AMax, lambda x: x.amax(dim=1, keepdim=True), lambda x: x.max(1, keepdims=True), (DISTINCT,)),
    Row("amin", AMin, mg.amin, np.min, (DISTINCT,)),
    Row("amin, axes", AMin, lambda x: x.amin((0, -1)), lambda x: x.min((0, -1)), (DISTINCT,)),
    Row("max", AMax, mg.max, np.max, (DISTINCT,)),
    Row("max, axis", ops.index.GetItem, lambda x: x.max(-2).values, lambda x: x.max(-2), (DISTINCT,)),
    Row("max, axis kept", ops.index.GetItem, lambda x: x.max(dim=0, keepdim=True)[0], lambda x: x.max(0, keepdims=True),
        (DISTINCT,)),
    Row("max, 0-d", ops.index.GetItem, lambda x: x.max(0)[0], np.copy, (normal(),)),
    Row("min", AMin, mg.min, np.min, (DISTINCT,)),
    Row("min, axis", ops.index.GetItem, lambda x: mg.min(x, 2)[0], lambda x: x.min(2), (DISTINCT,)),
    Row("logsumexp", LogSumExp, mg.logsumexp, scipy.special.logsumexp, (normal(2, 3),)),
    Row("logsumexp, axes", LogSumExp, lambda x: x.logsumexp((0, -1)), lambda x: scipy.special.logsumexp(x, (0, -1)),
        (normal(2, 3, 5),)),
    Row("logsumexp, kept", LogSumExp, lambda x: x.logsumexp(dim=1, keepdim=True),
        lambda x: scipy.special.logsumexp(x, 1, keepdims=True), (normal(2, 3),)),
    Row("softmax", Softmax, lambda x: mg.softmax(x, 1), lambda x: scipy.special.softmax(x, 1), (normal(2, 3, 5),)),
    Row("softmax, last", Softmax, lambda x: x.softmax(dim=-1), lambda x: scipy.special.softmax(x, -1), (normal(2, 3),)),
    Row("log_softmax", LogSoftmax, lambda x: mg.log_softmax(x, 1), lambda x: scipy.special.log_softmax(x, 1),
        (normal(2, 3, 5),)),
    Row("log_softmax, 0-d", LogSoftmax, lambda x: x.log_softmax(0), lambda x: x - x, (normal(),)),
    Row("reshape", ops.shape.Reshape, lambda x: x.reshape(3, -1), lambda x: x.reshape(3, 10), (normal(2, 3, 5),)),
    Row("flatten", ops.shape.Reshape, lambda x: x.flatten(1), lambda x: x.reshape(2, 15), (normal(2, 3, 5),)),
    Row("squeeze", ops.shape.Reshape, lambda x: x.squeeze(), lambda x: x.squeeze(), (normal(1, 3, 1),)),
    Row("squeeze, axis", ops.shape.Reshape, lambda x: x.squeeze(0), lambda x: x[0], (normal(1, 3, 1),)),
    Row("unsqueeze", ops.shape.Reshape, lambda x: x.unsqueeze(-1), lambda x: x[..., None], (normal(2, 3),)),
    Row("permute", ops.shape.Permute, lambda x: x.permute(2, 0, 1), lambda x: np.transpose(x, (2, 0, 1)),
        (normal(2, 3, 5),)),
    Row("transpose", ops.shape.Permute, lambda x: x.transpose(0, -1), lambda x: np.swapaxes(x, 0, -1),
        (normal(2, 3, 5),)),
    Row("T", ops.shape.Permute, lambda x: x.T, np.transpose, (normal(2, 3),)),
    Row("expand", ops.shape.BroadcastTo, lambda x: x.expand(5, -1, 3), lambda x: np.broadcast_to(x, (5, 2, 3)),
        (normal(2, 1),)),
    Row("cat", ops.shape.Concatenate, lambda x, y, z: mg.cat([x, y, z], 1), lambda *xs: np.concatenate(xs, 1),
        (normal(2, 3), normal(2, 1), normal(2, 5))),
    Row("stack", ops.shape.Concatenate, lambda x, y: mg.stack([x, y], -1), lambda *xs: np.stack(xs, -1),
        (normal(2, 3), normal(2, 3))),
    Row("repeat", ops.shape.BroadcastTo, lambda x: x.repeat(2, 1, 3), lambda x: np.tile(x, (2, 1, 3)), (normal(2, 3),)),
    Row("repeat, 0-d", ops.shape.BroadcastTo, lambda x: x.repeat(2, 3), lambda x: np.tile(x, (2, 3)), (normal(),)),
    Row("slice", ops.index.GetItem, lambda x: x[1:, ::-2], lambda x: x[1:, ::-2], (normal(3, 5),)),
    Row("integer index", ops.index.GetItem, lambda x: x[-1, ..., None], lambda x: x[-1, ..., None], (normal(3, 5),)),
    Row("repeated index", ops.index.GetItem, lambda x: x[REPEATED], lambda x: x[REPEATED], (normal(3, 5),)),
    Row("tensor index", ops.index.GetItem, lambda x: x[mg.tensor([1, 1, 0])], lambda x: x[[1, 1, 0]], (normal(3, 2),)),
    Row("tuple index", ops.index.GetItem, lambda x: x[(0, 0, 2), :], lambda x: x[[0, 0, 2]], (normal(3, 2),)),
    Row("mask", ops.index.GetItem, lambda x: x[mg.tensor(MASK)], lambda x: x[MASK], (normal(4, 3),)),
    Row("flip", ops.index.GetItem, lambda x: x.flip(0, -1), lambda x: x[::-1, :, ::-1], (normal(2, 3, 5),)),
    Row("split", ops.index.GetItem, lambda x: mg.cat(mg.split(x, 2, -1)[::-1], 1), lambda x: x[:, [4, 2, 3, 0, 1]],
        (normal(3, 5),)),
    Row("split, sizes", ops.index.GetItem, lambda x: mg.split(x, [1, 0, 4], dim=1)[2], lambda x: x[:, 1:],
        (normal(3, 5),)),
    Row("chunk", ops.index.GetItem, lambda x: mg.cat(mg.chunk(x, 2)[::-1]), lambda x: x[[3, 4, 0, 1, 2]],
        (normal(5, 2),)),
    Row("gather", ops.index.GetItem, lambda x: mg.gather(x, 1, mg.tensor(PLACES)),
        lambda x: np.take_along_axis(x, PLACES, 1), (normal(2, 3),)),
    Row("gather, fewer rows", ops.index.GetItem, lambda x: mg.gather(x, dim=-1, index=mg.tensor(PLACES)),
        lambda x: np.take_along_axis(x[:2], PLACES, 1), (normal(5, 3),)),
    Row("pad", Pad, lambda x: mg.pad(x, (2, 1, 0, 3), value=7),
        lambda x: np.pad(x, ((0, 3), (2, 1)), constant_values=7), (normal(2, 3),)),
    Row("pad, last axis", Pad, lambda x: F.pad(x, (1, 0)), lambda x: np.pad(x, ((0, 0), (1, 0))), (normal(2, 3),)),
    Row("pad, reflect", ops.index.GetItem, lambda x: F.pad(x, (2, 1, 0, 1), mode="reflect"),
        lambda x: np.pad(x, ((0, 0), (0, 1), (2, 1)), "reflect"), (normal(2, 3, 4),)),
    Row("pad, replicate", ops.index.GetItem, lambda x: F.pad(x, (5, 1, 0, 2), "replicate"),
        lambda x: np.pad(x, ((0, 0), (0, 2), (5, 1)), "edge"), (normal(2, 3, 4),)),
    Row("scatter_add", ops.index.ScatterAdd, lambda x: ops.scatter_add(x, REPEATED, (3, 5)),
        index_oracle(REPEATED, (3, 5)), (normal(4, 4),)),
    Row("matmul", ops.linalg.MatMul, lambda x, y: x @ y, np.matmul, (normal(2, 3), normal(3, 5))),
    Row("matmul, batched", ops.linalg.MatMul, mg.matmul, np.matmul, (normal(7, 2, 3), normal(7, 3, 5))),
    Row("matmul, broadcast", ops.linalg.MatMul, mg.matmul, np.matmul, (normal(7, 1, 2, 3), normal(4, 3, 5))),
    Row("matmul, vectors", ops.linalg.MatMul, mg.matmul, np.matmul, (normal(3), normal(3))),
    Row("matmul, row", ops.linalg.MatMul, mg.matmul, np.matmul, (normal(3), normal(2, 3, 5))),
    Row("matmul, column", ops.linalg.MatMul, mg.matmul, np.matmul, (normal(7, 2, 3), normal(3))),
    Row("linear", ops.linalg.Linear, F.linear, lambda x, w, b: np.einsum("ni,oi->no", x, w) + b,
        (normal(2, 3), normal(5, 3), normal(5))),
    Row("linear, no bias", ops.linalg.Linear, F.linear, lambda x, w: x @ w.T, (normal(2, 3), normal(5, 3))),
    Row("linear, batched", ops.linalg.Linear, F.linear, lambda x, w, b: np.einsum("...i,oi->...o", x, w) + b,
        (normal(7, 2, 3), normal(5, 3), normal(5))),
    Row("linear, vector", ops.linalg.Linear, F.linear, lambda x, w, b: w @ x + b, (normal(3), normal(5, 3), normal(5))),
    Row("mse", ops.loss.SquaredError, F.mse_loss, lambda x, t: ((x - t) ** 2).mean(), (normal(2, 3), normal(2, 3))),
    Row("mse, sum", ops.loss.SquaredError, lambda x, t: F.mse_loss(x, t, reduction="sum"),
        lambda x, t: ((x - t) ** 2).sum(), (normal(2, 3), normal(2, 3))),
    Row("mse, none", ops.loss.SquaredError, lambda x, t: F.mse_loss(x, t, reduction="none"), lambda x, t: (x - t) ** 2,
        (normal(2, 3), normal(2, 3))),
    Row("rmse", ops.reduce.Norm, ops.rmse_loss, lambda x, t: np.sqrt(((x - t) ** 2).mean()),
        (normal(2, 3), normal(2, 3))),
    Row("bce", ops.loss.BinaryCrossEntropy, F.binary_cross_entropy,
        lambda p, t: -(scipy.special.xlogy(t, p) + scipy.special.xlog1py(1 - t, -p)).mean(), (PROBABILITIES, TARGETS)),
    Row("bce with logits", ops.loss.BCEWithLogits, F.binary_cross_entropy_with_logits,
        lambda x, t: -(t * scipy.special.log_expit(x) + (1 - t) * scipy.special.log_expit(-x)).mean(),
        (normal(3, 7), TARGETS)),
]  # fmt: skip


def kinds_of(op):
    """Every op below `op` that has a forward."""
    below = [kind for child in op.__subclasses__() for kind in kinds_of(child)]
    return [op, *below] if hasattr(op, "forward") else below


def test_every_op_has_a_row():
    """AsType is covered below: its rows would need two dtypes. Sign is piecewise constant and has no gradient."""
    public = {op for op in kinds_of(Op) if op.__module__.startswith("minigrad.ops")}
    assert public - {row.op for row in ROWS} == {ops.elementwise.AsType, ops.elementwise.Sign}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_value(row):
    assert_close(row.f(*leaves(row.inputs)).data, row.oracle(*row.inputs), 1e-12)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_first_and_second_derivatives(row):
    assert_gradients(row.f, row.inputs)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_float32_stays_float32(row):
    xs = leaves([x.astype(np.float32) for x in row.inputs])
    y = row.f(*xs)
    y.backward(mg.ones(y.shape))
    recorded = mg.autograd.grad(row.f(*xs), xs, mg.ones(y.shape), create_graph=True)
    assert {t.dtype for t in (y, *(x.grad for x in xs), *recorded)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_inputs_are_left_alone_and_any_memory_layout_will_do(row):
    spread = [np.full((*x.shape, 2), np.nan) for x in row.inputs]
    for s, x in zip(spread, row.inputs, strict=True):
        s[..., 0] = x
    views = [s[..., 0] for s in spread]
    for view in views:
        view.flags.writeable = False
    xs = [mg.Tensor(view, requires_grad=True) for view in views]
    y = row.f(*xs)
    g = np.random.default_rng(1).standard_normal(y.shape)
    g.flags.writeable = False
    y.backward(mg.from_numpy(g))
    contiguous = leaves(row.inputs)
    row.f(*contiguous).backward(mg.tensor(g))
    for x, c in zip(xs, contiguous, strict=True):
        np.testing.assert_allclose(x.grad.data, c.grad.data, rtol=1e-12)
        assert x.grad.data.flags.c_contiguous and x.grad.data.flags.writeable


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_gradients_share_no_memory(row):
    xs = leaves(row.inputs)
    y = row.f(*xs)
    g = mg.ones(y.shape, dtype=np.float64)
    y.backward(g)
    arrays = [*(x.grad.data for x in xs), *(x.data for x in xs), y.data, g.data]
    for i in range(len(xs)):
        assert not any(np.shares_memory(arrays[i], other) for other in arrays[i + 1 :])


@pytest.mark.parametrize("row", [row for row in ROWS if row.op.reference], ids=str)
def test_a_fused_op_equals_its_reference(row):
    """Value, and gradient by hand against gradient of the composition."""
    xs, ys = leaves(row.inputs), leaves(row.inputs)
    fused, composed = row.op()(*xs), row.op().reference(*ys)
    assert_close(fused.data, composed.data, 1e-14)
    g = mg.tensor(np.random.default_rng(2).standard_normal(fused.shape))
    fused.backward(g)
    composed.backward(g)
    for x, y in zip(xs, ys, strict=True):
        assert_close(x.grad.data, y.grad.data, 1e-13)


# ------------------------------------------------------------------ conventions at kinks and edges
@pytest.mark.parametrize(
    "f, x, slope",
    [
        (mg.relu, 0.0, 0.0),
        (mg.abs, 0.0, 0.0),
        (lambda x: F.leaky_relu(x, 0.25), 0.0, 0.25),
        (lambda x: mg.clamp(x, 0, 1), 1.0, 1.0),
        (lambda x: mg.maximum(x, mg.tensor(0.0)), 0.0, 0.5),
        (lambda x: mg.minimum(x, mg.tensor(0.0)), 0.0, 0.5),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda y: mg.tensor(0.0) ** y, 2.0, 0.0),
        (ops.norm, 0.0, 0.0),
        (lambda x: mg.norm(x, 1), 0.0, 0.0),
        (lambda x: mg.norm(x, 3), 0.0, 0.0),
        (lambda x: mg.norm(x, np.inf), 0.0, 0.0),
    ],
)
def test_slope_at_a_kink(f, x, slope):
    x = mg.tensor(x, requires_grad=True)
    f(x).backward()
    assert x.grad.item() == slope


def test_norm_at_zero_is_finite_to_second_order():
    x = mg.zeros(3, requires_grad=True)
    (g,) = mg.autograd.grad(ops.norm(x), x, create_graph=True)
    (h,) = mg.autograd.grad((g * g).sum() + g.sum(), x)
    assert np.isfinite(h.data).all()


TIED = [[1.0, 3.0, 3.0], [3.0, 0.0, 2.0]]


@pytest.mark.parametrize(
    "f, gradient",
    [
        (mg.max, [[0, 1 / 3, 1 / 3], [1 / 3, 0, 0]]),
        (lambda x: -mg.min(-x), [[0, 1 / 3, 1 / 3], [1 / 3, 0, 0]]),
        (lambda x: mg.norm(x, np.inf), [[0, 1 / 3, 1 / 3], [1 / 3, 0, 0]]),
        (lambda x: x.amax(1), [[0, 0.5, 0.5], [1, 0, 0]]),
        (lambda x: -(-x).amin(0), [[0, 1, 1], [1, 0, 0]]),
        (lambda x: x.max(1).values, [[0, 1, 0], [1, 0, 0]]),
        (lambda x: -(-x).min(1).values, [[0, 1, 0], [1, 0, 0]]),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_equal_winners_share_evenly_and_along_one_axis_the_first_takes_all(f, gradient, create_graph):
    x = mg.tensor(TIED, requires_grad=True)
    (g,) = mg.autograd.grad(f(x).sum(), x, create_graph=create_graph)
    np.testing.assert_allclose(g.data, gradient, rtol=1e-6)


def test_max_and_min_say_where_the_first_winner_stands():
    x = mg.tensor(TIED, requires_grad=True)
    for extremes, expected in ((x.max(dim=1), [1, 0]), (x.min(0), [0, 1, 1])):
        assert extremes.indices.tolist() == expected and not extremes.indices.requires_grad
        assert extremes.indices.dtype == np.int64


@pytest.mark.parametrize("axis, keepdims", [(None, False), (None, True), (0, False), (-1, True)])
def test_argmax_and_argmin_equal_numpy(axis, keepdims):
    x = mg.tensor(TIED, requires_grad=True)
    for f, oracle in ((mg.argmax, np.argmax), (mg.argmin, np.argmin)):
        found = f(x, axis, keepdims)
        np.testing.assert_array_equal(found.data, oracle(x.data, axis, keepdims=keepdims))
        assert found.dtype == np.int64 and not found.requires_grad
        assert type(f(x.data, axis=0)) is np.ndarray


def test_std_of_equal_elements_has_gradient_0_and_a_finite_second_one():
    x = mg.full(3, 2.0, requires_grad=True)
    (g,) = mg.autograd.grad(mg.std(x), x, create_graph=True)
    (h,) = mg.autograd.grad((g * g).sum() + g.sum(), x)
    assert g.tolist() == [0, 0, 0] and np.isfinite(h.data).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_and_its_kin_are_exact_and_finite_at_every_size(dtype):
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4 - 1, -3.0]], dtype)
    eps = float(np.finfo(dtype).eps)
    exact = logits.astype(np.float64)
    for f, oracle in (
        (mg.softmax, scipy.special.softmax),
        (mg.log_softmax, scipy.special.log_softmax),
        (mg.logsumexp, scipy.special.logsumexp),
    ):
        x = mg.tensor(logits, requires_grad=True)
        with np.errstate(all="raise", under="ignore"):
            y = f(x, 1)
            y[..., 0].sum().backward()
        np.testing.assert_allclose(y.data, oracle(exact, axis=1), rtol=8 * eps, atol=eps)
        p = scipy.special.softmax(exact, 1)
        first = np.array([1.0, 0, 0])
        slope = {mg.softmax: p[:, :1] * (first - p), mg.log_softmax: first - p, mg.logsumexp: p * [[1], [0], [0]]}[f]
        np.testing.assert_allclose(x.grad.data, slope, rtol=8 * eps, atol=8 * eps)


def test_minus_infinity_is_probability_0():
    x = mg.tensor([[0.0, -np.inf], [-np.inf, -np.inf]], requires_grad=True)
    with np.errstate(divide="ignore"):
        assert mg.logsumexp(x, 1).tolist() == [0, -np.inf]
    y = mg.softmax(x[0], 0)
    y[0].backward()
    assert y.tolist() == [1, 0] and x.grad.tolist() == [[0, 0], [0, 0]]


def test_padding_keeps_the_memory_layout_of_images():
    images = mg.tensor(normal(2, 5, 6, 3)).permute(0, 3, 1, 2)  # NCHW over NHWC memory
    assert mg.pad(images, (1, 1, 1, 1)).data.transpose(0, 2, 3, 1).flags.c_contiguous


def test_sqrt_keeps_its_infinite_slope():
    x = mg.tensor(0.0, requires_grad=True)
    with np.errstate(divide="ignore"):
        mg.sqrt(x).backward()
    assert x.grad.item() == np.inf


def test_where_protects_from_an_infinite_slope_on_the_other_side():
    x = mg.tensor([-1.0, 4.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        mg.sqrt(mg.where(x > 0, x, 0.0)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_sign_stops_the_gradient():
    x = mg.tensor([-2.0, 0.0, 3.0], requires_grad=True)
    (mg.sign(x) * x).sum().backward()
    assert x.grad.tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x", [-1e4, -100.0, -1.0, -0.0, 0.0, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_bce_with_logits_is_exact_and_finite_at_every_size(x, t, dtype):
    logit, target = mg.tensor(np.array(x, dtype), requires_grad=True), mg.tensor(np.array(t, dtype))
    with np.errstate(all="raise", under="ignore"):
        (first,) = mg.autograd.grad(F.binary_cross_entropy_with_logits(logit, target), logit, create_graph=True)
        loss = F.binary_cross_entropy_with_logits(logit, target)
        loss.backward()
    t = float(target)
    eps = float(np.finfo(dtype).eps)
    expected = -(t * scipy.special.log_expit(x) + (1 - t) * scipy.special.log_expit(-x))
    assert loss.item() == pytest.approx(expected, rel=4 * eps, abs=eps)
    for g in (logit.grad, first):
        assert g.item() == pytest.approx(scipy.special.expit(x) - t, rel=4 * eps, abs=eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_softplus_neither_overflow_nor_cancel(dtype):
    x = np.array([-1e4, -80, -30, -1e-3, 0, 1e-3, 30, 1e4], dtype)
    with np.errstate(all="raise", under="ignore"):
        s, p = mg.sigmoid(mg.tensor(x)).data, F.softplus(mg.tensor(x)).data
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(s, scipy.special.expit(x.astype(np.float64)), rtol=8 * eps, atol=1e-38)
    np.testing.assert_allclose(p, np.logaddexp(0, x.astype(np.float64)), rtol=8 * eps, atol=1e-38)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p, t, loss", [(0, 0, 0), (1, 1, 0), (0, 1, 100), (1, 0, 100), (0, 0.5, 50)])
def test_bce_at_probabilities_0_and_1_is_held_at_100(p, t, loss, dtype):
    probability = mg.tensor(np.array([p], dtype), requires_grad=True)
    found = F.binary_cross_entropy(probability, mg.tensor(np.array([t], dtype)))
    found.backward()
    assert found.item() == pytest.approx(loss)
    assert np.isfinite(probability.grad.data).all()


def test_rmse_of_equal_tensors_has_gradient_0():
    x = mg.ones(3, requires_grad=True)
    ops.rmse_loss(x, mg.ones(3)).backward()
    assert x.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("source, target", [(np.float32, np.float64), (np.float64, np.float32)])
def test_gradients_come_back_in_the_dtype_of_the_input(source, target):
    x = mg.tensor(np.array([1.0, 2.0], source), requires_grad=True)
    y = x.astype(target)
    (y * y).sum().backward()
    assert y.dtype == target and x.grad.dtype == source and x.grad.tolist() == [2.0, 4.0]


def test_astype_to_integers_leaves_the_graph():
    x = mg.tensor([1.7, -1.7], requires_grad=True)
    y = x.astype(np.int64)
    assert y.tolist() == [1, -1] and not y.requires_grad


# ------------------------------------------------------------------ empty tensors
@pytest.mark.parametrize(
    "f",
    [mg.exp, mg.tanh, mg.sum, lambda x: x.sum(0), lambda x: x.sum(1), lambda x: x[:, 1:], lambda x: x.T @ x,
     lambda x: F.linear(x, mg.ones(2, 3)), lambda x: mg.cat([x, x]), lambda x: x.flatten(), lambda x: x.mean(1),
     lambda x: x.var(1), lambda x: x.std(1), lambda x: x.amax(1), lambda x: x.min(1)[0], lambda x: x.norm(3, 1),
     lambda x: x.logsumexp(1), lambda x: x.softmax(1), lambda x: x.log_softmax(1), lambda x: x.flip(0),
     lambda x: x.repeat(2, 2), lambda x: mg.cat(mg.split(x, 2)), lambda x: mg.chunk(x, 3)[0],
     lambda x: mg.gather(x, 0, mg.tensor(np.zeros((0, 2), int))), lambda x: mg.pad(x, (1, 1, 1, 1)),
     lambda x: mg.pad(x, (1, 1), "reflect"), lambda x: mg.pad(x, (1, 1), "replicate")],
)  # fmt: skip
def test_empty_batches_pass_forward_and_backward(f):
    x = mg.zeros(0, 3, requires_grad=True)
    y = f(x)
    y.backward(mg.ones(y.shape))
    assert x.grad.shape == (0, 3)


# ------------------------------------------------------------------ properties
SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@given(SHAPES, st.data())
def test_broadcasting_gradients_sum_over_what_was_repeated(shape, data):
    """Against the definition: the gradient of each element is the sum over the places it was repeated to."""
    kept = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
    x_shape = kept[data.draw(st.integers(0, len(shape))) :]
    rng = np.random.default_rng(0)
    x, y, g = rng.standard_normal(x_shape), rng.standard_normal(shape), rng.standard_normal(shape)
    (xt,) = leaves([x])
    (xt * mg.tensor(y)).backward(mg.tensor(g))
    places = np.broadcast_to(np.arange(x.size).reshape(x_shape), shape)
    expected = [(g * y)[places == i].sum() for i in range(x.size)]
    np.testing.assert_allclose(xt.grad.data.ravel(), expected, rtol=1e-12, atol=1e-12)


@given(SHAPES, st.booleans(), st.data())
def test_sum_and_mean_over_any_axes_equal_numpy(shape, keepdims, data):
    axes = data.draw(st.none() | st.lists(st.integers(0, max(len(shape) - 1, 0)), unique=True).map(tuple))
    axes = axes if shape else None
    x = np.random.default_rng(0).standard_normal(shape)
    for found, expected in ((mg.sum, np.sum), (mg.mean, np.mean)):
        assert_close(found(mg.tensor(x), axes, keepdims).data, expected(x, axis=axes, keepdims=keepdims), 1e-12)
    if x.size <= 12:
        assert_gradients(lambda t: mg.mean(t, axes, keepdims), [x], order=1)


@given(SHAPES.filter(len), st.data())
def test_gather_picks_one_element_per_index_and_its_gradient_counts_each_use(shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    picked = tuple(data.draw(st.integers(0, 4 if a == axis else n)) for a, n in enumerate(shape))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x, index, g = rng.standard_normal(shape), rng.integers(0, shape[axis], picked), rng.standard_normal(picked)
    (xt,) = leaves([x])
    y = mg.gather(xt, axis - data.draw(st.sampled_from([0, len(shape)])), mg.tensor(index))
    y.backward(mg.tensor(g))
    values, gradient = np.zeros(picked), np.zeros(shape)
    for place in np.ndindex(picked):
        source = (*place[:axis], index[place], *place[axis + 1 :])
        values[place] = x[source]
        gradient[source] += g[place]
    np.testing.assert_array_equal(y.data, values)
    np.testing.assert_allclose(xt.grad.data, gradient, atol=1e-12)


@given(SHAPES, st.sampled_from([("constant", "constant"), ("reflect", "reflect"), ("replicate", "edge")]), st.data())
def test_pad_equals_numpy_and_its_gradient_returns_to_where_each_element_came_from(shape, modes, data):
    widest = [n - 1 if modes[0] == "reflect" else 4 for n in shape]
    margins = [(data.draw(st.integers(0, w)), data.draw(st.integers(0, w))) for w in widest]
    given_axes = data.draw(st.integers(0, len(shape)))
    margins[: len(shape) - given_axes] = [(0, 0)] * (len(shape) - given_axes)
    amounts = [amount for pair in margins[::-1] for amount in pair][: 2 * given_axes]
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    (xt,) = leaves([x])
    y = mg.pad(xt, amounts, modes[0])
    np.testing.assert_array_equal(y.data, np.pad(x, margins, modes[1]) if shape else x)
    g = np.random.default_rng(0).standard_normal(y.shape)
    y.backward(mg.tensor(g))
    expected = [g[y.data == value].sum() for value in x.ravel()]
    np.testing.assert_allclose(xt.grad.data.ravel(), expected, atol=1e-12)


@given(SHAPES.filter(len), st.data())
def test_split_and_chunk_cut_what_cat_puts_together(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[axis]
    stops = sorted(data.draw(st.lists(st.integers(0, n), max_size=3)))
    size, chunks = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    x = np.random.default_rng(0).standard_normal(shape)
    for pieces, expected in (
        (mg.split(mg.tensor(x), list(np.diff([0, *stops, n])), axis), np.split(x, stops, axis)),
        (mg.split(mg.tensor(x), size, axis), np.split(x, range(size, n, size), axis)),
        (mg.chunk(mg.tensor(x), chunks, axis), np.split(x, range(-(-n // chunks), n, -(-n // chunks)), axis)),
    ):
        assert len(pieces) == len(expected)
        for piece, e in zip(pieces, expected, strict=True):
            np.testing.assert_array_equal(piece.data, e)
        np.testing.assert_array_equal(mg.cat(pieces, axis).data, x)


@given(st.data())
def test_indexing_equals_numpy_and_its_gradient_counts_each_use(data):
    shape = (4, 3)
    part = st.one_of(st.integers(-3, 2), st.slices(3), st.lists(st.integers(-3, 2), min_size=1, max_size=5))
    index = data.draw(st.tuples(part) | st.tuples(st.just(slice(None)), part))
    x = np.random.default_rng(0).standard_normal(shape)
    (xt,) = leaves([x])
    y = xt[index]
    np.testing.assert_array_equal(y.data, x[index])
    y.backward(mg.ones(y.shape, dtype=np.float64))
    uses = np.bincount(np.arange(12).reshape(shape)[index].ravel(), minlength=12).reshape(shape)
    np.testing.assert_array_equal(xt.grad.data, uses)


# ------------------------------------------------------------------ the checks above can fail
def grad_methods():
    return [
        pytest.param(op, name, id=f"{op.__name__}.{name}")
        for op in {row.op: None for row in ROWS}
        for name in vars(op)
        if name.startswith("grad_") and callable(getattr(op, name))
    ]


@pytest.mark.parametrize("op, name", grad_methods())
def test_a_wrong_gradient_is_noticed(op, name, monkeypatch):
    """Each gradient method in turn off by a factor of 1.001: some row of its op must fail."""
    right = getattr(op, name)
    monkeypatch.setattr(op, name, lambda *args, **kwargs: right(*args, **kwargs) * 1.001)
    with pytest.raises(AssertionError):
        for row in ROWS:
            if row.op is op:
                assert_gradients(row.f, row.inputs, order=1)
