"""For each model the options of a run that takes a few seconds."""

TINY = {
    "dcgan": ["--steps", "6", "--batch", "16", "--width", "4", "--latent", "8", "--judged", "200"],
}
