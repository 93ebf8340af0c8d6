"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "wgan": ["--data", "ring", "--hidden", "8", "--batch", "16", "--critic-steps", "2", "--steps", "6"],
}
