"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "vae": ["--hidden", "8", "--latent", "2", "--batch", "2000", "--epochs", "1"],
}
