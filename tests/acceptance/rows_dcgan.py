"""DCGAN on the digits of MNIST, as `python -m models dcgan` trains it."""

import tempfile

import numpy as np

from models import dcgan
from models.metrics import PCA, fidn, read_digits
from tests.acceptance.rows import real_data, real_digits, row


@row(
    "DCGAN as delivered, G fc-64x7x7-ConvT-ConvT, weights N(0, .02), Adam β₁ .5, lr 5e-4, batch 64, 2,000 steps on "
    "full MNIST; 10,000 samples against the test images; a class counts with a fifth of its fair share of samples; "
    "FIDn relative to that of the test images' reconstructions by PCA with 32 numbers",
    fidn_over_pca=(None, 1),
    classes=(10, 10),
    class_kl=(None, 0.15),
)
def dcgan_on_mnist(seed):
    options = {"--data": real_data("mnist"), "--steps": 2000, "--lr": 5e-4, "--judged": 10_000, "--seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        found = dcgan.main([str(part) for item in {**options, "--out": folder}.items() for part in item])
    fidn_of_pca = reconstructed(32)
    return {
        "fidn_over_pca": found["fidn"] / fidn_of_pca,
        "fidn": found["fidn"],
        "fidn_of_pca": fidn_of_pca,
        "fidn_floor": found["fidn_floor"],
        "classes": int(np.sum(np.array(found["class_shares"]) >= 0.2 / 10)),
        "class_kl": found["class_kl"],
        "classifier_score": found["classifier_score"],
    }


def reconstructed(k):
    """FIDn of the test images' reconstructions by PCA."""
    (x, _), (x_test, _) = real_digits()
    pca = PCA(x, k)
    images = np.clip(pca.decode(pca.encode(x_test)), 0, 1)
    return fidn(read_digits(images)[0], read_digits(x_test)[0])
