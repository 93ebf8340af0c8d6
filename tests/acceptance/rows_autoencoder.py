"""The autoencoder beside PCA; every figure but PCA's alone is that of a run by the model's own command line."""

import tempfile

from models import autoencoder
from models.metrics import PCA, mean_squared_error

from .rows import real_data, real_digits, row


def run(*options) -> dict:
    """The metrics of ``python -m models autoencoder`` with these options."""
    with tempfile.TemporaryDirectory() as folder:
        return autoencoder.main([*map(str, options), "--out", folder])


@row(
    "PCA of MNIST's training images, k = 2 and k = 32; squared error per pixel of the test images; no seed matters",
    test_mse_2=(0.05566, 0.05568),
    test_mse_32=(0.01682, 0.01684),
)
def pca_on_mnist(seed):
    (x, _), (x_test, _) = real_digits()
    fitted = {k: PCA(x, k) for k in (2, 32)}
    return {f"test_mse_{k}": mean_squared_error(pca.decode(pca.encode(x_test)), x_test) for k, pca in fitted.items()}


@row(
    "MNIST, 784-2-784 without hidden layers, squared error, Adam from 1e-2 to 0 in 15 epochs, batch 128; "
    "test MSE over PCA's, and the largest angle between the decoder's plane and PCA's",
    mse_to_pca=(0.995, 1.005),
    largest_angle_in_degrees=(0, 2),
)
def linear_autoencoder_and_pca(seed):
    found = run(
        *("--network", "linear", "--latent", 2, "--lr", 0.01, "--decay", "--epochs", 15),
        *("--data", real_data("mnist"), "--seed", seed),
    )
    ratio = found["test_mse"] / found["pca_test_mse"]
    return {"mse_to_pca": ratio, "largest_angle_in_degrees": found["largest_angle_to_pca"]}


@row(
    "MNIST, 784-256-64-2 and back, cross-entropy, Adam 1e-3, batch 128, 10 epochs; PCA's figures are .0557 and .424",
    test_mse=(None, 0.043),
    knn_accuracy=(0.60, None),
)
def autoencoder_of_two_numbers(seed):
    found = run("--latent", 2, "--hidden", "256,64", "--epochs", 10, "--data", real_data("mnist"), "--seed", seed)
    return {name: found[name] for name in ("test_mse", "knn_accuracy", "pca_test_mse", "pca_knn_accuracy")}


@row(
    "the default run: embedded digits, 784-512-256-32 and back, 40 epochs; beside it 8 epochs with noise .5 on the "
    "input, and how its test MSE to the clean images compares with PCA's",
    test_mse=(None, 0.0100),
    pca_test_mse=(0.0177, 0.0179),
    knn_accuracy=(0.90, None),
    denoising_mse_to_pca=(None, 0.999),
)
def autoencoder_as_delivered(seed):
    found, noisy = run("--seed", seed), run("--noise", 0.5, "--epochs", 8, "--seed", seed)
    names = ("test_mse", "pca_test_mse", "knn_accuracy", "pca_knn_accuracy")
    return {
        **{name: found[name] for name in names},
        "denoising_mse_to_pca": noisy["test_mse"] / noisy["pca_test_mse"],
    }
