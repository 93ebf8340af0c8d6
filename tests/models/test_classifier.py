"""The classifier against SciPy and loops, and the silent bugs that its checks catch."""

import json
import os

import matplotlib.image
import numpy as np
import pytest
import scipy.signal
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import minigrad as mg
from minigrad import plot
from minigrad.data import digits
from minigrad.data.make_digits import balanced
from models import classifier, common

SMALL = ("--batch", "100", "--epochs", "2")


@pytest.fixture(scope="module")
def small_digits():
    """Of each digit 100 training and 10 test images."""
    train, test = digits()
    return balanced(*train, 100), balanced(*test, 10)


@pytest.fixture(autouse=True)
def on_small_digits(monkeypatch, small_digits):
    monkeypatch.setattr(common, "digits", lambda: small_digits)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, 1, 28, 28), np.float32)


@pytest.fixture
def model():
    mg.manual_seed(0)
    return classifier.CNN()


# ------------------------------------------------------------------ the network, stage by stage
def convolved(x, weight, bias):
    """Cross-correlation with zeros around, and ReLU: (channels, height, width)"""
    maps = [sum(scipy.signal.correlate2d(a, w, "same") for a, w in zip(x, filters)) for filters in weight]
    return np.maximum(np.array(maps) + bias[:, None, None], 0)


def pooled(x):
    channels, height, width = x.shape
    return x.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def test_the_network_is_two_convolutions_each_with_pooling_and_two_linear_layers(model, images):
    w = {name: value.numpy() for name, value in model.state_dict().items()}
    assert {name: value.shape for name, value in w.items() if name.endswith("weight")} == {
        "features.0.weight": (16, 1, 3, 3),
        "features.3.weight": (32, 16, 3, 3),
        "features.7.weight": (64, 32 * 7 * 7),
        "classes.weight": (10, 64),
    }
    for image, logits in zip(images, common.outputs(model, model, images)):
        x = pooled(convolved(image, w["features.0.weight"], w["features.0.bias"]))
        x = pooled(convolved(x, w["features.3.weight"], w["features.3.bias"])).reshape(-1)
        x = np.maximum(w["features.7.weight"] @ x + w["features.7.bias"], 0)
        np.testing.assert_allclose(logits, w["classes.weight"] @ x + w["classes.bias"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("i", "j"), [(0, 0), (5, 8), (13, 13)], ids=["corner", "within", "other corner"])
def test_a_value_of_the_second_layer_comes_from_8_x_8_pixels(i, j, model):
    """... and of those from every one, in one image or another."""
    x = mg.rand(60, 1, 28, 28)
    x.requires_grad = True
    model.features[:4](x)[:, :, i, j].sum().backward()
    reached = np.zeros((28, 28), bool)
    reached[max(0, 2 * i - 3) : 2 * i + 5, max(0, 2 * j - 3) : 2 * j + 5] = True
    np.testing.assert_array_equal((x.grad.numpy() != 0).any(axis=(0, 1)), reached)


# ------------------------------------------------------------------ figures
LOG_P = arrays(np.float32, (6, 10), elements=st.floats(-40, 0, width=32))
LABELS = arrays(np.int64, 6, elements=st.integers(0, 9))


@given(LOG_P, LABELS)
def test_scores_are_the_share_of_right_readings_and_the_mean_log_loss(log_p, y):
    found = classifier.scores(log_p, y)
    right = [max(range(10), key=lambda digit: row[digit]) == label for row, label in zip(log_p.tolist(), y)]
    assert found["test_accuracy"] == sum(right) / 6
    assert found["test_loss"] == pytest.approx(-sum(float(row[label]) for row, label in zip(log_p, y)) / 6)


@given(LABELS, LABELS)
def test_confusion_counts_each_digit_and_what_it_was_read_as(y, guesses):
    expected = np.zeros((10, 10), int)
    for digit, guess in zip(y, guesses):
        expected[digit, guess] += 1
    np.testing.assert_array_equal(classifier.confusion(y, guesses), expected)


def test_a_network_that_is_sure_and_wrong_has_a_finite_loss(model, images):
    model.classes.bias.data[:] = 1000 * np.arange(10)
    assert classifier.scores(classifier.read(model, images), np.zeros(3, int))["test_loss"] == pytest.approx(9000, 1e-3)


def test_strongest_patches_are_those_of_a_search_by_loops(model):
    x = np.random.default_rng(1).random((5, 1, 28, 28), np.float32)
    patches, answers = classifier.strongest_patches(model, x, count=2)
    assert (patches.shape, answers.shape) == ((32, 2, 8, 8), (32, 2))
    maps = common.outputs(model, model.features[:5], x)
    for filter in range(0, 32, 7):
        found = []
        for image in range(5):
            best = maps[image, filter].max()
            ((i, j), *_) = np.argwhere(maps[image, filter] == best)
            patch = [[x[image, 0, r, c] if 0 <= r < 28 and 0 <= c < 28 else 0 for c in range(2 * j - 3, 2 * j + 5)]
                     for r in range(2 * i - 3, 2 * i + 5)]  # fmt: skip
            found.append((best, patch))
        found.sort(key=lambda pair: -pair[0])
        np.testing.assert_array_equal(answers[filter], [best for best, _ in found[:2]])
        np.testing.assert_array_equal(patches[filter], [patch for _, patch in found[:2]])


# ------------------------------------------------------------------ pictures
@pytest.fixture
def drawn(monkeypatch):
    """The figures that were to be saved."""
    figures = []
    monkeypatch.setattr(plot, "save", lambda fig, path: figures.append(fig))
    return figures


def test_readings_show_digit_guess_and_probability_and_are_red_where_wrong(drawn, images):
    p = np.full((3, 10), 0.01)
    p[[0, 1, 2], [4, 9, 7]] = 0.91
    classifier.draw_readings(images, np.array([4, 4, 7]), p, "readings", "file")
    texts = {text.get_text(): text.get_color() for text in drawn[0].axes[0].texts}
    assert texts == {"4 → 4  91%": "black", "4 → 9  91%": "red", "7 → 7  91%": "black"}


def test_the_confusion_matrix_shows_every_count_that_is_not_0(drawn):
    counts = np.diag(np.arange(10))
    counts[7, 9] = 5
    classifier.draw_confusion(counts, "file")
    ax = drawn[0].axes[0]
    found = {text.get_position(): text.get_text() for text in ax.texts}  # (x, y) = (read as, digit)
    assert found == {**{(i, i): str(i) for i in range(1, 10)}, (9, 7): "5"}
    assert ax.get_title() == "5 of 50 test images are read wrongly"


def test_images_lie_in_the_corner_of_a_sure_digit_and_in_the_middle_when_all_are_alike(monkeypatch):
    monkeypatch.setattr(plot, "classes", lambda ax, points, *rest: monkeypatch.setattr(plot, "points", points, False))
    classifier.draw_opinions(np.vstack([np.eye(10), np.full((1, 10), 0.1)]), np.arange(11) % 10, "")
    corners, middle = plot.points[:10], plot.points[10]
    np.testing.assert_allclose(np.hypot(*corners.T), 1)
    np.testing.assert_allclose(corners[0], [0, 1], atol=1e-12)
    np.testing.assert_allclose(middle, 0, atol=1e-12)


def test_stages_end_in_the_probabilities_that_the_network_gives(drawn, model, images):
    classifier.draw_stages(model, images[0], "file")
    *_, last = drawn[0].axes
    p = scipy.special.softmax(common.outputs(model, model, images[:1])[0])
    np.testing.assert_allclose([bar.get_height() for bar in last.patches], p, rtol=1e-5)


# ------------------------------------------------------------------ a run
@pytest.fixture(scope="module")
def run(tmp_path_factory, small_digits):
    """The folder of a run that has ended; do not write to it."""
    out = tmp_path_factory.mktemp("classifier")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(common, "digits", lambda: small_digits)
        classifier.main([*SMALL, "--out", str(out)])
    return out


PICTURES = ["confusion.png", "loss.png", "mistakes.png", "patches.png", "stages.png"]


def test_a_run_leaves_its_results_and_nothing_else(run):
    assert sorted(os.listdir(run)) == sorted([*PICTURES, "training.gif", "checkpoint.npz", "metrics.json"])


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_not_blank(name, run):
    assert matplotlib.image.imread(run / name)[..., :3].std() > 0.02


def test_metrics_follow_from_the_weights(run, small_digits):
    x, y = classifier.load(None)[1]
    model = common.restored(common.load_checkpoint(run / "checkpoint.npz", "classifier"), "model", classifier.CNN())
    guesses = np.array([model(mg.from_numpy(image[None])).data.argmax() for image in x])
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test_accuracy"] == np.mean(guesses == small_digits[1][1])
    assert metrics["test_errors"] == np.sum(guesses != y)
    assert np.sum(metrics["confusion"], axis=1).tolist() == [10] * 10


def test_an_animation_has_a_frame_after_1_4_9_and_16_steps(run):
    assert len(common.load_checkpoint(run / "checkpoint.npz", "classifier")["done"]["frames"]["training"]) == 4


@pytest.mark.parametrize(("count", "shown"), [(4, 4), (10_000, 100)], ids=["some", "more than there are"])
def test_sample_shows_readings_of_test_digits(count, shown, run, tmp_path, capsys):
    classifier.sample(
        ["--checkpoint", str(run / "checkpoint.npz"), "--out", f"{tmp_path}/s.png", "--count", str(count)]
    )
    assert capsys.readouterr().out == f"{shown} digits with their readings are in {tmp_path}/s.png\n"
    assert matplotlib.image.imread(tmp_path / "s.png")[..., :3].std() > 0.02


# ------------------------------------------------------------------ silent bugs, and the checks that catch them
class Enough(Exception):
    """Ends a training."""


def first_step(monkeypatch, folder):
    """(parameters before, parameters after, logged loss, logits) of a run's first step."""
    made, given_logits, losses = [], [], []
    build = classifier.build

    def recording(config):
        model = build(config)
        made.append((model, {name: value.numpy().copy() for name, value in model.state_dict().items()}))
        forward = model.forward
        model.forward = lambda x: given_logits.append(forward(x)) or given_logits[-1]
        return model

    def log(self, **values):
        losses.append(values["loss"])

    def frame(*arguments):
        raise Enough

    with monkeypatch.context() as patched:
        patched.setattr(classifier, "build", recording)
        patched.setattr(common.Run, "log", log)
        patched.setattr(common.Run, "frame", frame)
        with pytest.raises(Enough):
            classifier.main([*SMALL, "--out", str(folder)])
    ((model, before),) = made
    return before, {name: value.numpy() for name, value in model.state_dict().items()}, losses[0], given_logits[0]


def check_every_parameter_learns(before, after):
    assert [name for name in before if np.array_equal(before[name], after[name])] == []


def check_loss_is_of_the_images_own_labels(loss, logits, small_digits):
    """The first batch of the protocol, its labels by their rows; softmax in float64."""
    rows = np.random.default_rng((0, 0)).permutation(1000)[:100]
    p = scipy.special.softmax(logits.detach().numpy().astype(np.float64), axis=1)
    expected = -np.mean([np.log(p[i, small_digits[0][1][row]]) for i, row in enumerate(rows)])
    assert loss == pytest.approx(expected, rel=1e-5)


def test_a_step_changes_every_parameter(monkeypatch, tmp_path):
    before, after, *_ = first_step(monkeypatch, tmp_path)
    check_every_parameter_learns(before, after)


def test_planted_frozen_filters_are_caught(monkeypatch, tmp_path):
    """They would read 92 % of MNIST after an epoch, which looks like learning."""

    def frozen(config):
        model = classifier.CNN()
        model.features[0].requires_grad_(False)
        return model

    monkeypatch.setattr(classifier, "build", frozen)
    before, after, *_ = first_step(monkeypatch, tmp_path)
    with pytest.raises(AssertionError, match="features.0.weight"):
        check_every_parameter_learns(before, after)


def test_the_loss_is_the_cross_entropy_of_the_images_own_labels(monkeypatch, tmp_path, small_digits):
    *_, loss, logits = first_step(monkeypatch, tmp_path)
    check_loss_is_of_the_images_own_labels(loss, logits, small_digits)


def test_planted_labels_shuffled_against_images_are_caught(monkeypatch, tmp_path, small_digits):
    (x, y), test = small_digits
    monkeypatch.setattr(common, "digits", lambda: ((x, np.random.default_rng(0).permutation(y)), test))
    *_, loss, logits = first_step(monkeypatch, tmp_path)
    with pytest.raises(AssertionError):
        check_loss_is_of_the_images_own_labels(loss, logits, small_digits)


def test_twenty_steps_read_more_than_half_of_the_digits_and_with_shuffled_labels_none_but_by_chance(
    monkeypatch, run, tmp_path, small_digits
):
    (x, y), test = small_digits
    monkeypatch.setattr(common, "digits", lambda: ((x, np.random.default_rng(0).permutation(y)), test))
    monkeypatch.setattr(common.Run, "frame", lambda *arguments: None)
    monkeypatch.setattr(
        classifier, "report", lambda run, *rest: {name: run.history[name][1][-1] for name in run.history}
    )
    shuffled = classifier.main([*SMALL, "--out", str(tmp_path)])
    assert json.loads((run / "metrics.json").read_text())["test_accuracy"] > 0.5
    assert shuffled["test_accuracy"] < 0.3
