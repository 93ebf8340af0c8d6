"""Options with which each model trains in a second or two: name -> options."""

SMALL_MNIST = "<small MNIST>"  # stands for the folder of a data set with 300 training and 50 test images

TINY = {
    "vae": ["--data", SMALL_MNIST, "--hidden", "8", "--latent", "2", "--batch", "60", "--epochs", "1"],
    "autoencoder": ["--hidden", "16", "--latent", "2", "--batch", "2000", "--epochs", "2", "--noise", "0.3"],
    "classifier": ["--data", SMALL_MNIST, "--batch", "60", "--epochs", "1"],
}
