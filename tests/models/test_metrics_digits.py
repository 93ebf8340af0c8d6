"""The figures of digits: their formulas against scipy and closed forms, and the scale that the CNN gives them."""

import os

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from models.common import load_digits
from models.metrics import (
    PCA,
    class_shares,
    classifier_score,
    digit_cnn,
    digit_scores,
    fidn,
    kl_to_uniform,
    nearest,
    read_digits,
)


@pytest.fixture(scope="module")
def digits():
    """((x, y), (x_test, y_test)), the embedded ones: pixels (n, 784)."""
    return load_digits(None)


@pytest.fixture(scope="module")
def real(digits):
    return read_digits(digits[1][0])


def points(n, features, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, features)) @ rng.standard_normal((features, features)) + rng.standard_normal(
        features
    )


# ------------------------------------------------------------------ FIDn
@given(st.integers(2, 6), st.integers(20, 60), st.integers(20, 60), st.integers(0, 1000))
def test_fidn_against_the_root_of_the_product(features, n, m, seed):
    x, y = points(n, features, seed), points(m, features, seed + 1)
    s_x, s_y = (np.cov(p, rowvar=False) for p in (x, y))
    root = scipy.linalg.sqrtm(s_x @ s_y)
    distance = np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2) + np.trace(s_x + s_y - 2 * root.real)
    assert fidn(x, y) == pytest.approx(100 * distance / np.trace(s_y), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x, lambda x, trace: 0),
        (lambda x: x + 2, lambda x, trace: 100 * 5 * 4 / trace),
        (lambda x: 3 * (x - x.mean(axis=0)) + x.mean(axis=0), lambda x, trace: 100 * (3 - 1) ** 2),
        (lambda x: 0 * x + x.mean(axis=0), lambda x, trace: 100),
    ],
    ids=["the same", "shifted by 2 in each of 5", "three times as wide", "a single point"],
)
def test_fidn_in_closed_form(change, expected):
    x = points(200, 5, 0)
    assert fidn(change(x), x) == pytest.approx(expected(x, np.trace(np.cov(x, rowvar=False))), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [2, 10, 63])
def test_fidn_of_fewer_samples_than_features_is_a_number_of_the_right_sign(n):
    assert 0 < fidn(points(n, 64, 0), points(500, 64, 1)) < np.inf


def test_fidn_does_not_depend_on_the_axes_of_the_features():
    x, y, rotation = points(100, 4, 0), points(100, 4, 1), np.linalg.qr(points(4, 4, 2))[0]
    assert fidn(x @ rotation, y @ rotation) == pytest.approx(fidn(x, y), rel=1e-9)


# ------------------------------------------------------------------ classes
ONE_HOT = np.eye(10)


@pytest.mark.parametrize(
    ("p", "expected"),
    [(ONE_HOT, 10), (ONE_HOT[[3] * 7], 1), (np.full((5, 10), 0.1), 1), (ONE_HOT[[0, 1, 0, 1]], 2)],
    ids=["each class once, surely", "one class", "undecided", "two classes"],
)
def test_classifier_score_at_its_ends(p, expected):
    assert classifier_score(p) == pytest.approx(expected, rel=1e-12)


@given(arrays.arrays(np.float64, (7, 4), elements=st.floats(0.01, 1)))
def test_classifier_score_is_the_exponential_of_the_information_between_sample_and_class(weights):
    p = weights / weights.sum(axis=1, keepdims=True)
    information = scipy.stats.entropy(p.mean(axis=0)) - scipy.stats.entropy(p, axis=1).mean()
    assert classifier_score(p) == pytest.approx(np.exp(information), rel=1e-9)


def test_class_shares_count_each_sample_for_its_likeliest_class():
    p = np.array([[0.4, 0.3, 0.3], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1], [0.2, 0.1, 0.7]])
    assert class_shares(p).tolist() == [0.25, 0.25, 0.5]


@pytest.mark.parametrize("shares", [[0.25] * 4, [1, 0, 0, 0], [0.5, 0.3, 0.2, 0.0]])
def test_kl_to_uniform_is_the_entropy_that_is_missing(shares):
    assert kl_to_uniform(np.array(shares)) == pytest.approx(np.log(4) - scipy.stats.entropy(shares), abs=1e-12)


# ------------------------------------------------------------------ the nearest training image
@given(
    arrays.arrays(np.float32, (5, 2, 3), elements=st.integers(0, 4)),
    arrays.arrays(np.float32, (7, 2, 3), elements=st.integers(0, 4)),
    st.integers(1, 6),
)
def test_nearest_against_all_pairs(images, training, batch):
    pairs = np.array([[np.linalg.norm(a - b) for b in training] for a in images])
    distance, index = nearest(images, training, batch)
    np.testing.assert_allclose(distance, pairs.min(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(index, pairs.argmin(axis=1))


def test_a_copy_of_a_training_image_has_distance_0_and_its_index(digits):
    x = digits[0][0]
    distance, index = nearest(x[[5, 99, 2500]], x)
    assert (distance.tolist(), index.tolist()) == ([0, 0, 0], [5, 99, 2500])


# ------------------------------------------------------------------ the CNN
def test_the_cnn_reads_the_embedded_test_digits(digits, real):
    assert np.mean(real[1].argmax(axis=1) == digits[1][1]) >= 0.98


def test_features_are_what_the_classes_are_read_from(digits, real):
    features, p = real
    logits = digit_cnn().classes(mg.from_numpy(features)).detach().numpy()
    np.testing.assert_allclose(p, scipy.special.softmax(logits, axis=1), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("shape", [(-1, 784), (-1, 28, 28), (-1, 1, 28, 28)])
def test_images_may_have_any_shape_and_come_in_any_batches(shape, digits, real):
    features, p = read_digits(digits[1][0][:50].astype(np.float64).reshape(shape), batch=17)
    np.testing.assert_allclose(features, real[0][:50], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(p, real[1][:50], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.array([[-1.0, 1.0] * 392]), r"floats in \[0, 1\], and these are float64 in \[-1.0, 1.0\]"),
        (np.array([[0, 255] * 392], np.uint8), r"floats in \[0, 1\], and these are uint8 in \[0, 255\]"),
        (np.array([[0.5, np.nan] * 392], np.float32), r"floats in \[0, 1\], and these are float32 in \[nan, nan\]"),
    ],
    ids=["of a tanh", "bytes", "not a number"],
)
def test_images_of_another_range_are_refused(images, words):
    with pytest.raises(ValueError, match=words):
        read_digits(images)


def test_judging_leaves_the_random_stream_of_a_training_alone(digits):
    draws = []
    for judged in (False, True):
        mg.manual_seed(3)
        if judged:
            digit_cnn.cache_clear()
            read_digits(digits[1][0][:2])
        draws.append(mg.randn(3).tolist())
    assert draws[0] == draws[1]


# ------------------------------------------------------------------ the scale
def test_digits_of_the_training_set_are_at_the_floor_and_noise_far_above(digits):
    (x, _), (x_test, _) = digits
    rng = np.random.default_rng(1)
    noise = rng.random((200, 784))
    found, bad = digit_scores(rng.permutation(x)[:1000], x, x_test), digit_scores(noise, x, x_test)
    assert found["fidn_floor"] < 3 < bad["fidn_floor"], "the floor is that of as many digits: 1,000 and 200"
    assert found["fidn"] == pytest.approx(found["fidn_floor"], rel=0.3)
    assert bad["fidn"] >= 60
    assert found["classifier_score"] == pytest.approx(found["classifier_score_real"], abs=0.3)
    assert bad["classifier_score"] <= 3
    assert found["class_kl"] <= 0.02 < 0.5 <= bad["class_kl"]
    assert sum(found["class_shares"]) == pytest.approx(1)
    assert found["nearest"] == 0 < 4 <= found["nearest_real"] < bad["nearest"]


@pytest.mark.slow
def test_the_scale_of_fidn_on_mnist():
    if "MINIGRAD_DATA" not in os.environ:
        pytest.skip("needs MNIST: set MINIGRAD_DATA to a folder that has mnist/ in it")
    (x, y), (x_test, _) = load_digits(os.path.join(os.environ["MINIGRAD_DATA"], "mnist"))
    pca, rng = PCA(x, 32), np.random.default_rng(0)
    gaussian = rng.multivariate_normal(x.mean(axis=0), np.cov(x, rowvar=False), 10_000, method="eigh")
    samples = {  # with the bounds of their FIDn
        "training images": (rng.permutation(x)[:10_000], 0, 0.5),
        "PCA-32 reconstructions": (pca.decode(pca.encode(x_test)), 9, 16),
        "only 0 to 4": (rng.permutation(x[y < 5])[:10_000], 17, 23),
        "Gaussian pixels": (gaussian, 35, 55),
        "noise": (rng.random((10_000, 784)), 90, 120),
        "only 1": (x[y == 1], 110, 150),
    }
    real, _ = read_digits(x_test)
    for name, (images, low, high) in samples.items():
        found = fidn(read_digits(np.clip(images, 0, 1))[0], real)
        print(f"FIDn of {name}: {found:.2f}")
        assert low <= found <= high, name
