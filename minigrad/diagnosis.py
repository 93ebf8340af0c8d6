"""What is wrong with a gradient: the report that `gradcheck` raises, and the diagnosis in it.

`diagnose` takes the wrong gradient and the right one and asks the tests below it in turn, the more telling ones first;
each knows the mark that one kind of mistake leaves.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Diagnosis(NamedTuple):
    """The mistake that would explain a wrong gradient: its `kind`, a word or two for programs, and a sentence."""

    kind: str
    text: str


@dataclass
class Report:
    """A wrong gradient as data. `numeric` is NaN where it was not computed; `error` is its error bar at `index`."""

    function: str
    input: str
    order: int
    index: tuple
    analytic: np.ndarray
    numeric: np.ndarray
    error: float
    diagnosis: Diagnosis

    def __str__(self):
        what = "gradient" if self.order == 1 else "second derivative"
        lines = [f"{self.function}: the {what} for {self.input} is wrong"]
        if self.analytic.shape == self.numeric.shape and np.isfinite(self.numeric[self.index]):
            entry = f"[{', '.join(map(str, self.index))}]" if self.index else ""
            lines += [f"  by formula      {self.input}{entry}: {self.analytic[self.index]:.10g}"]
            lines += [f"  by differences  {self.input}{entry}: {self.numeric[self.index]:.10g} ± {self.error:.1g}"]
        return "\n".join([*lines, f"  diagnosis ({self.diagnosis.kind}): {self.diagnosis.text}"])

    def draw(self):
        """A figure of the gradient by formula, by differences, and of what lies between."""
        from .plot import figure

        fig, axes = figure(1, 3, width=3.2)
        parts = {"by formula": self.analytic, "by differences": self.numeric}
        if self.analytic.shape == self.numeric.shape:
            parts["formula − differences"] = self.analytic - self.numeric
        largest = max((float(np.abs(part[np.isfinite(part)]).max(initial=0)) for part in parts.values()), default=0)
        for ax, (title, part) in zip(axes[0], parts.items()):
            rows = part.reshape(-1, part.shape[-1] if part.ndim > 1 else max(part.size, 1))
            drawn = ax.imshow(rows, cmap="RdBu", vmin=-largest or -1, vmax=largest or 1, aspect="auto")
            ax.set(title=title, xlabel="last axis", ylabel="other axes", xticks=[], yticks=[])
        fig.colorbar(drawn, ax=list(axes[0]), label=f"∂L/∂{self.input}")
        return fig


class GradientError(AssertionError):
    """A gradient that is wrong; `report` says where, by how much, and with what diagnosis."""

    def __init__(self, report: Report):
        super().__init__(str(report))
        self.report = report


def diagnose(wrong, right, jacobian=None, cotangent=None, others=None) -> Diagnosis:
    """The mistake that would turn the gradient `right` into `wrong`.

    Parameters
    ----------
    wrong, right : arrays, one gradient as it was computed and as it should be
    jacobian, cotangent : ∂output/∂input (output.shape + input.shape) and ∂L/∂output where they are known; they show
        whether the cotangent was ignored, or a sum over the output left out
    others : the right gradients of the other inputs, by name

    >>> diagnose(np.array([2.0, 4.0]), np.array([-1.0, -2.0]))
    Diagnosis(kind='factor', text='wrong by the constant factor -2')
    """
    wrong, right = np.asarray(wrong, float), np.asarray(right, float)
    if wrong.shape != right.shape:
        return _of_shape(wrong, right)
    if not np.isfinite(wrong).all():
        return Diagnosis("not finite", "it holds a NaN or an infinity, and the right one does not")
    if not wrong.any():
        return Diagnosis("zero", "it is zero: nothing arrives at this input")
    if np.abs(right).max() <= 1e-9 * np.abs(wrong).max():
        return Diagnosis("not zero", "it should be zero: no change of this input changes the output")
    if _same(wrong, right):
        return Diagnosis("small", f"it is off by {np.abs(wrong - right).max() / np.abs(right).max():.0e} of its size")
    sizes = right.shape if jacobian is None else right.shape + cotangent.shape
    return (
        (jacobian is not None and _ignores_the_cotangent(wrong, jacobian, cotangent))
        or _of_factor(wrong, right, sizes)
        or _of_another_input(wrong, others or {})
        or _of_order(wrong, right)
        or _of_blocks(wrong, right)
        or _of_sum(wrong, right)
        or (jacobian is not None and _lacks_a_sum(wrong, jacobian, cotangent))
        or _of_border(wrong, right)
        or _of_centre(wrong, right)
        or _of_some(wrong, right)
    )


def _same(a, b):
    """Whether a and b agree up to what finite differences leave open, and are not both nothing."""
    if a.shape != b.shape or not a.size:
        return False
    largest = max(np.abs(a).max(), np.abs(b).max())
    return bool(0 < largest < math.inf and np.abs(a - b).max() <= 1e-4 * largest)


def _sets(n):
    """Every set of axes but the empty one, small ones first."""
    return [axes for m in range(1, n + 1) for axes in itertools.combinations(range(n), m)]


def _named(axes):
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"


def _of_shape(wrong, right):
    if [n for n in wrong.shape if n != 1] == [n for n in right.shape if n != 1] and _same(
        wrong.reshape(right.shape), right
    ):
        return Diagnosis("shape", f"right but for axes of length 1: its shape is {wrong.shape}, not {right.shape}")
    for axes in _sets(wrong.ndim):
        summed = wrong.sum(axes, keepdims=True)
        if summed.size == right.size and _same(summed.reshape(right.shape), right):
            return Diagnosis("not summed", f"it must be summed over {_named(axes)}: there the input was repeated")
    for axes in _sets(right.ndim):
        summed = right.sum(axes)
        if summed.size == wrong.size and _same(wrong.reshape(summed.shape), summed):
            return Diagnosis("summed", f"it was summed over {_named(axes)}, along which the input is not repeated")
    for order in itertools.permutations(range(wrong.ndim)):
        if _same(wrong.transpose(order), right):
            return Diagnosis("transposed", f"its axes stand in another order: permuted by {order} it is right")
    if wrong.size == right.size and _same(wrong.reshape(right.shape), right):
        return Diagnosis("shape", f"the values are right, but they come in the shape {wrong.shape}, not {right.shape}")
    return Diagnosis("shape", f"its shape is {wrong.shape}, and a gradient has that of its input, {right.shape}")


def _ignores_the_cotangent(wrong, jacobian, cotangent):
    if _same(wrong, jacobian.sum(tuple(range(cotangent.ndim)))) and not _same(cotangent, np.ones(cotangent.shape)):
        return Diagnosis("cotangent", "it ignores the cotangent g: it is ∂(Σ output)/∂input and not ∂L/∂input")


def _of_factor(wrong, right, sizes):
    if not right.any():
        return None
    factor = float(np.vdot(wrong, right) / np.vdot(right, right))
    if factor == 0 or not _same(wrong, factor * right):
        return None
    if abs(factor + 1) < 1e-4:
        return Diagnosis("factor", "its sign is wrong")
    names = {math.prod(sizes): "the number of all elements"} if sizes else {}
    names |= {n: f"an axis of length {n}" for n in sizes}
    for n in names:
        for value, text in ((n, f"{n}"), (1 / n, f"1/{n}")):
            if n > 1 and abs(factor / value - 1) < 1e-4:
                why = f" (perhaps {names[n]}: a mean taken for a sum, or a sum for a mean)"
                return Diagnosis("factor", f"wrong by the constant factor {text}{why}")
    if right.size > 1 or min(abs(abs(factor) - n) for n in (0.5, 2)) < 1e-4:  # of one number any other is a multiple
        return Diagnosis("factor", f"wrong by the constant factor {factor:.4g}")


def _of_another_input(wrong, others):
    for name, other in others.items():
        for sign, words in ((1, ""), (-1, "minus ")):
            if _same(wrong, sign * other):
                return Diagnosis("another input", f"it is {words}the gradient for {name}")


def _of_order(wrong, right):
    """Transposed, flipped or shifted: the right numbers in the wrong places."""
    for order in itertools.permutations(range(right.ndim)):
        placed = right.transpose(order)
        if _same(wrong, placed) or placed.shape != right.shape and _same(wrong, placed.reshape(right.shape)):
            return Diagnosis("transposed", f"it is transposed: axes in the order {order}")
    for axes in _sets(right.ndim):
        if _same(wrong, np.flip(right, axes)):
            return Diagnosis("flipped", f"it is flipped along {_named(axes)}")
    for axis, n in enumerate(right.shape):
        w, r = np.moveaxis(wrong, axis, 0), np.moveaxis(right, axis, 0)
        if n > 2 and (_same(w[1:], r[:-1]) or _same(w[:-1], r[1:])):
            return Diagnosis("shifted", f"it is shifted by one along axis {axis}")


def _of_blocks(wrong, right):
    for axis, n in enumerate(right.shape):
        for count in (m for m in range(2, min(n, 16) + 1) if n % m == 0):
            w, r = np.split(wrong, count, axis), np.split(right, count, axis)
            order = [next((j for j in range(count) if _same(w[i], r[j])), None) for i in range(count)]
            if sorted(order, key=str) == sorted(range(count), key=str):
                return Diagnosis("blocks", f"its {count} blocks along axis {axis} stand in the order {order}")


def _of_sum(wrong, right):
    for axes in _sets(right.ndim):
        for reduce, word in ((np.sum, "summed"), (np.mean, "averaged")):
            if _same(wrong, np.broadcast_to(reduce(right, axes, keepdims=True), right.shape)):
                return Diagnosis("summed", f"it was {word} over {_named(axes)}, where each element has its own")


def _lacks_a_sum(wrong, jacobian, cotangent):
    """Only one of the output's elements along an axis contributes."""
    parts = cotangent.reshape(cotangent.shape + (1,) * wrong.ndim) * jacobian
    for axis, n in enumerate(cotangent.shape):
        rest = tuple(a for a in range(cotangent.ndim) if a != axis)
        for i, part in enumerate(parts.sum(rest)):
            if n > 1 and _same(wrong, part):
                return Diagnosis(
                    "not summed", f"of axis {axis} of the output only element {i} contributes: sum over it"
                )


def _of_border(wrong, right):
    """Right inside, and wrong at most places with the first or the last index of some axis."""
    off = np.abs(wrong - right) > 1e-4 * max(np.abs(wrong).max(), np.abs(right).max())
    for axes in _sets(right.ndim):
        if min(right.shape[axis] for axis in axes) < 3:
            continue  # there is no inside
        border = np.zeros(right.shape, bool)
        for axis in axes:
            for end in (0, -1):
                edge = np.moveaxis(off, axis, 0)[end]
                np.moveaxis(border, axis, 0)[end] |= 2 * edge.sum() > edge.size
        if border.any() and right[~border].any() and not off[~border].any():
            return Diagnosis("border", f"it is right inside and wrong only at the border of {_named(axes)}")


def _of_centre(wrong, right):
    scale = np.abs(right).max() + np.abs(wrong).max()
    for axes in _sets(right.ndim):
        n = math.prod(right.shape[a] for a in axes)
        if np.abs(right.sum(axes)).max() <= 1e-5 * n * scale and np.abs(wrong.sum(axes)).max() >= 1e-2 * scale:
            return Diagnosis(
                "centring",
                f"it should sum to 0 over {_named(axes)} and does not: a mean or a sum over it must be subtracted",
            )


def _of_some(wrong, right):
    off = np.abs(wrong - right) > 1e-4 * max(np.abs(wrong).max(), np.abs(right).max())
    if 0 < 3 * off.sum() <= 2 * off.size:  # of fewer than a third that are right, some may be so by chance
        zeros = " (they are zero)" if not wrong[off].any() else ""
        return Diagnosis("entries", f"{off.sum()} of its {off.size} entries are wrong{zeros}, and the others right")
    return Diagnosis("unknown", "no mistake that leaves a known mark")
