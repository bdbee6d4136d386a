"""Plays simulated runs again: ``python -m tests.simulation SEED...``.

Prints the faults a seed has chosen, how each run ended, and the digest of all that was said.
"""

import sys

import pytest

from tests.simulation.random_faults import Script, played


def main(seeds: list[str]) -> None:
    """One seed after the other. Raises AssertionError where one of them went wrong."""
    for seed in map(int, seeds):
        script = Script.of(seed)
        sys.stdout.write(f"{script}\n")
        with pytest.MonkeyPatch.context() as patch:
            for ended in played(script, patch):
                sys.stdout.write(f"{ended}\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
