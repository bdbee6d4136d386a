"""Stock clients and group 64 at one dock, in any order: what runs was accepted, and stays named."""

from contextlib import suppress
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from station.protocol import datastore_group as store
from station.protocol import image_group as images
from station.protocol import os_group
from station.protocol.errors import DockRefused
from station.protocol.image_group import Upload
from station.protocol.shape import Request
from tests.unit.dock.images import image_of, make_plan
from tests.unit.dock.stock_dock import StockDock

PLANS = (make_plan(common=()), make_plan(common=(), token="token-2"))
IMAGES = tuple(map(image_of, PLANS))
FOREIGN = image_of(make_plan(common=(), product="DK-8"))
ACCEPTABLE = {plan.image_sha256 for plan in PLANS}

which = st.sampled_from([*IMAGES, FOREIGN])
offsets = st.sampled_from([0, 0, 4_000, 8_000, 60_000, len(IMAGES[0]) - 1])


def stock_parts(image: bytes, offset: int, *, announced: bool) -> Upload:
    return Upload(
        offset,
        image[offset : offset + 4_000],
        size=len(image),
        digest=sha256(image).digest() if announced else None,
    )


hashes = st.sampled_from([*(plan.signed_sha256 for plan in PLANS), bytes(32)])
requests = st.one_of(
    st.builds(stock_parts, which, offsets, announced=st.booleans()),
    st.builds(images.WriteState, st.none() | hashes, st.booleans()),
    st.builds(images.Erase, st.none() | st.integers(0, 2)),
    st.builds(store.Begin, st.sampled_from([len(IMAGES[0]), 5_000])),
    st.builds(
        lambda image, offset: store.Write(offset, image[offset : offset + 4_000]), which, offsets
    ),
    st.builds(lambda image: store.Commit(len(image), sha256(image).digest()), which),
    st.builds(lambda image: store.Confirm(sha256(image).digest()), which),
    st.just(os_group.Reset()),
)
steps = st.lists(requests | which, max_size=12)


def assert_sound(dock: StockDock) -> None:
    """What runs was accepted, what waits was too, and both ways of asking say the same."""
    state, listed = dock.ask(store.SlotState()), dock.states
    assert state.active is None or state.active.digest in ACCEPTABLE
    assert state.other is None or state.other.digest in ACCEPTABLE
    active = [one for one in listed if one.active]
    assert len(active) == (state.active is not None)
    assert [one.confirmed for one in active] == [
        content.confirmed for content in (state.active,) if content is not None
    ]
    waiting = state.other is not None and not state.other.confirmed
    assert any(one.pending for one in listed) is waiting


@given(st.sampled_from([1, 2]), steps)
def test_whatever_is_asked_in_whatever_order_only_accepted_images_run(
    slots: int, asked: list[object]
) -> None:
    dock = StockDock(slots=slots)
    for step in asked:
        with suppress(DockRefused):
            match step:
                case bytes():
                    dock.upload(step)
                case Upload():
                    dock.send(step)
                case Request():
                    dock.ask(step)
        if dock.server.wants is not None:
            dock.starts_again()
        assert_sound(dock)
    dock.restart()
    assert_sound(dock)
