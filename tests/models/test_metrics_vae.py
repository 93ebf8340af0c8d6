"""The figures of VAEs, against a linear Gaussian model, where all of them have a closed form."""

import math

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from models.metrics import active_units, bernoulli_log_likelihood, elbo, gaussian_log_likelihood, iwae

SIGMA = 0.7


class LinearGaussian:
    """z ~ N(0, I), x|z ~ N(Wz + m, σ²I), W with orthogonal columns: probabilistic PCA (Tipping & Bishop 1999).

    Then x ~ N(m, WWᵀ + σ²I), and z|x is Gaussian with mean M⁻¹Wᵀ(x − m) and covariance σ²M⁻¹, M = WᵀW + σ²I diagonal.
    """

    def __init__(self, n=300, pixels=6):
        rng = np.random.default_rng(0)
        self.w = np.linalg.qr(rng.standard_normal((pixels, 3)))[0] * [3.0, 1.0, 0.2]
        self.mean = rng.standard_normal(pixels)
        covariance = self.w @ self.w.T + SIGMA**2 * np.eye(pixels)
        self.x = rng.multivariate_normal(self.mean, covariance, n)
        self.log_p = multivariate_normal(self.mean, covariance).logpdf(self.x)
        m = (self.w**2).sum(axis=0) + SIGMA**2
        self.mu = (self.x - self.mean) @ self.w / m
        self.log_var = np.broadcast_to(np.log(SIGMA**2 / m), self.mu.shape)

    def log_likelihood(self, z, x):
        return gaussian_log_likelihood(z @ self.w.T + self.mean, x, SIGMA)

    def bounds(self, bound, mu, log_var, number, **how):
        return bound(self.log_likelihood, self.x, mu, log_var, number, np.random.default_rng(1), **how)


@pytest.fixture(scope="module")
def model():
    return LinearGaussian()


@pytest.fixture(scope="module")
def other_q(model):
    """A posterior beside the true one: (μ, log σ²) and its KL to the true one for each x."""
    shift, log_scale = np.array([0.2, -0.3, 0.5]), np.array([0.0, 0.5, -0.5])
    true_var = np.exp(model.log_var)
    kl = 0.5 * (np.exp(log_scale) + shift**2 / true_var - 1 - log_scale).sum(axis=1)
    return model.mu + shift, model.log_var + log_scale, kl


# ------------------------------------------------------------------ bounds of log p(x)
@pytest.mark.parametrize("batch", [1, 7, 1000])
@pytest.mark.parametrize("k", [1, 3])
def test_with_the_true_posterior_every_iwae_is_log_p_of_x_whatever_the_draw(k, batch, model):
    found = model.bounds(iwae, model.mu, model.log_var, k, batch=batch)
    np.testing.assert_allclose(found, model.log_p, rtol=1e-12)


def test_with_the_true_posterior_the_elbo_is_log_p_of_x_on_average(model):
    value, _, _ = model.bounds(elbo, model.mu, model.log_var, 2000)
    assert value.mean() == pytest.approx(model.log_p.mean(), abs=0.01)
    np.testing.assert_allclose(value, model.log_p, atol=0.25)


def test_with_another_posterior_the_elbo_is_lower_by_their_divergence(model, other_q):
    mu, log_var, kl = other_q
    value, _, _ = model.bounds(elbo, mu, log_var, 2000)
    assert value.mean() == pytest.approx((model.log_p - kl).mean(), abs=0.01)


def test_iwae_grows_with_k_from_the_elbo_to_log_p_of_x(model, other_q):
    mu, log_var, kl = other_q
    means = [model.bounds(iwae, mu, log_var, k).mean() for k in (1, 3, 10, 100)]
    gaps = model.log_p.mean() - np.array(means)
    assert gaps[0] == pytest.approx(kl.mean(), abs=0.15)
    assert np.all(np.diff(gaps) < 0)
    assert abs(gaps[-1]) < 0.05


def test_the_elbo_is_reconstruction_less_kl(model):
    value, reconstruction, kl = model.bounds(elbo, model.mu, model.log_var, 1)
    np.testing.assert_array_equal(value, reconstruction - kl)


def test_more_draws_estimate_the_same_reconstruction_with_less_spread(model):
    one, many = (model.bounds(elbo, model.mu, model.log_var, draws)[1] for draws in (1, 100))
    exact = model.log_p + 0.5 * (model.mu**2 + np.exp(model.log_var) - 1 - model.log_var).sum(axis=1)
    assert np.std(many - exact) == pytest.approx(np.std(one - exact) / 10, rel=0.3)


def test_kl_against_its_integral(model):
    mu, log_var = np.array([[0.5], [-2.0]]), np.array([[0.4], [-3.0]])
    z = np.linspace(-12, 12, 100_001)
    for row, kl in zip(range(2), elbo(lambda z, x: np.zeros(len(x)), mu, mu, log_var, 1, np.random.default_rng(0))[2]):
        q = norm(mu[row, 0], np.exp(0.5 * log_var[row, 0]))
        assert kl == pytest.approx(np.trapezoid(q.pdf(z) * (q.logpdf(z) - norm.logpdf(z)), z), rel=1e-9)


shapes = st.tuples(st.integers(1, 5), st.integers(1, 4))


@given(st.data(), shapes, st.integers(1, 6), st.integers(1, 6))
def test_iwae_of_a_likelihood_that_makes_all_weights_equal_is_that_weight(data, shape, k, batch):
    """p(x|z) = c·q(z|x)/p(z) with a c as small as e^−5000: the average of weights is taken in log space."""
    numbers = arrays.arrays(np.float64, shape, elements=st.floats(-3, 3))
    mu, log_var = data.draw(numbers), data.draw(numbers)
    log_c = np.linspace(-5000.0, 50.0, shape[0])
    x = np.arange(shape[0])

    def log_likelihood(z, rows):
        log_q = norm.logpdf(z, mu[rows], np.exp(0.5 * log_var[rows])).sum(axis=1)
        return log_c[rows] + log_q - norm.logpdf(z).sum(axis=1)

    found = iwae(log_likelihood, x, mu, log_var, k, np.random.default_rng(0), batch=batch)
    np.testing.assert_allclose(found, log_c, rtol=1e-9, atol=1e-9)


def test_codes_have_the_encoders_dtype_and_sums_do_not(model):
    seen = []

    def log_likelihood(z, x):
        seen.append(z.dtype)
        return model.log_likelihood(z, x).astype(np.float32)

    mu, log_var = model.mu.astype(np.float32), model.log_var.astype(np.float32)
    found = iwae(log_likelihood, model.x, mu, log_var, 3, np.random.default_rng(0))
    assert (set(seen), found.dtype) == ({np.dtype(np.float32)}, np.float64)
    np.testing.assert_allclose(found, model.log_p, rtol=1e-4)


# ------------------------------------------------------------------ likelihoods
LOGITS = np.array([[[0.0, 2.0], [-3.0, 0.5]], [[1.0, -1.0], [4.0, -0.2]]])
GREY = np.array([[[0.0, 1.0], [0.25, 0.5]], [[1.0, 1.0], [0.0, 0.75]]])


def test_bernoulli_log_likelihood_is_the_sum_over_pixels():
    expected = [
        sum(
            x * math.log(p) + (1 - x) * math.log(1 - p)
            for x, p in zip(image.ravel(), 1 / (1 + np.exp(-logits.ravel())))
        )
        for image, logits in zip(GREY, LOGITS)
    ]
    np.testing.assert_allclose(bernoulli_log_likelihood(LOGITS, GREY), expected, rtol=1e-12)


def test_bernoulli_log_likelihood_at_extreme_logits():
    logits, x = np.array([[1e3], [1e3], [-1e3], [-1e3]], np.float32), np.array([[1], [0], [0], [1]], np.float32)
    np.testing.assert_array_equal(bernoulli_log_likelihood(logits, x), [0, -1000, 0, -1000])


@pytest.mark.parametrize("sigma", [0.1, 2.0, np.array([[0.5, 1.0], [2.0, 3.0]])], ids=["small", "large", "per pixel"])
def test_gaussian_log_likelihood_is_the_sum_over_pixels(sigma):
    expected = norm.logpdf(GREY, LOGITS, sigma).sum(axis=(1, 2))
    np.testing.assert_allclose(gaussian_log_likelihood(LOGITS, GREY, sigma), expected, rtol=1e-12)


# ------------------------------------------------------------------ active units
def test_active_units_are_those_whose_mean_varies_by_more_than_a_hundredth():
    mu = np.array([[1.0], [-1.0]]) * np.sqrt([0.0099, 0.0101, 4.0, 0.0]) + [0, 0, 0, 7]
    assert active_units(mu) == 2


def test_active_units_of_probabilistic_pca_are_the_directions_of_more_variance_than_the_noise(model):
    silent = np.zeros((len(model.mu), 2))
    assert active_units(np.hstack([model.mu, silent])) == 3
