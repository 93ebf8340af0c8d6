"""Gradient checking: does a gradient agree with how its function really changes?

Read in this order: `numeric_grad`, the definition; `gradcheck` and `gradgradcheck`, what people call; `_check`, which
compares entry by entry; `_refined`, the best derivative that differences can give, with an error bar. `diagnosis.py`
looks for the mistake behind a wrong gradient.

What is checked is L = Σ c·f with a random cotangent c: under ones many a wrong gradient is right by chance, as that of
softmax is then 0.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .autograd import Op, _broadcasts_to, _fitted, grad
from .diagnosis import Diagnosis, GradientError, Report, diagnose
from .tensor import Tensor, plain


# ------------------------------------------------------------------ what the user calls
def numeric_grad(f, inputs, cotangent=None) -> tuple[np.ndarray, ...]:
    """∂L/∂input of L = Σ cotangent·f(*inputs), for each floating-point input, by central differences.

    Each entry is (L(x + h) − L(x − h)) / 2h in float64, where h is ε^⅓ times the size of x: there rounding, ε·|L|/h,
    and truncation, h²·|L‴|/6, are about equal. The cotangent has f's shape; without one it is all ones. `f` and
    `inputs` are those of `gradcheck`.

    >>> numeric_grad(lambda x: x**3, Tensor([1.0, 2.0]))[0].round(6)
    array([ 3., 12.])
    """
    problem = _problem(f, inputs)
    y = problem.evaluate(problem.arrays)
    c = np.ones(y.shape) if cotangent is None else np.asarray(plain(cotangent), np.float64)
    if c.shape != y.shape:
        raise ValueError(f"the cotangent has shape {c.shape}, and what {problem.name} returns has {y.shape}")
    return tuple(np.tensordot(c, _jacobian(problem, k), c.ndim) for k in range(len(problem.arrays)))


def gradcheck(f, inputs, order: int = 1, *, rtol: float | None = None, samples: int = 200, seed: int = 0) -> Checked:
    """Compare the gradients of f with finite differences, entry by entry; raise `GradientError` where they differ.

    Parameters
    ----------
    f : a function of Tensors that returns one or a tuple of them; a Module, whose parameters are checked too, by name;
        or an Op, each ``grad_<input>`` of which is then called by itself, on arrays
    inputs : a Tensor, array or number, or a tuple of them. What is floating-point is checked, on a float64 copy
    order : 1, or 2 to check second derivatives as well, which a gradient penalty needs
    rtol : the relative error allowed beyond the noise of the differences; by default 1e-6, to second order 1e-4
    samples : how many entries of each input to check, drawn with `seed`; an input of fewer is checked whole

    Returns
    -------
    Checked : how many entries agree; how many lie at a kink, where there is no derivative to compare with; and how many
        stay open, because the differences there are nothing but noise

    >>> gradcheck(lambda x, y: x * y.tanh(), (Tensor([1.0, 2.0]), Tensor([[0.5], [1.5]])))
    Checked(agree=4, kinks=0, open=0)
    """
    if order not in (1, 2):
        raise ValueError(f"gradcheck: order is 1 or 2, not {order!r}")
    checked = _check(_problem(f, inputs), 1, rtol or 1e-6, samples, seed)
    if order == 2:
        second = gradgradcheck(f, inputs, rtol=rtol, samples=samples, seed=seed)
        checked = Checked(*(a + b for a, b in zip(checked, second)))
    return checked


def gradgradcheck(f, inputs, *, rtol: float | None = None, samples: int = 200, seed: int = 0) -> Checked:
    """`gradcheck` of the gradient, as a function of the inputs and of its cotangent: the second derivatives."""
    return _check(_of_gradient(_call(f, inputs)), 2, rtol or 1e-4, samples, seed)


class Checked(NamedTuple):
    """How many entries of all gradients agree with differences, lie at a kink, or stay open (see `gradcheck`)."""

    agree: int
    kinks: int
    open: int


# ------------------------------------------------------------------ what is checked, as functions of arrays
class Problem(NamedTuple):
    """`evaluate(arrays)` is the output; `gradients(arrays, c, create_graph)` are ∂(Σ c·output)/∂array by formula."""

    name: str
    names: list[str]
    arrays: list[np.ndarray]
    evaluate: Callable
    gradients: Callable


class Call(NamedTuple):
    """A function of Tensors: `run(arrays)` gives its leaves, made of the arrays, and the list of its outputs."""

    name: str
    names: list[str]
    arrays: list[np.ndarray]
    run: Callable


def _problem(f, inputs):
    return _of_op(f, inputs) if isinstance(f, Op) else _of_call(_call(f, inputs))


def _as_inputs(inputs):
    """The inputs as a list, with float64 copies of what is floating-point, and the places of those."""
    inputs = [plain(x) for x in (inputs if isinstance(inputs, (tuple, list)) else (inputs,))]
    places = [i for i, x in enumerate(inputs) if isinstance(x, float) or getattr(x, "dtype", np.dtype(int)).kind == "f"]
    for i in places:
        inputs[i] = np.array(inputs[i], np.float64)
    return inputs, places


def _replaced(inputs, places, values):
    inputs = list(inputs)
    for i, value in zip(places, values):
        inputs[i] = value
    return inputs


def _call(f, inputs):
    if isinstance(f, type) or not callable(f):
        raise TypeError(f"gradcheck takes a function, a module or an op, not {f!r:.60}; of a class give an instance")
    inputs, places = _as_inputs(inputs)
    name = getattr(f, "__name__", type(f).__name__).replace("<lambda>", "the function")
    function, parameters = f, {}
    if isinstance(f, Op):
        function = lambda *xs: copy.copy(f)(*xs)  # noqa: E731
    elif hasattr(f, "named_parameters"):
        function = copy.deepcopy(f).double()
        parameters = dict(function.named_parameters())
    if not places and not parameters:
        raise TypeError("gradcheck needs a floating-point input: only real numbers have gradients")

    def run(arrays):
        leaves = [Tensor(a, requires_grad=True) for a in arrays[: len(places)]]
        for parameter, a in zip(parameters.values(), arrays[len(places) :]):
            parameter.data = a
        outputs = function(*_replaced([Tensor(x) if hasattr(x, "dtype") else x for x in inputs], places, leaves))
        outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
        for y in outputs:
            if not isinstance(y, Tensor):
                raise TypeError(f"{name} must return a Tensor or a tuple of them, not {type(y).__name__}")
        return leaves + list(parameters.values()), [y for y in outputs if y.dtype.kind == "f"]

    names = [_parameter_names(f, len(inputs))[i] for i in places] + list(parameters)
    return Call(name, names, [inputs[i] for i in places] + [p.data for p in parameters.values()], run)


def _parameter_names(f, n):
    """What f calls its first n arguments."""
    parameters = inspect.signature(getattr(f, "forward", f)).parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:n]
    return names + [f"input {i}" for i in range(len(names), n)]


def _of_call(call):
    def evaluate(arrays):
        return _joined([y.data for y in call.run(arrays)[1]])

    def gradients(arrays, c, create_graph=False):
        leaves, ys = call.run(arrays)
        cs = np.split(c.ravel(), np.cumsum([y.numel() for y in ys])[:-1])
        found = _grad(ys, [Tensor(part.reshape(y.shape)) for part, y in zip(cs, ys)], leaves, create_graph)
        return [np.zeros(a.shape) if g is None else g.data for g, a in zip(found, arrays)]

    return Problem(call.name, call.names, call.arrays, evaluate, gradients)


def _of_gradient(call):
    """The first gradient as a function in its turn: of the same arrays and of the cotangent of each output."""
    n, rng = len(call.arrays), np.random.default_rng(0)
    cotangents = [rng.standard_normal(y.shape) for y in call.run(call.arrays)[1]]

    def run(arrays):
        leaves, ys = call.run(arrays[:n])
        cs = [Tensor(a, requires_grad=True) for a in arrays[n:]]
        found = _grad(ys, cs, leaves, create_graph=True)
        precision = min((y.dtype for y in ys), default=np.dtype(float))  # that of what c went through on its way
        return leaves + cs, [g.astype(precision) for g in found if g is not None]

    names = call.names + ["the cotangent"] * len(cotangents)
    return _of_call(Call(call.name, names, call.arrays + cotangents, run))


def _grad(ys, cs, leaves, create_graph):
    """`grad` from those ys that depend on anything; None for a leaf that none of them depends on."""
    pairs = [(y, c) for y, c in zip(ys, cs) if y.requires_grad]
    if not pairs:
        return [None] * len(leaves)
    ys, cs = zip(*pairs)
    return grad(list(ys), leaves, list(cs), create_graph=create_graph, allow_unused=True)


def _joined(outputs):
    """One output as it is, several flat, one after another."""
    return outputs[0] if len(outputs) == 1 else np.concatenate([np.zeros(0), *(y.ravel() for y in outputs)])


def _of_op(op, inputs):
    """Each ``grad_<input>`` by itself, called on arrays as an ordinary backward pass calls it."""
    inputs, places = _as_inputs(inputs)
    methods = op.gradient_names * len(inputs) if op.variadic else op.gradient_names

    def evaluate(arrays):
        return np.asarray(copy.copy(op).forward(*_replaced(inputs, places, arrays)))

    def gradients(arrays, c, create_graph=False):
        node, xs, found = copy.copy(op), _replaced(inputs, places, arrays), []
        y = np.asarray(node.forward(*xs))
        for i in places:
            gradient = getattr(node, methods[i])
            if gradient is None:
                gx = np.zeros(xs[i].shape)
            else:
                gx = np.asarray(gradient(c, y, *xs, i=i) if op.variadic else gradient(c, y, *xs))
            fits = op.broadcasts and _broadcasts_to(xs[i].shape, gx.shape)
            found.append(_fitted(gx, xs[i], op, gradient) if fits else gx)
        return found

    names = [f"xs[{i}]" if op.variadic else methods[i].removeprefix("grad_") for i in places]
    return Problem(type(op).__name__, names, [inputs[i] for i in places], evaluate, gradients)


# ------------------------------------------------------------------ the comparison
def _check(problem, order, rtol, samples, seed):
    rng = np.random.default_rng(seed)
    y = problem.evaluate(problem.arrays)
    if not np.isfinite(y).all():
        raise ValueError(f"gradcheck: {problem.name} is not finite at these inputs; choose some where it is")
    if not np.array_equal(y, problem.evaluate(problem.arrays)):
        raise ValueError(
            f"gradcheck: {problem.name} gave two results for the same inputs: it is random, or overwrites them"
        )
    c = rng.choice((-1.0, 1.0), y.shape) * rng.uniform(0.5, 1.5, y.shape)
    found = problem.gradients(problem.arrays, c.copy())
    kinks, agree, unresolved = [np.zeros(x.shape, bool) for x in problem.arrays], 0, 0
    for k, (x, a) in enumerate(zip(problem.arrays, found)):
        if a.shape != x.shape:
            raise _failure(problem, order, k, (), math.inf, math.inf, c, a)
        floor = 64 * np.finfo(float).eps * np.abs(a).max(initial=0)  # the rounding of the formula itself
        places = list(np.ndindex(x.shape))
        for j in sorted(rng.permutation(x.size)[:samples]):
            index = places[j]
            value, error, kink = _derivative(problem, k, index, y, c, a[index], floor)
            size = max(abs(value), abs(a[index]))
            if math.isnan(a[index]) or not kink and abs(a[index] - value) > rtol * size + error + floor:
                raise _failure(problem, order, k, index, value, error, c, a)
            kinks[k][index] = kink
            unresolved += not kink and not error <= 0.01 * size + floor
            agree += 1
    if order == 1:
        _compare_modes(problem, c, found)
    n = int(sum(mask.sum() for mask in kinks))
    if n:
        _check_kinks_together(problem, y, c, kinks)
    return Checked(agree - n - unresolved, n, unresolved)


def _along(problem, k, index, y):
    """The outputs as a function of t, by which one entry of input k is moved; NaN where f refuses it."""

    def F(t):
        arrays = list(problem.arrays)
        arrays[k] = arrays[k].copy()
        arrays[k][index] += t
        with np.errstate(all="ignore"):
            try:
                return problem.evaluate(arrays)
            except ValueError:
                return np.full(y.shape, np.nan, y.dtype)

    return F


def _size(x, index):
    """How large x is around an entry: what a step is measured by."""
    return max(abs(float(x[index])), math.sqrt(float(np.mean(x * x)))) or 1.0


def _step(y, size):
    return float(np.finfo(y.dtype).eps) ** (1 / 3) * size


def _jacobian(problem, k):
    """∂output/∂(input k) by central differences, of shape output.shape + input.shape."""
    x, y = problem.arrays[k], problem.evaluate(problem.arrays)
    jacobian = np.empty(y.shape + x.shape)
    for index in np.ndindex(x.shape):
        F, h = _along(problem, k, index, y), _step(y, _size(x, index))
        jacobian[(..., *index)] = (F(h) - F(-h)) / (2 * h)
    return jacobian


def _derivative(problem, k, index, y, c, claimed, floor):
    """(dL/dx at the entry, its error, whether it is at a kink): one central difference, refined where it must be."""
    F, x = _along(problem, k, index, y), problem.arrays[k]
    size, eps = _size(x, index), float(np.finfo(y.dtype).eps)
    h = _step(y, size)
    up, down = F(h), F(-h)
    value = float(np.vdot(c, up - down)) / (2 * h)
    moved = (up != y) | (down != y)
    noise = eps * float(np.abs(c * y)[moved].sum()) / h
    bend, slope = (float(np.vdot(np.abs(c), np.abs(d))) for d in (up - 2 * y + down, up - down))
    larger = max(abs(value), abs(claimed))
    if abs(value - claimed) <= 1e-6 * larger + 4 * noise and noise <= 1e-3 * larger and bend <= 0.01 * slope:
        return value, 4 * noise, False
    far = 0.1 * max(size, 1.0)
    rounding = 64 * eps * float(np.abs(c * y).sum()) / size  # of terms that cancel in the formula
    if abs(claimed) <= max(floor, rounding) and all(np.array_equal(F(t), y) for t in (far, -far)):
        return 0.0, rounding, False  # no output depends on the entry
    low = 1e-10 * (abs(float(x[index])) or size)
    return _refined(F, y, c, far * 0.25 ** np.arange(math.ceil(math.log(far / low, 4))))


def _refined(F, y, c, steps):
    """(dF/dt at t = 0 weighed with c, its error, kink) from the central differences at many steps.

    The best step is the one at which the difference changes least from its neighbours'. A kink shows in how F bends:
    |F(h) − 2 F(0) + F(−h)| / h falls with h where F is smooth, and stays where the slope jumps.
    """
    up, down = (np.array([F(t).ravel() for t in signed]) for signed in (steps, -steps))
    keep = (np.isfinite(up) & np.isfinite(down)).all(1)
    up, down, h, y, c = up[keep], down[keep], steps[keep], y.ravel(), c.ravel()
    if len(h) < 5:
        return math.nan, math.inf, False
    moved = ((up != y) | (down != y)).any(0)
    noise = float(np.finfo(y.dtype).eps) * (np.abs(c) * np.maximum(np.abs(up), np.abs(down)))[:, moved].sum(1) / h
    values = (up - down) @ c / (2 * h)
    change = np.abs(np.diff(values))
    errors = noise[1:-1] + np.maximum(change[:-1], change[1:])
    with np.errstate(all="ignore"):
        relative = np.nan_to_num(errors / np.abs(values[1:-1]), nan=0.0)
    best = int(relative.argmin() if relative.min() < 0.01 else errors.argmin())
    error, best = 10 * float(errors[best]), best + 1
    bend = np.abs(up - 2 * y + down) @ np.abs(c) / h
    later = min(best + 2, len(h) - 1)
    kink = bend[later] > max(0.5 * bend[later - 2], 20 * noise[later])
    return float(values[best]), error, bool(kink)


def _compare_modes(problem, c, found):
    """The formulas must give under create_graph, where they run on Tensors, what they give on arrays."""
    for k, recorded in enumerate(problem.gradients(problem.arrays, c, create_graph=True)):
        off = np.abs(recorded - found[k])
        if off.size and not off.max() <= 1e-9 * np.abs(found[k]).max():
            index = np.unravel_index(off.argmax(), off.shape)
            text = (
                "under create_graph=True the same gradient comes out otherwise: a reference that is another function?"
            )
            report = Report(problem.name, problem.names[k], 1, index, recorded, found[k], 0.0, Diagnosis("modes", text))
            raise GradientError(report)


def _check_kinks_together(problem, y, c, kinks):
    """Moved together, entries that are tied stay tied: an output that is smooth along that line has a derivative."""
    sizes = [_size(x, index) for x, mask in zip(problem.arrays, kinks) for index in map(tuple, np.argwhere(mask))]
    h = _step(y, max(sizes))
    bends = []
    for t in (h, h / 16):
        up, down = (problem.evaluate([x + s * mask for x, mask in zip(problem.arrays, kinks)]) for s in (t, -t))
        bends.append(np.abs(up - 2 * y + down) / t)
        if t == h:
            slope = (up - down) / (2 * h)
    noise = float(np.finfo(y.dtype).eps) * (np.abs(y) + np.abs(slope) * h) / h
    c = c * (bends[1] <= np.maximum(0.5 * bends[0], 320 * noise))  # only the outputs that are smooth
    found = problem.gradients(problem.arrays, c)
    parts = [float(g[mask].sum()) for g, mask in zip(found, kinks)]
    value, error = float(np.vdot(c, slope)), 100 * float(np.vdot(np.abs(c), noise))
    if not abs(sum(parts) - value) <= 1e-5 * max(abs(sum(parts)), abs(value)) + error:
        k = int(np.argmax([mask.any() for mask in kinks]))
        text = (
            f"equal elements share one gradient: at the {int(sum(mask.sum() for mask in kinks))} entries in a tie it "
            f"must add up to {value:.6g}, and adds up to {sum(parts):.6g}"
        )
        numeric = np.where(kinks[k], np.nan, found[k])
        index = tuple(int(i) for i in np.argwhere(kinks[k])[0])
        raise GradientError(
            Report(problem.name, problem.names[k], 1, index, found[k], numeric, error, Diagnosis("ties", text))
        )


def _failure(problem, order, k, index, value, error, c, analytic):
    """The GradientError for input k, with the whole gradient by differences if that is cheap, and a diagnosis."""
    x, y = problem.arrays[k], problem.evaluate(problem.arrays)
    numeric = np.full(x.shape, np.nan)
    if x.size <= 2000 and x.size * y.size <= 4_000_000:
        jacobian = _jacobian(problem, k)
        numeric = np.tensordot(c, jacobian, c.ndim)
        others = {
            problem.names[j]: np.tensordot(c, _jacobian(problem, j), c.ndim)
            for j, other in enumerate(problem.arrays)
            if j != k and other.shape == analytic.shape and other.size * y.size <= 4_000_000
        }
        diagnosis = diagnose(analytic, numeric, jacobian, c, others)
    else:
        diagnosis = Diagnosis("unknown", f"the input has {x.size} elements; check a smaller one for a diagnosis")
    if numeric.shape == analytic.shape:
        numeric[index] = value
    if order == 2:
        text = "right itself but not in its derivative: its formula counts a part as a constant (an array, .data, a "
        text += f"saved value) where it must use Tensors and ops; {diagnosis.text}"
        diagnosis = Diagnosis("constant", text)
    return GradientError(Report(problem.name, problem.names[k], order, index, analytic, numeric, error, diagnosis))
