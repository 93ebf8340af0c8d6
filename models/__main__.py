"""``python -m models [NAME [OPTIONS]]``, ``python -m models sample NAME [OPTIONS]``"""

import importlib
import sys

from minigrad.backend import keep_freed_memory

from .common import UserError

MODELS = ("autoencoder", "classifier", "vae", "gan", "dcgan", "wgan", "char_rnn")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m models NAME [OPTIONS]         trains (NAME --help shows the options)")
        print("       python -m models sample NAME [OPTIONS]  draws from a model that is trained\n")
        for name in MODELS:
            print(f"  {name:14s} {importlib.import_module(f'models.{name}').__doc__.splitlines()[0]}")
        return 0
    action = "sample" if arguments[0] == "sample" else "main"
    name, *options = arguments[action == "sample" :] or [""]
    if name not in MODELS:
        print(f"models: there is no model {name!r}; there is {', '.join(MODELS)}", file=sys.stderr)
        return 2
    keep_freed_memory()
    try:
        getattr(importlib.import_module(f"models.{name}"), action)(options)
    except (UserError, OSError, MemoryError) as error:
        print(f"models {name}: {error}", file=sys.stderr)
        return 2
    except FloatingPointError as error:
        what = str(error).replace("\n", "; ")
        print(f"models {name}: {what}; the last good checkpoint is kept: take a smaller --lr", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"\nmodels {name}: stopped; --resume continues from the last checkpoint, if there is one", file=sys.stderr
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
