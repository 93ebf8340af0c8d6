"""Slopes by finite differences, each with an error bar, and how large the rounding errors of a function are.

Read `Line.slope` first. A `problem` is what `check.py` makes of a function: see `Problem` there.
"""

from __future__ import annotations

import contextlib
import math
from typing import NamedTuple

import numpy as np

from .autograd import Op
from .tensor import Tensor, plain

EPS = float(np.finfo(float).eps)


class Slope(NamedTuple):
    """dL/dt at t = 0 by differences: it lies between `low` and `high`, up to `error`.

    The two are equal unless some outputs have a kink there, of which `bent` is the mask: then any slope between those
    on its two sides will do.
    """

    low: float
    high: float
    error: float
    bent: np.ndarray | None = None

    @property
    def middle(self):
        return (self.low + self.high) / 2

    def compared(self, a, rtol, floor):
        """What the slope `a` by formula, with the rounding error `floor`, is: wrong, or a field of `Checked`."""
        if self.error == math.inf:
            return "open"
        size = max(abs(self.low), abs(self.high), abs(a))
        room = (rtol if self.bent is None else 1e-3) * size + self.error + floor
        if math.isinf(a) or not self.low - room <= a <= self.high + room:
            return "wrong"
        if self.bent is not None:
            return "kinks"
        return "agree" if self.error <= 0.01 * size + floor else "open"


class Line(NamedTuple):
    """L = Σ c·output along straight lines through the inputs; `noise` is the rounding error of each output."""

    problem: NamedTuple
    y: np.ndarray
    c: np.ndarray
    noise: np.ndarray

    def slope(self, places, claimed, signs=1.0) -> Slope:
        """That of moving the entries at `places` (input -> indices) together: one central difference, or the best."""
        arrays, y = self.problem.arrays, self.y
        at = {k: tuple(np.array(indices, int).reshape(len(indices), -1).T) for k, indices in places.items()}

        def F(t):
            moved = list(arrays)
            for k, index in at.items():
                moved[k] = arrays[k].copy()
                moved[k][index] += t * signs
            return _evaluated(self.problem, moved, y)

        size = max(max(np.abs(arrays[k][index]).mean(), np.abs(arrays[k]).mean()) for k, index in at.items()) or 1.0
        weight = np.abs(self.c)
        h = float(np.clip((weight * self.noise).sum() / ((weight * np.abs(y)).sum() or 1), EPS, 1e-6)) ** (1 / 3) * size
        up, down = F(h), F(-h)
        value = float(np.vdot(self.c, up - down)) / (2 * h)
        error = 4 * float((weight * self.noise)[(up != y) | (down != y)].sum()) / h
        bend, rise = (float(np.vdot(weight, np.abs(d))) for d in (up - 2 * y + down, up - down))
        larger = max(abs(value), abs(claimed))
        if abs(value - claimed) <= 1e-6 * larger + error and error <= 4e-3 * larger and bend <= 0.01 * rise:
            return Slope(value, value, error)
        far = 0.1 * max(size, 1.0)
        if all(np.array_equal(F(t), y) for t in (far, -far)):
            return Slope(0.0, 0.0, float((weight * self.noise).sum()) / far)  # or less than an ulp
        least = 1e-10 * (min(np.abs(arrays[k][index]).max() for k, index in at.items()) or size)
        return self._refined(F, far * 0.25 ** np.arange(5 + (math.log(far) - math.log(least)) // math.log(4)))

    def _refined(self, F, steps) -> Slope:
        """From differences at many steps: the best one is that at which they change least from their neighbours'.

        A kink shows in how F bends: |F(h) − 2 F(0) + F(−h)| / h falls with h where F is smooth, and stays where the
        slope jumps.
        """
        up, down = (np.array([F(t).ravel() for t in signed]) for signed in (steps, -steps))
        keep = (np.isfinite(up) & np.isfinite(down)).all(1)
        up, down, h = up[keep], down[keep], steps[keep, None]
        y, c, noise = self.y.ravel(), self.c.ravel(), self.noise.ravel()
        if len(h) < 5:
            return Slope(math.nan, math.nan, math.inf)
        moved = ((up != y) | (down != y)).any(0)
        noises = moved * (noise + EPS * np.maximum(np.abs(up), np.abs(down))) / h  # of each output's slope
        total = noises @ np.abs(c)
        values = (up - down) @ c / (2 * h[:, 0])
        change = np.abs(np.diff(values))
        errors = total[1:-1] + np.maximum(change[:-1], change[1:])
        with np.errstate(all="ignore"):
            relative = np.nan_to_num(errors / np.abs(values[1:-1]), nan=0.0)
        best = int(relative.argmin() if relative.min() < 0.01 else errors.argmin())
        hidden = (np.abs(c) * noise)[~moved].sum() / h[0, 0]  # in outputs that change by less than an ulp
        error, best = 10 * float(errors[best]) + float(hidden), best + 1
        bends = np.abs(up - 2 * y + down) / h
        later = min(best + 2, len(h) - 1)
        if bends[later] @ np.abs(c) <= max(0.5 * bends[later - 2] @ np.abs(c), 20 * total[later]):
            return Slope(float(values[best]), float(values[best]), error)
        sides = c * np.array([(up[later] - y), (y - down[later])]) / h[later]
        bent = bends[later] > np.maximum(0.5 * bends[later - 2], 20 * noises[later])
        return Slope(float(sides.min(0).sum()), float(sides.max(0).sum()), 10 * float(total[later]), bent)


def _evaluated(problem, arrays, y):
    """The output, NaN where f refuses the inputs."""
    with np.errstate(all="ignore"):
        try:
            return problem.evaluate(arrays)
        except ValueError:
            return np.full(y.shape, np.nan)


def jacobian_of(problem, k):
    """∂output/∂(input k) by central differences, of shape output.shape + input.shape."""
    x, y = problem.arrays[k], problem.evaluate(problem.arrays)
    jacobian = np.empty(y.shape + x.shape)
    for index in np.ndindex(x.shape):
        h = float(np.finfo(y.dtype).eps) ** (1 / 3) * (max(abs(float(x[index])), np.abs(x).mean()) or 1.0)
        sides = []
        for t in (h, -h):
            moved = x.copy()
            moved[index] += t
            sides.append(_evaluated(problem, [*problem.arrays[:k], moved, *problem.arrays[k + 1 :]], y))
        jacobian[(..., *index)] = (sides[0] - sides[1]) / (2 * h)
    return jacobian


# ------------------------------------------------------------------ rounding
@contextlib.contextmanager
def _rounding_by_chance(move):
    """Every op's result is an ulp larger or smaller, by chance: what then comes out differs by its rounding error."""
    plain_call = Op.__call__

    def call(op, *inputs):
        y = plain_call(op, *inputs)
        if isinstance(y, Tensor) and y.dtype.kind == "f":
            y.data = move(y.data, inputs)
            if y.op is op:
                op.output = y.data
        return y

    Op.__call__ = call
    try:
        yield
    finally:
        Op.__call__ = plain_call


def _by_an_ulp(rng, sign):
    """A function that moves the values of y by an ulp or two, but not those that y has from its inputs, unrounded."""

    def move(y, inputs=()):
        given = [np.ravel(plain(x)) for x in inputs if x is not None]
        moved = y * (1 + sign * np.finfo(y.dtype).eps * rng.choice((-2, -1, 1, 2), y.shape))
        return np.where(np.isin(y, np.concatenate(given)) if given else False, y, moved).astype(y.dtype)

    return move


def rounding(problem, y, c, found):
    """The rounding error of each output, and of each entry of the gradients: their spread over eight ways to round."""
    outputs, gradients = [], []
    for i in range(8):  # each way also the other way round
        move = _by_an_ulp(np.random.default_rng(i // 2), (-1) ** i)
        with _rounding_by_chance(move), np.errstate(all="ignore"):
            outputs.append(_evaluated(problem, [move(x) for x in problem.arrays], y))
            gradients.append(problem.rounded(problem.arrays, c.copy(), move))
    spreads = [np.nan_to_num(np.ptp(several, axis=0)) for several in (outputs, *zip(*gradients))]
    return EPS * np.abs(y) + 2 * spreads[0], [4 * EPS * np.abs(a) + 4 * s for a, s in zip(found, spreads[1:])]
