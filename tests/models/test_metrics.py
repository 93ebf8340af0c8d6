"""The figures that models are judged by (VAEs and digits have files of their own), against scipy and brute force."""

import gzip
import itertools
import math
import os

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from minigrad import nn
from models.metrics import (
    PCA,
    NGram,
    best_discriminator_value,
    bits_per_character,
    critic_audit,
    jensen_shannon,
    knn_accuracy,
    mean_squared_error,
    mixture_scores,
    wasserstein,
    wasserstein_and_floor,
)

FEATURES = 12


@pytest.fixture(scope="module")
def points():
    """200 points whose directions have distinct variances, about a mean far from 0."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((200, FEATURES)) * np.arange(1, FEATURES + 1) @ rng.standard_normal((FEATURES,) * 2) + 50


@pytest.fixture(scope="module")
def svd(points):
    """(singular values, right singular vectors as rows) of the centred points."""
    return np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[1:]


# ------------------------------------------------------------------ PCA
@pytest.mark.parametrize("k", [1, 3, FEATURES])
def test_pca_directions_are_orthonormal(points, k):
    directions = PCA(points, k).directions
    np.testing.assert_allclose(directions.T @ directions, np.eye(k), atol=1e-12)


@pytest.mark.parametrize("k", [1, 3, FEATURES])
def test_pca_spans_the_first_right_singular_vectors(points, svd, k):
    directions, rows = PCA(points, k).directions, svd[1][:k]
    np.testing.assert_allclose(directions @ directions.T, rows.T @ rows, atol=1e-10)


@pytest.mark.parametrize("k", [1, 3, FEATURES])
def test_pca_variances_are_those_of_the_svd_largest_first(points, svd, k):
    np.testing.assert_allclose(PCA(points, k).variance, svd[0][:k] ** 2 / (len(points) - 1))


@pytest.mark.parametrize("k", [1, 3, FEATURES - 1])
def test_pca_error_is_the_variance_left_out_per_feature(points, svd, k):
    pca = PCA(points, k)
    eigenvalues = svd[0] ** 2 / len(points)
    error = mean_squared_error(pca.decode(pca.encode(points)), points)
    assert error == pytest.approx(eigenvalues[k:].sum() / FEATURES, rel=1e-10)


def test_pca_with_all_directions_gives_the_points_back(points):
    pca = PCA(points, FEATURES)
    np.testing.assert_allclose(pca.decode(pca.encode(points)), points, atol=1e-10)


def test_pca_codes_are_uncorrelated_with_mean_zero(points):
    pca = PCA(points, 4)
    codes = pca.encode(points)
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(np.cov(codes, rowvar=False), np.diag(pca.variance), atol=1e-8)


def test_pca_encodes_new_points_about_the_mean_it_was_fitted_with(points):
    pca = PCA(points, 2)
    np.testing.assert_allclose(pca.encode(points.mean(axis=0)[None] + 3 * pca.directions[:, 1]), [[0, 3]], atol=1e-10)


# ------------------------------------------------------------------ mean squared error
@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([0.0, 0.0], [3.0, 4.0], 12.5),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 8.0]], 4.0),
        (np.zeros(3, np.uint8), np.full(3, 255, np.uint8), 65025.0),
        (np.full(4, 3e30, np.float32), np.zeros(4, np.float32), np.float64(np.float32(3e30)) ** 2),
    ],
    ids=["vector", "matrix", "bytes do not wrap around", "squares beyond float32"],
)
def test_mean_squared_error(x, y, expected):
    assert mean_squared_error(x, np.asarray(y)) == pytest.approx(expected, rel=1e-12)


# ------------------------------------------------------------------ nearest neighbours
LINE = np.array([0.0, 1, 2, 10, 11, 12])[:, None]
LINE_LABELS = np.array([3, 3, 7, 7, 7, 3])


@pytest.mark.parametrize(
    ("k", "where", "label"),
    [(1, 1.9, 7), (3, 1.0, 3), (3, 10.9, 7), (2, 1.6, 3), (6, 5.0, 3)],
    ids=["nearest", "two of 0, 1, 2", "two of 10, 11, 12", "a tie goes to the smaller label", "a tie of all six"],
)
def test_knn_predicts_the_most_frequent_neighbour(k, where, label):
    assert [knn_accuracy(LINE, LINE_LABELS, [[where]], np.array([c]), k) for c in range(10)] == [
        float(c == label) for c in range(10)
    ]


def test_knn_accuracy_is_the_share_of_right_predictions():
    assert knn_accuracy(LINE, LINE_LABELS, [[0.0], [1.0], [11.0], [12.0]], np.array([3, 7, 7, 7]), k=3) == 0.75


@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("features", [1, 2, 9])
def test_knn_accuracy_against_brute_force(k, features):
    rng = np.random.default_rng(features)
    labels, test_labels = rng.integers(0, 4, 300), rng.integers(0, 4, 100)
    codes, test_codes = (rng.standard_normal((len(y), features)) + 0.5 * y[:, None] for y in (labels, test_labels))
    right = 0
    for code, label in zip(test_codes, test_labels, strict=True):
        nearest = np.argsort(np.linalg.norm(codes - code, axis=1))[:k]
        right += np.argmax(np.bincount(labels[nearest])) == label
    assert knn_accuracy(codes, labels, test_codes, test_labels, k) == right / 100


def test_knn_looks_at_five_neighbours_unless_told():
    codes = np.arange(6.0)[:, None]
    labels = np.array([1, 1, 2, 2, 2, 1])
    assert knn_accuracy(codes, labels, [[0.0]], np.array([2])) == 1.0


# ------------------------------------------------------------------ mixtures
SIGMA = 0.02
ANGLES = 2 * np.pi * np.arange(8) / 8
RING = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])


def ring(n, seed):
    rng = np.random.default_rng(seed)
    return RING[rng.integers(0, 8, n)] + SIGMA * rng.standard_normal((n, 2))


def test_the_mixture_itself_has_all_modes_and_the_quality_of_a_gaussian():
    found = mixture_scores(ring(20_000, 0), RING, SIGMA)
    assert (found["modes"], found["strict_modes"]) == (8, 8)
    assert found["high_quality"] == pytest.approx(scipy.stats.chi2(2).cdf(9), abs=0.003)


@pytest.mark.parametrize(
    ("distance", "high_quality"), [(2.99, 1.0), (3.01, 0.0), (100, 0.0)], ids=["within 3σ", "beyond", "far"]
)
def test_a_sample_counts_within_three_sigma_of_the_nearest_centre(distance, high_quality):
    found = mixture_scores(RING[:1] + [[0, distance * SIGMA]], RING, SIGMA)
    assert found == {"modes": int(high_quality), "strict_modes": int(high_quality), "high_quality": high_quality}


@pytest.mark.parametrize(("times", "strict"), [(24, 1), (25, 2), (26, 2)])
def test_a_mode_counts_strictly_with_a_fifth_of_its_fair_share(times, strict):
    """Of 1000 samples on 8 modes a fair share is 125."""
    samples = np.repeat(RING[[0, 1]], [1000 - times, times], axis=0)
    found = mixture_scores(samples, RING, SIGMA)
    assert (found["modes"], found["strict_modes"]) == (2, strict)


def test_samples_far_from_their_nearest_centre_are_in_the_fair_share_but_not_in_the_count():
    samples = np.concatenate([np.repeat(RING, [24] + 7 * [30], axis=0), np.full((766, 2), 5.0)])
    found = mixture_scores(samples, RING, SIGMA)
    assert found == {"modes": 8, "strict_modes": 7, "high_quality": 0.234}


points_on_the_line = arrays.arrays(np.float64, 6, elements=st.floats(-100, 100))
points_in_space = arrays.arrays(np.float64, (5, 3), elements=st.floats(-100, 100))


@given(points_on_the_line, points_on_the_line)
def test_wasserstein_on_the_line_against_scipy_and_against_the_assignment(x, y):
    assert wasserstein(x, y) == pytest.approx(scipy.stats.wasserstein_distance(x, y), rel=1e-9, abs=1e-9)
    assert wasserstein(x, y) == pytest.approx(wasserstein(x[:, None], y[:, None]), rel=1e-9, abs=1e-9)


@given(points_in_space, points_in_space)
def test_wasserstein_against_all_pairings(x, y):
    pairings = (np.linalg.norm(x - y[list(order)], axis=1).mean() for order in itertools.permutations(range(5)))
    assert wasserstein(x, y) == pytest.approx(min(pairings), rel=1e-9, abs=1e-9)


@given(points_in_space, st.permutations(range(5)), st.floats(-9, 9))
def test_wasserstein_of_shifted_points_is_the_shift(x, order, shift):
    assert wasserstein(x, x[order] + [shift, 0, 0]) == pytest.approx(abs(shift), rel=1e-9, abs=1e-9)


def test_wasserstein_of_unequally_many_points_is_refused():
    with pytest.raises(ValueError, match=r"equally many points, and these are \(3, 2\) and \(4, 2\)"):
        wasserstein(np.zeros((3, 2)), np.zeros((4, 2)))


def test_samples_of_the_ring_are_at_the_floor_and_collapsed_ones_far_above():
    real, rng = ring(5000, 0), np.random.default_rng(0)
    w, floor = wasserstein_and_floor(ring(2500, 1), real, rng)
    assert 0.03 < floor < 0.1
    assert w == pytest.approx(floor, abs=0.04)
    collapsed, _ = wasserstein_and_floor(np.repeat(RING[:1], 200, axis=0), real, rng, n=200)
    assert collapsed == pytest.approx(np.linalg.norm(RING - RING[0], axis=1).mean(), abs=0.1)


def test_the_floor_takes_other_real_points_and_a_draw_repeats_with_its_seed():
    real = np.arange(20.0)[:, None]
    draws = [wasserstein_and_floor(real, real, np.random.default_rng(seed), n=10) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert draws[0][1] > 0  # the two halves have no point in common


@pytest.mark.parametrize(("samples", "real"), [(9, 20), (10, 19)])
def test_too_few_points_for_the_floor_are_refused(samples, real):
    with pytest.raises(ValueError, match=f"needs 10 samples and 20 real points, not {samples} and {real}"):
        wasserstein_and_floor(np.zeros((samples, 2)), np.zeros((real, 2)), np.random.default_rng(0), n=10)


# ------------------------------------------------------------------ discriminators
normal = scipy.stats.norm


@pytest.mark.parametrize(
    ("distance", "value"), [(0, -1.3863), (0.5, -1.3257), (1, -1.1635), (2, -0.7126), (4, -0.1209)]
)
def test_value_of_the_best_discriminator_of_two_gaussians(distance, value):
    found = best_discriminator_value(normal(0, 1).pdf, normal(distance, 1).pdf, -12, 16)
    assert found == pytest.approx(value, abs=5e-5)


def test_value_of_the_best_discriminator_is_what_d_star_reaches():
    p, q, x = normal(0, 1).pdf, normal(1, 2).pdf, np.linspace(-15, 17, 100_001)
    d = p(x) / (p(x) + q(x))
    value = np.trapezoid(p(x) * np.log(d) + q(x) * np.log1p(-d), x)
    assert best_discriminator_value(p, q, -15, 17) == pytest.approx(value, rel=1e-6)


def test_jensen_shannon_against_scipy_on_a_fine_grid():
    p, q, x = normal(0, 1).pdf, normal(1, 0.3).pdf, np.linspace(-10, 10, 100_001)
    assert jensen_shannon(p, q, -10, 10) == pytest.approx(jensenshannon(p(x), q(x)) ** 2, rel=1e-6)
    assert jensen_shannon(q, p, -10, 10) == pytest.approx(jensen_shannon(p, q, -10, 10), rel=1e-9)


@pytest.mark.parametrize(("shift", "expected"), [(0, 0), (0.5, 0.5 * math.log(2)), (1, math.log(2)), (3, math.log(2))])
def test_jensen_shannon_of_two_boxes_is_the_share_that_does_not_overlap_times_log_2(shift, expected):
    found = jensen_shannon(lambda x: float(0 < x < 1), lambda x: float(shift < x < shift + 1), -1, 5)
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("p", "low", "high", "words"),
    [
        (normal(0, 1).pdf, 0, 9, r"over \[0, 9\] the densities integrate to 0.5 and"),
        (normal(0.123, 1e-9).pdf, -9, 9, "the densities integrate to 0 and 1, not to 1"),
        (lambda x: 2 * normal(0, 1).pdf(x), -9, 9, "the densities integrate to 2 and 1, not to 1"),
    ],
    ids=["cut off", "too narrow to be found", "not normalised"],
)
def test_what_is_no_density_there_is_refused(p, low, high, words):
    with pytest.raises(ValueError, match=words):
        jensen_shannon(p, normal(4, 0.5).pdf, low, high)


# ------------------------------------------------------------------ critics
class Function(nn.Module):
    """A critic with a formula."""

    def __init__(self, f):
        self.f = f

    def forward(self, x):
        return self.f(x)


@pytest.fixture(scope="module")
def images():
    """Real and fake, (50, 2, 3, 3)."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((50, 2, 3, 3)) + 1, rng.standard_normal((50, 2, 3, 3))


def test_a_linear_critic_reads_its_slope_times_the_distance(images):
    real, fake = images
    critic = nn.Sequential(nn.Flatten(), nn.Linear(18, 1)).double()
    w = critic[1].weight.detach().numpy()
    found = critic_audit(critic, real, fake, np.random.default_rng(0))
    assert found["gradient_norm"] == pytest.approx(np.linalg.norm(w), rel=1e-6)
    assert found["gradient_norm_std"] == pytest.approx(0, abs=1e-6)
    assert found["reading"] == pytest.approx(((real - fake).reshape(50, 18) @ w.T).mean(), rel=1e-6)
    assert found["wasserstein"] == pytest.approx(found["reading"] / np.linalg.norm(w), rel=1e-6)
    assert critic[1].weight.grad is None


def test_a_critic_is_judged_between_real_and_fake_with_one_t_for_each_pair(images):
    """f = ½‖x‖² has the gradient x: its norms are those of the points themselves."""
    real, fake = images
    found = critic_audit(Function(lambda x: 0.5 * (x * x).sum((1, 2, 3))), real, fake, np.random.default_rng(7))
    t = np.random.default_rng(7).random(50, dtype=np.float32)
    norms = np.array([np.linalg.norm(s * a + (1 - s) * b) for s, a, b in zip(t, real, fake)])
    assert found["gradient_norm"] == pytest.approx(norms.mean(), rel=1e-6)
    assert found["gradient_norm_std"] == pytest.approx(norms.std(), rel=1e-6)


def test_a_critic_of_slope_c_on_the_line_recovers_the_distance_at_any_c():
    real, fake = np.full((10, 1), 3.0), np.zeros((10, 1))
    found = [critic_audit(Function(lambda x, c=c: c * x), real, fake, np.random.default_rng(0)) for c in (1e-6, 1.15)]
    assert [f["wasserstein"] for f in found] == pytest.approx([3, 3], rel=1e-6)
    assert found[1]["reading"] == pytest.approx(3.45, rel=1e-6)


def test_a_critic_without_slope_has_no_distance():
    found = critic_audit(Function(lambda x: 0 * x), np.ones((4, 1)), np.zeros((4, 1)), np.random.default_rng(0))
    assert (found["gradient_norm"], math.isnan(found["wasserstein"])) == (0, True)


# ------------------------------------------------------------------ characters
def test_bits_of_a_uniform_guess_are_log_2_of_the_alphabet():
    assert bits_per_character(np.full(7, -math.log(65), np.float32)) == pytest.approx(math.log2(65), rel=1e-6)


def witten_bell(text, history, character, alphabet):
    """The formula, by counting in the text each time; the whole text counts for the empty history."""
    shorter = witten_bell(text, history[1:], character, alphabet) if history else 1 / alphabet
    n = len(history)
    followers = [text[i + n] for i in range(len(text) - n) if text[i : i + n] == history]
    kinds = len(set(followers))
    return (followers.count(character) + kinds * shorter) / (len(followers) + kinds) if followers else shorter


texts = st.text("abcd", min_size=1, max_size=30)


@given(texts, texts, st.integers(1, 4))
def test_n_gram_probabilities_against_counting(text, test, order):
    expected = [witten_bell(text, test[max(i - order + 1, 0) : i], c, 5) for i, c in enumerate(test)]
    np.testing.assert_allclose(np.exp(NGram(text, order, 5).log_probabilities(test)), expected, rtol=1e-12)


@given(texts, st.text("abcde", max_size=5), st.integers(1, 4))
def test_n_gram_probabilities_of_what_may_follow_sum_to_1(text, history, order):
    model = NGram(text, order, 5)
    assert sum(np.exp(model.log_probabilities(history + c)[-1]) for c in "abcde") == pytest.approx(1, rel=1e-12)


@pytest.mark.slow
def test_n_grams_of_shakespeare():
    """The first 90 % are counted, the next 5 % predicted."""
    if "MINIGRAD_DATA" not in os.environ:
        pytest.skip("needs Shakespeare: set MINIGRAD_DATA to a folder that has text/shakespeare.txt.gz in it")
    with gzip.open(os.path.join(os.environ["MINIGRAD_DATA"], "text", "shakespeare.txt.gz"), "rt") as file:
        text = file.read()
    train, validation = (text[int(a * len(text)) : int(b * len(text))] for a, b in ((0, 0.9), (0.9, 0.95)))
    models = [NGram(train, order, len(set(text))) for order in (1, 2, 3, 4)]
    bits = [bits_per_character(model.log_probabilities(validation)) for model in models]
    print("bits per character of n-grams:", *(f"{b:.3f}" for b in bits))
    assert bits == pytest.approx([4.81, 3.57, 2.88, 2.44], abs=0.005)
