"""What every op is: one row per function, with an independent oracle and the inputs from which Hypothesis draws.

All tests of ops walk this table: value, derivatives, dtypes, memory (`test_ops.py`), the device
(`tests/testing/test_ops_on_the_fake_device.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from minigrad.autograd import Op
from minigrad.ops import conv, elementwise, index, linalg, loss, pool, reduce, shape
from minigrad.ops.norm import BatchNorm, LayerNorm
from minigrad.ops.pad import Pad
from minigrad.ops.recurrent import LSTM, RNN
from minigrad.testing.strategies import arrays, broadcastable, shapes
from tests.ops import oracles


@dataclass
class Row:
    name: str  # of the function in minigrad.ops, and after a comma what is special
    op: type  # that it is the row of
    f: Callable  # of Tensors
    oracle: Callable  # the same of arrays
    cases: st.SearchStrategy  # of (arrays, parameters)
    order: int = 2

    def __str__(self):
        return self.name


# ------------------------------------------------------------------ inputs
SMALL = dict(max_dims=3, max_side=5)
DISTINCT = dict(distinct=True)


@st.composite
def one(draw, of=None, parameters=None, **values):
    """One array, and parameters drawn from strategies."""
    x = draw(arrays(shapes(**SMALL, min_side=0) if of is None else of, **values))
    return (x,), {name: draw(strategy) for name, strategy in (parameters or {}).items()}


@st.composite
def several(draw, *intervals):
    """Arrays that broadcast together, each between its own bounds."""
    sizes = draw(broadcastable(len(intervals), **SMALL, min_side=0))
    return tuple(draw(arrays(n, low=low, high=high)) for n, (low, high) in zip(sizes, intervals)), {}


@st.composite
def apart(draw):
    """Two arrays that broadcast together and tie nowhere."""
    a, b = draw(broadcastable(2, max_dims=3, max_side=3))
    both = draw(arrays((prod(a) + prod(b),), distinct=True))
    return (both[: prod(a)].reshape(a), both[prod(a) :].reshape(b)), {}


@st.composite
def chosen(draw):
    """A condition and two arrays that broadcast together."""
    a, b, c = draw(broadcastable(3, **SMALL))
    return (draw(arrays(a)) > 0, draw(arrays(b)), draw(arrays(c))), {}


@st.composite
def reduced(draw, parameters=None, min_side=1, axes="any", **values):
    """An array, and the axes to reduce: all, some or one of them."""
    x = draw(arrays(shapes(**SMALL, min_dims=axes == "one", min_side=min_side), **values))
    axis = st.integers(-x.ndim, x.ndim - 1)
    some = st.lists(st.integers(0, max(x.ndim - 1, 0)), unique=True, max_size=x.ndim).map(tuple)
    strategy = axis if axes == "one" else st.one_of(st.none(), some, *[axis] * (x.ndim > 0))
    drawn = {name: draw(strategy) for name, strategy in (parameters or {}).items()}
    return (x,), {"axis": draw(strategy), **drawn}


KEEP, UNBIASED = {"keepdims": st.booleans()}, {"unbiased": st.booleans()}


def of_several(drawn):
    """Whether each reduction takes more than one element, so that the unbiased variance of them exists."""
    (x,), parameters = drawn
    return x.size > oracles.sum(x, parameters["axis"]).size


@st.composite
def reshaped(draw):
    x = draw(arrays(shapes(**SMALL, min_side=0)))
    return (x,), {"to": draw(st.permutations([*x.shape, 1]).map(tuple))}


@st.composite
def ordered(draw):
    x = draw(arrays(shapes(**SMALL)))
    return (x,), {"order": tuple(draw(st.permutations(range(x.ndim))))}


@st.composite
def exchanged(draw):
    x = draw(arrays(shapes(**SMALL, min_dims=1)))
    axis = st.integers(-x.ndim, x.ndim - 1)
    return (x,), {"a": draw(axis), "b": draw(axis)}


@st.composite
def expanded(draw):
    small, other = draw(broadcastable(2, **SMALL))
    full = np.broadcast_shapes(small, other)
    kept = [n == m and draw(st.booleans()) for n, m in zip((None,) * (len(full) - len(small)) + small, full)]
    return (draw(arrays(small)),), {"to": tuple(-1 if keep else n for keep, n in zip(kept, full))}


@st.composite
def repeated(draw):
    x = draw(arrays(shapes(max_dims=2, max_side=3)))
    return (x,), {"sizes": tuple(draw(st.lists(st.integers(1, 3), min_size=x.ndim, max_size=x.ndim + 1)))}


@st.composite
def joined(draw, same=False):
    """Two to four arrays that are equal in shape, or but for one axis."""
    sides = draw(shapes(max_dims=3, max_side=3, min_dims=not same))
    axis = draw(st.integers(-len(sides) - same, len(sides) - 1 + same))
    lengths = draw(st.lists(st.integers(0, 3), min_size=2, max_size=4))
    sizes = [sides if same else (*sides[:axis], n, *sides[axis:][1:]) for n in lengths]
    return tuple(draw(arrays(n)) for n in sizes), {"axis": axis}


@st.composite
def indexed(draw):
    """Slices, integers, None and ..."""
    x = draw(arrays(shapes(max_dims=3, max_side=5)))
    parts = [draw(st.integers(-n, n - 1) | st.slices(n)) for n in x.shape]
    start, stop = sorted(draw(st.tuples(*[st.integers(0, x.ndim)] * 2)))
    new = draw(st.lists(st.none(), max_size=2))
    return (x,), {"index": (*parts[:start], *new, ..., *parts[stop:])}


@st.composite
def indexed_by_numbers(draw, as_list=False):
    """Rows by number, some more than once: a list of them, or an array of up to two axes."""
    x = draw(arrays(shapes(min_dims=1, max_dims=3, max_side=5)))
    row = st.integers(-len(x), len(x) - 1)
    if as_list:
        return (x,), {"index": draw(st.lists(row, min_size=1, max_size=4))}
    n, m = draw(st.integers(0, 3)), draw(st.sampled_from([None, 1, 2]))
    rows = np.array(draw(st.lists(row, min_size=n * (m or 1), max_size=n * (m or 1))), np.int64)
    return (x, rows.reshape((n, m) if m else (n,))), {}


@st.composite
def masked(draw):
    x = draw(arrays(shapes(**SMALL)))
    return (x, draw(arrays(x.shape)) > 0), {}


@st.composite
def scattered(draw):
    x = draw(arrays(shapes(min_dims=1, max_dims=2, max_side=5, min_side=0)))
    n = draw(st.integers(1, 4))
    rows = draw(st.lists(st.integers(0, n - 1), min_size=len(x), max_size=len(x)))
    return (x, np.array(rows, np.int64)), {"n": n}


@st.composite
def gathered(draw):
    x = draw(arrays(shapes(min_dims=1, max_dims=3, max_side=3)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    picked = tuple(draw(st.integers(0, 4 if a == axis % x.ndim else n)) for a, n in enumerate(x.shape))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return (x, rng.integers(0, x.shape[axis], picked)), {"axis": axis}


@st.composite
def cut(draw, pieces):
    x = draw(arrays(shapes(min_dims=1, max_dims=3, max_side=5)))
    return (x,), {"axis": draw(st.integers(-x.ndim, x.ndim - 1)), "pieces": draw(pieces)}


@st.composite
def cut_at(draw):
    x = draw(arrays(shapes(min_dims=1, max_dims=3, max_side=5)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return (x,), {"axis": axis, "places": sorted(draw(st.lists(st.integers(0, x.shape[axis]), max_size=3)))}


@st.composite
def flipped(draw):
    x = draw(arrays(shapes(**SMALL, min_dims=1)))
    return (x,), {"axes": tuple(draw(st.lists(st.integers(0, x.ndim - 1), unique=True, min_size=1)))}


@st.composite
def padded(draw, mode):
    x = draw(arrays(shapes(max_dims=3, max_side=3)))
    last = draw(st.integers(0, x.ndim))
    widest = [n - 1 if mode == "reflect" else 3 for n in x.shape[::-1][:last] for _ in (0, 1)]
    return (x,), {"pad": tuple(draw(st.integers(0, w)) for w in widest), "mode": mode}


@st.composite
def multiplied(draw):
    """Vectors, matrices, and stacks of matrices that broadcast."""
    n, m, k = draw(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 3)))
    a, b = draw(broadcastable(2, max_dims=2, max_side=3))
    left, right = draw(st.sampled_from([(m,), (*a, n, m)])), draw(st.sampled_from([(m,), (*b, m, k)]))
    return (draw(arrays(left)), draw(arrays(right))), {}


@st.composite
def dense(draw, bias):
    rows, features, out = draw(shapes(max_dims=2, max_side=3, min_side=0)), *draw(st.permutations([2, 3, 5]))[:2]
    sizes = [(*rows, features), (out, features), (out,)]
    return tuple(draw(arrays(n)) for n in sizes[: 2 + bias]), {}


@st.composite
def compared(draw, low=-2.0, high=2.0, target=None, reduction=True):
    """An input between the bounds and a target of its shape, between the same ones or its own, nowhere equal."""
    n = draw(shapes(**SMALL))
    x, t = draw(arrays((2, *n), low=0, high=1, distinct=True, margin=0.01))
    a, b = target or (low, high)
    parameters = {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))} if reduction else {}
    return (np.asarray(low + (high - low) * x), np.asarray(a + (b - a) * t)), parameters


def along_each(low, high):
    """An integer for both directions, or a pair."""
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


def each(n):
    return n if isinstance(n, tuple) else (n, n)


@st.composite
def convolved(draw, bias=True, transposed=False):
    """Images and filters, non-square, with stride, padding and dilation; the last pixels may meet no place."""
    n, c, o = draw(st.integers(0, 2)), *draw(st.permutations([1, 2, 3]))[:2]
    kernel = draw(st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 3), (3, 2)]))
    ways = {"stride": draw(along_each(1, 3)), "padding": draw(along_each(0, 2)), "dilation": draw(along_each(1, 2))}
    more = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    at = list(zip(kernel, *(each(way) for way in ways.values()), more))
    if transposed:
        room = [max(0, (2 * p - d * (k - 1) - 1) // s + 1) + 1 for k, s, p, d, _ in at]  # (H − 1)·s + d·(k − 1) ≥ 2·p
        ways["output_padding"] = tuple(draw(st.integers(0, max(s, d) - 1)) for _, s, _, d, _ in at)
    else:
        room = [max(1, d * (k - 1) + 1 - 2 * p) for k, s, p, d, _ in at]
    x = draw(arrays((n, c, *(r + m for r, m in zip(room, more)))))
    w = draw(arrays((c, o, *kernel) if transposed else (o, c, *kernel)))
    return (x, w, draw(arrays((o,))))[: 2 + bias], ways


@st.composite
def convolved_with_output(draw):
    (x, w), ways = draw(convolved(bias=False))
    ways = {"kernel": w.shape[2:], "stride": each(ways["stride"]), "dilation": each(ways["dilation"])}
    reach = [d * (k - 1) + 1 for k, d in zip(ways["kernel"], ways["dilation"])]
    y = tuple(draw(st.integers(1, 3)) for _ in reach)
    size = tuple(r + (m - 1) * s + draw(st.integers(0, 1)) for r, m, s in zip(reach, y, ways["stride"]))
    return (draw(arrays((*x.shape[:2], *size))), draw(arrays((x.shape[0], w.shape[0], *y)))), ways


@st.composite
def pooled(draw, padded=True, **values):
    """Images, non-square, and windows that may overlap, leave gaps, or leave out the last rows and columns."""
    kernel = draw(along_each(1, 3))
    ways = {"kernel_size": kernel, "stride": draw(st.one_of(st.none(), along_each(1, 4)))}
    if padded:
        ways["padding"] = tuple(draw(st.integers(0, k // 2)) for k in each(kernel))
    sides = tuple(k + draw(st.integers(0, 3)) for k in each(kernel))
    return (draw(arrays((draw(st.integers(0, 2)), draw(st.integers(1, 2)), *sides), low=-5, high=5, **values)),), ways


@st.composite
def won(draw, of_input):
    """Values for each window, or for each pixel, and images whose maxima say where they go or come from."""
    (x,), ways = draw(pooled(padded=False, **DISTINCT))
    ways = {"kernel_size": each(ways["kernel_size"]), "stride": each(ways["stride"] or ways["kernel_size"])}
    shape = x.shape if of_input else oracles.windows(x, **ways)[0]
    return (draw(arrays(shape)), x), ways


def by_winners(op):
    """`op` with the winners of a maximum pooling of x."""

    def f(g, x, kernel_size, stride):
        size = oracles.windows(x, kernel_size, stride)[0][2:]
        largest = pool.MaxPool2d((kernel_size, stride, size, x.shape[2:]))
        largest(x)
        return op(largest.geometry, largest.winners)(g)

    return f


@st.composite
def labelled(draw, **values):
    """Logits (N, C, ...) and a label for each example, or for each place of it."""
    n, c, *places = draw(shapes(min_dims=2, max_dims=4, max_side=5))
    x = draw(arrays((n, c, *places), **values))
    labels = np.random.default_rng(draw(st.integers(0, 99))).integers(0, c, (n, *places))
    return (x, labels), {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))}


@st.composite
def channels(draw, of_channel=(), places=(0, 1, 2)):
    """x (N, C, ...) of at least three values per channel, and for each of the bounds an array (C,) between them."""
    n, c, *sides = draw(st.permutations([2, 3, 5, 1]))[: 2 + draw(st.sampled_from(places))]
    x = draw(arrays((n + (n * prod(sides) < 3) * 2, c, *sides), distinct=True, margin=0.01))
    return (x, *(draw(arrays((c,), low=low, high=high)) for low, high in of_channel)), {}


@st.composite
def rows(draw, affine=True):
    """x, whose last axes, of at least three elements, are normalised; and arrays of the shape of these."""
    normalized = draw(st.sampled_from([(3,), (5,), (2, 3), (5, 2), (3, 1)]))
    leading = draw(shapes(max_dims=2, max_side=3, min_side=0))
    x = draw(arrays((*leading, *normalized), distinct=True, margin=0.01))
    return (x, *(draw(arrays(normalized)) for _ in range(2 * affine))), {"normalized_shape": normalized}


def has_examples(drawn):
    return drawn[0][0].ndim > 0


def dropped(x, p, seed):
    """Dropout with the mask of a seed, so that it is the same function each time."""
    mg.manual_seed(seed)
    return F.dropout(x, p)


@st.composite
def looked_up(draw):
    """A table, and numbers of its rows, some more than once."""
    weight = draw(arrays(shapes(min_dims=2, max_dims=2, max_side=5)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return (rng.integers(0, len(weight), draw(shapes(max_dims=2, max_side=5, min_side=0))), weight), {}


@st.composite
def numbered(draw):
    """Numbers below that of the classes."""
    n = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return (rng.integers(0, n, draw(shapes(**SMALL, min_side=0))),), {"num_classes": n}


@st.composite
def sequences(draw, gates=1, states=1, bias=True, relu=False):
    """A sequence (T, B, I), states (B, H), weights (G·H, I) and (G·H, H), and two biases (G·H,), or none.

    For `relu` one bias of ±3 holds each unit on its side of the kink against weights that are small.
    """
    steps, hidden, other = draw(st.permutations([1, 2, 3]))
    batch, features = draw(st.permutations([other, 5]) | st.just((0, other)))
    rows = gates * hidden
    sizes = [(steps, batch, features), *[(batch, hidden)] * states, (rows, features), (rows, hidden), (rows,), (rows,)]
    xs = [draw(arrays(n)) for n in (sizes if bias else sizes[:-2])]
    if relu:
        x, h, *weights, b = xs
        return (x, h, *(0.03 * w for w in weights), 3 * np.sign(b)), {"nonlinearity": "relu"}
    return tuple(xs), {}


# ------------------------------------------------------------------ the table
AROUND, POSITIVE, AWAY = (-2, 2), (0.2, 2), dict(kinks=[0])

ROWS = [
    Row("add", elementwise.Add, mg.add, oracles.add, several(AROUND, AROUND)),
    Row("add, operator", elementwise.Add, lambda x, y: x + y, oracles.add, several(AROUND, AROUND)),
    Row("sub", elementwise.Sub, mg.sub, oracles.sub, several(AROUND, AROUND)),
    Row("mul", elementwise.Mul, mg.mul, oracles.mul, several(AROUND, AROUND)),
    Row("div", elementwise.Div, mg.div, oracles.div, several(AROUND, POSITIVE)),
    Row("reciprocal", elementwise.Div, mg.reciprocal, oracles.reciprocal, one(**AWAY)),
    Row("neg", elementwise.Neg, mg.neg, oracles.neg, one()),
    Row("pow", elementwise.Pow, mg.pow, oracles.pow, several(POSITIVE, AROUND)),
    Row("pow, whole numbers", elementwise.Pow, lambda x, n: x**n, lambda x, n: oracles.pow(x, np.array(float(n))),
        one(**AWAY, parameters={"n": st.sampled_from([0, 1, 3, 4, -1, -2])})),
    Row("pow, of a number", elementwise.Pow, lambda x, a: a**x, lambda x, a: oracles.pow(np.array(a), x),
        one(parameters={"a": st.sampled_from([0.5, 2.5])})),
    Row("square", elementwise.Square, mg.square, oracles.square, one()),
    Row("sqrt", elementwise.Sqrt, mg.sqrt, oracles.sqrt, one(low=0.2)),
    Row("abs", elementwise.Abs, mg.abs, oracles.abs, one(**AWAY)),
    Row("sign", elementwise.Sign, mg.sign, oracles.sign, one(**AWAY)),
    Row("exp", elementwise.Exp, mg.exp, oracles.exp, one()),
    Row("expm1", elementwise.Expm1, mg.expm1, oracles.expm1, one()),
    Row("log", elementwise.Log, mg.log, oracles.log, one(low=0.2)),
    Row("log1p", elementwise.Log1p, mg.log1p, oracles.log1p, one(low=-0.8)),
    Row("sin", elementwise.Sin, mg.sin, oracles.sin, one(low=-6, high=6)),
    Row("cos", elementwise.Cos, mg.cos, oracles.cos, one(low=-6, high=6)),
    Row("tanh", elementwise.Tanh, mg.tanh, oracles.tanh, one()),
    Row("sigmoid", elementwise.Sigmoid, mg.sigmoid, oracles.sigmoid, one(low=-6, high=6)),
    Row("relu", elementwise.ReLU, mg.relu, oracles.relu, one(**AWAY)),
    Row("leaky_relu", elementwise.LeakyReLU, F.leaky_relu, oracles.leaky_relu,
        one(**AWAY, parameters={"negative_slope": st.sampled_from([0.01, 0.2, 3.0])})),
    Row("softplus", elementwise.Softplus, F.softplus, oracles.softplus, one(low=-6, high=6)),
    Row("maximum", elementwise.Maximum, mg.maximum, oracles.maximum, apart()),
    Row("minimum", elementwise.Minimum, mg.minimum, oracles.minimum, apart()),
    Row("clamp", elementwise.Clamp, lambda x, to: mg.clamp(x, **to), lambda x, to: oracles.clamp(x, **to),
        one(low=-4, high=4, kinks=[-1, 1],
            parameters={"to": st.sampled_from([{"min": -1, "max": 1}, {"min": -1}, {"max": 1}])})),
    Row("astype", elementwise.AsType, lambda x: x.float(), oracles.to_float32, one()),
    Row("where", elementwise.Where, mg.where, oracles.where, chosen()),
    Row("to", elementwise.Move, lambda x: elementwise.Move(x.device)(x), oracles.clone, one()),
    Row("clone", elementwise.Clone, mg.clone, oracles.clone, one()),
    # -------------------------------------------------------------- reductions
    Row("sum", reduce.Sum, mg.sum, oracles.sum, reduced(KEEP, min_side=0)),
    Row("mean", reduce.Mean, mg.mean, oracles.mean, reduced(KEEP)),
    Row("var", reduce.Var, mg.var, oracles.var, reduced({**KEEP, "unbiased": st.just(False)})),
    Row("var, unbiased", reduce.Var, mg.var, oracles.var, reduced(KEEP, min_side=2).filter(of_several)),
    Row("std", reduce.Norm, mg.std, oracles.std,
        reduced(KEEP | UNBIASED, min_side=2, **DISTINCT).filter(of_several)),
    Row("norm", reduce.Norm, mg.norm, oracles.norm, reduced(KEEP, **AWAY)),
    Row("norm, of order 1", reduce.Norm, mg.norm, oracles.norm, reduced({**KEEP, "p": st.just(1)}, **AWAY)),
    Row("norm, of any order", reduce.PNorm, mg.norm, oracles.norm,
        reduced({**KEEP, "p": st.sampled_from([1.5, 3, 4.0])}, **AWAY)),
    Row("norm, of order inf", reduce.AMax, mg.norm, oracles.norm,
        reduced({**KEEP, "p": st.just(np.inf)}, low=0.05, **DISTINCT)),
    Row("amax", reduce.AMax, mg.amax, oracles.amax, reduced(KEEP, **DISTINCT)),
    Row("amin", reduce.AMin, mg.amin, oracles.amin, reduced(KEEP, **DISTINCT)),
    Row("max", reduce.AMax, mg.max, oracles.amax, one(shapes(**SMALL), KEEP, **DISTINCT)),
    Row("min", reduce.AMin, mg.min, oracles.amin, one(shapes(**SMALL), KEEP, **DISTINCT)),
    Row("max, along an axis", index.GetItem, lambda x, axis, keepdims: mg.max(x, axis, keepdims).values, oracles.amax,
        reduced(KEEP, axes="one", **DISTINCT)),
    Row("min, along an axis", index.GetItem, lambda x, axis, keepdims: mg.min(x, axis, keepdims).values, oracles.amin,
        reduced(KEEP, axes="one", **DISTINCT)),
    Row("argmax", Op, mg.argmax, oracles.argmax, reduced(KEEP, axes="one", **DISTINCT), order=0),
    Row("argmin", Op, mg.argmin, oracles.argmin, reduced(KEEP, axes="one", **DISTINCT), order=0),
    Row("logsumexp", reduce.LogSumExp, mg.logsumexp, oracles.logsumexp, reduced(KEEP)),
    Row("softmax", reduce.Softmax, mg.softmax, oracles.softmax, reduced(axes="one")),
    Row("log_softmax", reduce.LogSoftmax, mg.log_softmax, oracles.log_softmax, reduced(axes="one")),
    # -------------------------------------------------------------- shapes
    Row("reshape", shape.Reshape, lambda x, to: mg.reshape(x, to), oracles.reshape, reshaped()),
    Row("flatten", shape.Reshape, mg.flatten, oracles.flatten, one()),
    Row("flatten, some axes", shape.Reshape, mg.flatten, oracles.flatten, one(shapes(3, 3),
        {"start_dim": st.sampled_from([0, 1, -2]), "end_dim": st.sampled_from([1, 2, -1])})),
    Row("squeeze", shape.Reshape, mg.squeeze, lambda x: oracles.reshape(x, tuple(n for n in x.shape if n != 1)), one()),
    Row("unsqueeze", shape.Reshape, mg.unsqueeze, lambda x, axis: oracles.reshape(x, (*x.shape[:axis], 1,
        *x.shape[axis:])), one(shapes(min_dims=2, max_dims=2), parameters={"axis": st.integers(0, 2)})),
    Row("permute", shape.Permute, lambda x, order: mg.permute(x, order), oracles.permute, ordered()),
    Row("transpose", shape.Permute, mg.transpose, oracles.transpose, exchanged()),
    Row("transpose, all axes", shape.Permute, lambda x: x.T, lambda x: oracles.permute(x, range(x.ndim)[::-1]), one()),
    Row("broadcast_to", shape.BroadcastTo, lambda x, to: ops.broadcast_to(x, to), oracles.broadcast_to, expanded()),
    Row("repeat", shape.BroadcastTo, lambda x, sizes: ops.repeat(x, sizes), oracles.repeat, repeated()),
    Row("cat", shape.Concatenate, lambda *xs, axis: mg.cat(xs, axis), oracles.cat, joined()),
    Row("stack", shape.Concatenate, lambda *xs, axis: mg.stack(xs, axis), oracles.stack, joined(same=True)),
    # -------------------------------------------------------------- indexing
    Row("getitem", index.GetItem, lambda x, index: x[index], oracles.getitem, indexed()),
    Row("getitem, by arrays", index.GetItem, lambda x, i: x[i], oracles.getitem, indexed_by_numbers()),
    Row("getitem, by a list", index.GetItem, lambda x, index: x[index], oracles.getitem,
        indexed_by_numbers(as_list=True)),
    Row("getitem, by a mask", index.GetItem, lambda x, mask: x[mask], oracles.getitem, masked()),
    Row("scatter_add", index.ScatterAdd, lambda x, i, n: ops.scatter_add(x, i.data, (n, *x.shape[1:])),
        lambda x, i, n: oracles.scatter_add(x, i, (n, *x.shape[1:])), scattered()),
    Row("gather", index.GetItem, lambda x, i, axis: mg.gather(x, axis, i),
        lambda x, i, axis: oracles.gather(x, axis, i), gathered()),
    Row("flip", index.GetItem, lambda x, axes: ops.flip(x, axes), oracles.flip, flipped()),
    Row("split", index.GetItem, lambda x, pieces, axis: mg.cat(mg.split(x, pieces, axis)[::-1], axis),
        lambda x, pieces, axis: oracles.cat(*oracles.split(x, pieces, axis)[::-1], axis=axis), cut(st.integers(1, 4))),
    Row("split, into sizes", index.GetItem, lambda x, places, axis: mg.cat(mg.split(x, np.diff([0, *places,
        x.shape[axis]]).tolist(), axis)[::-1], axis),
        lambda x, places, axis: oracles.cat(*np.split(x, places, axis)[::-1], axis=axis), cut_at()),
    Row("chunk", index.GetItem, lambda x, pieces, axis: mg.cat(mg.chunk(x, pieces, axis)[::-1], axis),
        lambda x, pieces, axis: oracles.cat(*oracles.split(x, -(-x.shape[axis] // pieces), axis)[::-1], axis=axis),
        cut(st.integers(1, 4))),
    Row("pad", Pad, lambda x, pad, mode: mg.pad(x, pad, mode, 7.5), lambda x, pad, mode: oracles.pad(x, pad, mode, 7.5),
        padded("constant")),
    Row("pad, reflect", index.GetItem, mg.pad, oracles.pad, padded("reflect")),
    Row("pad, replicate", index.GetItem, mg.pad, oracles.pad, padded("replicate")),
    # -------------------------------------------------------------- products and losses
    Row("matmul", linalg.MatMul, mg.matmul, oracles.matmul, multiplied()),
    Row("linear", linalg.Linear, F.linear, oracles.linear, dense(bias=True)),
    Row("linear, no bias", linalg.Linear, F.linear, oracles.linear, dense(bias=False)),
    Row("embedding", index.GetItem, F.embedding, lambda i, w: oracles.getitem(w, i), looked_up()),
    Row("one_hot", Op, F.one_hot, oracles.one_hot, numbered(), order=0),
    Row("rnn", RNN, ops.rnn, oracles.rnn, sequences()),
    Row("rnn, relu", RNN, ops.rnn, oracles.rnn, sequences(relu=True)),
    Row("rnn, no bias", RNN, ops.rnn, oracles.rnn, sequences(bias=False)),
    Row("lstm", LSTM, ops.lstm, oracles.lstm, sequences(gates=4, states=2)),
    Row("lstm, no bias", LSTM, ops.lstm, oracles.lstm, sequences(gates=4, states=2, bias=False)),
    Row("mse_loss", loss.SquaredError, F.mse_loss, oracles.mse, compared()),
    Row("rmse_loss", reduce.Norm, ops.rmse_loss, oracles.rmse, compared(reduction=False)),
    Row("binary_cross_entropy", loss.BinaryCrossEntropy, F.binary_cross_entropy, oracles.bce,
        compared(0.05, 0.95, target=(0.1, 0.9))),
    Row("binary_cross_entropy_with_logits", loss.BCEWithLogits, F.binary_cross_entropy_with_logits,
        oracles.bce_with_logits, compared(-6.0, 6.0, target=(0.1, 0.9))),
    # -------------------------------------------------------------- images
    Row("conv2d", conv.Conv2d, F.conv2d, oracles.conv2d, convolved()),
    Row("conv2d, no bias", conv.Conv2d, F.conv2d, oracles.conv2d, convolved(bias=False)),
    Row("conv_transpose2d", conv.ConvTranspose2d, F.conv_transpose2d, oracles.conv_transpose2d,
        convolved(transposed=True)),
    Row("conv_transpose2d, no bias", conv.ConvTranspose2d, F.conv_transpose2d, oracles.conv_transpose2d,
        convolved(bias=False, transposed=True)),
    Row("conv2d, gradient of the weight", conv.Conv2dWeightGrad,
        lambda x, y, kernel, stride, dilation: conv.Conv2dWeightGrad(kernel, stride, dilation)(x, y),
        oracles.conv2d_weight_grad, convolved_with_output()),
    Row("max_pool2d", pool.MaxPool2d, F.max_pool2d, oracles.max_pool2d, pooled(**DISTINCT)),
    Row("max_pool2d, its gradient", pool.Spread2d, by_winners(pool.Spread2d), oracles.to_winners, won(False)),
    Row("max_pool2d, the gradient's", pool.SumPool2d, by_winners(pool.SumPool2d), oracles.from_winners, won(True)),
    Row("avg_pool2d", pool.SumPool2d, F.avg_pool2d, oracles.avg_pool2d, pooled()),
    Row("interpolate", pool.Spread2d, F.interpolate, oracles.interpolate,
        one(st.tuples(st.integers(0, 2), *map(st.just, (3, 2, 5))), parameters={"scale_factor": along_each(1, 3)})),
    Row("l1_loss", elementwise.Abs, F.l1_loss, oracles.l1, compared()),
    Row("nll_loss", index.GetItem, F.nll_loss, oracles.nll, labelled(low=-4, high=0)),
    Row("cross_entropy", loss.CrossEntropy, F.cross_entropy, oracles.cross_entropy, labelled()),
    Row("gaussian_kl", loss.GaussianKL, ops.gaussian_kl, oracles.gaussian_kl, compared().filter(has_examples)),
    # -------------------------------------------------------------- normalisation
    Row("batch_norm", elementwise.Mul, lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b), oracles.batch_norm_evaluated,
        channels([AROUND, POSITIVE, AROUND, AROUND])),
    Row("batch_norm, without weights", elementwise.Mul, F.batch_norm, oracles.batch_norm_evaluated,
        channels([AROUND, POSITIVE])),
    Row("batch_norm, training", BatchNorm, lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        oracles.batch_norm, channels([AROUND, AROUND])),
    Row("batch_norm, training without weights", BatchNorm, lambda x: F.batch_norm(x, None, None, training=True),
        oracles.batch_norm, channels()),
    Row("layer_norm", LayerNorm, lambda x, w, b, normalized_shape: F.layer_norm(x, normalized_shape, w, b),
        lambda x, w, b, normalized_shape: oracles.layer_norm(x, normalized_shape, w, b), rows()),
    Row("layer_norm, without weights", LayerNorm, F.layer_norm, oracles.layer_norm, rows(affine=False)),
    Row("dropout", elementwise.Mul, dropped, oracles.dropout,
        one(parameters={"p": st.sampled_from([0.0, 0.3, 0.5]), "seed": st.integers(0, 9)})),
]  # fmt: skip
