"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "autoencoder": ["--hidden", "16", "--latent", "2", "--batch", "2000", "--epochs", "2", "--noise", "0.3"],
    "classifier": ["--batch", "2000", "--epochs", "1"],
    "vae": ["--hidden", "8", "--latent", "2", "--batch", "2000", "--epochs", "1"],
    "gan": ["--data", "ring", "--hidden", "8", "--batch", "16", "--steps", "6"],
    "dcgan": ["--steps", "6", "--batch", "16", "--width", "4", "--latent", "8", "--judged", "200"],
    "wgan": ["--data", "ring", "--hidden", "8", "--batch", "16", "--critic-steps", "2", "--steps", "6"],
}
