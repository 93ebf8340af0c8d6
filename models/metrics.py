"""Figures that models are judged by, each with its formula."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.spatial
import scipy.stats


class PCA:
    """Principal component analysis: the k orthonormal directions U of largest variance about the mean m.

    Codes are z = Uᵀ(x − m), reconstructions x̂ = m + Uz: of all linear maps through k numbers those with the smallest
    mean squared error on the data they were fitted to.
    """

    def __init__(self, x: np.ndarray, k: int):
        self.mean = x.mean(axis=0, dtype=np.float64)
        covariance = np.cov(x, rowvar=False)
        n = len(covariance)
        self.variance, directions = scipy.linalg.eigh(covariance, subset_by_index=(n - k, n - 1))
        self.variance, self.directions = self.variance[::-1], directions[:, ::-1]  # largest first; (features, k)

    def encode(self, x):
        return (x - self.mean) @ self.directions

    def decode(self, z):
        return self.mean + z @ self.directions.T


def mean_squared_error(x, y) -> float:
    """(1/n) Σ (x − y)² over all elements, in float64."""
    return float(np.mean((np.asarray(x, np.float64) - y) ** 2))


def knn_accuracy(codes, labels, test_codes, test_labels, k: int = 5) -> float:
    """The share of test points whose class is the most frequent one among their k nearest training points.

    How much of the classes a code has kept; distances are Euclidean, a tie goes to the smaller label.
    """
    _, nearest = scipy.spatial.KDTree(codes).query(test_codes, k=range(1, k + 1), workers=-1)
    return float(np.mean(scipy.stats.mode(labels[nearest], axis=1).mode == test_labels))
