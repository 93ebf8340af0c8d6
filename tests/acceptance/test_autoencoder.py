"""The autoencoder as delivered, default options on the embedded digits, beside PCA with as many numbers."""

import json

import numpy as np
import pytest

from models.__main__ import main

pytestmark = pytest.mark.slow
SEEDS = (0, 1, 2)


def trained(folder, *options):
    """The metrics of a run with these options, the others default."""
    assert main(["autoencoder", "--out", str(folder), *map(str, options)]) == 0
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """latent -> name -> one figure for each seed; printed as median and spread."""
    found = {}
    for latent in (32, 2):
        runs = [trained(tmp_path_factory.mktemp("run"), "--latent", latent, "--seed", seed) for seed in SEEDS]
        names = ("test_mse", "pca_test_mse", "knn_accuracy", "pca_knn_accuracy")
        found[latent] = {name: np.array([run[name] for run in runs]) for name in names}
        for name, values in found[latent].items():
            print(f"latent {latent}: {name} {np.median(values):.4f} ({values.min():.4f} ... {values.max():.4f})")
    return found


@pytest.mark.parametrize("of", [np.median, np.max], ids=["median", "worst"])
@pytest.mark.parametrize(("latent", "bound"), [(32, 0.0100), (2, 0.045)])
def test_reconstruction_error(latent, bound, of, figures):
    assert of(figures[latent]["test_mse"]) <= bound


@pytest.mark.parametrize(("latent", "low", "high"), [(32, 0.0170, 0.0185), (2, 0.0540, 0.0560)])
def test_reconstruction_error_of_pca(latent, low, high, figures):
    assert np.all((figures[latent]["pca_test_mse"] >= low) & (figures[latent]["pca_test_mse"] <= high))


@pytest.mark.parametrize("of", [np.median, np.min], ids=["median", "worst"])
def test_two_numbers_tell_the_digits_apart_better_than_pca_does(of, figures):
    assert of(figures[2]["knn_accuracy"] - figures[2]["pca_knn_accuracy"]) >= 0.10


def test_denoising_comes_closer_to_the_clean_images_than_pca(tmp_path):
    found = trained(tmp_path, "--noise", 0.5)
    print(f"noise 0.5: test_mse {found['test_mse']:.4f}, pca_test_mse {found['pca_test_mse']:.4f}")
    assert found["test_mse"] < found["pca_test_mse"]
