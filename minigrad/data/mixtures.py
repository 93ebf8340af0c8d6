"""Distributions in the plane that GANs are tried on: what they should be is known exactly.

Each has ``sample(n, rng)``: n points (n, 2) float32, drawn with `rng`, a NumPy Generator or a seed. A mixture of
Gaussians also has the `centres` of its modes and their `std`, which tell whether a point is of high quality and which
modes are found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mixture:
    """Round Gaussians of standard deviation `std` about the `centres` (k, 2), all equally likely."""

    centres: np.ndarray
    std: float

    def sample(self, n: int, rng) -> np.ndarray:
        rng = np.random.default_rng(rng)
        mode = rng.integers(len(self.centres), size=n)
        return (self.centres[mode] + self.std * rng.standard_normal((n, 2))).astype(np.float32)


def ring(modes: int = 8, radius: float = 1.0, std: float = 0.02) -> Mixture:
    """Gaussians on a circle, at the angles 2πi/k, i = 0 ... k − 1 (Metz et al. 2017, Unrolled GANs).

    ``np.linspace(0, 2 * np.pi, 8)`` would have the angle 0 twice: a well-known bug that leaves seven modes.

    >>> ring(modes=4).centres.round(3).tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [-0.0, -1.0]]
    >>> ring().sample(1000, rng=0).shape
    (1000, 2)
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), std)


def grid(side: int = 5, spacing: float = 1.0, std: float = 0.05) -> Mixture:
    """side² Gaussians on a square lattice about the origin; 25 from −2 to 2 (Azadi et al. 2019, DRS).

    ``grid(spacing=2)`` is the one of VEEGAN and PacGAN, from −4 to 4; WGAN-GP divides it by 2√2.

    >>> grid(side=2).centres.tolist()
    [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2), std)


@dataclass(frozen=True)
class SwissRoll:
    """The spiral (t cos t, t sin t)/7.5, t uniform on [3π/2, 9π/2], with Gaussian noise of `std`: WGAN-GP's toy.

    >>> SwissRoll().sample(1000, rng=0).shape
    (1000, 2)
    """

    std: float = 0.25 / 7.5

    def sample(self, n: int, rng) -> np.ndarray:
        rng = np.random.default_rng(rng)
        t = rng.uniform(1.5 * math.pi, 4.5 * math.pi, n)
        spiral = np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / 7.5
        return (spiral + self.std * rng.standard_normal((n, 2))).astype(np.float32)


@dataclass(frozen=True)
class Line:
    """The upright segment x = `x`, y uniform on [0, 1).

    For Line(0) and Line(θ), θ ≠ 0, the Jensen-Shannon divergence is log 2 however near they are, the Wasserstein
    distance |θ| (Arjovsky et al. 2017, Wasserstein GAN, example 1: learning parallel lines).

    >>> Line(0.5).sample(3, rng=0)[:, 0].tolist()
    [0.5, 0.5, 0.5]
    """

    x: float = 0.0

    def sample(self, n: int, rng) -> np.ndarray:
        y = np.random.default_rng(rng).random(n)
        return np.stack([np.full(n, self.x), y], axis=1).astype(np.float32)
