"""The strategies keep what they promise, reach what they should, and shrink to the simplest."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from minigrad.testing.strategies import arrays, broadcastable, layouts, shapes

SEARCH = settings(database=None, derandomize=True, max_examples=2000, suppress_health_check=list(HealthCheck))


def simplest(strategy, condition=lambda value: True):
    """What Hypothesis shows when `condition` fails a test; an error if the strategy never reaches it."""
    return find(strategy, condition, settings=SEARCH)


def test_importing_the_package_does_not_import_hypothesis():
    program = "import minigrad.testing, sys; assert 'hypothesis' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


# ------------------------------------------------------------------ shapes
@given(st.data(), st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, 1]), st.integers(1, 7))
def test_a_shape_keeps_its_bounds_and_holds_each_prime_once(data, low, more, min_side, max_side):
    shape = data.draw(shapes(low, low + more, min_side, max_side))
    above_1 = [n for n in shape if n > 1]
    assert type(shape) is tuple and low <= len(shape) <= low + more
    assert all(n in (0, 1, 2, 3, 5, 7) and min_side <= n <= max_side for n in shape)
    assert len(set(above_1)) == len(above_1)


@pytest.mark.parametrize(
    "condition, shape",
    [
        (lambda s: True, ()),
        (lambda s: len(s) == 4, (1, 1, 1, 1)),
        (lambda s: 5 in s, (5,)),
        (lambda s: len(s) > 1 and s[-1] > 1, (1, 2)),
        (lambda s: np.prod(s) == 30 and len(s) == 4, (1, 2, 3, 5)),
        (lambda s: 0 in s, (0,)),
    ],
)
def test_shapes_of_every_kind_are_reached_and_shrink(condition, shape):
    assert simplest(shapes(min_side=0), condition) == shape


def test_too_few_lengths_for_the_axes_are_an_error():
    with pytest.raises(ValueError, match=r"lengths \[2, 3\] are too few for 3 different axes"):
        simplest(shapes(3, 3, 2, 4))


# ------------------------------------------------------------------ shapes that broadcast
@given(st.integers(1, 4), st.data())
def test_shapes_that_broadcast_do(n, data):
    together = data.draw(broadcastable(n, max_dims=3))
    assert len(together) == n
    result = np.broadcast_shapes(*together)
    assert len(result) <= 3 and len({side for side in result if side > 1}) == sum(side > 1 for side in result)


@pytest.mark.parametrize(
    "condition, expected",
    [
        (lambda a, b: True, ((), ())),
        (lambda a, b: len(a) < len(b), ((), (1,))),
        (lambda a, b: len(a) > len(b) > 0, ((1, 1), (1,))),
        (lambda a, b: len(a) == len(b) and a > b, ((2,), (1,))),
        (lambda a, b: len(a) > len(b) > 0 and a[-1] < b[-1], ((1, 1), (2,))),
        (lambda a, b: len(a) == len(b) == 2 and a[0] > b[0] and a[1] < b[1], ((2, 1), (1, 3))),
        (lambda a, b: 5 in a, ((5,), (5,))),
    ],
)
def test_every_way_to_broadcast_is_reached_and_shrinks(condition, expected):
    assert simplest(broadcastable(2), lambda both: condition(*both)) == expected


# ------------------------------------------------------------------ values
@given(st.data(), st.sets(st.sampled_from([-3, -2.02, -1, 0, 0.03, 0.5, 2, 7])), st.booleans())
def test_values_lie_between_the_bounds_away_from_kinks_and_each_other(data, kinks, distinct):
    x = data.draw(arrays(shapes(), low=-2, high=3, kinks=kinks, margin=0.07, distinct=distinct))
    assert x.dtype == np.float64 and ((-2 <= x) & (x <= 3)).all()
    for kink in kinks:
        assert (np.abs(x - kink) > 0.07 - 1e-12).all()
    if distinct:
        assert (np.diff(np.sort(x, axis=None)) > 0.07 - 1e-12).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_have_the_shape_and_dtype_asked_for(dtype):
    x = simplest(arrays((2, 3), dtype=dtype))
    assert x.shape == (2, 3) and x.dtype == dtype and x.flags.c_contiguous and x.flags.writeable


def test_values_spread_over_all_that_is_left_of_the_range():
    x = simplest(arrays((4000,), low=-1, high=2, kinks=[0, 1], margin=0.25))
    counts = np.histogram(x, [-1, -0.25, 0.25, 0.75, 1.25, 2])[0]
    np.testing.assert_allclose(counts / 4000, np.array([0.75, 0, 0.5, 0, 0.75]) / 2, atol=0.03)


def test_distinct_values_come_in_any_order():
    for in_order in (lambda x: x[0] < x[1], lambda x: x[0] > x[1]):
        assert in_order(simplest(arrays((2,), distinct=True), in_order))


def test_an_array_shrinks_by_its_shape():
    assert simplest(arrays(shapes()), lambda x: (x < 0).any()).shape == ()
    assert simplest(arrays(shapes()), lambda x: x.size > 1 and (x < 0).any()).shape == (2,)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"distinct": True}, r"100 values, 0.05 away from \[\] and from each other, do not fit between -2.0 and 2.0"),
        ({"kinks": [0], "low": -0.01, "high": 0.01}, r"away from \[0\], do not fit between -0.01 and 0.01"),
        ({"low": 1, "high": -1}, "between 1 and -1"),
    ],
)
def test_what_does_not_fit_is_an_error(wrong, words):
    with pytest.raises(ValueError, match=words):
        simplest(arrays((100,), **wrong))


# ------------------------------------------------------------------ memory layouts
VALUES = arrays(shapes(min_side=0)) | st.sampled_from(
    [np.ones((2, 3)), np.array([[1.0], [2.0]]) * np.ones(3), np.arange(6).reshape(2, 3), np.array(True)]
)


@given(VALUES, st.data())
def test_a_layout_changes_neither_the_values_nor_the_original(array, data):
    before = array.copy()
    x = data.draw(layouts(array))
    assert x.dtype == array.dtype and x.shape == array.shape and not np.shares_memory(x, array)
    np.testing.assert_array_equal(x, before)
    if x.flags.writeable:
        x[...] = 0
    np.testing.assert_array_equal(array, before)


IMAGES = np.arange(120.0).reshape(2, 3, 5, 4)
ROWS_REPEAT = np.array([[1.0, 2.0, 3.0]] * 2)


@pytest.mark.parametrize(
    "array, reached",
    [
        (IMAGES, lambda x: x.flags.c_contiguous and x.flags.writeable),
        (IMAGES, lambda x: x.flags.c_contiguous and not x.flags.writeable),
        (IMAGES, lambda x: x.flags.f_contiguous),
        (IMAGES, lambda x: x.transpose(0, 2, 3, 1).flags.c_contiguous),
        (IMAGES, lambda x: max(x.strides) < 0),
        (IMAGES, lambda x: x.strides == tuple(s * 2**k for s, k in zip(IMAGES.strides, (4, 3, 2, 1), strict=True))
            and np.isnan(x.base).sum() == 15 * x.size),
        (ROWS_REPEAT, lambda x: x.strides == (0, 8)),
        (ROWS_REPEAT.T, lambda x: x.strides == (8, 0)),
        (np.ones((2, 3)), lambda x: x.strides == (0, 0)),
        (np.arange(3), lambda x: x.strides == (16,) and (x.base[1::2] == 1).all()),
    ],
    ids=["C", "read-only", "Fortran", "channels last", "backwards", "among NaN", "rows repeat", "columns repeat",
         "all repeat", "integers"],
)  # fmt: skip
def test_every_layout_is_reached(array, reached):
    assert reached(simplest(layouts(array), reached))


def test_an_array_in_c_order_is_the_simplest_layout():
    x = simplest(layouts(ROWS_REPEAT))
    assert x.flags.c_contiguous and x.flags.writeable


def test_a_failing_example_says_which_layout_it_was():
    @settings(database=None, derandomize=True)
    @given(layouts(IMAGES))
    def only_c_order_will_do(x):
        assert x.flags.c_contiguous and x.flags.writeable

    with pytest.raises(Exception) as caught:
        only_c_order_will_do()
    notes = [note for error in getattr(caught.value, "exceptions", [caught.value]) for note in error.__notes__]
    assert "memory layout: read-only" in "\n".join(notes)
