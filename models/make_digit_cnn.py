"""How digit_cnn.npz was made: ``python -m models.make_digit_cnn MNIST_FOLDER [OUTPUT]``, some two minutes on 2 cores.

The `DigitCNN` of metrics.py is trained on the 60,000 training images of MNIST (Y. LeCun, C. Cortes; CC BY-SA 3.0):
cross-entropy, Adam whose learning rate falls from 1e-3 to 0 along a cosine, batches of 128, 10 epochs, seed 0. The
weights are stored in float16; the test accuracy stored with them, .9897, is that of the rounded weights. Another NumPy
or BLAS sums in another order and so makes slightly other weights: whoever makes them anew measures every score anew.
"""

import platform
import sys

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import optim
from minigrad.backend import keep_freed_memory
from minigrad.utils.data import DataLoader, TensorDataset

from . import common
from .metrics import DIGIT_CNN, DigitCNN, read_digits

SEED, EPOCHS = 0, 10


def train(x, y) -> DigitCNN:
    mg.manual_seed(SEED)
    cnn = DigitCNN()
    loader = DataLoader(TensorDataset(x.reshape(-1, 1, 28, 28), y), batch_size=128, shuffle=True)
    optimizer = optim.Adam(cnn.parameters(), lr=1e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(loader))
    line = common.Progress(EPOCHS * len(loader))
    for epoch in range(EPOCHS):
        for step, (images, labels) in enumerate(loader, 1):
            loss = F.cross_entropy(cnn(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            line.show(epoch * len(loader) + step, f"epoch {epoch + 1}/{EPOCHS}", end_of_epoch=step == len(loader))
    return cnn


def main(folder: str, output=DIGIT_CNN) -> None:
    keep_freed_memory()
    (x, y), (x_test, y_test) = common.load_digits(folder)
    cnn = train(x, y)
    weights = {name: w.numpy().astype(np.float16) for name, w in cnn.state_dict().items()}
    accuracy = float(np.mean(read_digits(x_test, cnn.load(weights))[1].argmax(axis=1) == y_test))
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    made = {"test_accuracy": accuracy, "seed": SEED, "epochs": EPOCHS, **versions}
    mg.save({**made, "weights": weights}, output)
    print(f"{output}: {made}")


if __name__ == "__main__":
    main(*sys.argv[1:])
