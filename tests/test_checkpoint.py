"""Checkpoints: what is saved comes back the same, or an error says why; nothing is pickled, nothing is half written."""

import collections
import io
import os
import pickle
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.checkpoint import replacing


def described(obj):
    """`obj` as nested tuples that are equal exactly where type, dtype, shape and every bit are."""
    if isinstance(obj, mg.Tensor):
        return "Tensor", described(obj.data)
    if isinstance(obj, np.ndarray):
        return "array", obj.dtype.str, obj.shape, obj.tobytes()
    if isinstance(obj, dict):
        return "dict", [(described(k), described(v)) for k, v in obj.items()]
    if isinstance(obj, (list, tuple)):
        return type(obj).__name__, [described(v) for v in obj]
    return type(obj).__name__, repr(obj)


def round_trip(obj, path):
    mg.save(obj, path)
    return mg.load(path)


# ---------------------------------------------------------------------------------------------- the way back
arrays = hnp.arrays(
    st.one_of(
        hnp.boolean_dtypes(),
        hnp.integer_dtypes(endianness="?"),
        hnp.unsigned_integer_dtypes(),
        hnp.floating_dtypes(endianness="?"),
        hnp.complex_number_dtypes(),
        hnp.unicode_string_dtypes(max_len=3),
    ),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
)
tensors = hnp.arrays(st.sampled_from(["f4", "f8", "i8", "u1", "?"]), hnp.array_shapes(min_dims=0, min_side=0)).map(
    mg.Tensor
)
keys = st.one_of(st.integers(), st.text(), st.booleans(), st.none(), st.tuples(st.integers(), st.text()))
leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**127), 2**128), st.floats(), st.text(), arrays, tensors)
nested = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(obj=nested)
def test_what_is_saved_comes_back(tmp_path_factory, obj):
    assert described(round_trip(obj, tmp_path_factory.getbasetemp() / "nested.npz")) == described(obj)


@pytest.mark.parametrize(
    "obj",
    [
        {},
        [],
        (),
        ((),),
        "",
        "späß\0\n",
        None,
        True,
        0,
        2**128 - 1,
        -(2**127),
        -0.0,
        float("nan"),
        float("inf"),
        -float("inf"),
        5e-324,
        {1: "a", "1": "b"},
        {True: 1},
        {None: {(1, "b"): [None]}},
        {"structure": np.ones(1), "array_0": np.zeros(2), "file": np.zeros(3)},
        {"dict": [["a", 1]], "tensor": "array_0", "list": []},
        np.array(2.5),
        np.zeros((0, 3), np.int8),
        np.array([np.nan, -0.0, np.inf]),
        np.array([1, 2], ">i4"),
        mg.tensor(2.5),
        mg.tensor(np.zeros((2, 0))),
        np.random.default_rng(0).bit_generator.state,
    ],
    ids=lambda obj: repr(obj)[:40],
)
def test_a_border_case_comes_back(tmp_path, obj):
    assert described(round_trip(obj, tmp_path / "c.npz")) == described(obj)


@pytest.mark.parametrize(
    "obj, expected",
    [
        (np.float32(0.5), 0.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (collections.namedtuple("Point", "x y")(1, 2), (1, 2)),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_special_kind_comes_back_as_the_plain_one(tmp_path, obj, expected):
    assert described(round_trip(obj, tmp_path / "c.npz")) == described(expected)


@pytest.mark.parametrize("array", [np.arange(6).reshape(2, 3).T, np.arange(10)[::3], np.broadcast_to(1.0, (2, 2))])
def test_an_array_that_is_not_contiguous_comes_back(tmp_path, array):
    np.testing.assert_array_equal(round_trip(array, tmp_path / "c.npz"), array)


def test_a_loaded_array_can_be_changed(tmp_path):
    array = round_trip(np.zeros(2), tmp_path / "c.npz")
    array += 1
    assert array.tolist() == [1, 1]


def test_the_file_has_the_name_that_was_given(tmp_path):
    mg.save(1, tmp_path / "checkpoint")
    assert os.listdir(tmp_path) == ["checkpoint"]


def test_a_path_may_be_text(tmp_path):
    assert round_trip(1, str(tmp_path / "c.npz")) == 1


def test_numpy_opens_the_file(tmp_path):
    mg.save({"weight": np.array([1.5, 2.5])}, tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz", allow_pickle=False) as file:
        assert file["array_0"].tolist() == [1.5, 2.5]


# ---------------------------------------------------------------------------------------------- what is not saved
UNSAVABLE = {
    "array of objects": np.array([1, "a", None], dtype=object),
    "array of records with objects": np.array([(1, None)], dtype=[("a", int), ("b", object)]),
    "object": object(),
    "function": print,
    "set": {1, 2},
    "bytes": b"a",
    "complex": 1j,
    "module": mg.nn.Linear(1, 1),
    "date": np.datetime64("2024-01-01"),
}


@pytest.mark.parametrize("nest", [lambda v: v, lambda v: {"a": [1, (v,)]}], ids=["alone", "nested"])
@pytest.mark.parametrize("value", UNSAVABLE.values(), ids=UNSAVABLE)
class TestUnsavable:
    def test_is_a_type_error(self, tmp_path, value, nest):
        with pytest.raises(TypeError):
            mg.save(nest(value), tmp_path / "c.npz")

    def test_leaves_the_old_file(self, tmp_path, value, nest):
        mg.save("old", tmp_path / "c.npz")
        with pytest.raises(TypeError):
            mg.save(nest(value), tmp_path / "c.npz")
        assert mg.load(tmp_path / "c.npz") == "old"

    def test_leaves_no_other_file(self, tmp_path, value, nest):
        with pytest.raises(TypeError):
            mg.save(nest(value), tmp_path / "c.npz")
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["array of objects", "array of records with objects", "object", "set"])
def test_a_type_error_says_what_save_does_not_take(tmp_path, kind):
    with pytest.raises(TypeError, match=r"save\(\) .*(not (object|set)|objects)$"):
        mg.save(UNSAVABLE[kind], tmp_path / "c.npz")


# ---------------------------------------------------------------------------------------------- nothing half written
@pytest.fixture
def failing_savez(monkeypatch):
    def savez(file, **arrays):
        file.write(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", savez)


def test_a_save_that_fails_half_way_leaves_the_old_file(tmp_path, failing_savez):
    (tmp_path / "c.npz").write_text("old")
    with pytest.raises(OSError, match="No space left"):
        mg.save({}, tmp_path / "c.npz")
    assert (tmp_path / "c.npz").read_text() == "old"


def test_a_save_that_fails_half_way_leaves_no_other_file(tmp_path, failing_savez):
    with pytest.raises(OSError, match="No space left"):
        mg.save({}, tmp_path / "c.npz")
    assert os.listdir(tmp_path) == []


def test_a_save_into_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        mg.save({}, tmp_path / "nowhere" / "c.npz")


def test_replacing_puts_the_new_file_in_place(tmp_path):
    (tmp_path / "f").write_text("old")
    with replacing(tmp_path / "f") as temporary:
        temporary.write_text("new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"f": "new"}


def test_replacing_keeps_the_old_file_until_the_block_ends(tmp_path):
    (tmp_path / "f").write_text("old")
    with replacing(tmp_path / "f") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "f").read_text() == "old"


def test_replacing_writes_in_the_folder_of_the_file(tmp_path):
    """Only within one file system is a renamed file in its place at once."""
    with replacing(tmp_path / "f") as temporary:
        temporary.touch()
        assert temporary.parent == tmp_path


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("written", [True, False], ids=["half written", "nothing written"])
def test_replacing_leaves_the_old_file_where_the_block_fails(tmp_path, error, written):
    (tmp_path / "f").write_text("old")
    with pytest.raises(error), replacing(tmp_path / "f") as temporary:
        if written:
            temporary.write_text("half")
        raise error
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"f": "old"}


# ---------------------------------------------------------------------------------------------- damaged files
SAMPLE = {
    "weight": mg.tensor([[1.0, 2.0], [3.0, 4.0]]),
    "many": np.arange(2000.0),
    "empty": np.zeros((0, 2), np.int32),
    5: [1, 2.5, "text", None, True, (np.array(7),)],
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The bytes of SAMPLE's file."""
    path = tmp_path_factory.mktemp("sample") / "c.npz"
    mg.save(SAMPLE, path)
    return path.read_bytes()


def assert_refused(path, words="is damaged or was not written by minigrad.save"):
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} {words}"):
        mg.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"there is no file {re.escape(str(tmp_path / 'c.npz'))}"):
        mg.load(tmp_path / "c.npz")


def zipped(**entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def structure(text):
    return np.frombuffer(text.encode(), np.uint8)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


STRANGE = {
    "empty": b"",
    "text": b"epoch,loss\n1,0.5\n",
    "page": b"<html></html>",
    "pickle": b"\x80\x04N.",
    "start of a zip": b"PK\x03\x04 and no more",
    "zip of nothing": zipped(),
    "zip of text": zipped(readme="hello"),
    "zip with a text called structure": zipped(structure="{}"),
    "npy": npy(np.zeros(3)),
    "npz without structure": npz(weight=np.zeros(3)),
    "npz with a structure of numbers": npz(structure=np.zeros(3)),
    "structure that is no JSON": npz(structure=structure("weight: 1")),
    "structure that is no UTF-8": npz(structure=np.array([0xFF, 0xFE], np.uint8)),
    "structure of an unknown kind": npz(structure=structure('{"set": [1]}')),
    "structure of two kinds": npz(structure=structure('{"list": [], "tuple": []}')),
    "structure that names a missing array": npz(structure=structure('{"array": "array_0"}')),
    "structure with a list as a key": npz(structure=structure('{"dict": [[{"list": []}, 1]]}')),
    "structure nested too deeply": npz(structure=structure('{"list": [' * 5000 + "]}" * 5000)),
}


@pytest.mark.parametrize("content", STRANGE.values(), ids=STRANGE)
def test_a_file_that_save_did_not_write_is_refused(tmp_path, content):
    (tmp_path / "c.npz").write_bytes(content)
    assert_refused(tmp_path / "c.npz")


@pytest.mark.parametrize("tenths", range(10))
def test_a_file_that_is_cut_off_is_refused(tmp_path, sample, tenths):
    (tmp_path / "c.npz").write_bytes(sample[: len(sample) * tenths // 10])
    assert_refused(tmp_path / "c.npz")


def test_a_file_without_its_last_byte_is_refused(tmp_path, sample):
    (tmp_path / "c.npz").write_bytes(sample[:-1])
    assert_refused(tmp_path / "c.npz")


def assert_refused_or_the_same(path, content):
    path.write_bytes(content)
    try:
        loaded = mg.load(path)
    except ValueError:
        return
    assert described(loaded) == described(SAMPLE)


def changed(content, position, mask):
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


@pytest.mark.parametrize("seed", range(20))
def test_a_changed_byte_is_refused_or_harmless(tmp_path, sample, seed):
    rng = np.random.default_rng(seed)
    assert_refused_or_the_same(
        tmp_path / "c.npz", changed(sample, int(rng.integers(len(sample))), int(rng.integers(1, 256)))
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_changed_byte_of_the_directory_is_refused_or_harmless(tmp_path, sample, seed):
    """The zip's directory stands at its end and says how each entry is packed and where it begins."""
    rng = np.random.default_rng(seed)
    position = int(rng.integers(sample.index(b"PK\x01\x02"), len(sample)))
    assert_refused_or_the_same(tmp_path / "c.npz", changed(sample, position, int(rng.integers(1, 256))))


DIRECTORY, END = b"PK\x01\x02", b"PK\x05\x06"  # the marks that an entry of the zip's directory and its end begin with
CHANGES = {  # the mark, the distance of the byte from it, and the byte that takes its place
    "fewer rows": (b"(2000,)", 1, b"1"),
    "narrower numbers": (b"'<f8'", 3, b"4"),
    "numbers of another kind": (b"'<f8'", 2, b"i"),
    "another order of axes": (b"'fortran_order': False, 'shape': (2, 2)", 17, b"True, "),
    "zip version": (DIRECTORY, 6, b"\xff"),
    "encrypted": (DIRECTORY, 8, b"\x01"),
    "strongly encrypted": (DIRECTORY, 8, b"\x40"),
    "packed in an unknown way": (DIRECTORY, 10, b"\x63"),
    "check sum": (DIRECTORY, 16, b"\x00\x00\x00\x00"),
    "name": (DIRECTORY, 46, b"S"),
    "begin of the directory": (END, 16, b"\xff\xff\xff\x7f"),
    "length of the directory": (END, 12, b"\xff\xff\x00\x00"),
}


@pytest.mark.parametrize("mark, distance, instead", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_describes_the_values_is_refused(tmp_path, sample, mark, distance, instead):
    position = sample.index(mark) + distance
    (tmp_path / "c.npz").write_bytes(sample[:position] + instead + sample[position + len(instead) :])
    assert_refused(tmp_path / "c.npz")


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def trapped(tmp_path):
    """A file with a pickled array where a checkpoint has a plain one, and the folder that unpickling would make."""
    array = np.array([Trap(tmp_path / "sprung")], dtype=object)
    (tmp_path / "c.npz").write_bytes(npz(structure=structure('{"array": "array_0"}'), array_0=array))
    return tmp_path / "c.npz", tmp_path / "sprung"


def test_the_trap_is_sprung_by_unpickling(trapped):
    path, folder = trapped
    with np.load(path, allow_pickle=True) as file:
        file["array_0"]
    assert folder.exists()


def test_a_pickled_array_is_refused(trapped):
    assert_refused(trapped[0], r"is damaged or was not written by minigrad\.save \(Object arrays cannot be loaded")


def test_a_pickled_array_is_not_unpickled(trapped):
    path, folder = trapped
    with pytest.raises(ValueError):
        mg.load(path)
    assert not folder.exists()


def test_a_pickle_under_the_name_of_a_checkpoint_is_not_unpickled(tmp_path):
    (tmp_path / "c.npz").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert_refused(tmp_path / "c.npz")
    assert not (tmp_path / "sprung").exists()
