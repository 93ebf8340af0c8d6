"""Distributions in the plane: points lie where the definition says, as often as it says."""

import numpy as np
import pytest
import scipy.optimize
import scipy.spatial
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data.mixtures import Line, Mixture, SwissRoll, grid, ring

DISTRIBUTIONS = [ring(), grid(), SwissRoll(), Line(0.3)]
names = [type(d).__name__ if not isinstance(d, Mixture) else f"{len(d.centres)} modes" for d in DISTRIBUTIONS]
each = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=names)


# ---------------------------------------------------------------------------------------------- sampling
@each
@pytest.mark.parametrize("n", [0, 1, 100])
def test_a_sample_has_n_points_of_the_plane(distribution, n):
    points = distribution.sample(n, np.random.default_rng(0))
    assert (points.shape, points.dtype) == ((n, 2), np.float32)


@each
def test_a_seed_gives_the_sample_of_its_generator(distribution):
    np.testing.assert_array_equal(distribution.sample(9, 5), distribution.sample(9, np.random.default_rng(5)))


@each
def test_a_generator_goes_on_from_sample_to_sample(distribution):
    rng = np.random.default_rng(0)
    assert (distribution.sample(9, rng) != distribution.sample(9, rng)).any()


# ---------------------------------------------------------------------------------------------- mixtures of Gaussians
def test_the_ring_has_eight_modes_on_the_unit_circle_45_degrees_apart():
    centres = ring().centres
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1)
    corner = np.sqrt(0.5)
    expected = [(1, 0), (corner, corner), (0, 1), (-corner, corner), (-1, 0), (-corner, -corner), (0, -1)]
    np.testing.assert_allclose(centres, [*expected, (corner, -corner)], atol=1e-12)
    assert ring().std == 0.02


@given(st.integers(1, 30), st.floats(0.1, 10))
def test_modes_of_a_ring_are_equally_far_from_their_neighbours(modes, radius):
    centres = ring(modes, radius).centres
    distances = np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)
    np.testing.assert_allclose(distances, 2 * radius * np.sin(np.pi / modes), atol=1e-9 * radius)


def test_the_grid_has_25_modes_from_minus_2_to_2():
    assert {tuple(c) for c in grid().centres.tolist()} == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}
    assert (len(grid().centres), grid().std) == (25, 0.05)


def test_the_grid_of_pacgan_goes_from_minus_4_to_4():
    np.testing.assert_allclose(grid(spacing=2).centres, 2 * grid().centres)


MIXTURES = pytest.mark.parametrize(
    "mixture", [ring(), ring(3, radius=2, std=0.1), grid(), grid(2, spacing=3, std=0.3)], ids=["ring", "3", "grid", "4"]
)


def nearest(mixture, points):
    """Each point's mode (n,) and offset from it (n, 2)."""
    offsets = points[:, None] - mixture.centres
    mode = np.linalg.norm(offsets, axis=2).argmin(axis=1)
    return mode, offsets[np.arange(len(points)), mode]


@MIXTURES
def test_modes_are_equally_likely(mixture):
    mode, _ = nearest(mixture, mixture.sample(20_000, 0))
    assert scipy.stats.chisquare(np.bincount(mode, minlength=len(mixture.centres))).pvalue > 1e-3


@MIXTURES
@pytest.mark.parametrize("axis", [0, 1])
def test_offsets_from_a_mode_are_gaussian_with_its_std(mixture, axis):
    _, offset = nearest(mixture, mixture.sample(20_000, 1))
    assert scipy.stats.kstest(offset[:, axis] / mixture.std, "norm").pvalue > 1e-3


@MIXTURES
def test_the_two_offsets_and_the_mode_are_independent(mixture):
    mode, (x, y) = (a.T for a in nearest(mixture, mixture.sample(20_000, 2)))
    assert min(scipy.stats.spearmanr(a, b).pvalue for a, b in ((x, y), (mode, x), (mode, y))) > 1e-3


def test_989_of_1000_points_lie_within_three_std_of_a_mode():
    """1 − exp(−9/2), so a perfect generator's share of high quality."""
    _, offset = nearest(ring(), ring().sample(100_000, 0))
    share = (np.linalg.norm(offset, axis=1) <= 3 * ring().std).mean()
    assert share == pytest.approx(1 - np.exp(-4.5), abs=2e-3)


# ---------------------------------------------------------------------------------------------- curves
def test_without_noise_the_swiss_roll_is_the_spiral_r_equal_to_its_angle():
    points = 7.5 * SwissRoll(std=0).sample(10_000, 0)
    t = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(np.stack([t * np.cos(t), t * np.sin(t)], axis=1), points, atol=1e-3)
    assert scipy.stats.kstest(t, "uniform", (1.5 * np.pi, 3 * np.pi)).pvalue > 1e-3


@pytest.mark.parametrize("axis", [0, 1])
def test_the_noise_of_the_swiss_roll_is_gaussian(axis):
    noise = SwissRoll().sample(10_000, 0) - SwissRoll(std=0).sample(10_000, 0)
    assert scipy.stats.kstest(noise[:, axis], scipy.stats.norm(0, 0.25 / 7.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize("theta", [0.0, 0.5, -2.0])
def test_a_line_stands_at_its_x_and_is_uniform_in_height(theta):
    x, y = Line(theta).sample(10_000, 0).T
    assert set(x) == {np.float32(theta)}
    assert scipy.stats.kstest(y, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("theta", [0.0, 0.1, 2.0])
def test_the_wasserstein_distance_of_two_lines_is_theirs(theta):
    a, b = Line(0).sample(1000, 0), Line(theta).sample(1000, 1)
    rows, columns = scipy.optimize.linear_sum_assignment(scipy.spatial.distance.cdist(a, b))
    floor = scipy.stats.wasserstein_distance(a[:, 1], b[:, 1])
    distance = np.linalg.norm(a[rows] - b[columns], axis=1).mean()
    assert theta - 1e-6 <= distance <= theta + floor + 1e-6
