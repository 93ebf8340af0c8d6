"""``python -m minigrad.data``: fetch the full MNIST into a folder."""

import argparse
import sys

from .fetch import MIRRORS, fetch


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m minigrad.data", description="Fetch the full MNIST (11 MB).")
    parser.add_argument("--root", default="data/mnist", help="folder to put the four files in (default: %(default)s)")
    parser.add_argument("--mirror", action="append", metavar="URL", help="look here instead of the known mirrors")
    options = parser.parse_args(arguments)
    try:
        fetch(options.root, options.mirror or MIRRORS)
    except OSError as error:
        print(f"minigrad.data: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nminigrad.data: stopped; the files that are whole stay", file=sys.stderr)
        return 130
    print(f"MNIST is in {options.root}: minigrad.data.mnist({options.root!r}) reads it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
