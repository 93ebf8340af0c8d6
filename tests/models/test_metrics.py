"""The figures that models are judged by, against NumPy's SVD and brute force."""

import numpy as np
import pytest

from models.metrics import PCA, knn_accuracy, mean_squared_error

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
