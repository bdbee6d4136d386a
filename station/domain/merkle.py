"""The arithmetic of an append-only log: RFC 6962 tree hashes and their proofs.

Everything is 32-octet SHA-256 hashes and tree sizes; what a leaf means is decided elsewhere
(`domain/log_record.py`). A *node* is the root of a perfect subtree: node (level, index) covers the
``2**level`` leaves from ``index * 2**level`` on, so level 0 holds the leaf hashes themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

HASH_BYTES: Final = 32

SIZE_MAX: Final = 2**63 - 1
"""Largest tree: what a signed SQL integer holds; every station stays far below."""

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962, section 2.1)."""

NodeAt = Callable[[int, int], bytes]
"""(level, index) to the hash of that perfect subtree; asked for complete ones only."""


def leaf_hash(record: bytes | memoryview) -> bytes:
    """Hash of a leaf with these octets (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two neighbouring subtrees (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree of ``2**level`` leaves, the first at ``index * 2**level``."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """The state of a tree that is enough to append to it and to know its root.

    peaks: hashes of the perfect subtrees the tree is made of, largest (leftmost) first; as many
    as `size` has one-bits. Raises ValueError for any other count, length or size.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX:
            raise ValueError("no such tree size")
        if len(self.peaks) != self.size.bit_count() or not _are_hashes(self.peaks):
            raise ValueError("the state of a tree does not fit its size")

    def grow(self, leaf: bytes) -> tuple[Self, tuple[Node, ...]]:
        """The tree with one more leaf hash, and the nodes this completes.

        The leaf is the first of them; whoever stores every node can prove anything in O(log n).
        """
        if len(leaf) != HASH_BYTES:
            raise ValueError("a leaf hash has 32 octets")
        peaks, node = list(self.peaks), Node(0, self.size, leaf)
        completed = [node]
        while node.index & 1:
            node = Node(node.level + 1, node.index >> 1, node_hash(peaks.pop(), node.hash))
            completed.append(node)
        return type(self)(self.size + 1, (*peaks, node.hash)), tuple(completed)

    def root(self) -> bytes:
        """The tree head."""
        return _fold(self.peaks) if self.peaks else EMPTY_ROOT

    def encode(self) -> bytes:
        """Size as 8 octets, big-endian, then the peaks."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """From `encode`. Raises ValueError for anything else."""
        octets = data[8:]
        peaks = [octets[at : at + HASH_BYTES] for at in range(0, len(octets), HASH_BYTES)]
        if len(data) < 8:
            raise ValueError("the state of a tree is cut off")
        return cls(int.from_bytes(data[:8], "big"), tuple(peaks))


def nodes_of(leaves: Sequence[bytes]) -> NodeAt:
    """Nodes computed from all leaf hashes; each costs as many hashes as it covers leaves."""

    def node_at(level: int, index: int) -> bytes:
        if not level:
            return leaves[index]
        return node_hash(node_at(level - 1, 2 * index), node_at(level - 1, 2 * index + 1))

    return node_at


def inclusion_proof(node_at: NodeAt, index: int, size: int) -> tuple[bytes, ...]:
    """Hashes that lead from leaf `index` to the root of `size` leaves, the lowest first.

    Raises ValueError unless the leaf is in the tree. Source: RFC 6962, section 2.1.1.
    """
    if not 0 <= index < size <= SIZE_MAX:
        raise ValueError("no such leaf in a tree of this size")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_width(end - start)
        if index < middle:
            path.append(_subtree(node_at, middle, end))
            end = middle
        else:
            path.append(_subtree(node_at, start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_proof(node_at: NodeAt, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Hashes that prove the first `old_size` leaves to be a prefix of `new_size` leaves.

    Empty for equal sizes. Raises ValueError for an old size of zero, to which everything is
    consistent, and for one beyond the new. Source: RFC 6962, section 2.1.2.
    """
    if not 0 < old_size <= new_size <= SIZE_MAX:
        raise ValueError("no consistency proof between these sizes")
    path: list[bytes] = []
    start, end = 0, new_size
    while old_size < end:
        middle = start + _left_width(end - start)
        if old_size <= middle:
            path.append(_subtree(node_at, middle, end))
            end = middle
        else:
            path.append(_subtree(node_at, start, middle))
            start = middle
    if start:  # else the old tree is a node of the new one, and the verifier knows its root
        path.append(_subtree(node_at, start, end))
    return tuple(reversed(path))


def proves_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows that the tree of `size` leaves under `root` holds `leaf` at `index`.

    False also for a tree of size zero, an index outside it, and any hash that has not 32 octets.
    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size <= SIZE_MAX or not _are_hashes((leaf, root, *proof)):
        return False
    here, last, found = index, size - 1, leaf
    for sibling in proof:
        if not last:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            while here and not here & 1:  # the last node of a level without a sibling moves up
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return not last and found == root


def proves_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the old tree is a prefix of the new one.

    False also for an old size of zero (it proves nothing about any root) and for any hash that
    has not 32 octets. Source: RFC 9162, section 2.1.4.2.
    """
    if not 0 < old_size <= new_size <= SIZE_MAX or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    whole = old_size & (old_size - 1) == 0  # then the old root itself is where both paths begin
    path = [old_root, *proof] if whole else list(proof)
    if len(path) < 2:
        return False
    here, last = old_size - 1, new_size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if not last:
            return False
        if here & 1 or here == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        here, last = here >> 1, last >> 1
    return not last and old == old_root and new == new_root


def _left_width(width: int) -> int:
    """The largest power of two below `width`, which is at least 2."""
    return 1 << ((width - 1).bit_length() - 1)


def _subtree(node_at: NodeAt, start: int, end: int) -> bytes:
    """Hash of the leaves from `start` to before `end`, a subtree of some RFC 6962 tree."""
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(node_at(level, start >> level))
        start += 1 << level
    return _fold(peaks)


def _fold(peaks: Sequence[bytes]) -> bytes:
    *rest, found = peaks
    for peak in reversed(rest):
        found = node_hash(peak, found)
    return found


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
