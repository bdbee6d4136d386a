"""RFC 6962 arithmetic against published values and a recursive reference.

Published values: the eight leaves of the Certificate Transparency reference implementation
(certificate-transparency, cpp/merkletree/merkle_tree_test.cc; transparency-dev/merkle carries them
on), with its roots and proofs. They are made again here by the reference below, which is the RFC's
own recursion and shares no code with the station.
"""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.merkle import (
    EMPTY_ROOT,
    SIZE_MAX,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    nodes_of,
    proves_consistency,
    proves_inclusion,
)

RECORDS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
A, B, C, D, E, F, G, H, K, L = (
    bytes.fromhex(text)
    for text in (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    )
)
INCLUSION = [  # index, size, proof
    (0, 1, ()),
    (0, 8, (A, B, C)),
    (5, 8, (D, E, F)),
    (2, 3, (G,)),
    (1, 5, (H, B, D)),
]
CONSISTENCY = [  # old size, new size, proof
    (1, 1, ()),
    (1, 8, (A, B, C)),
    (6, 8, (K, E, F)),
    (2, 5, (B, D)),
    (6, 7, (K, L, F)),
]
LEAVES = [leaf_hash(record) for record in RECORDS]
OTHER = sha256(b"some other hash").digest()


# -- the reference: RFC 6962, sections 2.1 to 2.1.2, word for word ------------------------------


def half(count: int) -> int:
    width = 1
    while width * 2 < count:
        width *= 2
    return width


def reference_root(leaves: Sequence[bytes]) -> bytes:
    match leaves:
        case []:
            return sha256(b"").digest()
        case [leaf]:
            return leaf
        case _:
            middle = half(len(leaves))
            left, right = reference_root(leaves[:middle]), reference_root(leaves[middle:])
            return sha256(b"\x01" + left + right).digest()


def reference_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = half(len(leaves))
    if index < middle:
        return [*reference_path(index, leaves[:middle]), reference_root(leaves[middle:])]
    return [*reference_path(index - middle, leaves[middle:]), reference_root(leaves[:middle])]


def reference_proof(old: int, leaves: Sequence[bytes], *, known: bool = True) -> list[bytes]:
    if old == len(leaves):
        return [] if known else [reference_root(leaves)]
    middle = half(len(leaves))
    if old <= middle:
        rest = reference_proof(old, leaves[:middle], known=known)
        return [*rest, reference_root(leaves[middle:])]
    rest = reference_proof(old - middle, leaves[middle:], known=False)
    return [*rest, reference_root(leaves[:middle])]


def numbered(size: int) -> list[bytes]:
    return [leaf_hash(b"record %d" % index) for index in range(size)]


# -- published values ---------------------------------------------------------------------------


def test_the_empty_tree_has_the_published_root() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == EMPTY_ROOT


def test_trees_grow_to_the_published_roots() -> None:
    tree = Frontier()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree, _ = tree.grow(leaf)

        assert tree.root() == root
        assert tree.root() == reference_root(LEAVES[: tree.size])


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, proof: tuple[bytes, ...]) -> None:
    assert inclusion_proof(nodes_of(LEAVES), index, size) == proof
    assert tuple(reference_path(index, LEAVES[:size])) == proof
    assert proves_inclusion(LEAVES[index], index, size, proof, ROOTS[size - 1])


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, proof: tuple[bytes, ...]) -> None:
    assert consistency_proof(nodes_of(LEAVES), old, new) == proof
    assert tuple(reference_proof(old, LEAVES[:new])) == proof
    assert proves_consistency(old, ROOTS[old - 1], new, ROOTS[new - 1], proof)


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_no_change_to_a_published_inclusion_proof_is_believed(
    index: int, size: int, proof: tuple[bytes, ...]
) -> None:
    leaf, root = LEAVES[index], ROOTS[size - 1]
    changed = [
        (leaf, index - 1, size, proof, root),
        (leaf, index + 1, size, proof, root),
        (leaf, index ^ 2, size, proof, root),
        (leaf, index, size * 2, proof, root),
        (leaf, index, size // 2, proof, root),
        (leaf, index, 0, proof, root),
        (leaf, index, -size, proof, root),
        (leaf, index, SIZE_MAX + size, proof, root),
        (b"WrongLeaf", index, size, proof, root),
        (b"", index, size, proof, root),
        (OTHER, index, size, proof, root),
        (leaf, index, size, proof, EMPTY_ROOT),
        (leaf, index, size, proof, OTHER),
        (leaf, index, size, proof, b""),
        (leaf, index, size, (*proof, b""), root),
        (leaf, index, size, (*proof, root), root),
        (leaf, index, size, (b"", *proof), root),
        (leaf, index, size, (root, *proof), root),
    ]
    if proof:
        changed += [
            (leaf, index, size, proof[:-1], root),
            (leaf, index, size, proof[1:], root),
            (leaf, index, size, (proof[0], OTHER, *proof[1:]), root),
            (leaf, index, size, (proof[0] + b"\x00", *proof[1:]), root),
        ]

    for leaf_, index_, size_, proof_, root_ in changed:
        assert not proves_inclusion(leaf_, index_, size_, proof_, root_)


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY[1:])
def test_no_change_to_a_published_consistency_proof_is_believed(
    old: int, new: int, proof: tuple[bytes, ...]
) -> None:
    one, two = ROOTS[old - 1], ROOTS[new - 1]
    changed = [
        (old - 1, one, new, two, proof),
        (old + 1, one, new, two, proof),
        (old ^ 2, one, new, two, proof),
        (0, one, new, two, proof),
        (-old, one, new, two, proof),
        (old, one, new * 2, two, proof),
        (old, one, new // 2, two, proof),
        (old, one, 0, two, proof),
        (old, b"WrongRoot", new, two, proof),
        (old, one, new, b"WrongRoot", proof),
        (old, b"", new, b"", proof),
        (old, two, new, one, proof),
        (old, one, new, two, ()),
        (old, one, new, two, (*proof, b"")),
        (old, one, new, two, (*proof, one)),
        (old, one, new, two, (*proof, two)),
        (old, one, new, two, (b"", *proof)),
        (old, one, new, two, (one, *proof)),
        (old, one, new, two, (two, *proof)),
        (old, one, new, two, (proof[0], *proof)),
        (old, one, new, two, proof[:-1]),
        (old, one, new, two, proof[1:]),
        (new, two, old, one, proof),
    ]

    for old_, one_, new_, two_, proof_ in changed:
        assert not proves_consistency(old_, one_, new_, two_, proof_)


# -- degenerate cases -----------------------------------------------------------------------------


def test_nothing_is_included_in_an_empty_tree() -> None:
    for leaf in (LEAVES[0], OTHER, b"", EMPTY_ROOT):
        for root in (EMPTY_ROOT, b"", leaf):
            assert not proves_inclusion(leaf, 0, 0, (), root)


def test_an_empty_hash_is_never_a_leaf_or_a_root() -> None:
    leaf = LEAVES[0]

    assert proves_inclusion(leaf, 0, 1, (), leaf)
    assert not proves_inclusion(b"", 0, 1, (), b"")
    assert not proves_inclusion(leaf, 0, 1, (), b"")
    assert not proves_consistency(1, b"", 1, b"", ())


def test_an_empty_tree_is_consistent_with_nothing() -> None:
    assert not proves_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    assert not proves_consistency(0, EMPTY_ROOT, 1, ROOTS[0], ())
    assert not proves_consistency(0, EMPTY_ROOT, 2, ROOTS[1], (LEAVES[0],))


def test_equal_sizes_need_equal_roots_and_no_proof() -> None:
    assert proves_consistency(5, ROOTS[4], 5, ROOTS[4], ())
    assert not proves_consistency(5, ROOTS[4], 5, OTHER, ())
    assert not proves_consistency(5, ROOTS[4], 5, ROOTS[4], (ROOTS[4],))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (9, 8), (0, SIZE_MAX + 1)])
def test_no_inclusion_proof_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(nodes_of(LEAVES), index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5), (-1, 5), (1, SIZE_MAX + 1)])
def test_no_consistency_proof_between_impossible_sizes(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency_proof(nodes_of(LEAVES), old, new)


@pytest.mark.parametrize("leaf", [b"", bytes(31), bytes(33)])
def test_a_tree_grows_only_by_leaf_hashes(leaf: bytes) -> None:
    with pytest.raises(ValueError, match="32 octets"):
        Frontier().grow(leaf)


@pytest.mark.parametrize(
    ("size", "peaks"),
    [
        (-1, ()),
        (SIZE_MAX + 1, (bytes(32),)),
        (1, ()),
        (0, (bytes(32),)),
        (3, (bytes(32),)),
        (3, (bytes(32), bytes(31))),
        (2, (bytes(32), bytes(32))),
    ],
)
def test_a_tree_state_that_does_not_fit_its_size_is_refused(
    size: int, peaks: tuple[bytes, ...]
) -> None:
    with pytest.raises(ValueError, match="tree"):
        Frontier(size, peaks)


# -- against the reference ------------------------------------------------------------------------

EXHAUSTIVE = range(1, 34)


@pytest.mark.parametrize("size", EXHAUSTIVE)
def test_every_inclusion_proof_of_a_small_tree(size: int) -> None:
    leaves = numbered(size)
    root = reference_root(leaves)
    for index, leaf in enumerate(leaves):
        proof = inclusion_proof(nodes_of(leaves), index, size)

        assert list(proof) == reference_path(index, leaves)
        assert [
            place
            for place in range(-1, size + 2)
            if proves_inclusion(leaf, place, size, proof, root)
        ] == [index]


@pytest.mark.parametrize("size", EXHAUSTIVE)
def test_every_consistency_proof_of_a_small_tree(size: int) -> None:
    leaves = numbered(size)
    new_root = reference_root(leaves)
    for old in range(1, size + 1):
        old_root = reference_root(leaves[:old])
        proof = consistency_proof(nodes_of(leaves), old, size)

        assert list(proof) == reference_proof(old, leaves)
        assert proves_consistency(old, old_root, size, new_root, proof)
        for place in range(len(proof)):
            flipped = (*proof[:place], OTHER, *proof[place + 1 :])
            assert not proves_consistency(old, old_root, size, new_root, flipped)
            dropped = (*proof[:place], *proof[place + 1 :])
            assert not proves_consistency(old, old_root, size, new_root, dropped)


@given(st.integers(1, 700), st.data())
def test_proofs_from_stored_nodes_agree_with_the_reference(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    tree = Frontier()
    stored: dict[tuple[int, int], bytes] = {}
    for leaf in leaves:
        tree, completed = tree.grow(leaf)
        stored |= {(node.level, node.index): node.hash for node in completed}
        tree = Frontier.decode(tree.encode())
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))

    def node_at(level: int, place: int) -> bytes:
        return stored[level, place]

    root = reference_root(leaves)
    path = inclusion_proof(node_at, index, size)
    steps = consistency_proof(node_at, old, size)

    assert tree.root() == root
    assert list(path) == reference_path(index, leaves)
    assert list(steps) == reference_proof(old, leaves)
    assert proves_inclusion(leaves[index], index, size, path, root)
    assert proves_consistency(old, reference_root(leaves[:old]), size, root, steps)


@given(st.integers(2, 300), st.data())
def test_another_history_is_never_consistent(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    old = data.draw(st.integers(1, size - 1))
    changed = list(leaves)
    changed[data.draw(st.integers(0, old - 1))] = OTHER
    proof = consistency_proof(nodes_of(changed), old, size)

    assert not proves_consistency(
        old, reference_root(leaves[:old]), size, reference_root(changed), proof
    )


@given(st.binary(max_size=200))
def test_only_the_encoding_of_a_tree_state_is_read_as_one(data: bytes) -> None:
    try:
        tree = Frontier.decode(data)
    except ValueError:
        return

    assert tree.encode() == data


def test_a_tree_state_survives_no_cut() -> None:
    tree = Frontier()
    for leaf in numbered(11):
        tree, _ = tree.grow(leaf)
    whole = tree.encode()

    assert Frontier.decode(whole) == tree
    for cut in range(len(whole)):
        with pytest.raises(ValueError, match="tree"):
            Frontier.decode(whole[:cut])


def test_leaves_and_nodes_are_hashed_apart() -> None:
    left, right = numbered(2)

    assert node_hash(left, right) != leaf_hash(left + right)
