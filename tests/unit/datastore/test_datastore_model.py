"""All three partitions against dictionaries: 50,000 steps and no difference.

Puts, deletions, restarts, factory resets, new ROMs and cuts of power at random, some of them inside
the recovery from another, everything seen through the vendor's API. Each case is one seed, which
stands in its name and replays alone: `pytest tests/unit/datastore/test_datastore_model.py -k 17-`.
STATION_SWEEP=nightly and release take more seeds.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar
from zlib import crc32

import pytest

from station.datastore.ephemeral import BOOKKEEPING_BYTES, EphemeralPartition
from station.datastore.field_store import FieldPartition, FieldStore
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.runtime_format import Sizes
from station.datastore.runtime_partition import RuntimePartition
from station.datastore.vendor import ImageToken, VendorApi, open_vendor_api
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.dock.flash import PowerCut, PowerLost, Tear
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.errors import DocumentRefused, NoSuchEntry, StoreFull
from tests.unit.datastore.flash_areas import Chip
from tests.unit.datastore.made_images import SALT

STEPS: Final = 1_000
SEEDS: Final = {"ci": 50, "nightly": 500, "release": 2_000}[os.environ.get("STATION_SWEEP", "ci")]

NAMES: Final = {
    Kind.KV: ["token", "dock_name", "größe", "n" * 1_024, "hub", "kv"],
    Kind.IMG: ["default", "screen_2", "token", "portrait"],
    Kind.CODE: [APPLICATION_NAME, "extra.py"],
    Kind.FONT: ["sans"],
}
SIZES: Final = [0, 1, 7, 40, 200, 900, 984, 1_024, 1_500, 2_100, 4_000, 9_000]
BUDGETS: Final = [8_192, 12_000, 20_000, 65_536]

Key = tuple[Kind, str]
Value = tuple[bytes, PictureType | None]
Model = dict[Key, Value]
T = TypeVar("T")


def made_entry(chance: Random, sizes: list[int] = SIZES) -> Entry:
    kind = chance.choices(list(NAMES), weights=[5, 4, 1, 1])[0]
    name = chance.choice(NAMES[kind])
    size = chance.choice(sizes) + chance.randrange(8)
    content = bytes(97 + octet % 26 for octet in chance.randbytes(size))
    picture = chance.choice(list(PictureType)) if kind is Kind.IMG else None
    return Entry(kind, name, content, picture)


def made_rom(seed: int) -> tuple[RomPartition, Model]:
    """The ROM partition of some image, and what it holds."""
    chance = Random(seed)
    common = {entry.key: entry for entry in (made_entry(chance, SIZES[:6]) for _ in range(9))}
    made = (made_entry(chance, SIZES[:6]) for _ in range(4))
    upd = {entry.key: entry for entry in made if entry.kind in {Kind.KV, Kind.IMG}}
    rom = RomPartition(
        Volume.open_upd(build_upd_volume(upd.values(), salt=SALT)),
        Volume.open_common(build_common_volume(common.values())),
    )
    model = {key: (bytes(one.data), one.picture) for key, one in {**common, **upd}.items()}
    return rom, model


ROMS: Final = [made_rom(seed) for seed in range(8)]


@dataclass
class World:
    """A dock's datastore, and the dictionaries that say what it should be."""

    chance: Random
    budget: int
    chip: Chip
    ephemeral: Model = field(default_factory=dict)
    runtime: Model = field(default_factory=dict)
    tokens: list[tuple[str, ImageToken]] = field(default_factory=list)
    cuts: int = 0

    def __post_init__(self) -> None:
        self.rom, self.rom_model = self.chance.choice(ROMS)
        self.start()

    # -- the dock ------------------------------------------------------------------------------

    def start(self) -> None:
        """Power up, now and then with a cut to come, until a start goes through."""
        self.ephemeral = {}
        self.tokens.clear()
        while True:
            cut = None
            if self.chance.random() < 0.5:
                operation = self.chance.choice((0, 1, 2, 5, 20, 60, 200, 600))
                cut = PowerCut(self.chance.randrange(operation + 1), self.chance.choice(list(Tear)))
            try:
                mounted = self.chip.mount(cut)
            except PowerLost:
                self.cuts += 1
                continue
            break
        self.field = FieldStore(
            runtime=mounted, ephemeral=EphemeralPartition(budget_bytes=self.budget)
        )
        self.mounted: RuntimePartition = mounted
        self.mount()

    def mount(self) -> None:
        self.datastore = Datastore((self.field._ephemeral, self.mounted, self.rom))
        self.api: VendorApi = open_vendor_api(self.datastore)

    def changed(self, act: Callable[[], T], after: Model) -> T | None:
        """Do what makes `after` of the runtime partition; power may go, then it is old or new."""
        try:
            done = act()
        except PowerLost:
            self.cuts += 1
            self.start()
            found = self.held()
            assert found in (self.runtime, after)
            self.runtime = found
            return None
        self.runtime = after
        return done

    def held(self) -> Model:
        """What the runtime partition holds, past the vendor's API."""
        return {
            (kind, name): (bytes(entry.data), entry.picture)
            for kind in Kind
            for name in self.mounted.names(kind)
            if (entry := self.mounted.get(kind, name)) is not None
        }

    # -- what should be ------------------------------------------------------------------------

    def layers(self, kind: Kind) -> list[Model]:
        layers = [self.ephemeral, self.runtime, self.rom_model]
        if kind is Kind.CODE:
            return [one for one in layers if any(key[0] is kind for key in one)][:1]
        return layers

    def expected(self, kind: Kind, name: str) -> Value | None:
        found = (layer.get((kind, name)) for layer in self.layers(kind))
        return next((value for value in found if value is not None), None)

    def expected_names(self, kind: Kind) -> list[str]:
        return sorted({name for one in self.layers(kind) for of, name in one if of is kind})

    def packed(self, where: FieldPartition, key: Key, content: bytes) -> int:
        name_bytes = len(key[1].encode())
        if where is FieldPartition.RUNTIME:
            return Sizes.of(self.budget, 512).packed_bytes(name_bytes, len(content))
        return name_bytes + len(content) + BOOKKEEPING_BYTES

    def fits(self, where: FieldPartition, entry: Entry) -> bool:
        model = self.model(where)
        used = sum(self.packed(where, key, content) for key, (content, _) in model.items())
        new, both = self.packed(where, entry.key, bytes(entry.data)), self.budget
        old = self.packed(where, entry.key, model[entry.key][0]) if entry.key in model else 0
        both = self.budget + self.budget // 32 if where is FieldPartition.RUNTIME else used + new
        return used - old + new <= self.budget and used + new <= both

    def model(self, where: FieldPartition) -> Model:
        return self.runtime if where is FieldPartition.RUNTIME else self.ephemeral

    # -- steps ---------------------------------------------------------------------------------

    def put(self) -> None:
        where, entry = self.chance.choice(list(FieldPartition)), made_entry(self.chance)
        if not self.fits(where, entry):
            with pytest.raises(StoreFull):
                self.field.put(where, entry)
            return
        value = {entry.key: (bytes(entry.data), entry.picture)}
        if where is FieldPartition.EPHEMERAL:
            self.field.put(where, entry)
            self.ephemeral |= value
        else:
            self.changed(lambda: self.field.put(where, entry), self.runtime | value)

    def put_what_is_no_text(self) -> None:
        where = self.chance.choice(list(FieldPartition))
        entry = Entry(Kind.KV, self.chance.choice(NAMES[Kind.KV]), b"a\0b")
        with pytest.raises(DocumentRefused):
            self.field.put(where, entry)

    def delete(self) -> None:
        where = self.chance.choice(list(FieldPartition))
        kind = self.chance.choice(list(NAMES))
        key = (kind, self.chance.choice(NAMES[kind]))
        rest = {one: value for one, value in self.model(where).items() if one != key}
        if key not in self.model(where):
            with pytest.raises(NoSuchEntry):
                self.field.delete(where, *key)
        elif where is FieldPartition.EPHEMERAL:
            self.field.delete(where, *key)
            self.ephemeral = rest
        else:
            self.changed(lambda: self.field.delete(where, *key), rest)

    def restart(self) -> None:
        self.start()

    def factory_reset(self) -> None:
        self.ephemeral = {}
        self.changed(self.field.factory_reset, {})

    def replace_rom(self) -> None:
        """Atomic and destructive, and the dock restarts."""
        self.rom, self.rom_model = self.chance.choice(ROMS)
        self.start()

    def take_token(self) -> None:
        tag = self.chance.choice(NAMES[Kind.IMG])
        if self.expected(Kind.IMG, tag) is None:
            with pytest.raises(KeyError):
                self.api.ImageStore().get_token(tag)
            return
        token = self.api.ImageStore().get_token(tag)
        assert token is not None
        self.tokens.append((tag, token))
        del self.tokens[:-5]

    def look(self) -> None:
        """At one key-value, one image and every token."""
        self.look_at_text(self.chance.choice(NAMES[Kind.KV]))
        self.look_at_image(self.chance.choice(NAMES[Kind.IMG]))
        for tag, token in self.tokens:
            found, expected = self.api.resolve(token), self.expected(Kind.IMG, tag)
            assert (found and (bytes(found.data), found.picture)) == expected

    def look_at_text(self, key: str) -> None:
        expected = self.expected(Kind.KV, key)
        assert self.api.KvStore().get(key) == ("" if expected is None else expected[0].decode())

    def look_at_image(self, tag: str) -> None:
        expected, image = self.expected(Kind.IMG, tag), self.api.image
        if expected is None:
            with pytest.raises(KeyError):
                self.api.ImageStore().get(tag)
            return
        constants = {PictureType.PNG: image.PNG, PictureType.BMP: image.BMP}
        constant = image.NONE if expected[1] is None else constants.get(expected[1], image.NONE)
        assert self.api.ImageStore().get(tag) == (bytearray(expected[0]), constant)

    def look_at_everything(self) -> None:
        """Also past the vendor's API, and at what is used."""
        assert self.api.KvStore().list() == self.expected_names(Kind.KV)
        assert self.api.ImageStore().list() == self.expected_names(Kind.IMG)
        for key in NAMES[Kind.KV]:
            self.look_at_text(key)
        for tag in NAMES[Kind.IMG]:
            self.look_at_image(tag)
        for kind in (Kind.CODE, Kind.FONT):
            assert self.datastore.names(kind) == self.expected_names(kind)
            for name in NAMES[kind]:
                found, expected = self.datastore.get(kind, name), self.expected(kind, name)
                assert (found and (bytes(found.data), found.picture)) == expected
                assert self.datastore.holds(kind, name) == (expected is not None)
        rom = self.rom_model.get((Kind.CODE, APPLICATION_NAME))
        assert self.api.CodeStore().info() == {"checksum": 0 if rom is None else crc32(rom[0])}
        for where in FieldPartition:
            usage, model = self.field.usage(where), self.model(where)
            assert usage.used_bytes == sum(
                self.packed(where, key, content) for key, (content, _) in model.items()
            )
            assert {kind: use.entries for kind, use in usage.by_kind.items()} == {
                kind: sum(1 for of, _ in model if of is kind) for kind in Kind
            }
        assert self.held() == self.runtime


WEIGHTS: Final[dict[Callable[[World], None], int]] = {
    World.put: 500,
    World.put_what_is_no_text: 10,
    World.delete: 120,
    World.restart: 30,
    World.factory_reset: 8,
    World.replace_rom: 12,
    World.take_token: 60,
    World.look: 220,
    World.look_at_everything: 40,
}


@pytest.mark.parametrize("seed", range(SEEDS), ids="{}-".format)
def test_no_step_shows_a_difference(seed: int) -> None:
    chance = Random(seed)
    budget = chance.choice(BUDGETS)
    page_bytes, sector_bytes = chance.choice([(64, 512), (256, 4_096), (100, 500), (512, 1_024)])
    world = World(chance, budget, Chip(budget, sector_bytes, page_bytes))
    taken = 0
    for step in chance.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=STEPS):
        step(world)
        taken += 1
    world.look_at_everything()

    assert taken == STEPS
    assert world.cuts > 5


def test_all_seeds_together_take_50_000_steps() -> None:
    assert SEEDS * STEPS >= 50_000
