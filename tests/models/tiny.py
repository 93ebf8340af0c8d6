"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "dcgan": ["--steps", "6", "--batch", "16", "--width", "4", "--latent", "8", "--judged", "200"],
}
