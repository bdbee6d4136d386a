"""Randomness that repeats itself."""

import random


class SeededChance:
    """`application.ports.Chance`: the same octets for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def octets(self, count: int) -> bytes:
        """`count` octets, none of them secret."""
        return self._random.randbytes(count)
