"""Every op keeps its promises at inputs that Hypothesis draws from the table; conventions at kinks and edges."""

import importlib
import inspect
import pkgutil
import sys

import numpy as np
import pytest
import scipy.special
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from minigrad.autograd import Op
from minigrad.testing.check_op import check_op
from tests.ops import oracles
from tests.ops.table import ROWS

EXAMPLES = settings(max_examples=25, deadline=None)


def case(row):
    """A strategy for all that `check_op` takes to check the row."""
    return row.cases.map(lambda drawn: (row.f, row.oracle, *drawn, row.order))


# ------------------------------------------------------------------ the promises
@pytest.mark.parametrize("row", ROWS, ids=str)
@EXAMPLES
@given(st.data())
def test_value_derivatives_dtype_and_memory(row, data):
    checked = check_op(*data.draw(case(row)))
    assert checked.kinks == 0, "the table draws inputs away from kinks and ties"


@pytest.mark.parametrize("row", [row for row in ROWS if row.op.reference], ids=str)
@EXAMPLES
@given(st.data())
def test_a_fused_op_equals_its_reference(row, data):
    """The function with the op replaced by its reference: values, and gradients by hand against the composition's."""
    arrays, parameters = data.draw(row.cases)
    composed = type(row.op.__name__, (row.op,), {"__call__": lambda self, *xs: self.reference(*xs)})
    found = []
    for op in (row.op, composed):
        xs = [mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inspect.getmodule(row.op), row.op.__name__, op)
            y = row.f(*xs, **parameters)
        y.backward(mg.tensor(np.random.default_rng(2).standard_normal(y.shape)))
        found.append([y.data, *(x.grad.data for x in xs if x.requires_grad)])
    for fused, reference in zip(*found, strict=True):
        np.testing.assert_allclose(fused, reference, rtol=1e-10, atol=1e-10)


# ------------------------------------------------------------------ no op is left out, and a wrong one is noticed
def kinds_of(op):
    """Every op below `op` that has a forward."""
    below = [kind for child in op.__subclasses__() for kind in kinds_of(child)]
    return [op, *below] if hasattr(op, "forward") else below


def ops_of_the_engine():
    """The ops that stand in a module of minigrad, also in one that nothing imports."""
    for found in pkgutil.walk_packages(mg.__path__, "minigrad."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    modules = {name: module for name, module in sys.modules.items() if name.startswith("minigrad.")}
    return [op for op in kinds_of(Op) if getattr(modules.get(op.__module__), op.__name__, None) is op]


def lacks(op):
    """What an op lacks of a row, a formula, and a gradient for each of its inputs."""
    found = [] if op in {row.op for row in ROWS} else ["a row in the table"]
    found += [] if "=" in (vars(op).get("__doc__") or "") else ["a formula in its docstring"]
    return found + [name for name in op.gradient_names if not hasattr(op, name)]


def test_every_op_has_a_row_a_formula_and_all_gradients():
    found = ops_of_the_engine()
    assert len(found) >= 45
    assert {op: lacks(op) for op in found if lacks(op)} == {}


def test_an_op_in_a_module_that_nothing_imports_is_found(tmp_path, monkeypatch):
    (tmp_path / "unused.py").write_text(
        "from minigrad.autograd import Op\n"
        "class Unused(Op):\n    def forward(self, x): return x\n    def grad_x(self, g, y, x): return g\n"
    )
    monkeypatch.setattr(mg.nn, "__path__", [*mg.nn.__path__, str(tmp_path)])
    found = ops_of_the_engine()
    del sys.modules["minigrad.nn.unused"], mg.nn.unused
    assert "Unused" in [op.__name__ for op in found]


def test_what_an_op_lacks_is_noticed():
    class Bare(Op):
        """The square"""

        def forward(self, x):
            return x * x

        def grad_x(self, g, y, x):
            return g * (2 * x)

    gradient = Bare.grad_x
    del Bare.grad_x
    assert lacks(Bare) == ["a row in the table", "a formula in its docstring", "grad_x"]
    Bare.grad_x = gradient
    with pytest.raises(TypeError, match="Bare lacks grad_y"):
        type("Bare", (Bare,), {"forward": lambda self, x, y: x * y})


def test_every_function_of_ops_has_a_row():
    rows = {row.name.split(",")[0] for row in ROWS}
    assert set(ops.__all__) - rows == set()


def grad_methods():
    return [
        pytest.param(op, name, id=f"{op.__name__}.{name}")
        for op in {row.op: None for row in ROWS}
        for name in dir(op)
        if name.startswith("grad_") and callable(getattr(op, name))
    ]


@pytest.mark.parametrize("op, name", grad_methods())
def test_a_gradient_off_by_a_thousandth_is_noticed(op, name, monkeypatch):
    right = getattr(op, name)
    monkeypatch.setattr(op, name, lambda *args, **kwargs: right(*args, **kwargs) * 1.001)

    @settings(max_examples=10, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(st.one_of(*(case(row) for row in ROWS if row.op is op)))
    def check(drawn):
        check_op(*drawn)

    with pytest.raises(AssertionError):
        check()


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
        (lambda x: F.l1_loss(x, mg.tensor(0.0)), 0.0, 0.0),
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


def test_minus_infinity_is_probability_0_and_infinity_stays():
    x = mg.tensor([[0.0, -np.inf], [-np.inf, -np.inf], [np.inf, 0.0]], requires_grad=True)
    with np.errstate(divide="ignore"):
        assert mg.logsumexp(x, 1).tolist() == [0, -np.inf, np.inf]
    y = mg.softmax(x[0], 0)
    y[0].backward()
    assert y.tolist() == [1, 0] and x.grad.tolist() == [[0, 0]] * 3


def test_padding_keeps_the_memory_layout_of_images():
    images = mg.rand(2, 5, 6, 3).permute(0, 3, 1, 2)  # NCHW over NHWC memory
    assert mg.pad(images, (1, 1, 1, 1)).data.transpose(0, 2, 3, 1).flags.c_contiguous


def test_sqrt_keeps_its_infinite_slope():
    x = mg.tensor(0.0, requires_grad=True)
    with np.errstate(divide="ignore"):
        mg.sqrt(x).backward()
    assert x.grad.item() == np.inf


@pytest.mark.parametrize("positive", [lambda x: mg.where(x > 0, x, 0.0), lambda x: mg.where(x <= 0, 0.0, x)])
def test_where_protects_from_an_infinite_slope_on_the_other_side(positive):
    x = mg.tensor([-1.0, 4.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        mg.sqrt(positive(x)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_a_clone_has_memory_of_its_own():
    x = mg.ones(3)
    assert not np.shares_memory(mg.clone(x).data, x.data)


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
def test_cross_entropy_is_exact_and_finite_at_every_size(dtype):
    logits = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [0, 0, 0], [1e4, 1e4, 1e4], [0, -1e4, 1e4]], dtype)
    labels = mg.tensor([0, 1, 2, 1, 2])
    x = mg.tensor(logits, requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        loss = F.cross_entropy(x, labels, reduction="none")
        (first,) = mg.autograd.grad(loss.sum(), x, create_graph=True)
        F.cross_entropy(x, labels, reduction="sum").backward()
    np.testing.assert_allclose(loss.data, [0, 2e4, np.log(3), np.log(3), 0], rtol=float(np.finfo(dtype).eps))
    slope = scipy.special.softmax(logits.astype(np.float64), 1) - np.eye(3)[labels.data]
    for g in (first, x.grad):
        np.testing.assert_allclose(g.data, slope, atol=float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kl_of_almost_a_standard_normal_keeps_its_digits(dtype):
    logvar = mg.tensor(np.array([[1e-3], [0.0], [-1e-3]], dtype))
    kl = ops.gaussian_kl(mg.zeros_like(logvar), logvar, reduction="none")
    np.testing.assert_allclose(kl.data, 1e-6 / 4 * np.array([1, 0, 1]), rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_softplus_neither_overflow_nor_cancel(dtype):
    x = np.array([-1e4, -80, -30, -1e-3, 0, 1e-3, 30, 1e4], dtype)
    with np.errstate(all="raise", under="ignore"):
        s, p = mg.sigmoid(mg.tensor(x)).data, F.softplus(mg.tensor(x)).data
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(s, scipy.special.expit(x.astype(np.float64)), rtol=8 * eps, atol=1e-38)
    np.testing.assert_allclose(p, np.logaddexp(0, x.astype(np.float64)), rtol=8 * eps, atol=1e-38)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f, oracle", [(mg.expm1, oracles.expm1), (mg.log1p, oracles.log1p), (mg.tanh, oracles.tanh)])
def test_what_is_accurate_near_0_is(f, oracle, dtype):
    x = np.geomspace(1e-12, 0.5, 25, dtype=dtype) * np.array([[1], [-1]], dtype)
    np.testing.assert_allclose(f(x), oracle(x), rtol=4 * float(np.finfo(dtype).eps))


def test_tanh_and_relu_hold_to_the_end():
    with np.errstate(all="raise"):
        assert mg.tanh(mg.tensor([-1e4, 1e4, -np.inf, np.inf])).tolist() == [-1, 1, -1, 1]
        assert mg.relu(mg.tensor([-1e30, -np.inf, np.inf])).tolist() == [0, 0, np.inf]


@pytest.mark.parametrize(
    "f, analytic, signed",
    [
        (mg.square, np.square, True),
        (lambda x: x**3, lambda z: z * z * z, True),
        (mg.reciprocal, lambda z: 1 / z, True),
        (mg.sqrt, np.sqrt, False),
        (mg.log, np.log, False),
        (mg.log1p, np.log1p, False),
        (mg.exp, np.exp, True),
        (mg.expm1, np.expm1, True),
        (mg.sin, np.sin, True),
        (mg.cos, np.cos, True),
        (mg.tanh, np.tanh, True),
        (mg.sigmoid, lambda z: 1 / (1 + np.exp(-z)), True),
        (F.softplus, lambda z: np.log1p(np.exp(z)), True),
        (mg.abs, lambda z: z * np.sign(z.real), True),
        (mg.relu, lambda z: z * (z.real > 0), True),
    ],
)
def test_slopes_at_every_magnitude_are_those_of_the_complex_step(f, analytic, signed):
    """Im f(x + ih) / h is f′(x) to the last digits for h → 0, as no difference is taken (Squire & Trapp 1998)."""
    sizes = np.geomspace(1e-3, 700, 40)
    x = mg.tensor(np.append(-sizes, sizes) if signed else sizes, requires_grad=True)
    z, y = analytic(x.data + 1e-100j), f(x)
    y.sum().backward()
    np.testing.assert_allclose(y.data, z.real, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(x.grad.data, z.imag / 1e-100, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p, t, loss", [(0, 0, 0), (1, 1, 0), (0, 1, 100), (1, 0, 100), (0, 0.5, 50)])
def test_bce_at_probabilities_0_and_1_is_held_at_100(p, t, loss, dtype):
    probability, target = (mg.tensor(np.array(x, dtype), requires_grad=True) for x in (p, t))
    found = F.binary_cross_entropy(probability, target)
    found.backward()
    assert found.item() == pytest.approx(loss)
    assert probability.grad.item() == pytest.approx((p - t) / 1e-12)  # p(1 − p) is held above 1e-12, as in PyTorch
    assert target.grad.item() == pytest.approx(100 - 200 * p)


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


def test_the_larger_of_a_float_and_an_integer_is_told_apart_beyond_the_floats_precision():
    """2²⁴ + 1 has no float32, and so the result does not equal the input that won."""
    x, n = mg.full((1,), 2.0**24, requires_grad=True), mg.tensor([2**24 + 1])
    for f, slope in ((mg.maximum, 0), (mg.minimum, 1)):
        assert mg.autograd.grad(f(x, n), x)[0].item() == slope


REUSED = {
    "batch norm": lambda x: F.batch_norm(x, None, None, training=True),
    "conv": lambda x: F.conv2d(x, mg.ones(3, 2, 2, 2)),
    "transposed conv": lambda x: F.conv_transpose2d(x, mg.ones(2, 3, 2, 2)),
    "max pool": lambda x: F.max_pool2d(x, 2, 1),
    "rnn": lambda x: ops.rnn(x[:, :, 0], mg.ones(2, 4), mg.ones(4, 3), mg.ones(4, 4)),
    "lstm": lambda x: ops.lstm(x[:, :, 0], mg.ones(2, 4), mg.ones(2, 4), mg.ones(16, 3), mg.ones(16, 4)),
    "cross entropy": lambda x: F.cross_entropy(x.flatten(1), mg.tensor([0, 1, 2]), reduction="none"),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("f", REUSED.values(), ids=REUSED)
def test_a_cotangent_may_be_overwritten_between_two_walks(f, create_graph):
    """As in a loop over the rows of a Jacobian: what an op remembers of g must not outlive its values."""
    mg.manual_seed(0)
    x = mg.randn(3, 2, 4, 3, requires_grad=True)
    y = f(x)
    g, other = mg.randn_like(y), mg.randn_like(y)
    (expected,) = mg.autograd.grad(f(x), x, other)
    mg.autograd.grad(y, x, g, retain_graph=True, create_graph=create_graph)
    g.copy_(other)
    (found,) = mg.autograd.grad(y, x, g, retain_graph=True, create_graph=create_graph)
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------ empty tensors
@pytest.mark.parametrize(
    "f",
    [mg.exp, mg.tanh, mg.sum, lambda x: x.sum(0), lambda x: x.sum(1), lambda x: x[:, 1:], lambda x: x.T @ x,
     lambda x: F.linear(x, mg.ones(2, 3)), lambda x: mg.cat([x, x]), lambda x: x.flatten(), lambda x: x.mean(1),
     lambda x: x.var(1), lambda x: x.std(1), lambda x: x.amax(1), lambda x: x.min(1)[0], lambda x: x.norm(3, 1),
     lambda x: x.logsumexp(1), lambda x: x.softmax(1), lambda x: x.log_softmax(1), lambda x: x.flip(0),
     lambda x: x.repeat(2, 2), lambda x: mg.cat(mg.split(x, 2)), lambda x: mg.chunk(x, 3)[0],
     lambda x: mg.gather(x, 0, mg.tensor(np.zeros((0, 2), int))), lambda x: mg.pad(x, (1, 1, 1, 1)),
     lambda x: mg.pad(x, (1, 1), "reflect"), lambda x: mg.pad(x, (1, 1), "replicate"), lambda x: F.layer_norm(x, 3),
     lambda x: F.batch_norm(x, mg.zeros(3), mg.ones(3)), F.dropout],
)  # fmt: skip
def test_empty_batches_pass_forward_and_backward(f):
    x = mg.zeros(0, 3, requires_grad=True)
    y = f(x)
    y.backward(mg.ones(y.shape))
    assert x.grad.shape == (0, 3)
