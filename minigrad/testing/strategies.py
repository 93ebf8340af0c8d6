"""Hypothesis strategies: shapes that betray a mix-up, values away from kinks and ties, every layout of memory.

A failing example shrinks to the simplest shape that still fails. The values come from a seed and do not shrink.

>>> import numpy as np
>>> from hypothesis import given
>>> from minigrad import Tensor
>>> @given(arrays(shapes(max_dims=3), kinks=[0]).flatmap(layouts))
... def slope_of_abs_is_the_sign(array):
...     x = Tensor(array, requires_grad=True)
...     x.abs().sum().backward()
...     np.testing.assert_array_equal(x.grad.data, np.sign(array))
>>> slope_of_abs_is_the_sign()
"""

from collections.abc import Sequence

import numpy as np
from hypothesis import note
from hypothesis import strategies as st


@st.composite
def shapes(draw, min_dims: int = 0, max_dims: int = 4, min_side: int = 1, max_side: int = 5):
    """Shapes whose lengths are 1 or primes, and no prime twice; from () up, with ``min_side=0`` also empty ones.

    So a transposed result has a wrong shape, and a product of lengths says which axes went into it.

    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: 5 in shape)
    (5,)
    """
    sides = _sides(min_side, max_side)
    return _each_prime_once(draw(st.lists(st.sampled_from(sides), min_size=min_dims, max_size=max_dims)), sides)


@st.composite
def broadcastable(draw, n: int, max_dims: int = 4, min_side: int = 1, max_side: int = 5):
    """`n` shapes that broadcast together, each without some leading axes and with length 1 in some others.

    The simplest are equal, so a failing example broadcasts only where it must. Their result's shape is
    ``np.broadcast_shapes(*them)``.

    >>> from hypothesis import find
    >>> find(broadcastable(2), lambda both: len(both[0]) > len(both[1]))
    ((1,), ())
    >>> find(broadcastable(2), lambda both: len(both[0]) == len(both[1]) and both[0] > both[1])
    ((2,), (1,))
    """
    sides = _sides(min_side, max_side)
    axis = st.tuples(st.sampled_from(sides), st.tuples(*[st.booleans()] * n))  # its length, and which shapes have 1
    axes = draw(st.lists(axis, max_size=max_dims))
    full = _each_prime_once([side for side, _ in axes], sides)
    missing = draw(st.tuples(*[st.integers(0, max_dims)] * n))
    return tuple(
        tuple(1 if ones[i] else side for side, (_, ones) in zip(full, axes))[missing[i] % (len(axes) + 1) :]
        for i in range(n)
    )


def _sides(lowest, highest):
    """The lengths to choose from, the simplest first."""
    primes = [n for n in range(2, highest + 1) if all(n % d for d in range(2, n))]
    return [n for n in (1, *primes, 0) if lowest <= n <= highest]


def _each_prime_once(shape, sides):
    """`shape` with the first length that is left wherever a prime comes again."""
    once = ()
    for side in shape:
        left = [n for n in sides if n <= 1 or n not in once]
        if not left:
            raise ValueError(f"the lengths {sides} are too few for {len(shape)} different axes; widen the sides")
        once += (side if side in left else left[0],)
    return once


@st.composite
def arrays(
    draw,
    shape: tuple[int, ...] | st.SearchStrategy,
    *,
    dtype=np.float64,
    low: float = -2.0,
    high: float = 2.0,
    kinks: Sequence[float] = (),
    margin: float = 0.05,
    distinct: bool = False,
):
    """Arrays of `shape` (a tuple, or a strategy for one), spread evenly between `low` and `high`.

    Every value keeps a distance of `margin` from each of `kinks`; with ``distinct=True`` any two keep it from each
    other, for what compares or sorts. A finite difference with a step below the margin (half of it, for ties) then
    crosses no kink. Distances hold up to rounding.

    Raises ValueError if so many margins do not fit between the bounds.

    >>> from hypothesis import given
    >>> @given(arrays((2, 3), kinks=[0, 1], distinct=True))
    ... def stays_apart(x):
    ...     assert np.diff(np.sort([*x.ravel(), 0, 1])).min() > 0.0499
    >>> stays_apart()
    """
    shape = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    size = int(np.prod(shape))
    kinks = sorted(k for k in kinks if low - margin < k < high + margin)
    gaps = margin * np.arange(size) * distinct
    room = high - low - 2 * margin * len(kinks) - gaps.max(initial=0)
    if room <= 0:
        raise ValueError(
            f"arrays: {size} values, {margin} away from {kinks}{' and from each other' * distinct}, "
            f"do not fit between {low} and {high}: widen these or lower the margin"
        )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = low + np.sort(rng.uniform(0, room, size)) + gaps
    for kink in kinks:
        x[x > kink - margin] += 2 * margin
    return rng.permutation(x).reshape(shape).astype(dtype)


@st.composite
def layouts(draw, array: np.ndarray):
    """The same values in another layout of memory: an op must not care, and must not write into its input.

    One of: a fresh C-ordered array; read-only; axes in another order in memory (Fortran's, or channels last); every
    second place of a larger array of NaN; all strides negative; a broadcast view, where an axis repeats one value. The
    failing example says which.

    >>> from hypothesis import find
    >>> find(layouts(np.ones((2, 3))), lambda x: 0 in x.strides).strides
    (0, 0)
    """
    every = (..., *(slice(None, None, 2) for _ in array.shape))  # with ... also a 0-d array gives a view
    backwards = (..., *(slice(None, None, -1) for _ in array.shape))
    repeats = [n > 1 and (array == array.take([0], axis)).all() for axis, n in enumerate(array.shape)]
    kinds = ["C order", "read-only", "other order of axes", "every second place", "backwards"]
    kind = draw(st.sampled_from(kinds + ["broadcast"] * any(repeats)))
    note(f"memory layout: {kind}")
    if kind == "other order of axes":
        order = draw(st.permutations(range(array.ndim)))
        return array.transpose(order).copy("C").transpose(np.argsort(order))
    if kind == "every second place":
        gap = np.nan if array.dtype.kind == "f" else 1
        view = np.full([2 * n for n in array.shape], gap, array.dtype)[every]
        view[...] = array
        return view
    if kind == "backwards":
        return array[backwards].copy("C")[backwards]
    if kind == "broadcast":
        once = array[(..., *(slice(1 if repeated else None) for repeated in repeats))]
        return np.broadcast_to(once.copy(), array.shape)
    fresh = array.copy("C")
    fresh.flags.writeable = kind != "read-only"
    return fresh
