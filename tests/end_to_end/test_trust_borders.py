"""What must not cross: images of another dock or root, touched bundles, keys out of place.

Docks are processes of their own that believe one product root; images are written to them through
the station's own link. Bundles are refused before any byte reaches a dock.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from shutil import copyfile
from typing import Final

import pytest
import serial

from station.__main__ import main
from station.adapters.files.bundle_archive import (
    BLOCK_BYTES,
    MEMBERS,
    parse_bundle,
    read_bundle,
    write_bundle,
)
from station.adapters.keys.authority import PinnedAuthority, roots_from_pem
from station.adapters.keys.ceremony import Keeper, make_signing_key
from station.adapters.keys.sealed_file import Purpose, unlock
from station.adapters.keys.signer import FileSigner, open_signer
from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.docks import SerialDocks
from station.application.cancel import Cancel
from station.application.gate import admit
from station.application.ports import CommitRefused, Piece
from station.bootstrap.keys import DEMO_MARK
from station.bootstrap.station import DEMO_COST
from station.datastore.plan import CommonPart, Plan, assemble
from station.datastore.volume import build_upd_volume
from station.domain import dsse
from station.domain.entries import Entry, Kind
from station.domain.errors import BundleRefused, KeyRefused
from station.domain.identity import DockId
from station.domain.profile import Link
from station.domain.release import PAYLOAD_TYPE
from station.domain.trust import Usage
from tests.end_to_end.small_line import (
    LOT,
    PRODUCT,
    TEMPLATE,
    Bench,
    books,
    digests,
    dock,
    dock_id_of,
    furnish,
    made_once,
    passphrase_of,
    powered_up,
    scaled,
    start_order,
    station_at,
)

UNIT: Final = "DK7F-00317"
OTHER_UNIT: Final = "DK7F-00318"
SEED: Final = 20_261_125
PLACES_PER_PART: Final = scaled(ci=4, nightly=40, release=400)
"""Random bytes changed in each header and each member of a bundle, besides first and last."""

COMMON_PLACES: Final = scaled(ci=300, nightly=5_000, release=50_000)
"""Random bytes changed in the common volume; of everything before it every byte is."""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our station, its order running; and ``other-product``, a release key of ours for DK-8."""

    def make(folder: Path) -> None:
        furnish(folder)
        start_order(Bench(folder))
        station = station_at(folder / "home")
        (root,) = [one for one in station.keys.listed().keys if one.purpose is Purpose.ROOT]
        opened = unlock(root.path, passphrase_of(root), purpose=Purpose.ROOT)
        (folder / "other-product").mkdir()
        make_signing_key(
            folder / "other-product",
            Keeper("ACME for DK-8", passphrase_of(root)),
            usage=Usage.RELEASE,
            root=opened,
            products=["DK-8"],
            now=station.clock.now_at(),
            cost=DEMO_COST,
        )
        opened.wipe()

    return made_once(tmp_path_factory, "trust-ours", make)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A station of somebody else, with a product root of its own."""
    return made_once(tmp_path_factory, "trust-theirs", furnish)


@pytest.fixture
def bench(ours: Path, tmp_path: Path) -> Bench:
    return Bench.copied(ours, tmp_path / "bench")


# -- images made by hand -------------------------------------------------------------------------


def signer(bench: Bench, usage: Usage, folder: Path | None = None) -> FileSigner:
    """The station's key for this, or the one in `folder`."""
    station = station_at(bench.home)
    paths = sorted(folder.iterdir()) if folder else []
    keys = station.keys.listed().keys
    path = paths[0] if paths else next(k.path for k in keys if k.purpose is Purpose(usage))
    return open_signer(path, passphrase_of(keys[0]), usage=usage, authority=station.keys.authority)


def common_of(bundle: Path) -> CommonPart:
    """The common part of a sealed bundle, whoever released it."""
    sealed = read_bundle(bundle)
    return CommonPart(sealed.common, sealed.release_envelope, sealed.certificate)


def released_again(bundle: Path, releaser: FileSigner, *, product: str) -> CommonPart:
    """The content of a bundle, released by another key or for another product."""
    sealed = read_bundle(bundle)
    payload = replace(common_of(bundle).statement, product=product).encode()
    signature = releaser.sign(dsse.pre_authentication_encoding(PAYLOAD_TYPE, payload))
    signed = dsse.Signature(releaser.certificate.key_id, signature)
    envelope = dsse.Envelope(PAYLOAD_TYPE, payload, (signed,)).encode()
    return CommonPart(sealed.common, envelope, releaser.certificate.der)


def sealed_for(dock_id: DockId, common: CommonPart, sealer: FileSigner) -> Plan:
    volume = build_upd_volume([Entry(Kind.KV, "enrol_token", b"token-1")], salt=bytes(32))
    return assemble(common, volume, dock_id, sealer)


@contextmanager
def linked(port: Path) -> Iterator[SerialDock]:
    """The station's own conversation with a dock."""
    with SerialDocks(clock=SystemClock(), chance=SystemChance()).open_own(
        str(port), Link()
    ) as link:
        link.identify()
        yield link


def write(link: SerialDock, plan: Plan) -> None:
    """Every byte of a plan into the spare slot."""
    link.begin(plan.size_bytes, plan.common_blocks)
    pieces = [
        Piece(part.offset_bytes, plan.read(part.offset_bytes, part.size_bytes))
        for part in plan.parts
    ]
    link.write(pieces, done=lambda count: None, cancel=Cancel())


def install(link: SerialDock, plan: Plan) -> None:
    """Write, commit, restart, keep."""
    write(link, plan)
    link.commit(plan.size_bytes, plan.image_sha256)
    link.factory_reset()
    link.confirm(plan.image_sha256)


def read(link: SerialDock, size_bytes: int) -> bytes:
    found = bytearray(size_bytes)
    for piece in link.read_back(0, size_bytes, done=lambda count: None, cancel=Cancel()):
        found[piece.offset_bytes : piece.offset_bytes + len(piece.data)] = piece.data
    return bytes(found)


def image_of(plan: Plan) -> bytes:
    return bytes(plan.read(0, plan.size_bytes))


@dataclass(frozen=True)
class Workshop:
    """Everything an attacker may have at hand."""

    ours: Bench
    theirs: Bench

    def foreign(self, name: str) -> Plan:
        """An image this dock must not take."""
        new, old = self.ours.folder / "new.bundle", self.ours.folder / "old.bundle"
        mine, sealer = dock_id_of(UNIT), signer(self.ours, Usage.STATION)
        match name:
            case "for another dock":
                return sealed_for(dock_id_of(OTHER_UNIT), common_of(new), sealer)
            case "sealed by the station of another root":
                return sealed_for(mine, common_of(new), signer(self.theirs, Usage.STATION))
            case "released by another root":
                return sealed_for(mine, common_of(self.theirs.folder / "new.bundle"), sealer)
            case "released by a key of ours for another product":
                other = signer(self.ours, Usage.RELEASE, self.ours.folder / "other-product")
                return sealed_for(mine, released_again(new, other, product=PRODUCT), sealer)
            case "released by the station's own key":
                return sealed_for(mine, released_again(new, sealer, product=PRODUCT), sealer)
            case "of an older release":
                return sealed_for(mine, common_of(old), sealer)
        raise KeyError(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("for another dock", "dock-id"),
        ("sealed by the station of another root", "certificate"),
        ("released by another root", "certificate"),
        ("released by a key of ours for another product", "certificate"),
        ("released by the station's own key", "certificate"),
        ("of an older release", "counter"),
    ],
)
def test_a_foreign_image_is_refused_and_the_dock_keeps_its_own(
    bench: Bench, theirs: Path, name: str, reason: str
) -> None:
    own = sealed_for(
        dock_id_of(UNIT), common_of(bench.folder / "new.bundle"), signer(bench, Usage.STATION)
    )
    foreign = Workshop(bench, Bench(theirs)).foreign(name)
    with dock(bench, UNIT) as unit, linked(unit.port) as link:
        install(link, own)
        write(link, foreign)

        with pytest.raises(CommitRefused) as refused:
            link.commit(foreign.size_bytes, foreign.image_sha256)

        assert refused.value.reason == reason
        link.factory_reset()
        state = link.slot_state()
        assert (state.image_sha256, state.confirmed) == (own.image_sha256, True)
        assert read(link, own.size_bytes) == image_of(own)
        running = powered_up(unit.flash, unit.dock_id, bench.roots).running
        assert running.image is not None and running.image.accepted is not None
        assert running.image.accepted.image_sha256 == own.image_sha256


def test_the_image_of_one_dock_is_taken_by_that_dock_and_by_no_other(bench: Bench) -> None:
    made = sealed_for(
        dock_id_of(UNIT), common_of(bench.folder / "new.bundle"), signer(bench, Usage.STATION)
    )
    with dock(bench, UNIT) as right, linked(right.port) as link:
        install(link, made)
        assert link.slot_state().image_sha256 == made.image_sha256

    # Not even its flash content does: what one dock was made of does not start another.
    stolen = bench.folder / "stolen.flash"
    copyfile(right.flash, stolen)
    slots = powered_up(stolen, dock_id_of(OTHER_UNIT), bench.roots)
    assert slots.running.image is None
    assert "not" in slots.running.reason and str(dock_id_of(UNIT)) in slots.running.reason


def test_a_run_on_a_dock_that_believes_another_root_fails_and_holds_the_unit(
    bench: Bench, theirs: Path
) -> None:
    with dock(bench, UNIT, trust=Bench(theirs).roots) as stranger:
        made = bench.provision(UNIT, stranger.port)

    assert made.status == 10, made
    assert (made.json["verdict"], made.json["error_code"]) == ("FAIL", "E-VERIFY-03")
    assert made.json["disposition"] == "HOLD"
    assert "certificate" in made.json["cause"]
    assert bench.stock()["SENT"] == 1  # it may know the token; no other dock ever gets that
    assert powered_up(stranger.flash, stranger.dock_id, bench.roots).running.image is None


# -- bundles that were touched -------------------------------------------------------------------


def places(bundle: bytes) -> list[tuple[str, int]]:
    """Bytes to change: of each member its header, its content and its padding, and of the end."""
    chance, found, at = Random(SEED), [], 0
    sealed = parse_bundle(bundle, name="a bundle")
    contents = (sealed.release_envelope, sealed.certificate, sealed.manifest, sealed.common)
    for (name, _), content in zip(MEMBERS, contents, strict=True):
        padding = -len(content) % BLOCK_BYTES
        for part, size in (("header", BLOCK_BYTES), ("content", len(content)), ("pad", padding)):
            if size:
                drawn = {0, size - 1, *(chance.randrange(size) for _ in range(PLACES_PER_PART))}
                found += [(f"{part} of {name}", at + offset) for offset in sorted(drawn)]
            at += size
    assert at == len(bundle) - 2 * BLOCK_BYTES
    return [*found, ("end", at), ("end", len(bundle) - 1)]


def changed(bundle: bytes, at: int, bit: int) -> bytes:
    return bundle[:at] + bytes([bundle[at] ^ 1 << bit]) + bundle[at + 1 :]


def refused_with(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit status and code of a command in this process."""
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    return status, json.loads(line)["error"]["code"]


def test_a_bundle_with_one_changed_byte_makes_no_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATION_HOME", str(bench.home))
    sealed = (bench.folder / "old.bundle").read_bytes()
    tampered = bench.folder / "tampered.bundle"
    order = ["order", "new", "WO-2", "--quantity=1", f"--template={TEMPLATE}", f"--lot={LOT}"]
    before = digests(bench.home)
    chance = Random(SEED)
    for part, at in places(sealed):
        bit = chance.randrange(8)
        tampered.write_bytes(changed(sealed, at, bit))

        found = refused_with(capsys, *order, f"--bundle={tampered}")

        assert found == (20, "E-GATE-01"), f"{part}: byte {at}, bit {bit}, seed {SEED}"
    assert digests(bench.home) == before

    # And the untouched one does, so that nothing else was in the way.
    assert main([*order, f"--bundle={bench.folder / 'old.bundle'}"]) == 0


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_no_byte_of_a_bundle_can_be_changed(bench: Bench) -> None:
    whole = (bench.folder / "old.bundle").read_bytes()
    authority, at_time = station_at(bench.home).keys.authority, SystemClock().now_at()
    common_at = whole.index(b"common.cdb\0") + BLOCK_BYTES
    chance = Random(SEED)
    content = chance.sample(range(common_at, len(whole)), COMMON_PLACES)
    admit(parse_bundle(whole, name="whole"), authority=authority, at=at_time)

    for at in (*range(common_at), *content):
        bit = chance.randrange(8)
        with pytest.raises(BundleRefused):
            tampered = parse_bundle(changed(whole, at, bit), name="tampered")
            admit(tampered, authority=authority, at=at_time)
            pytest.fail(f"byte {at}, bit {bit}, seed {SEED}")


def shelved(bench: Bench) -> Path:
    """The bundle of the running order, as the station keeps it."""
    digest = sha256((bench.folder / "new.bundle").read_bytes()).hexdigest()
    return bench.home / "bundles" / f"{digest}.bundle"


def test_a_bundle_changed_on_the_shelf_never_reaches_the_dock(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATION_HOME", str(bench.home))
    path = shelved(bench)
    sealed, chance = path.read_bytes(), Random(SEED)
    with dock(bench, UNIT) as unit:
        provision = bench.provisioning(UNIT, unit.port)[:-1]
        before = unit.flash.read_bytes()
        # Whoever so much as opens the port now is told that it is busy, and says so.
        with serial.Serial(str(unit.port), timeout=0, exclusive=True) as held:
            assert refused_with(capsys, *provision) == (11, "E-LINK-04")
            for part, at in places(sealed)[:: max(1, PLACES_PER_PART // 2)]:
                bit = chance.randrange(8)
                path.write_bytes(changed(sealed, at, bit))

                found = refused_with(capsys, *provision)

                assert found == (20, "E-GATE-01"), f"{part}: byte {at}, bit {bit}, seed {SEED}"
            assert held.in_waiting == 0
        assert unit.flash.read_bytes() == before

        path.write_bytes(sealed)
        assert bench.provision(UNIT, unit.port).status == 0


def test_another_bundle_in_its_place_on_the_shelf_is_refused_too(
    bench: Bench, tmp_path: Path
) -> None:
    copyfile(bench.folder / "old.bundle", shelved(bench))  # well released, and an older one
    with dock(bench, UNIT) as unit:
        before = unit.flash.read_bytes()

        made = bench.provision(UNIT, unit.port)

        assert (made.status, made.code) == (20, "E-GATE-01")
        assert unit.flash.read_bytes() == before
    assert books(bench.home, tmp_path).runs == []


def test_another_template_in_its_place_on_the_shelf_is_refused_too(
    bench: Bench, tmp_path: Path
) -> None:
    (path,) = (bench.home / "templates").iterdir()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Dock {serial}", "Deck {serial}"), encoding="utf-8")
    with dock(bench, UNIT) as unit:
        before = unit.flash.read_bytes()

        made = bench.provision(UNIT, unit.port)

        assert (made.status, made.code) == (2, "E-FILE-02")
        assert unit.flash.read_bytes() == before
    assert books(bench.home, tmp_path).runs == []


# -- keys out of place ---------------------------------------------------------------------------


def test_a_bundle_of_another_root_is_refused(bench: Bench, theirs: Path) -> None:
    with pytest.raises(BundleRefused, match="not issued by a product root"):
        station_at(bench.home).import_bundle(theirs / "new.bundle")


@pytest.mark.parametrize(
    ("key", "product"),
    [("other-product", PRODUCT), ("other-product", "DK-8"), ("station", PRODUCT)],
)
def test_a_bundle_signed_by_a_key_that_may_not_release_it_is_refused(
    bench: Bench, key: str, product: str
) -> None:
    usage = Usage.STATION if key == "station" else Usage.RELEASE
    releaser = signer(bench, usage, None if key == "station" else bench.folder / key)
    sealed = read_bundle(bench.folder / "new.bundle")
    forged = released_again(bench.folder / "new.bundle", releaser, product=product)
    path = bench.folder / "forged.bundle"
    write_bundle(
        path,
        release_envelope=forged.release_envelope,
        certificate=forged.release_certificate,
        manifest=sealed.manifest,
        common=sealed.common,
    )

    made = bench.run(
        *("order", "new", "WO-2", "--quantity=1", f"--template={TEMPLATE}", f"--lot={LOT}"),
        *(f"--bundle={path}", "--json"),
    )

    assert (made.status, made.code) == (20, "E-GATE-01"), made


def test_a_release_key_builds_no_bundle_of_another_product(bench: Bench) -> None:
    source = bench.folder / "new"
    text = (source / "bundle.yaml").read_text(encoding="utf-8")
    (source / "bundle.yaml").write_text(text.replace(PRODUCT, "DK-8"), encoding="utf-8")
    out = bench.folder / "dk-8.bundle"

    made = bench.run("bundle", "build", source, f"--out={out}", bench.passphrase, "--json")

    assert (made.status, made.code) == (14, "E-KEY-01"), made
    assert not out.exists()


def test_demo_keys_count_nowhere_but_in_a_demo(bench: Bench) -> None:
    keys = [one for one in station_at(bench.home).keys.listed().keys if one.certificate]
    pem = bench.roots.read_text(encoding="ascii")
    real = PinnedAuthority(roots_from_pem(pem))

    for key in keys:
        with pytest.raises(KeyRefused, match="a demo certificate proves nothing"):
            real.certificate(key.certificate or b"")

    (bench.home / DEMO_MARK).unlink()
    with dock(bench, UNIT) as unit:
        before = unit.flash.read_bytes()
        made = bench.provision(UNIT, unit.port)

        assert (made.status, made.code) == (14, "E-KEY-01"), made
        assert unit.flash.read_bytes() == before
    assert bench.run("bundle", "verify", bench.folder / "new.bundle").status == 20
