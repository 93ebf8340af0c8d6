"""`python -m models autoencoder`: what a run leaves behind, stopping and resuming, complaints, the progress line."""

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import minigrad as mg
from minigrad.data import digits
from minigrad.data.make_digits import balanced
from minigrad.testing import fake_device
from models import autoencoder, common
from models.__main__ import MODELS, main

ROOT = Path(__file__).parents[2]
PICTURES = ["interpolation.png", "latent.png", "loss.png", "reconstructions.png"]
RESULTS = sorted([*PICTURES, "checkpoint.npz", "metrics.json"])
SMALL = ("--hidden", 16, "--latent", 2, "--batch", 50, "--epochs", 3)
STEPS = 6  # in an epoch of SMALL on the small MNIST


# ------------------------------------------------------------------ a small MNIST, and running on it
def write_idx(path, array):
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes())


def write_mnist(folder, train, test):
    folder.mkdir()
    for part, (x, y) in (("train", train), ("t10k", test)):
        write_idx(folder / f"{part}-images-idx3-ubyte", x)
        write_idx(folder / f"{part}-labels-idx1-ubyte", y)
    return folder


@pytest.fixture(scope="module")
def parts():
    """Of each digit 30 training and 5 test images."""
    train, test = digits()
    return balanced(*train, 30), balanced(*test, 5)


@pytest.fixture(scope="module")
def data(tmp_path_factory, parts):
    return write_mnist(tmp_path_factory.mktemp("data") / "mnist", *parts)


@pytest.fixture(scope="module")
def train(data):
    def train(out, *options):
        return main(["autoencoder", *map(str, (*SMALL, "--data", data, "--out", out, *options))])

    return train


def resume(out, *options):
    return main(["autoencoder", "--resume", "--out", str(out), *map(str, options)])


@pytest.fixture(scope="module")
def finished(train, tmp_path_factory):
    """The folder of a run that has ended; do not write to it."""
    out = tmp_path_factory.mktemp("finished")
    assert train(out) == 0
    return out


@pytest.fixture
def out(finished, tmp_path):
    """A copy of that folder."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


@contextlib.contextmanager
def skipping_pictures():
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("draw_reconstructions", "draw_codes", "draw_curves", "draw_lines"):
            monkeypatch.setattr(autoencoder, name, lambda *arguments: None)
        yield


@pytest.fixture
def without_pictures():
    with skipping_pictures():
        yield


def python_m_models(*arguments):
    command = [sys.executable, "-m", "models", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def checkpoint(out):
    return mg.load(out / "checkpoint.npz")


def metrics(out):
    return json.loads((out / "metrics.json").read_text())


@pytest.fixture(autouse=True)
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


# ------------------------------------------------------------------ python -m models
def test_without_a_name_the_models_are_listed_with_their_first_line():
    run = python_m_models()
    line = (
        f"  {'autoencoder':14s} Autoencoder: squeeze a digit's 784 pixels through a few numbers and back, against PCA."
    )
    assert (run.returncode, line in run.stdout.splitlines()) == (0, True)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_listed(name, capsys):
    assert main([]) == 0
    assert re.search(rf"^  {name} +\S", capsys.readouterr().out, re.MULTILINE)


def test_an_unknown_name_is_one_line_that_says_what_there_is():
    run = python_m_models("autoencode")
    assert (run.returncode, run.stderr) == (2, "models: there is no model 'autoencode'; there is autoencoder\n")


@pytest.mark.parametrize("option", sorted(autoencoder.options().defaults))
def test_help_explains_every_option(option, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["autoencoder", "--help"])
    assert exit.value.code == 0
    assert re.search(rf"^  --{option} .*\w", capsys.readouterr().out, re.MULTILINE)


# ------------------------------------------------------------------ what a run writes
@pytest.fixture(
    scope="module",
    params=[("--latent", 1), ("--latent", 2), ("--latent", 5, "--hidden", "30,20"), ("--noise", 0.5, "--epochs", 1)],
    ids=["1 number", "2 numbers", "5 numbers, two hidden layers", "noise"],
)
def run(request, train, tmp_path_factory):
    """The folder of a run that has ended, of each kind; do not write to it."""
    out = tmp_path_factory.mktemp("run")
    assert train(out, *request.param) == 0
    return out


def test_a_run_leaves_its_results_and_nothing_else(run):
    assert sorted(os.listdir(run)) == RESULTS


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_png_and_not_blank(name, run):
    assert (run / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert matplotlib.image.imread(run / name)[..., :3].std() > 0.02


def test_results_go_to_runs_autoencoder_unless_told(data, tmp_path, monkeypatch, without_pictures):
    monkeypatch.chdir(tmp_path)
    assert main(["autoencoder", *map(str, SMALL), "--data", str(data)]) == 0
    assert sorted(os.listdir("runs/autoencoder")) == ["checkpoint.npz", "metrics.json"]


@pytest.mark.usefixtures("without_pictures")
def test_the_seed_decides_every_bit(train, finished, tmp_path):
    train(tmp_path, "--seed", 0)
    assert_same_run(tmp_path, finished)


@pytest.mark.usefixtures("without_pictures")
def test_on_the_device_the_run_is_the_same_and_a_step_copies_the_loss_alone(train, tmp_path):
    assert train(tmp_path / "host", "--noise", 0.3) == 0
    with fake_device.installed() as device:
        assert train(tmp_path / "device", "--noise", 0.3, "--device", "cuda") == 0
    a, b = (dict(leaves(checkpoint(tmp_path / where))) for where in ("device", "host"))
    assert {path[1] for path in a.keys() | b.keys() if not np.array_equal(a.get(path), b.get(path))} == {
        "out",
        "device",
    }
    asked = ("outputs", "save_checkpoint")  # evaluating and saving copy as much as they like
    in_steps = [
        transfer.call
        for transfer in device.transfers
        if {frame.name for frame in transfer.stack} & {"train", *asked} == {"train"}
    ]
    assert in_steps == [".item()"] * (3 * STEPS)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("first, rest", [("cuda", "cpu"), ("cpu", "cuda")])
def test_a_run_stopped_on_one_device_continues_on_the_other(first, rest, train, interrupt, finished, tmp_path):
    with fake_device.installed():
        interrupt(8)
        assert train(tmp_path, "--device", first) == 0
        assert resume(tmp_path, "--device", rest) == 0
    a, b = (dict(leaves(checkpoint(folder))) for folder in (tmp_path, finished))
    assert {path[1] for path in a.keys() | b.keys() if not np.array_equal(a.get(path), b.get(path))} <= {
        "out",
        "device",
    }


@pytest.mark.usefixtures("without_pictures")
def test_another_seed_gives_other_weights(train, finished, tmp_path):
    train(tmp_path, "--seed", 1)
    name = "encoder.0.weight"
    assert not np.array_equal(checkpoint(tmp_path)["weights"][name].data, checkpoint(finished)["weights"][name].data)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("optimizer", autoencoder.OPTIMIZERS)
@pytest.mark.parametrize("loss", autoencoder.LOSSES)
def test_training_loss_falls(loss, optimizer, train, tmp_path):
    assert train(tmp_path, "--loss", loss, "--optimizer", optimizer) == 0
    first, *_, last = checkpoint(tmp_path)["progress"]["history"]["train_loss"]
    assert last < first


@pytest.mark.usefixtures("without_pictures")
def test_the_embedded_digits_are_the_default(tmp_path):
    options = ("--hidden", 16, "--latent", 2, "--batch", 1000, "--epochs", 1, "--out", tmp_path)
    assert main(["autoencoder", *map(str, options)]) == 0
    found = metrics(tmp_path)
    assert found["config"]["images"] == 10_000
    assert (found["pca_test_mse"], found["pca_knn_accuracy"]) == pytest.approx((0.0549, 0.4035), abs=6e-4)


# ------------------------------------------------------------------ the metrics, computed anew from the weights
def dense(weights, part, x):
    layers = sorted({int(name.split(".")[1]) for name in weights if name.startswith(part)})
    for i in layers:
        x = x @ weights[f"{part}.{i}.weight"].T + weights[f"{part}.{i}.bias"]
        x = x if i == layers[-1] else np.maximum(x, 0)
    return x


def five_nearest(codes, labels, test_codes, test_labels):
    distances = ((test_codes[:, None].astype(np.float64) - codes[None]) ** 2).sum(axis=2)
    votes = labels[np.argsort(distances, axis=1)[:, :5]]
    return np.mean([np.argmax(np.bincount(row)) for row in votes] == test_labels)


def recomputed(out, parts):
    """The four figures of metrics.json by NumPy alone."""
    saved = checkpoint(out)
    config, weights = saved["config"], {name: value.data for name, value in saved["weights"].items()}
    (x, y), (clean, test_y) = ((x.reshape(-1, 784).astype(np.float32) / 255, y) for x, y in parts)
    mg.manual_seed(config["seed"])
    autoencoder.Autoencoder(784, config["hidden"], config["latent"])  # the weights are drawn first
    noise = mg.randn(*clean.shape).numpy()
    seen = clean + np.float32(config["noise"]) * noise
    test_codes = dense(weights, "encoder", seen)
    rebuilt = 1 / (1 + np.exp(-dense(weights, "decoder", test_codes)))
    mean = x.mean(axis=0, dtype=np.float64)
    directions = np.linalg.svd(x - mean, full_matrices=False)[2][: config["latent"]]
    pca_codes, pca_test_codes = ((images - mean) @ directions.T for images in (x, seen))
    return {
        "test_mse": np.mean((rebuilt - clean) ** 2),
        "pca_test_mse": np.mean((mean + pca_test_codes @ directions - clean) ** 2),
        "knn_accuracy": five_nearest(dense(weights, "encoder", x), y, test_codes, test_y),
        "pca_knn_accuracy": five_nearest(pca_codes, y, pca_test_codes, test_y),
    }


@pytest.fixture(scope="module")
def figures(run, parts):
    return metrics(run), recomputed(run, parts)


@pytest.mark.parametrize("figure", ["test_mse", "pca_test_mse", "knn_accuracy", "pca_knn_accuracy"])
def test_metrics_follow_from_the_weights_and_the_clean_images(figure, figures):
    found, expected = figures
    assert found[figure] == pytest.approx(expected[figure], rel=1e-5)


# ------------------------------------------------------------------ stopping and resuming
@pytest.fixture
def interrupt(monkeypatch):
    """interrupt(step, times=1): Ctrl-C comes right after that step of all steps, as often as `times` says."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    show = common.Progress.show

    def interrupt(at, times=1):
        def show_and_stop(self, done, *rest, **options):
            show(self, done, *rest, **options)
            for _ in range(times if done == at else 0):
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(common.Progress, "show", show_and_stop)

    yield interrupt
    signal.signal(signal.SIGINT, before)


def leaves(value, path=()):
    """(path, array, number or text) of everything in nested dicts, lists and tuples."""
    if isinstance(value, (dict, list, tuple)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*path, key))
    else:
        yield path, value.data if isinstance(value, mg.Tensor) else value


def assert_same_run(out, expected):
    """Every array, number and text of the checkpoints and the metrics is the same, but for the folder's name."""
    for read in (checkpoint, metrics):
        a, b = dict(leaves(read(out))), dict(leaves(read(expected)))
        assert a.pop(("config", "out")) == str(out)
        assert b.pop(("config", "out")) == str(expected)
        assert [path for path in a.keys() | b.keys() if not np.array_equal(a.get(path), b.get(path))] == []


KINDS = [("adam", 0), ("adam", 0.5), ("sgd", 0), ("sgd", 0.5)]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]}, noise {kind[1]}")
def uninterrupted(request, train, tmp_path_factory):
    """(folder, options) of a run of three epochs in one go."""
    optimizer, noise = request.param
    options = ("--optimizer", optimizer, "--noise", noise)
    out = tmp_path_factory.mktemp("uninterrupted")
    with skipping_pictures():
        assert train(out, *options) == 0
    return out, options


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(
    "stops",
    [(2,), (9,), (STEPS,), (9, 11), (4, STEPS, 17)],
    ids=["first epoch", "second epoch", "between epochs", "twice in one epoch", "three times"],
)
def test_a_resumed_run_ends_bit_equal(stops, uninterrupted, train, interrupt, tmp_path):
    expected, options = uninterrupted
    for i, stop in enumerate(stops):
        interrupt(stop)
        assert (resume(tmp_path) if i else train(tmp_path, *options)) == 0
        progress = checkpoint(tmp_path)["progress"]
        assert (progress["epoch"], progress["step"]) == divmod(stop, STEPS)
    interrupt(None)
    assert resume(tmp_path) == 0
    assert_same_run(tmp_path, expected)


@pytest.mark.usefixtures("without_pictures")
def test_resume_with_more_epochs_continues_a_finished_run(uninterrupted, train, tmp_path):
    expected, options = uninterrupted
    train(tmp_path, *options, "--epochs", 1)
    resume(tmp_path, "--epochs", 3)
    assert_same_run(tmp_path, expected)


@pytest.mark.usefixtures("without_pictures")
def test_resuming_a_finished_run_changes_nothing(out, finished):
    assert resume(out) == 0
    assert (out / "checkpoint.npz").read_bytes() == (finished / "checkpoint.npz").read_bytes()
    assert metrics(out) == {**metrics(finished), "config": {**metrics(finished)["config"], "out": str(out)}}


@pytest.mark.usefixtures("without_pictures")
def test_the_options_of_the_run_may_be_given_again(out):
    assert resume(out, *SMALL, "--seed", 0) == 0


@pytest.mark.parametrize("step", [2, 9], ids=["before the first epoch's end", "later"])
def test_a_stopped_run_has_all_its_results(step, train, interrupt, tmp_path):
    interrupt(step)
    assert train(tmp_path) == 0
    assert sorted(os.listdir(tmp_path)) == RESULTS


@pytest.mark.usefixtures("without_pictures")
def test_a_stopped_run_says_so(train, interrupt, tmp_path, capsys):
    interrupt(9)
    train(tmp_path)
    assert "stopped; --resume continues exactly here" in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("without_pictures")
def test_metrics_count_the_part_of_an_epoch_that_was_trained(train, interrupt, tmp_path):
    interrupt(9)
    train(tmp_path)
    assert metrics(tmp_path)["epochs_trained"] == 1.5


@pytest.mark.usefixtures("without_pictures")
def test_a_stop_after_the_last_step_leaves_a_finished_run(train, interrupt, tmp_path, finished, capsys):
    interrupt(3 * STEPS)
    train(tmp_path)
    assert "stopped" not in capsys.readouterr().out
    assert_same_run(tmp_path, finished)


def test_a_second_interrupt_stops_at_once(train, interrupt, tmp_path, capsys):
    interrupt(9, times=2)
    assert train(tmp_path) == 130
    complaint = capsys.readouterr().err.strip()
    assert complaint.startswith("models autoencoder: stopped; --resume") and "\n" not in complaint
    assert os.listdir(tmp_path) == ["checkpoint.npz"]


def test_a_new_run_keeps_the_checkpoint_of_a_stopped_one(train, interrupt, tmp_path, without_pictures, capsys):
    interrupt(9)
    assert train(tmp_path) == 0
    stopped = (tmp_path / "checkpoint.npz").read_bytes()
    interrupt(0)
    assert train(tmp_path, "--seed", 1) == 0
    assert (tmp_path / "checkpoint.stopped.npz").read_bytes() == stopped
    assert "held a run stopped after 1 of 3 epochs" in capsys.readouterr().out


def test_a_new_run_replaces_a_finished_one(train, out, without_pictures):
    before = (out / "checkpoint.npz").read_bytes()
    assert train(out, "--seed", 1) == 0
    assert (out / "checkpoint.npz").read_bytes() != before and not (out / "checkpoint.stopped.npz").exists()


def test_resuming_to_fewer_epochs_than_were_done_is_refused(out, capsys):
    before = snapshot(out)
    code = resume(out, "--epochs", 2)
    assert_complaint(code, capsys.readouterr().err, "has 3 epochs behind it")
    assert snapshot(out) == before


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError], ids=["Ctrl-C", "full disk"])
def test_a_checkpoint_that_could_not_be_written_leaves_the_one_before(failure, out, train, monkeypatch):
    def half_written(file, **arrays):
        file.write(b"PK")
        raise failure("no space left")

    before = snapshot(out)
    monkeypatch.setattr(np, "savez", half_written)
    assert train(out) == {KeyboardInterrupt: 130, OSError: 2}[failure]
    assert snapshot(out) == before


def test_ctrl_c_stops_a_real_process_and_resume_takes_it_up(data, tmp_path):
    options = (*SMALL[:-1], 1_000_000, "--data", data, "--out", tmp_path)
    command = [sys.executable, "-m", "models", "autoencoder", *map(str, options)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert any(line.startswith("epoch 1/") for line in process.stdout)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert sorted(os.listdir(tmp_path)) == RESULTS
    epochs = checkpoint(tmp_path)["progress"]["epoch"] + 2
    assert resume(tmp_path, "--epochs", epochs) == 0
    assert len(checkpoint(tmp_path)["progress"]["history"]["test_mse"]) == epochs


# ------------------------------------------------------------------ complaints
def snapshot(folder):
    """Every file's path, bytes and time of change."""
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def assert_complaint(code, errors, words):
    """Exit code 2 and exactly one line, which has the words."""
    assert code == 2
    assert re.fullmatch(r"models autoencoder: [^\n]+\n", errors)
    assert words in errors


BAD_OPTIONS = [
    (["--latent", "0"], "argument --latent: needs a whole number from 1 to 784, not 0"),
    (["--latent", "abc"], "argument --latent: needs a whole number from 1 to 784, not 'abc'"),
    (["--latent", "785"], "argument --latent: needs a whole number from 1 to 784, not 785"),
    (["--latent"], "argument --latent: expected one argument"),
    (["--hidden", "0"], "argument --hidden: needs a whole number from 1 to 65536, not 0"),
    (["--hidden", "5,,6"], "argument --hidden: needs a whole number from 1 to 65536, not ''"),
    (["--hidden", "1000000000000"], "argument --hidden: needs a whole number from 1 to 65536, not 1000000000000"),
    (["--epochs", "0"], "argument --epochs: needs a whole number of at least 1, not 0"),
    (["--epochs", "1.5"], "argument --epochs: needs a whole number of at least 1, not '1.5'"),
    (["--batch", "-1"], "argument --batch: needs a whole number of at least 1, not -1"),
    (["--lr", "0"], "argument --lr: needs a number above 0, not 0"),
    (["--lr", "nan"], "argument --lr: needs a number above 0, not nan"),
    (["--lr", "inf"], "argument --lr: needs a number above 0, not inf"),
    (["--noise", "-1"], "argument --noise: needs a number of at least 0, not -1"),
    (["--seed", "-1"], "argument --seed: needs a whole number of at least 0, not -1"),
    (["--loss", "nope"], "argument --loss: invalid choice: 'nope' (choose from"),
    (["--optimizer", "nope"], "argument --optimizer: invalid choice: 'nope' (choose from"),
    (["--nope"], "unrecognized arguments: --nope"),
    (["nope"], "unrecognized arguments: nope"),
    (["--late", "2"], "unrecognized arguments: --late 2"),
    (["--device", "gpu"], "argument --device: 'gpu' is neither a device"),
    (["--device", "cuda:1"], "argument --device: a GPU needs CuPy, which cannot be imported here"),
    (["--data", "/nowhere"], "there is no train-images-idx3-ubyte (or train-images-idx3-ubyte.gz) in /nowhere"),
    (["--resume", "--latent", "3"], "the run to resume has --latent 2, not 3; leave --latent out or start anew"),
    (["--resume", "--optimizer", "sgd"], "the run to resume has --optimizer adam, not sgd"),
    (["--resume", "--hidden", "16,16"], "the run to resume has --hidden [16], not [16, 16]"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_OPTIONS, ids=[" ".join(row[0]) for row in BAD_OPTIONS])
def test_a_bad_option_is_one_line(arguments, words, out, capsys):
    code = main(["autoencoder", "--out", str(out), *arguments])
    assert_complaint(code, capsys.readouterr().err, words)


@pytest.mark.parametrize("arguments", [row[0] for row in BAD_OPTIONS], ids=" ".join)
def test_a_bad_option_leaves_the_folder_alone(arguments, out):
    before = snapshot(out)
    main(["autoencoder", "--out", str(out), *arguments])
    assert snapshot(out) == before


@pytest.mark.parametrize("arguments", [["--latent", "0"], ["--data", "/nowhere"], ["--resume"]], ids=" ".join)
def test_a_complaint_makes_no_folder(arguments, tmp_path):
    assert main(["autoencoder", "--out", str(tmp_path / "new"), *arguments]) == 2
    assert os.listdir(tmp_path) == []


def cut_short(folder):
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])


def without_nines(folder):
    path = folder / "t10k-labels-idx1-ubyte"
    labels = np.frombuffer(path.read_bytes()[8:], np.uint8)
    write_idx(path, np.where(labels == 9, 8, labels))


def of_other_size(folder):
    write_idx(folder / "t10k-images-idx3-ubyte", np.zeros((50, 14, 56), np.uint8))


BAD_DATA = [
    (cut_short, "train-images-idx3-ubyte is damaged: its header announces 235,200 bytes and 984 follow"),
    (without_nines, "is not MNIST: it takes images of 28 x 28 pixels, at least two of each digit"),
    (of_other_size, "is not MNIST: it takes images of 28 x 28 pixels, at least two of each digit"),
]


@pytest.mark.parametrize(("damage", "words"), BAD_DATA, ids=[row[0].__name__ for row in BAD_DATA])
def test_bad_data_is_one_line_before_training(damage, words, data, tmp_path, capsys):
    folder = Path(shutil.copytree(data, tmp_path / "bad"))
    damage(folder)
    code = main(["autoencoder", "--data", str(folder), "--out", str(tmp_path / "out")])
    assert_complaint(code, capsys.readouterr().err, words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("below", ["", "/below"], ids=["a file", "below a file"])
def test_an_unwritable_folder_is_one_line(below, train, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    code = train(f"{tmp_path}/file{below}")
    assert_complaint(code, capsys.readouterr().err, f"cannot write to --out {tmp_path}/file{below}: ")
    assert (tmp_path / "file").read_text() == "mine"


def changed(**parts):
    """A way to change a checkpoint file: its parts, some of them replaced."""

    def change(path):
        mg.save({**mg.load(path), **parts}, path)

    return change


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def give_a_weight_another_shape(path):
    weights = mg.load(path)["weights"]
    changed(weights={**weights, "encoder.0.weight": mg.zeros(17, 784)})(path)


def give_the_optimizer_another_shape(path):
    optimizer = mg.load(path)["optimizer"]
    optimizer["state"][0]["exp_avg"] = np.zeros(3)
    changed(optimizer=optimizer)(path)


BAD_CHECKPOINTS = {
    "missing": (Path.unlink, "checkpoint.npz to resume; leave --resume out to start"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot resume: "),
    "empty": (lambda path: path.write_bytes(b""), "is damaged or was not written by minigrad.save"),
    "text": (lambda path: path.write_text("weights\n" * 99), "is damaged or was not written by minigrad.save"),
    "truncated": (
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        "is damaged or was not written by minigrad.save",
    ),
    "a byte flipped": (flip_a_byte, "is damaged or was not written by minigrad.save"),
    "numpy.savez": (lambda path: np.savez(path, x=np.ones(3)), "is damaged or was not written by minigrad.save"),
    "numpy.save": (lambda path: np.save(path.open("wb"), np.ones(3)), "is damaged or was not written by minigrad.save"),
    "weights alone": (lambda path: mg.save(mg.load(path)["weights"], path), "is no checkpoint of a model"),
    "an array": (lambda path: mg.save(np.ones(3), path), "is no checkpoint of a model"),
    "of another model": (changed(model="vae"), "is a checkpoint of vae, not of autoencoder"),
    "other weights": (give_a_weight_another_shape, "cannot resume: the checkpoint does not fit this model"),
    "no weights": (changed(weights={}), "cannot resume: the checkpoint does not fit this model"),
    "other optimizer": (give_the_optimizer_another_shape, "cannot resume: the checkpoint does not fit this model"),
    "no random state": (changed(random={}), "cannot resume: the checkpoint does not fit this model"),
}


@pytest.mark.parametrize(("damage", "words"), BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS)
def test_a_bad_checkpoint_is_one_line(damage, words, out, capsys):
    damage(out / "checkpoint.npz")
    assert_complaint(resume(out), capsys.readouterr().err, words)


@pytest.mark.parametrize("damage", [row[0] for row in BAD_CHECKPOINTS.values()], ids=BAD_CHECKPOINTS)
def test_a_bad_checkpoint_leaves_the_folder_alone(damage, out):
    damage(out / "checkpoint.npz")
    before = snapshot(out)
    resume(out)
    assert snapshot(out) == before


def test_resuming_on_other_data_is_one_line(out, parts, tmp_path, capsys):
    (x, y), test = parts
    other = write_mnist(tmp_path / "other", (x[:-1], y[:-1]), test)
    code = resume(out, "--data", other)
    assert_complaint(code, capsys.readouterr().err, "has 300 training images, and here are 299")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--latent", "0"], "argument --latent: needs a whole number from 1 to 784, not 0"),
        (["--data", "/nowhere"], "in /nowhere; put MNIST's four files there"),
        (["--resume"], "checkpoint.npz is damaged or was not written by minigrad.save"),
    ],
    ids=["option", "data", "checkpoint"],
)
def test_a_complaint_of_a_real_process_is_one_line(arguments, words, tmp_path):
    (tmp_path / "checkpoint.npz").write_text("not a checkpoint")
    before = snapshot(tmp_path)
    run = python_m_models("autoencoder", "--out", tmp_path, *arguments)
    assert_complaint(run.returncode, run.stderr, words)
    assert snapshot(tmp_path) == before


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize("epochs", [1, 3])
def test_training_that_diverges_is_one_line_and_keeps_the_results_before(epochs, out, train, capsys):
    before = snapshot(out)
    code = train(out, "--lr", 1e30, "--epochs", epochs)
    assert_complaint(code, capsys.readouterr().err, "training diverged; take a smaller --lr")
    assert snapshot(out) == before


# ------------------------------------------------------------------ the types of options
@pytest.mark.parametrize(
    ("convert", "text", "expected"),
    [
        (common.number(int, 1, 784), "1", 1),
        (common.number(int, 1, 784), "784", 784),
        (common.number(int, 0), "1" + 30 * "0", 10**30),
        (common.number(float, 0), "0", 0.0),
        (common.number(float, above=0), "1e-3", 0.001),
        (common.numbers, "512,256", [512, 256]),
        (common.numbers, "5", [5]),
    ],
)
def test_numbers_are_converted(convert, text, expected):
    value = convert(text)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("convert", "text", "message"),
    [
        (common.number(int, 1, 784), "0", "needs a whole number from 1 to 784, not 0"),
        (common.number(int, 1, 784), "785", "needs a whole number from 1 to 784, not 785"),
        (common.number(int, 1), "0", "needs a whole number of at least 1, not 0"),
        (common.number(int, 1), "2.0", "needs a whole number of at least 1, not '2.0'"),
        (common.number(int), "", "needs a whole number, not ''"),
        (common.number(float), "one", "needs a number, not 'one'"),
        (common.number(float), "-inf", "needs a number, not -inf"),
        (common.number(float, 0), "-0.1", "needs a number of at least 0, not -0.1"),
        (common.number(float, 0), "nan", "needs a number of at least 0, not nan"),
        (common.number(float, above=0), "0", "needs a number above 0, not 0"),
        (common.number(float, above=0), "inf", "needs a number above 0, not inf"),
        (common.numbers, "", "needs a whole number from 1 to 65536, not ''"),
        (common.numbers, "5,,6", "needs a whole number from 1 to 65536, not ''"),
        (common.numbers, "5,-6", "needs a whole number from 1 to 65536, not -6"),
    ],
)
def test_other_numbers_are_refused(convert, text, message):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        convert(text)
    assert str(error.value) == message


# ------------------------------------------------------------------ Ctrl-C
@pytest.fixture
def handler():
    """A handler of our own for SIGINT, which counts the signals that reach it."""
    calls = []
    before = signal.signal(signal.SIGINT, lambda *arguments: calls.append(arguments))
    yield types.SimpleNamespace(calls=calls, function=signal.getsignal(signal.SIGINT))
    signal.signal(signal.SIGINT, before)


def test_the_first_interrupt_is_only_noted(handler):
    with common.StopOnInterrupt() as stop:
        assert stop.requested is False
        signal.raise_signal(signal.SIGINT)
        assert (stop.requested, handler.calls) == (True, [])


def test_the_second_interrupt_reaches_the_handler_before(handler):
    with common.StopOnInterrupt():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert len(handler.calls) == 1


@pytest.mark.parametrize("interrupts", [0, 1, 2])
def test_afterwards_the_handler_before_is_back(interrupts, handler):
    with common.StopOnInterrupt():
        for _ in range(interrupts):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler.function


def test_after_an_error_the_handler_before_is_back(handler):
    with pytest.raises(ZeroDivisionError), common.StopOnInterrupt():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is handler.function


# ------------------------------------------------------------------ the progress line
@pytest.fixture
def clock(monkeypatch):
    """The time that Progress reads, in `clock.now`."""
    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(common, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.mark.parametrize(
    ("done", "left"), [(0, 30), (3, 75)], ids=["5 steps took 10 s, 15 are left", "2 steps took 10 s, 15 are left"]
)
def test_time_left_is_what_the_steps_of_this_run_took(done, left, clock, capsys):
    progress = common.Progress(20, done)
    clock.now += 10
    progress.show(5, "epoch 1/4", end_of_epoch=True)
    assert capsys.readouterr().out == f"epoch 1/4  step 5/20  {left} s left\n"


def test_within_an_epoch_nothing_is_printed_to_a_file(clock, capsys):
    progress = common.Progress(20)
    clock.now += 10
    progress.show(4, "epoch 1/4", end_of_epoch=False)
    assert capsys.readouterr().out == ""


def test_a_run_prints_one_line_an_epoch(train, tmp_path, capsys, without_pictures):
    train(tmp_path)
    lines = [line for line in capsys.readouterr().out.splitlines() if "step" in line]
    pattern = r"epoch (\d)/3  bce 0\.\d{4}  step (\d+)/18  \d+ s left"
    assert [re.fullmatch(pattern, line).groups() for line in lines] == [("1", "6"), ("2", "12"), ("3", "18")]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_the_line_is_redrawn_until_the_last_step(clock):
    progress = common.Progress(4)
    with contextlib.redirect_stdout(Terminal()) as terminal:
        for done in (1, 4):
            clock.now += 10
            progress.show(done, "epoch 1/1", end_of_epoch=done == 4)
    assert terminal.getvalue() == "\repoch 1/1  step 1/4  30 s left\033[K\repoch 1/1  step 4/4  0 s left\033[K\n"


def test_in_a_terminal_the_line_is_redrawn_at_most_ten_times_a_second(clock):
    progress = common.Progress(1000)
    with contextlib.redirect_stdout(Terminal()) as terminal:
        for done in range(1, 101):
            clock.now += 0.01
            progress.show(done, "epoch 1/1", end_of_epoch=False)
    assert 9 <= terminal.getvalue().count("\r") <= 10
