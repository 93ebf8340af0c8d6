"""Convolution and pooling: numbers from a lecture, a second oracle, adjoints, ties, layouts in memory."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.autograd import Op, grad
from minigrad.ops import conv
from tests.ops.table import convolved, pooled
from tests.ops.test_ops import EXAMPLES

IMAGE = [[60, 113, 56, 139, 85], [73, 121, 54, 84, 128], [131, 99, 70, 129, 127], [80, 57, 115, 69, 134],
         [104, 126, 123, 95, 130]]  # fmt: skip


def image(rows):
    return mg.tensor(rows).float().reshape(1, 1, len(rows), -1)


# ------------------------------------------------------------------ numbers
def test_sharpening_an_image_of_five_by_five():
    y = F.conv2d(image(IMAGE), image([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]), padding=1)[0, 0]
    assert y[:3].tolist() == [[114, 328, -26, 470, 158], [53, 266, -61, -30, 344], [403, 116, -47, 295, 244]]


def test_pooling_four_by_four():
    x = image([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
    assert F.max_pool2d(x, 2)[0, 0].tolist() == [[6, 8], [3, 4]]
    assert F.avg_pool2d(x, 2)[0, 0].tolist() == [[3.25, 5.25], [2, 2]]


@EXAMPLES
@given(convolved(bias=False))
def test_convolution_equals_scipy(drawn):
    (x, w), ways = drawn
    (sh, sw), (ph, pw), (dh, dw) = (np.broadcast_to(way, 2) for way in ways.values())
    spread = np.zeros((*w.shape[:2], dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1))
    spread[:, :, ::dh, ::dw] = w
    found = F.conv2d(x, w, **ways)
    for n, o in np.ndindex(found.shape[:2]):
        padded = [np.pad(channel, ((ph, ph), (pw, pw))) for channel in x[n]]
        expected = sum(scipy.signal.correlate2d(a, b, "valid") for a, b in zip(padded, spread[o], strict=True))
        np.testing.assert_allclose(found[n, o], expected[::sh, ::sw], rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------ adjoints
@EXAMPLES
@given(convolved(bias=False, transposed=True), st.integers(0, 99))
def test_transposed_convolution_is_the_adjoint(drawn, seed):
    """⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩: the output padding makes up for pixels of x that conv leaves out."""
    (y, w), ways = drawn
    back = F.conv_transpose2d(y, w, **ways)
    x = np.random.default_rng(seed).standard_normal(back.shape)
    ways = {name: way for name, way in ways.items() if name != "output_padding"}
    forth = F.conv2d(x, w, **ways)[:, :, : y.shape[2], : y.shape[3]]  # one more place where it reaches the stride
    assert forth.shape == y.shape
    np.testing.assert_allclose((forth * y).sum(), (x * back).sum(), rtol=1e-10, atol=1e-10)


@EXAMPLES
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_enlarging_is_the_adjoint_of_the_mean_of_blocks(factor, h, w):
    rng = np.random.default_rng(factor)
    x, y = rng.standard_normal((2, 3, h, w)), rng.standard_normal((2, 3, h * factor, w * factor))
    forth, back = F.interpolate(x, scale_factor=factor), F.avg_pool2d(y, factor)
    np.testing.assert_allclose((forth * y).sum(), (x * back).sum() * factor**2, rtol=1e-10)


# ------------------------------------------------------------------ conventions
@pytest.mark.parametrize("create_graph", [False, True])
def test_of_equal_pixels_the_first_row_by_row_has_the_gradient(create_graph):
    x = image([[0, 3, 3], [3, 1, 3]]).requires_grad_()
    (g,) = grad(F.max_pool2d(x, 2, stride=1).sum(), x, create_graph=create_graph)
    assert g[0, 0].tolist() == [[0, 2, 0], [0, 0, 0]]


def test_a_window_as_large_as_the_image():
    x = mg.tensor(np.random.default_rng(0).permutation(400).reshape(1, 1, 20, 20), dtype=np.float32, requires_grad=True)
    y = F.max_pool2d(x, 20)
    y.backward()
    assert y.item() == 399 and (x.grad.data == (x.data == 399)).all()


def test_the_margin_never_wins_and_counts_in_the_mean():
    x = image([[-3, -4], [-5, -6]])
    assert F.max_pool2d(x, 2, stride=1, padding=1)[0, 0].tolist() == [[-3, -3, -4], [-3, -3, -4], [-5, -5, -6]]
    assert F.avg_pool2d(x, 2, stride=2, padding=1)[0, 0].tolist() == [[-0.75, -1], [-1.25, -1.5]]


def is_channels_last(x):
    return x.transpose(0, 2, 3, 1).flags.c_contiguous


class Probe(Op):
    """y = x, noting how the gradient lies in memory"""

    def forward(self, x):
        return x

    def grad_x(self, g, y, x):
        self.seen = is_channels_last(g)
        return g


@pytest.mark.parametrize(
    "f",
    [lambda x: F.conv2d(x, mg.ones(5, 3, 3, 3)), lambda x: F.conv_transpose2d(x, mg.ones(3, 5, 3, 3), stride=2), F.relu,
     lambda x: F.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 3, 1), lambda x: F.avg_pool2d(x, 2),
     lambda x: F.interpolate(x, scale_factor=2), lambda x: mg.flatten(x, 1)],
)  # fmt: skip
def test_images_stay_channels_last_in_memory_forward_and_backward(f):
    x = mg.tensor(np.random.rand(2, 12, 10, 3).transpose(0, 3, 1, 2), requires_grad=True)
    probe = Probe()
    y = f(probe(x))
    y.square().sum().backward(retain_graph=True)
    assert probe.seen and (y.ndim == 2 or is_channels_last(y.data))


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("f, made_by_backward", [(F.conv2d, 0), (F.conv_transpose2d, 1)])
def test_columns_are_made_once_for_all_who_need_them(f, made_by_backward, create_graph, monkeypatch):
    made, columns = [], conv.columns
    monkeypatch.setattr(conv, "columns", lambda *args: made.append(args) or columns(*args))
    x, w = mg.randn(2, 3, 8, 10, requires_grad=True), mg.randn(3, 3, 2, 2, requires_grad=True)
    y = f(x, w)
    before = len(made)
    y.square().sum().backward(create_graph=create_graph)
    assert len(made) - before == made_by_backward
    y = f(x, w)  # a second cotangent has columns of its own
    first, second = (grad((y * c).sum(), (x, w), retain_graph=True) for c in (1.0, 2.0))
    for a, b in zip(first, second):
        np.testing.assert_allclose(2 * a.data, b.data, rtol=1e-5)


@pytest.mark.parametrize("x_dtype, w_dtype", [(np.float32, np.float64), (np.int64, np.float32), (np.uint8, np.float64)])
def test_dtypes_mix_as_in_other_ops(x_dtype, w_dtype):
    x, w = mg.tensor(np.ones((1, 2, 3, 3), x_dtype)), mg.tensor(np.ones((2, 2, 2, 2), w_dtype), requires_grad=True)
    for f in (F.conv2d, F.conv_transpose2d):
        y = f(x, w)
        y.sum().backward()
        assert y.dtype == w_dtype and w.grad.dtype == w_dtype


@EXAMPLES
@given(pooled())
def test_a_mean_lies_below_the_maximum(drawn):
    (x,), ways = drawn
    x = np.abs(x)
    assert (F.avg_pool2d(x, **ways) <= F.max_pool2d(x, **ways) * (1 + 1e-12)).all()
