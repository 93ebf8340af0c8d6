"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "vae": ["--hidden", "8", "--latent", "2", "--batch", "2000", "--epochs", "1"],
    "autoencoder": ["--hidden", "16", "--latent", "2", "--batch", "2000", "--epochs", "2", "--noise", "0.3"],
}
