"""Options with which each model trains in a second or two: name -> options."""

SMALL_MNIST = "<small MNIST>"  # stands for the folder of a data set with 300 training and 50 test images

TINY = {
    "autoencoder": [
        "--data", SMALL_MNIST, "--hidden", "16", "--latent", "2", "--batch", "60", "--epochs", "2", "--noise", "0.3",
    ],
    "classifier": ["--data", SMALL_MNIST, "--batch", "60", "--epochs", "1"],
    "vae": ["--data", SMALL_MNIST, "--hidden", "8", "--latent", "2", "--batch", "60", "--epochs", "1"],
    "gan": ["--hidden", "8", "--batch", "8", "--steps", "3", "--pack", "2", "--historical-averaging", "0.1"],
    "dcgan": [
        "--data", SMALL_MNIST, "--steps", "6", "--batch", "16", "--width", "4", "--latent", "8", "--judged", "200",
        "--default-weights",  # larger ones, so that after so few steps one z still gives another image than the next
    ],
    "wgan": ["--data", "ring", "--hidden", "8", "--batch", "16", "--critic-steps", "2", "--steps", "4"],
    "char_rnn": ["--characters", "3000", "--hidden", "8", "--length", "10", "--batch", "4", "--steps", "3"],
}  # fmt: skip
