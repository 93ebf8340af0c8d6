"""What holds for every model of ``python -m models``: its results, its seed, stopping, the device, drawing from it."""

import contextlib
import importlib
import json
import re

import numpy as np
import pytest
import scipy.optimize
from PIL import Image

import minigrad as mg
from minigrad.testing import fake_device
from models import common
from models.__main__ import MODELS
from tests.models import runs
from tests.models.runs import assert_complaint, checkpoint, differences, metrics, stopping
from tests.models.tiny import SMALL_MNIST, TINY


@pytest.fixture(scope="module", autouse=True)
def cheap_assignment():
    """Exact W1 between a thousand points takes most of a second, and here it need only be the same each time."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(scipy.optimize, "linear_sum_assignment", lambda cost: (np.arange(len(cost)),) * 2)
        yield


@pytest.fixture(scope="module", params=MODELS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return importlib.import_module(f"models.{name}")


@pytest.fixture(scope="module")
def tiny(name, small_mnist):
    return [small_mnist if option == SMALL_MNIST else option for option in TINY[name]]


@pytest.fixture(scope="module")
def finished(name, tiny, tmp_path_factory):
    """The folder of a run that has ended; do not write to it."""
    out = tmp_path_factory.mktemp("finished")
    assert runs.run(name, *tiny, "--out", out) == 0
    return out


def test_tiny_options_are_there_for_every_model_and_no_other():
    assert TINY.keys() == set(MODELS)


# ------------------------------------------------------------------ the command line
def test_it_has_the_options_that_all_have(name, model):
    options = model.options().defaults
    assert model.NAME == name
    assert options.keys() >= {"seed", "data", "lr", "resume", "device", "out"}
    assert options.keys() & {"epochs", "steps"}
    assert options["out"] == f"runs/{name}"


def test_its_help_begins_with_its_doc_and_explains_every_option(name, model, capsys):
    with pytest.raises(SystemExit) as exit:
        runs.run(name, "--help")
    assert exit.value.code == 0
    text = capsys.readouterr().out
    assert model.__doc__.splitlines()[0] in text
    for option in model.options().defaults:
        assert re.search(rf"^  --{option.replace('_', '-')}\b[^\n]*(\n {{10,}})?[^\n]*\w{{3}}", text, re.MULTILINE), (
            option
        )


# ------------------------------------------------------------------ what a run writes
def test_it_leaves_figures_pictures_and_a_checkpoint(name, finished):
    figures = {key: value for key, value in metrics(finished).items() if isinstance(value, float)}
    assert len(figures) > 1 and np.isfinite(list(figures.values())).all()
    assert metrics(finished)["config"] == json.loads(json.dumps(checkpoint(finished)["config"]))
    assert {path.suffix for path in finished.iterdir()} - {".gif"} == {".npz", ".json", ".png"}


def test_its_pictures_are_not_blank(finished):
    for path in [*finished.glob("*.png"), *finished.glob("*.gif")]:
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("RGB")).std() > 2, path.name


# ------------------------------------------------------------------ stopping and resuming
def test_killed_then_stopped_then_resumed_it_ends_bit_equal(name, tiny, finished, tmp_path, monkeypatch):
    """The checkpoint, the figures and every picture, though the process begins anew twice."""
    monkeypatch.setattr(common.Run, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    total = checkpoint(finished)["done"]["total"]
    first, second = max(1, total // 3), max(2, 2 * total // 3)
    assert second < total, f"{name} needs at least 3 steps in tiny.py"
    for how, at, again in (("kill", first, []), ("Ctrl-C", second, ["--resume"])):
        mg.manual_seed(99)
        with stopping(at, how), contextlib.suppress(runs.Killed):
            assert runs.run(name, *tiny, "--out", tmp_path, *again) == 0
    assert checkpoint(tmp_path)["done"]["step"] == second
    assert runs.run(name, "--out", tmp_path, "--resume") == 0
    runs.assert_same_run(tmp_path, finished)


def test_another_seed_gives_another_run(name, tiny, model, finished, tmp_path, monkeypatch):
    monkeypatch.setattr(model, "report", lambda *arguments, **options: {})
    assert runs.run(name, *tiny, "--out", tmp_path, "--seed", 1) == 0
    differ = {path[:2] for path in differences(checkpoint(tmp_path), checkpoint(finished))}
    assert {("parts", part) for part in checkpoint(finished)["parts"]} <= differ


# ------------------------------------------------------------------ the device
LOOKING = {"outputs", "_save", "_broken"}  # functions that copy as much as they like: to evaluate, to save


def in_a_step(transfer):
    """Whether the training loop asked for this copy, and not an evaluation or a checkpoint."""
    functions = {frame.name for frame in transfer.stack}
    return any(function.startswith("train") for function in functions) and not functions & LOOKING


def test_on_the_device_it_is_the_same_run_and_copies_only_what_is_logged(
    name, tiny, model, finished, tmp_path, monkeypatch
):
    monkeypatch.setattr(model, "report", lambda *arguments, **options: {})
    with fake_device.installed() as device:
        assert runs.run(name, *tiny, "--out", tmp_path, "--device", "cuda") == 0
    assert differences(checkpoint(tmp_path), checkpoint(finished)) == []
    in_steps = [transfer for transfer in device.transfers if in_a_step(transfer)]
    assert [str(transfer) for transfer in in_steps if transfer.call != ".item()"] == []
    logged = sum(len(values) for _, values in checkpoint(finished)["done"]["history"].values())
    assert 0 < len(in_steps) <= logged


# ------------------------------------------------------------------ drawing from a checkpoint
def drawn(name, folder, file, *options):
    """What ``sample`` leaves in an empty folder: its exit code and files."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        code = runs.run("sample", name, "--checkpoint", file, *options)
    return code, {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_sample_draws_by_its_seed(name, finished, tmp_path, capsys):
    found = []
    for i, seed in enumerate((0, 0, 1)):
        capsys.readouterr()
        code, files = drawn(name, tmp_path / str(i), finished / "checkpoint.npz", "--seed", seed)
        found.append((files, capsys.readouterr().out))
        assert code == 0 and (files or found[-1][1].strip())
    assert found[0] == found[1] != found[2]


def of_another_model(content):
    return {**content, "model": "line"}


def without_weights(content):
    return {**content, "parts": {}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "there is no checkpoint"),
        (of_another_model, "is one of line, not of"),
        (without_weights, "does not fit this model"),
    ],
    ids=["missing", "another model's", "without weights"],
)
def test_sample_from_a_bad_checkpoint_is_one_line(change, words, name, finished, tmp_path, capsys):
    if change:
        mg.save(change(checkpoint(finished)), tmp_path / "checkpoint.npz")
    code, files = drawn(name, tmp_path / "drawn", tmp_path / "checkpoint.npz")
    assert_complaint(code, capsys.readouterr().err, words, name)
    assert files == {}
