"""The fake device is as strict as CuPy or stricter, computes what NumPy computes, and catches planted impurities."""

import copy
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.autograd import Op
from minigrad.backend import get_array_module
from minigrad.testing import cupy_names, fake_device
from minigrad.testing.on_device import check_on_device

HOST = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
I = np.array([0, 2, 2])  # noqa: E741  an index that names a place twice


@pytest.fixture
def device():
    with fake_device.installed() as installed:
        yield installed


@pytest.fixture
def cupy(device):
    import cupy

    return cupy


@pytest.fixture
def x(cupy, device):
    array = cupy.asarray(HOST)
    device.uploads.clear()
    return array


# ------------------------------------------------------------------ what raises
REFUSED = [
    ("conversion", lambda cp, x: np.asarray(x), TypeError, r"to the host with \.get\(\)"),
    ("conversion in a list", lambda cp, x: np.array([x, x]), TypeError, r"\.get\(\)"),
    ("a NumPy ufunc", lambda cp, x: np.exp(x), TypeError, "NumPy's exp .* call cupy.exp"),
    ("a NumPy function", lambda cp, x: np.where(x > 0, x, 0), TypeError, "NumPy's where .* call cupy.where"),
    ("a NumPy reduction", lambda cp, x: np.sum(x), TypeError, "NumPy's sum"),
    ("np.add.at", lambda cp, x: np.add.at(x, 0, 1.0), TypeError, "NumPy's add"),
    ("np.add.reduce", lambda cp, x: np.add.reduce(x), TypeError, "NumPy's add"),
    ("an ndarray on the left", lambda cp, x: HOST + x, TypeError, "NumPy's add"),
    ("an ndarray on the right", lambda cp, x: x + HOST, TypeError, "cupy.asarray"),
    ("a 0-d ndarray", lambda cp, x: x * np.array(2.0), TypeError, "cupy.asarray"),
    ("an ndarray in place", lambda cp, x: x.__iadd__(HOST), TypeError, "cupy.asarray"),
    ("an ndarray compared", lambda cp, x: x < HOST, TypeError, "cupy.asarray"),
    ("an ndarray, times a matrix", lambda cp, x: HOST.T @ x, TypeError, "NumPy's matmul"),
    ("an ndarray and its like", lambda cp, x: cp.maximum(x, HOST), TypeError, "cupy.asarray"),
    ("an ndarray in a list", lambda cp, x: cp.concatenate([x, HOST]), TypeError, "cupy.asarray"),
    ("an ndarray by keyword", lambda cp, x: cp.multiply(x, 2.0, out=np.empty((2, 3))), TypeError, "cupy.asarray"),
    ("an ndarray alone", lambda cp, x: cp.sum(HOST), TypeError, "cupy.asarray"),
    ("an ndarray as index", lambda cp, x: x[np.array([0])], TypeError, "cupy.asarray"),
    ("an ndarray as a mask", lambda cp, x: x[HOST > 2], TypeError, "cupy.asarray"),
    ("an ndarray in an index", lambda cp, x: x[:, np.array([0])], TypeError, "cupy.asarray"),
    ("an ndarray assigned", lambda cp, x: x.__setitem__(0, HOST[0]), TypeError, "cupy.asarray"),
    ("an ndarray scattered", lambda cp, x: cp.add.at(x, 0, HOST[0]), TypeError, "cupy.asarray"),
    ("a list as operand", lambda cp, x: x + [1.0, 2.0, 3.0], TypeError, "not a list"),
    ("a list as array", lambda cp, x: cp.sum([1.0, 2.0]), TypeError, "takes arrays on the device"),
    ("as an index of a list", lambda cp, x: [1, 2][cp.asarray(1)], TypeError, "indices must be integers"),
    ("as a range", lambda cp, x: range(cp.asarray(1)), TypeError, "cannot be interpreted as an integer"),
    ("as a shape", lambda cp, x: x.reshape(cp.asarray(6)), TypeError, "reshape takes numbers for shape"),
    ("in a shape", lambda cp, x: x.reshape((cp.asarray(2), 3)), TypeError, "reshape takes numbers for shape"),
    ("as the shape of zeros", lambda cp, x: cp.zeros(cp.asarray(2)), TypeError, "zeros takes numbers for shape"),
    ("as an axis", lambda cp, x: x.sum(axis=cp.asarray(1)), TypeError, "sum takes numbers for axis"),
    ("as an axis of a function", lambda cp, x: cp.max(x, cp.asarray(1)), TypeError, "max takes numbers for axis"),
    ("as axes", lambda cp, x: x.transpose(cp.asarray(1), 0), TypeError, "transpose takes numbers for axes"),
    ("as the end of arange", lambda cp, x: cp.arange(cp.asarray(2)), TypeError, "arange takes numbers for start"),
    ("as the end of a slice", lambda cp, x: x[: cp.asarray(1)], TypeError, "slice indices must be integers"),
    ("a function that CuPy lacks", lambda cp, x: cp.nditer, AttributeError, "cupy.nditer is not on the list"),
    ("a method that CuPy lacks", lambda cp, x: x.setflags, AttributeError, "cupy.ndarray.setflags is not on the list"),
    ("an attribute that CuPy lacks", lambda cp, x: x.mT, AttributeError, "cupy.ndarray.mT .* CuPy 13.6.0"),
    ("a new attribute", lambda cp, x: setattr(x, "name", 1), AttributeError, "name"),
    ("an import that CuPy lacks", lambda cp, x: exec("from cupy import nditer"), ImportError, "nditer"),
    ("where= of a reduction", lambda cp, x: x.sum(where=x > 1), TypeError, "sum.self, axis=None, .* 'where'"),
    ("initial= of a reduction", lambda cp, x: cp.max(x, initial=0.0), TypeError, "max.a, axis=None, .* 'initial'"),
    ("where= of a ufunc", lambda cp, x: cp.exp(x, where=x > 1), TypeError, "cupy.exp .* takes no where="),
    ("order= of a ufunc", lambda cp, x: cp.add(x, x, order="F"), TypeError, "cupy.add .* takes no order="),
    ("at of a ufunc without", lambda cp, x: cp.exp.at(x, 0), AttributeError, "cupy.exp.at is not on the list"),
    ("adding integers at", lambda cp, x: cp.add.at(cp.zeros(3, "int64"), 0, 1), TypeError, "int32, .* is int64"),
    ("an index out of range", lambda cp, x: x[cp.asarray([0, 2])], IndexError, "out of bounds"),
    ("an integer out of range", lambda cp, x: x[2], IndexError, "out of bounds"),
    ("truth of many", lambda cp, x: bool(x), ValueError, "ambiguous"),
    ("a hash", lambda cp, x: hash(x), TypeError, "unhashable"),
    ("random numbers", lambda cp, x: cp.random, AttributeError, "cupy.random is not on the list"),
    ("a second device", lambda cp, x: cp.cuda.Device(1), RuntimeError, "they are 1, numbered from 0"),
]  # fmt: skip


@pytest.mark.parametrize("call, error, words", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(cupy, x, call, error, words):
    with pytest.raises(error, match=words):
        call(cupy, x)
    np.testing.assert_array_equal(x.get(), HOST)


# ------------------------------------------------------------------ what computes, as NumPy does
COMPUTED = [
    ("numbers", lambda xp, x: 2 - x * 3.0),
    ("a NumPy scalar on the left", lambda xp, x: np.float32(2) * x.astype(xp.float32)),
    ("a NumPy scalar on the right", lambda xp, x: x.astype(xp.float32) / np.float64(3)),
    ("a NumPy scalar compared", lambda xp, x: np.float64(2) < x),
    ("powers and remainders", lambda xp, x: 2**x % 3 // 1),
    ("a product", lambda xp, x: x.T @ x),
    ("a reduction", lambda xp, x: x.sum()),
    ("a reduction over no axes", lambda xp, x: x.sum(axis=())),
    ("a function's reduction", lambda xp, x: xp.max(x, axis=1, keepdims=True)),
    ("the place of the largest", lambda xp, x: x.argmax()),
    ("one element", lambda xp, x: x[1, 2]),
    ("one element, by a number of NumPy", lambda xp, x: x[np.int64(1), 2]),
    ("a mask", lambda xp, x: x[x > 2]),
    ("arrays of integers", lambda xp, x: x[:, xp.asarray(I)]),
    ("a list of integers", lambda xp, x: x[:, [0, 2, 2]]),
    ("a 0-d array of an integer", lambda xp, x: x[xp.asarray(1)]),
    ("a new axis", lambda xp, x: x[None, ..., 1]),
    ("a choice", lambda xp, x: xp.where(x > 2, x, 0)),
    ("truth", lambda xp, x: xp.isfinite(x).all()),
    ("equality of all", lambda xp, x: xp.array_equal(x, x)),
    ("integers and floats", lambda xp, x: xp.arange(3) + x.astype("float32")),
    ("a number's function", lambda xp, x: xp.exp(0.5)),
    ("a shape of another", lambda xp, x: xp.full_like(x, 7, shape=(2, 5))),
    ("windows", lambda xp, x: xp.lib.stride_tricks.as_strided(x, (2, 2, 2), (24, 8, 8))),
    ("an output given", lambda xp, x: xp.multiply(x, x, out=xp.empty((2, 3)))),
    ("an assigned slice", lambda xp, x: assigned(x, (slice(None), 1), 7.0)),
    ("an assigned mask", lambda xp, x: assigned(x, x > 2, x[x > 2] * 10)),
    ("assigned at indices, once each", lambda xp, x: assigned(x, (0, xp.asarray([2, 0])), xp.asarray([7.0, 8.0]))),
    ("one number at an index twice", lambda xp, x: assigned(x, (0, xp.asarray(I)), 7.0)),
    ("added at indices", lambda xp, x: added(xp, x, (0, xp.asarray(I)), xp.asarray([1.0, 10.0, 100.0]))),
    ("added at a mask", lambda xp, x: added(xp, x, x > 2, 1.0)),
]  # fmt: skip


def assigned(x, index, value):
    x = x.copy()
    x[index] = value
    return x


def added(xp, x, index, value):
    x = x.copy()
    xp.add.at(x, index, value)
    return x


@pytest.mark.parametrize("f", [row[1] for row in COMPUTED], ids=[row[0] for row in COMPUTED])
def test_results_are_those_of_numpy_and_stay_on_the_device(device, cupy, x, f):
    result = f(cupy, x)
    assert type(result) is cupy.ndarray and not device.transfers
    np.testing.assert_array_equal(result.get(), np.asarray(f(np, HOST)), strict=True)


def test_an_array_is_no_ndarray(x):
    assert not isinstance(x, np.ndarray) and type(x).__mro__[1:] == (object,)


def test_questions_about_the_form_are_answered_on_the_host(device, cupy, x):
    assert x.shape == cupy.shape(x) == (2, 3) and len(x) == x.ndim == 2 and x.size == 6 and x.nbytes == 48
    assert x.dtype is np.dtype(float) and x.strides == (24, 8) and x.flags.c_contiguous and not x.T.flags.c_contiguous
    assert cupy.result_type(x, np.float32) == np.float64 and cupy.may_share_memory(x, x.T) is True
    assert [type(row) for row in x] == [cupy.ndarray] * 2 and not device.transfers


# ------------------------------------------------------------------ memory
VIEWS = [
    ("a slice", lambda cp, x: x[:, 1:]),
    ("one element", lambda cp, x: x[1, 2]),
    ("transposed", lambda cp, x: x.T),
    ("reshaped", lambda cp, x: x.reshape(3, 2)),
    ("a view of a view", lambda cp, x: x.T[1:].reshape((2, 2, 1))),
    ("windows", lambda cp, x: cp.lib.stride_tricks.as_strided(x, (2, 2), (8, 8))),
]
COPIES = [
    ("arithmetic", lambda cp, x: x + 0),
    ("a mask", lambda cp, x: x[x > 0]),
    ("indices", lambda cp, x: x[cp.asarray([0, 1])]),
    ("a copy", lambda cp, x: x.copy()),
    ("array()", lambda cp, x: cp.array(x)),
]


@pytest.mark.parametrize("f", [row[1] for row in VIEWS], ids=[row[0] for row in VIEWS])
def test_a_view_writes_into_the_array_and_knows_it(cupy, x, f):
    view = f(cupy, x)
    assert view.base is x and cupy.may_share_memory(view, x)
    view[...] = 77
    assert 77 in x.get()


@pytest.mark.parametrize("f", [row[1] for row in COPIES], ids=[row[0] for row in COPIES])
def test_a_copy_does_not(cupy, x, f):
    other = f(cupy, x)
    assert other.base is None and not cupy.may_share_memory(other, x)
    other[...] = 77
    assert 77 not in x.get()


def test_what_is_in_place_gives_the_array_itself(cupy, x):
    y = x
    y += 1
    y *= y
    assert y is x and cupy.sqrt(x, out=x) is x and cupy.asarray(x) is x
    np.testing.assert_array_equal(x.get(), HOST + 1)


def test_neither_an_upload_nor_a_download_shares_memory(cupy):
    host = HOST.copy()
    x = cupy.asarray(host)
    x.get()[...] = 7
    host[...] = 8
    np.testing.assert_array_equal(x.get(), HOST)


# ------------------------------------------------------------------ writes that meet
def test_assigning_to_a_place_twice_leaves_it_unknown(cupy):
    x, i = cupy.asarray([1.0, 2.0, 3.0]), cupy.asarray(I)
    x[i] += cupy.asarray([10.0, 10.0, 10.0])
    np.testing.assert_array_equal(x.get(), [11, 2, np.nan])


def test_tuples_in_an_index_are_arrays_of_indices(cupy):
    x = cupy.zeros((3, 1))
    x[(0, 2, 2), 0] = cupy.ones(3)
    x[((1, 1),)] = cupy.ones((2, 1))
    np.testing.assert_array_equal(x.get().ravel(), [1, np.nan, np.nan])


@pytest.mark.parametrize("dtype, unknown", [("float32", np.nan), ("int32", 2**31 - 1), ("uint8", 255), ("bool", False)])
def test_every_dtype_shows_it(cupy, dtype, unknown):
    x = cupy.zeros(3, dtype)
    x[cupy.asarray(I)] = cupy.ones(3, dtype)
    np.testing.assert_array_equal(x.get(), np.array([1, 0, unknown], dtype))


def test_scatter_add_adds_each_time(cupy, device):
    import cupyx

    x = cupy.zeros(3)
    cupyx.scatter_add(x, cupy.asarray(I), cupy.asarray([1.0, 10.0, 100.0]))
    x.scatter_add(1, 5.0)
    np.testing.assert_array_equal(x.get(), [1, 5, 110])


# ------------------------------------------------------------------ copies are counted
TO_HOST = [
    (".get()", lambda cp, x: x.get()),
    (".get()", lambda cp, x: cp.asnumpy(x)),
    (".item()", lambda cp, x: x[0, 0].item()),
    (".tolist()", lambda cp, x: x.tolist()),
    (".tobytes()", lambda cp, x: x.tobytes()),
    ("float()", lambda cp, x: float(x[0, 0])),
    ("float()", lambda cp, x: math.sqrt(x[0, 0])),
    ("int()", lambda cp, x: int(x[0, 0])),
    ("complex()", lambda cp, x: complex(x[0, 0])),
    ("bool()", lambda cp, x: not x[0, 0]),
    ("bool()", lambda cp, x: 1.0 in x[0]),
    ("bool()", lambda cp, x: max(x[0, 0], 5.0)),
    ("repr()", lambda cp, x: repr(x)),
    ("str()", lambda cp, x: str(x)),
    ("format()", lambda cp, x: f"{x}"),
    ("pickle", lambda cp, x: pickle.dumps(x)),
]
TO_DEVICE = [
    ("asarray()", lambda cp, x: cp.asarray(HOST)),
    ("array()", lambda cp, x: cp.array([1.0, 2.0])),
    (".set()", lambda cp, x: x.set(HOST)),
]


@pytest.mark.parametrize("call, f", TO_HOST, ids=[f"{call} {i}" for i, (call, _) in enumerate(TO_HOST)])
def test_a_copy_to_the_host_is_counted_with_its_stack(device, cupy, x, call, f):
    f(cupy, x)
    assert [transfer.call for transfer in device.transfers] == [call] and not device.uploads
    assert any(frame.name == "<lambda>" and frame.filename == __file__ for frame in device.transfers[0].stack)


@pytest.mark.parametrize("call, f", TO_DEVICE, ids=[call for call, _ in TO_DEVICE])
def test_a_copy_to_the_device_is_counted_by_itself(device, cupy, x, call, f):
    f(cupy, x)
    assert [transfer.call for transfer in device.uploads] == [call] and not device.transfers
    assert device.uploads[0].stack[-1].name == "<lambda>"


def test_a_transfer_says_who_asked_for_it(device, x):
    float(x[0, 0])  # this line
    assert "float(), called from" in str(device.transfers[0]) and "# this line" in str(device.transfers[0])


def test_copies_on_the_device_are_not_transfers(device, cupy, x):
    for y in (copy.copy(x), copy.deepcopy(x), cupy.asarray(x), cupy.array(x)):
        assert type(y) is cupy.ndarray
    assert not device.transfers and not device.uploads


# ------------------------------------------------------------------ installing
def test_it_is_gone_afterwards():
    with fake_device.installed():
        import cupy

        x = cupy.zeros(3)
        assert get_array_module(2.0, x) is cupy and Tensor(x).device == "cuda"
    assert "cupy" not in sys.modules and "cupyx" not in sys.modules
    assert get_array_module(x) is np


def test_what_stood_there_before_is_back(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", np)
    with fake_device.installed() as outer:
        with fake_device.installed() as inner:
            float(sys.modules["cupy"].zeros(()))
        assert len(inner.transfers) == 1 and not outer.transfers
        assert sys.modules["cupy"].__version__ == cupy_names.VERSION
    assert sys.modules["cupy"] is np


def test_the_device_has_what_a_program_asks_first(cupy, x):
    assert cupy.cuda.is_available() and cupy.cuda.runtime.getDeviceCount() == 1
    with cupy.cuda.Device(0) as zero:
        assert x.device == zero
    assert cupy.get_array_module(1.0, x) is cupy and cupy.get_array_module(HOST) is np


def test_minigrad_alone_imports_neither_cupy_nor_the_fake():
    program = "import minigrad, sys; assert not {'cupy', 'minigrad.testing.fake_device'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_name_on_the_list_is_there(cupy):
    for group in (cupy_names.Functions, cupy_names.Creation, cupy_names.Questions):
        for name in vars(group):
            assert name.startswith("__") or callable(getattr(cupy, name))
    for name in cupy_names.UFUNCS:
        assert isinstance(getattr(cupy, name), cupy.ufunc) and isinstance(getattr(np, name), np.ufunc)


# ------------------------------------------------------------------ planted impurities, each in what otherwise is an op
class Impure(Op):
    def __init__(self, forward):
        self.impure = forward

    def forward(self, x):
        return self.impure(get_array_module(x), x)

    def grad_x(self, g, y, x):
        return g


def repeats(xp, x):
    y, i = x.copy(), xp.arange(2) * 0
    y[i] += x[i]
    return y


def bincount(xp, x):
    y = xp.zeros_like(x)
    np.add.at(y, xp.arange(2) * 0, x)
    return y


IMPURITIES = [
    ("np.exp", lambda xp, x: np.exp(x), TypeError, "<Impure>: NumPy's exp"),
    ("np.where", lambda xp, x: np.where(x > 0, x, 0), TypeError, "NumPy's where"),
    ("np.add.at", bincount, TypeError, "NumPy's add"),
    ("a constant of NumPy", lambda xp, x: x + np.ones(3, x.dtype), TypeError, "<Impure>: a NumPy array met a device"),
    ("a constant of NumPy first", lambda xp, x: np.ones(3, x.dtype) - x, TypeError, "NumPy's subtract"),
    ("a host index", lambda xp, x: x[np.arange(2)], TypeError, "<Impure>: a NumPy array met a device"),
    ("a name that CuPy lacks", lambda xp, x: xp.nditer(x) and x, AttributeError, "cupy.nditer is not on the list"),
    ("an argument that CuPy lacks", lambda xp, x: x - x.sum(initial=0), TypeError, "'initial'"),
    ("float()", lambda xp, x: x * float(x.sum()), AssertionError, r"float\(\), called(.*\n)*.*float\(x.sum"),
    (".item()", lambda xp, x: x / x.max().item(), AssertionError, r"\.item\(\), called(.*\n)*.*x.max\(\).item"),
    ("a condition", lambda xp, x: x if (x > 9).any() else -x, AssertionError, r"bool\(\), called(.*\n)*.*any\(\) else"),
    ("a comparison", lambda xp, x: -x if x[0, 0] > 1 else x, AssertionError, r"bool\(\), called"),
    ("max of Python", lambda xp, x: x * max(x[0, 0], 1.0), AssertionError, r"bool\(\), called"),
    ("repeated indices", repeats, AssertionError, "nan"),
    ("a result on the host", lambda xp, x: x.get() if xp is not np else x, AssertionError, r"\.get\(\), called"),
]


@pytest.mark.parametrize("forward, error, words", [row[1:] for row in IMPURITIES], ids=[row[0] for row in IMPURITIES])
def test_a_planted_impurity_is_caught(forward, error, words):
    with pytest.raises(error, match=words):
        check_on_device(lambda x: Impure(forward)(x), [HOST])


def test_impurities_outside_an_op_are_caught_too():
    with pytest.raises(AssertionError, match=r"\.item\(\), called"):
        check_on_device(lambda x: x * x.sum().item(), [HOST])
    with pytest.raises(AssertionError, match=r"bool\(\), called"):
        check_on_device(lambda x: x if x.sum() > 0 else -x, [HOST])


@pytest.mark.parametrize("derivative", [1, 2])
def test_an_impure_gradient_is_caught(derivative):
    class Double(Op):
        def forward(self, x):
            return x * 2

        def grad_x(self, g, y, x):
            impure = derivative == 1 or isinstance(g, Tensor)
            return g * float(2 * (g + 1 == g + 1).any()) if impure else g * 2

    with pytest.raises((AssertionError, AttributeError)):
        check_on_device(lambda x: Double()(x) * x, [HOST])


def test_what_is_pure_passes():
    check_on_device(lambda x: Impure(lambda xp, x: xp.exp(x) + x.sum(axis=0))(x), [HOST])


def test_parameters_move_too():
    check_on_device(lambda x, index: x[index], [HOST], {"index": (slice(None), I)})


# ------------------------------------------------------------------ minigrad between host and device
MIXED = [
    ("add", lambda h, d: h + d, "<Add>"),
    ("add, the other way", lambda h, d: d + h, "<Add>"),
    ("an array", lambda h, d: d * h.data, "<Mul>"),
    ("an array first", lambda h, d: h.data * d, "<Mul>"),
    ("maximum", mg.maximum, "<Maximum>"),
    ("where", lambda h, d: mg.where(h > 0, d, d), "<Where>"),
    ("matmul", lambda h, d: h.T @ d, "<MatMul>"),
    ("cat", lambda h, d: mg.cat([h, d]), "<Concatenate>"),
    ("linear", lambda h, d: mg.nn.functional.linear(d, h), "<Linear>"),
    ("a loss", lambda h, d: mg.nn.functional.mse_loss(d, h), "<SquaredError>"),
    ("compared", lambda h, d: d > h, "gt"),
    ("add_", lambda h, d: h.add_(d), "add_"),
    ("mul_", lambda h, d: d.mul_(h), "mul_"),
]


@pytest.mark.parametrize("f, name", [row[1:] for row in MIXED], ids=[row[0] for row in MIXED])
def test_an_op_that_mixes_host_and_device_names_itself_and_the_fix(x, f, name):
    with pytest.raises(TypeError) as caught:
        f(Tensor(HOST), Tensor(x))
    for words in (name, "lie on cpu and cuda", "x.to('cuda')"):
        assert words in str(caught.value)


def test_mixing_under_no_grad_names_itself_too(x):
    t = Tensor(x)
    with mg.no_grad(), pytest.raises(TypeError, match="iadd works on one device.*lie on cpu and cuda"):
        t += Tensor(HOST)


def test_a_tensor_on_the_device_prints_and_its_change_is_noticed(device, x):
    t = Tensor(x, requires_grad=True)
    assert repr(t) == repr(Tensor(HOST, requires_grad=True)).replace(", req", ", device='cuda', req")
    assert len(device.transfers) == 1
    loss = (t * t).sum()
    mg.ones(2).zero_()  # a change on the host, with which nothing on the device shares memory
    t.detach()[0].mul_(2)
    with pytest.raises(RuntimeError, match=r"shape \(3,\) was changed"):
        loss.backward()
