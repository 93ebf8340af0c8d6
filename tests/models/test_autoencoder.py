"""The autoencoder: its pictures, its figures computed anew from its weights; each loss and optimizer learns."""

import os

import matplotlib.image
import numpy as np
import pytest

import minigrad as mg
from models import autoencoder, common
from tests.models import runs
from tests.models.runs import assert_complaint, checkpoint, metrics, write_mnist

PICTURES = ["interpolation.png", "latent.png", "loss.png", "reconstructions.png"]
SMALL = ("--hidden", 16, "--latent", 2, "--batch", 50, "--epochs", 3)


@pytest.fixture(scope="module")
def train(small_mnist):
    return lambda out, *options: runs.run("autoencoder", *SMALL, "--data", small_mnist, "--out", out, *options)


@pytest.fixture
def without_pictures(monkeypatch):
    for name in ("draw_reconstructions", "draw_codes", "draw_curves", "draw_lines"):
        monkeypatch.setattr(autoencoder, name, lambda *arguments: None)


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
    assert sorted(os.listdir(run)) == sorted([*PICTURES, "training.gif", "checkpoint.npz", "metrics.json"])


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_not_blank(name, run):
    assert matplotlib.image.imread(run / name)[..., :3].std() > 0.02


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("optimizer", autoencoder.OPTIMIZERS)
@pytest.mark.parametrize("loss", autoencoder.LOSSES)
def test_training_loss_falls(loss, optimizer, train, tmp_path):
    assert train(tmp_path, "--loss", loss, "--optimizer", optimizer) == 0
    steps, values = checkpoint(tmp_path)["done"]["history"]["loss"]
    assert steps == list(range(1, 19))
    assert np.mean(values[-6:]) < np.mean(values[:6])


@pytest.mark.usefixtures("without_pictures")
def test_test_figures_are_noted_at_the_end_of_each_epoch(train, tmp_path):
    assert train(tmp_path) == 0
    history = checkpoint(tmp_path)["done"]["history"]
    assert history["test_loss"][0] == history["test_mse"][0] == [6, 12, 18]
    assert history["test_mse"][1][-1] == pytest.approx(metrics(tmp_path)["test_mse"], rel=1e-6)


@pytest.mark.usefixtures("without_pictures")
def test_the_embedded_digits_are_the_default(tmp_path):
    assert runs.run("autoencoder", *SMALL[:4], "--batch", 1000, "--epochs", 1, "--out", tmp_path) == 0
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


def recomputed(out, digits):
    """The four figures of metrics.json by NumPy alone."""
    saved = checkpoint(out)
    config, weights = saved["config"], {name: value.data for name, value in saved["parts"]["model"].items()}
    (x, y), (clean, test_y) = ((x.reshape(-1, 784).astype(np.float32) / 255, y) for x, y in digits)
    mg.manual_seed(config["seed"])
    autoencoder.build(config)  # the weights are drawn first
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
def figures(run, small_digits):
    return metrics(run), recomputed(run, small_digits)


@pytest.mark.parametrize("figure", ["test_mse", "pca_test_mse", "knn_accuracy", "pca_knn_accuracy"])
def test_metrics_follow_from_the_weights_and_the_clean_images(figure, figures):
    found, expected = figures
    assert found[figure] == pytest.approx(expected[figure], rel=1e-5)


# ------------------------------------------------------------------ complaints
BAD_OPTIONS = [
    (["--latent", "785"], "argument --latent: needs a whole number from 1 to 784, not 785"),
    (["--hidden", "5,,6"], "argument --hidden: needs a whole number from 1 to 65536, not ''"),
    (["--epochs", "0"], "argument --epochs: needs a whole number of at least 1, not 0"),
    (["--batch", "-1"], "argument --batch: needs a whole number of at least 1, not -1"),
    (["--noise", "-1"], "argument --noise: needs a number of at least 0, not -1"),
    (["--loss", "nope"], "argument --loss: invalid choice: 'nope' (choose from"),
    (["--optimizer", "nope"], "argument --optimizer: invalid choice: 'nope' (choose from"),
    (["--data", "/nowhere"], "there is no train-images-idx3-ubyte (or train-images-idx3-ubyte.gz) in /nowhere"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_OPTIONS, ids=[" ".join(row[0]) for row in BAD_OPTIONS])
def test_a_bad_option_is_one_line_and_makes_no_folder(arguments, words, tmp_path, capsys):
    code = runs.run("autoencoder", "--out", tmp_path / "new", *arguments)
    assert_complaint(code, capsys.readouterr().err, words, "autoencoder")
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("without_pictures")
def test_resuming_on_other_data_is_one_line(train, small_digits, tmp_path, capsys):
    assert train(tmp_path / "out", "--epochs", 1) == 0
    (x, y), test = small_digits
    other = write_mnist(tmp_path / "other", (x[:-1], y[:-1]), test)
    code = runs.run("autoencoder", "--resume", "--out", tmp_path / "out", "--data", other)
    words = "the run to resume has images 300, and here it is 299; see --data"
    assert_complaint(code, capsys.readouterr().err, words, "autoencoder")


# ------------------------------------------------------------------ drawing
def test_sample_decodes_codes_that_lie_as_wide_as_those_of_digits(train, tmp_path, monkeypatch, without_pictures):
    train(tmp_path)
    drawn = []
    monkeypatch.setattr(autoencoder, "decode", lambda model, z: drawn.append(z) or np.zeros((len(z), 784)))
    options = ("--checkpoint", tmp_path / "checkpoint.npz", "--out", tmp_path / "drawn.png", "--count", 4000)
    assert runs.run("sample", "autoencoder", *options) == 0
    saved = checkpoint(tmp_path)
    model = common.restored(saved, "model", autoencoder.build(saved["config"]))
    codes = autoencoder.encode(model, common.load_digits(None)[1][0])
    np.testing.assert_allclose(drawn[0].mean(axis=0), codes.mean(axis=0), atol=0.1 * codes.std())
    np.testing.assert_allclose(drawn[0].std(axis=0), codes.std(axis=0), rtol=0.1)
