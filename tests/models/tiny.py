"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "autoencoder": ["--hidden", "16", "--latent", "2", "--batch", "2000", "--epochs", "2", "--noise", "0.3"],
    "classifier": ["--batch", "2000", "--epochs", "1"],
}
