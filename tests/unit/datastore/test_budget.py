import pytest

from station.datastore.budget import Item, weigh
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import OverBudget

ENTRIES = (
    Entry(Kind.KV, "größe", b"12345"),
    Entry(Kind.IMG, "photo", bytes(80), PictureType.BMP),
    Entry(Kind.CODE, "main.py", bytes(20)),
    Entry(Kind.KV, "a", b""),
)
RAW = 12 + 85 + 27 + 1


def test_every_item_is_listed_with_content_and_name_largest_first() -> None:
    assert weigh(ENTRIES, packed_bytes=0).items == (
        Item(Kind.IMG, "photo", 85),
        Item(Kind.CODE, "main.py", 27),
        Item(Kind.KV, "größe", 12),
        Item(Kind.KV, "a", 1),
    )


@pytest.mark.parametrize(("packed", "used"), [(0, RAW), (RAW, RAW), (RAW + 1, RAW + 1)])
def test_the_greater_of_raw_and_packed_counts(packed: int, used: int) -> None:
    use = weigh(ENTRIES, packed_bytes=packed)

    assert use.raw_bytes == RAW
    assert use.used_bytes == used


@pytest.mark.parametrize(("packed", "percent", "tight"), [(899, 89, False), (900, 90, True)])
def test_a_warning_is_due_from_90_percent(packed: int, percent: int, tight: bool) -> None:
    use = weigh(ENTRIES, packed_bytes=packed, budget_bytes=1_000)

    assert (use.percent, use.tight) == (percent, tight)


def test_what_fits_exactly_is_taken_and_one_byte_more_is_refused() -> None:
    assert weigh(ENTRIES, packed_bytes=0, budget_bytes=RAW).percent == 100
    with pytest.raises(OverBudget) as refused:
        weigh(ENTRIES, packed_bytes=0, budget_bytes=RAW - 1)

    assert refused.value.cause == (
        "125 bytes; the ROM store takes 124; largest: img photo 85, code main.py 27, kv größe 12"
    )


def test_the_packed_size_alone_can_be_too_much() -> None:
    with pytest.raises(OverBudget, match="13,000,001 bytes"):
        weigh(ENTRIES, packed_bytes=13_000_001)
