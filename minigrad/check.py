"""Gradient checking: does a gradient agree with how its function really changes?

Read in this order: `numeric_grad`, the definition; `gradcheck` and `gradgradcheck`, what people call; `_check`, which
and `_compare`. `differences.py` has the best derivative that differences can give, with an error bar; `diagnosis.py`
looks for the mistake behind a wrong gradient.

What is checked is L = Σ c·f with a random cotangent c: under ones many a wrong gradient is right by chance, as that of
softmax is then 0.
"""

from __future__ import annotations

import copy
import inspect
import math
from typing import NamedTuple

import numpy as np

from .autograd import Op, _broadcasts_to, _fitted, _recording_is, grad
from .diagnosis import Diagnosis, GradientError, Report, diagnose
from .differences import EPS, Line, Slope, jacobian_of, rounding
from .tensor import Tensor, as_array, plain


# ------------------------------------------------------------------ what the user calls
def numeric_grad(f, inputs, cotangent=None) -> tuple[np.ndarray, ...]:
    """∂L/∂input of L = Σ cotangent·f(*inputs), for each floating-point input, by central differences.

    Each entry is (L(x + h) − L(x − h)) / 2h in float64, where h is ε^⅓ times the size of x: there rounding, ε·|L|/h,
    and truncation, h²·|L‴|/6, are about equal. The cotangent has f's shape; without one it is all ones. `f` and
    `inputs` are those of `gradcheck`.

    >>> numeric_grad(lambda x: x**3, Tensor([1.0, 2.0]))[0].round(6)
    array([ 3., 12.])
    """
    problem = OpProblem(f, inputs, 1) if isinstance(f, Op) else _problem(f, inputs)
    y = problem.evaluate(problem.arrays)
    c = np.ones(y.shape) if cotangent is None else np.asarray(plain(cotangent), np.float64)
    if c.shape != y.shape:
        raise ValueError(f"the cotangent has shape {c.shape}, and what {problem.name} returns has {y.shape}")
    return tuple(np.tensordot(c, jacobian_of(problem, k), c.ndim) for k in range(len(problem.arrays)))


def gradcheck(f, inputs, order: int = 1, *, rtol: float | None = None, samples: int = 200, seed: int = 0) -> Checked:
    """Compare the gradients of f with finite differences, entry by entry; raise `GradientError` where they differ.

    Parameters
    ----------
    f : a function of Tensors that returns one or a tuple of them; a Module, whose parameters are checked too, by name;
        or an Op, each ``grad_<input>`` of which is then called by itself, on arrays (to order 2 also on Tensors)
    inputs : a Tensor, array or number, or a tuple of them. What is floating-point is checked, on a float64 copy
    order : 1, or 2 to check second derivatives as well, which a gradient penalty needs
    rtol : the relative error allowed beyond the noise of the differences; by default 1e-6, to second order 1e-4
    samples : how many entries of each input to check one by one, drawn with `seed`; the others are checked together

    Returns
    -------
    Checked : how many entries agree; how many lie at a kink, where any slope between those of its two sides will do;
        and how many stay open, because the differences there are nothing but noise

    Raises `GradientError` (its `report` is the same as data, and can be drawn) if a gradient is wrong; ValueError if f
    is not finite at the inputs or not the same each time; TypeError if there is nothing to differentiate.

    >>> gradcheck(lambda x, y: x * y.tanh(), (Tensor([1.0, 2.0]), Tensor([[0.5], [1.5]])))
    Checked(agree=4, kinks=0, open=0)
    """
    if order not in (1, 2):
        raise ValueError(f"gradcheck: order is 1 or 2, not {order!r}")
    if samples < 1:
        raise ValueError(f"gradcheck: at least one sample is checked, not {samples}")
    problem = OpProblem(f, inputs, order) if isinstance(f, Op) else _problem(f, inputs)
    checked = _check(problem, 1e-6 if rtol is None else rtol, samples, seed)
    if order == 2:
        second = gradgradcheck(f, inputs, rtol=rtol, samples=samples, seed=seed)
        checked = Checked(*(a + b for a, b in zip(checked, second)))
    return checked


def gradgradcheck(f, inputs, *, rtol: float | None = None, samples: int = 200, seed: int = 0) -> Checked:
    """`gradcheck` of the gradient, as a function of the inputs and of its cotangent: the second derivatives."""
    return _check(_gradient_of(_problem(f, inputs)), 1e-4 if rtol is None else rtol, samples, seed)


class Checked(NamedTuple):
    """How many entries of all gradients agree with differences, lie at a kink, or stay open (see `gradcheck`)."""

    agree: int
    kinks: int
    open: int


# ------------------------------------------------------------------ what is checked, as functions of arrays
class Problem:
    """A function of Tensors as one of arrays: `run(arrays)` gives its leaves, made of the arrays, and its outputs."""

    def __init__(self, name, names, arrays, run, order=1):
        self.name, self.names, self.arrays, self.run, self.order = name, names, arrays, run, order

    def evaluate(self, arrays):
        """The output; several flat, one after another."""
        outputs = [y.data for y in self.run(arrays)[1]]
        return outputs[0] if len(outputs) == 1 else np.concatenate([np.zeros(0), *(y.ravel() for y in outputs)])

    def gradients(self, arrays, c, create_graph=False):
        """∂(Σ c·output)/∂array by formula."""
        leaves, ys = self.run(arrays)
        cs = np.split(c.ravel(), np.cumsum([y.numel() for y in ys])[:-1])
        found = _grad(ys, [Tensor(part.reshape(y.shape)) for part, y in zip(cs, ys)], leaves, create_graph)
        return [np.zeros(a.shape) if g is None else g.data for g, a in zip(found, arrays)]

    def recorded(self, arrays, c):
        """The same under create_graph."""
        try:
            return self.gradients(arrays, c, create_graph=True)
        except (AttributeError, RuntimeError, TypeError) as error:
            where = f"{self.name}: a gradient failed under create_graph=True, where formulas run on Tensors"
            advice = "use operators and functions of minigrad in it, not NumPy's or .data"
            raise type(error)(f"{where}: {advice} ({error})") from error

    def rounded(self, arrays, c, move):
        """The same while every op rounds in another way (see `rounding`)."""
        return self.recorded(arrays, c)


class OpProblem(Problem):
    """Each ``grad_<input>`` of an op by itself, called on arrays as an ordinary backward pass calls it."""

    def __init__(self, op, inputs, order):
        self.inputs, self.places = _as_inputs(inputs)
        self.op, self.methods = op, op.gradient_names * (len(self.inputs) if op.variadic else 1)
        name, n = type(op).__name__, len(self.inputs)
        if len(self.methods) != n:
            raise TypeError(f"{name} takes {len(self.methods)} inputs ({', '.join(self.methods)}), and here are {n}")
        names = [f"xs[{i}]" if op.variadic else self.methods[i].removeprefix("grad_") for i in self.places]
        super().__init__(name, names, [self.inputs[i] for i in self.places], None)
        self.recorded = _problem(op, inputs).recorded if order == 2 else None

    def evaluate(self, arrays):
        y = copy.copy(self.op).forward(*_replaced(self.inputs, self.places, arrays))
        return as_array(y, f"forward of {self.name}")

    def gradients(self, arrays, c, move=None):
        op, xs, found = copy.copy(self.op), _replaced(self.inputs, self.places, [a.copy() for a in arrays]), []
        y = np.asarray(op.forward(*xs))
        if move:
            c, y = move(c), move(y, xs)
        for i in self.places:
            gradient, gx = getattr(op, self.methods[i]), np.zeros(xs[i].shape)
            if gradient is not None:
                gx = gradient(c, y, *xs, i=i) if op.variadic else gradient(c, y, *xs)
            gx = as_array(gx, f"{self.methods[i]} of {self.name}")
            fits = op.broadcasts and _broadcasts_to(xs[i].shape, gx.shape)
            found.append(_fitted(gx, xs[i], op, gradient) if fits else gx)
        return found

    rounded = gradients


def _problem(f, inputs):
    """A function of Tensors, or a module with its parameters, as a Problem."""
    if isinstance(f, type) or not callable(f):
        raise TypeError(f"gradcheck takes a function, a module or an op, not {f!r:.60}; of a class give an instance")
    function, parameters = f, {}
    if isinstance(f, Op):
        function = lambda *xs: copy.copy(f)(*xs)  # noqa: E731
    elif hasattr(f, "named_parameters"):
        function = copy.deepcopy(f).double()
        parameters = {name: p for name, p in function.named_parameters() if p.requires_grad}
    inputs, places = _as_inputs(inputs, parameters)
    name = getattr(f, "__name__", type(f).__name__).replace("<lambda>", "the function")

    def run(arrays):
        leaves = [Tensor(a, requires_grad=True) for a in arrays[: len(places)]]
        for parameter, a in zip(parameters.values(), arrays[len(places) :]):
            parameter.data = a
        outputs = function(*_replaced([Tensor(x) if hasattr(x, "dtype") else x for x in inputs], places, leaves))
        outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
        for y in outputs:
            if not isinstance(y, Tensor):
                raise TypeError(f"{name} must return a Tensor or a tuple of them, not {type(y).__name__}")
        outputs = [y for y in outputs if y.dtype.kind == "f"]
        if not outputs:
            raise TypeError(f"{name} returns nothing of floating point, so that it has no gradient")
        return leaves + list(parameters.values()), outputs

    known = inspect.signature(getattr(f, "forward", f)).parameters.values()
    names = [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][: len(inputs)]
    names += [f"input {i}" for i in range(len(names), len(inputs))]
    arrays = [inputs[i] for i in places] + [p.data for p in parameters.values()]
    return Problem(name, [names[i] for i in places] + list(parameters), arrays, run)


def _gradient_of(problem):
    """The first gradient as a function in its turn: of the same arrays and of the cotangent of each output."""
    n, rng = len(problem.arrays), np.random.default_rng(0)
    cotangents = [rng.standard_normal(y.shape) for y in problem.run(problem.arrays)[1]]

    def run(arrays):
        leaves, ys = problem.run(arrays[:n])
        cs = [Tensor(a, requires_grad=True) for a in arrays[n:]]
        return leaves + cs, [g for g in _grad(ys, cs, leaves, create_graph=True) if g is not None]

    names = problem.names + ["the cotangent"] * len(cotangents)
    return Problem(problem.name, names, problem.arrays + cotangents, run, 2)


def _grad(ys, cs, leaves, create_graph):
    """`grad` from those ys that depend on anything; None for a leaf that none of them depends on."""
    pairs = [(y, c) for y, c in zip(ys, cs) if y.requires_grad]
    if not pairs:
        return [None] * len(leaves)
    ys, cs = zip(*pairs)
    return grad(list(ys), leaves, list(cs), create_graph=create_graph, allow_unused=True)


def _as_inputs(inputs, parameters=()):
    """The inputs as a list, with float64 copies of what is floating-point, and the places of those."""
    inputs = [plain(x) for x in (inputs if isinstance(inputs, (tuple, list)) else (inputs,))]
    places = [i for i, x in enumerate(inputs) if isinstance(x, float) or getattr(x, "dtype", np.dtype(int)).kind == "f"]
    if not places and not parameters:
        raise TypeError("gradcheck needs a floating-point input: only real numbers have gradients")
    return _replaced(inputs, places, [np.array(inputs[i], np.float64) for i in places]), places


def _replaced(inputs, places, values):
    inputs = list(inputs)
    for i, value in zip(places, values):
        inputs[i] = value
    return inputs


# ------------------------------------------------------------------ the comparison
@_recording_is(True)  # also where the caller works under no_grad()
def _check(problem, rtol, samples, seed):
    rng = np.random.default_rng(seed)
    y = problem.evaluate(problem.arrays)
    if not np.isfinite(y).all():
        raise ValueError(f"gradcheck: {problem.name} is not finite at these inputs; choose some where it is")
    if not np.array_equal(y, problem.evaluate(problem.arrays)):
        advice = "it is random (hold that fixed; a module: .eval()) or overwrites them"
        raise ValueError(f"gradcheck: {problem.name} gave two results for the same inputs: {advice}")
    c = np.asarray(rng.choice((-1.0, 1.0), y.shape) * rng.uniform(0.5, 1.5, y.shape))
    found = problem.gradients(problem.arrays, c.copy())
    chosen = [np.union1d(rng.permutation(a.size)[:samples], np.flatnonzero(np.isinf(a))).astype(int) for a in found]
    usual = Comparison(problem, rtol, y, c, found, EPS * np.abs(y), [16 * EPS * np.abs(a) for a in found])
    usual.of_form()
    checked = usual.checked(chosen, first=True)
    if checked and not checked.kinks:
        return checked
    # what looks wrong, or like a kink, may be rounding
    return Comparison(problem, rtol, y, c, found, *rounding(problem, y, c, found)).checked(chosen)


class Comparison:
    """Gradients that were `found` by formula, with rounding errors `floors`, beside differences."""

    def __init__(self, problem, rtol, y, c, found, noise, floors):
        self.problem, self.rtol, self.found, self.floors = problem, rtol, found, floors
        self.line = Line(problem, y, c, noise)
        self.kinks, self.tied = [np.zeros(a.shape, bool) for a in found], {}  # kinds of kinks -> input -> indices

    def checked(self, chosen, first=False):
        """The counts, or the error; at a `first` try None for it."""
        counts, wrong = {"agree": 0, "kinks": 0, "open": 0}, self.between_ways()
        for k, a in enumerate(self.found):
            for j in chosen[k]:
                index = tuple(int(i) for i in np.unravel_index(j, a.shape))
                slope = self.line.slope({k: [index]}, a[index])
                kind = slope.compared(a[index], self.rtol, self.floors[k][index])
                if kind == "wrong":
                    wrong = wrong or (k, index, slope)
                else:
                    counts[kind] += 1
                if slope.bent is not None:
                    self.kinks[k][index] = True
                    self.tied.setdefault(slope.bent.tobytes(), {}).setdefault(k, []).append(index)
            wrong = wrong or self.among(k, np.setdiff1d(np.arange(a.size), chosen[k]))
        wrong = wrong or self.among_tied()
        if wrong and not first:
            raise wrong if isinstance(wrong, GradientError) else self.error(*wrong)
        return None if wrong else Checked(**counts)

    def of_form(self):
        """A gradient has the shape of its array, and numbers in it."""
        for k, (x, a) in enumerate(zip(self.problem.arrays, self.found)):
            if a.shape != x.shape or np.isnan(a).any():
                index = tuple(np.argwhere(np.isnan(a))[0]) if a.shape == x.shape else ()
                raise self.error(k, index, Slope(math.nan, math.nan, math.inf))

    def between_ways(self):
        """The gradient is linear in the cotangent, and the same under create_graph, where formulas run on Tensors."""
        problem, c = self.problem, self.line.c
        halves = [g / -2 for g in problem.gradients(problem.arrays, -2 * c)]
        ways = [("cotangent", "it is not linear in the cotangent g: every term must have g as a factor, once", halves)]
        if problem.recorded and problem.order == 1:
            text = (
                "under create_graph=True the same gradient comes out otherwise: a reference that is another function?"
            )
            ways.append(("modes", text, problem.recorded(problem.arrays, c)))
        for kind, text, others in ways:
            for k, (a, other, floor) in enumerate(zip(self.found, others, self.floors)):
                off = ~(np.abs(other - a) <= 1e-9 * np.abs(a).max(initial=0) + floor) & np.isfinite(a)
                if off.any():
                    index = tuple(int(i) for i in np.argwhere(off)[0])
                    return self.report(k, index, other, a, 0.0, Diagnosis(kind, text))

    def among(self, k, entries):
        """The wrong entry among those that were not chosen: all are moved together, then half of them, ..."""
        a, wrong, parts = self.found[k], None, [entries] if len(entries) else []
        signs = np.random.default_rng(0).choice((-1.0, 1.0), a.size)
        while parts:
            part = parts.pop()
            index = np.unravel_index(part, a.shape)
            claimed, room = float(signs[part] @ a[index]), float(np.linalg.norm(self.floors[k][index]))
            slope = self.line.slope({k: np.transpose(index)}, claimed, signs[part])
            if slope.compared(claimed, self.rtol, room) == "wrong":
                wrong = k, tuple(int(i[0]) for i in index), Slope(*(signs[part[0]] * slope.middle,) * 2, slope.error)
                parts = [half for half in np.array_split(part, 2) if 0 < len(half) < len(part)]
        return wrong

    def among_tied(self):
        """Entries at one kink that move together stay tied: the sum of their gradients is a slope too."""
        for places in self.tied.values():
            at = [(k, index) for k, indices in places.items() for index in indices]
            total, floor = (float(sum(part[k][index] for k, index in at)) for part in (self.found, self.floors))
            slope = self.line.slope(places, total)
            if slope.compared(total, max(self.rtol, 1e-5), floor) == "wrong":
                k, index = at[0]
                text = f"equal elements share one gradient: at the {len(at)} entries in a tie it must add up to "
                diagnosis = Diagnosis("ties", f"{text}{slope.middle:.6g}, and adds up to {total:.6g}")
                numeric = np.where(self.kinks[k], np.nan, self.found[k])
                return self.report(k, index, self.found[k], numeric, slope.error, diagnosis)

    def report(self, k, index, analytic, numeric, error, diagnosis):
        problem = self.problem
        return GradientError(
            Report(problem.name, problem.names[k], problem.order, index, analytic, numeric, error, diagnosis)
        )

    def error(self, k, index, slope):
        """The GradientError for input k, with the whole gradient by differences if that is cheap, and a diagnosis."""
        problem, a, c = self.problem, self.found[k], self.line.c
        x = problem.arrays[k]
        numeric = np.full(x.shape, np.nan)
        if x.size <= 2000 and x.size * c.size <= 4_000_000:
            jacobian = jacobian_of(problem, k)
            numeric = np.tensordot(c, jacobian, c.ndim)
            if a.shape == x.shape:
                numeric[self.kinks[k]] = a[self.kinks[k]]  # nothing is known there
            others = {
                problem.names[j]: np.tensordot(c, jacobian_of(problem, j), c.ndim)
                for j, other in enumerate(problem.arrays)
                if j != k and other.shape == a.shape
            }
            diagnosis = diagnose(a, numeric, jacobian, c, others)
        else:
            diagnosis = Diagnosis("unknown", f"the input has {x.size} elements; check a smaller one for a diagnosis")
        if math.isfinite(slope.middle):
            numeric[index] = slope.middle
        if slope.bent is not None and diagnosis.kind == "small":  # right everywhere else
            diagnosis = Diagnosis("kink", f"at this kink any slope from {slope.low:.6g} to {slope.high:.6g} will do")
        if problem.order == 2 and diagnosis.kind != "not finite":
            text = "right itself but not in its derivative: its formula counts a part as a constant (an array, .data, "
            text += f"a saved value) where it must use Tensors and ops; {diagnosis.text}"
            diagnosis = Diagnosis("constant", text)
        return self.report(k, index, a, numeric, slope.error, diagnosis)
