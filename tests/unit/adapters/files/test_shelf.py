"""The shelf: nothing is used but what a name's digest says, and what passed the gate."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from station.adapters.files.bundle_archive import write_bundle
from station.adapters.files.shelf import FileShelf
from station.application.gate import ReleasedBundle
from station.domain.bundle import Bundle
from station.domain.errors import BundleRefused, DocumentRefused, FileUnreadable
from station.domain.release import Version
from station.domain.trust import Authority
from tests.fakes.clock import FakeClock
from tests.fakes.trust import FakeAuthority
from tests.unit.application.workbench import AUTHORITY, BUNDLE, released

TEMPLATE = """\
name: {name}
version: 1.0.0
product: DK-7F
entries:
  - name: serial
    source: {{scan: serial}}
    target: {{kv: serial}}
"""

PROFILE = """\
name: own
model: DL-7450
stage: production
assurance: D0
slots: 2
slot_bytes: 14000000
products:
  - {name: DK-9, serial_pattern: "DK9-[0-9]{5}"}
  - {name: DK-7F, serial_pattern: "DK7F-[0-9]{5}"}
"""


class Shelf:
    """A shelf in a folder, and where its files are."""

    def __init__(self, folder: Path, authority: Callable[[], Authority]) -> None:
        self.folder = folder
        self.bundles = folder / "bundles"
        self.templates = folder / "templates"
        self.profiles = folder / "profiles"
        self.shelf = FileShelf(
            bundles=self.bundles,
            templates=self.templates,
            profiles=self.profiles,
            authority=authority,
            clock=FakeClock(),
        )

    def sealed(self, bundle: Bundle = BUNDLE) -> Path:
        """A `.bundle` file somebody brings."""
        parts = released(bundle)
        path = self.folder / f"{bundle.name}-{bundle.version}.bundle"
        write_bundle(
            path,
            release_envelope=parts.release_envelope,
            certificate=parts.certificate,
            manifest=parts.manifest,
            common=parts.common,
        )
        return path

    def take(self, bundle: Bundle = BUNDLE) -> ReleasedBundle:
        path = self.sealed(bundle)
        admitted = self.shelf.admit(path)
        self.shelf.take_bundle(path, admitted)
        return admitted

    def written(self, name: str = "basic", *, text: str = "") -> Path:
        """A template file somebody brings."""
        path = self.folder / f"{name}.yaml"
        path.write_text(text or TEMPLATE.format(name=name), encoding="utf-8")
        return path


@pytest.fixture
def place(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, lambda: AUTHORITY)


OLDER = replace(BUNDLE, version=Version(1, 1, 0))
OTHER = replace(BUNDLE, name="signage")


# -- bundles -----------------------------------------------------------------------------------


def test_an_empty_shelf_asks_nobody_and_holds_nothing(tmp_path: Path) -> None:
    def nobody() -> Authority:
        raise AssertionError("nothing is to be proved yet")

    shelf = Shelf(tmp_path, nobody).shelf

    assert (shelf.bundles(), shelf.templates()) == ((), ())
    with pytest.raises(FileUnreadable):
        shelf.bundle(bytes(32))
    with pytest.raises(FileUnreadable):
        shelf.template(bytes(32))


def test_a_bundle_is_kept_under_its_digest_and_proved_once(place: Shelf) -> None:
    admitted = place.take()
    found = place.shelf.bundle(admitted.sha256)

    assert [path.stem for path in place.bundles.iterdir()] == [admitted.sha256.hex()]
    assert found.statement == admitted.statement
    assert place.shelf.bundle(admitted.sha256) is found


def test_the_same_bundle_again_changes_nothing(place: Shelf) -> None:
    admitted = place.take()
    (kept,) = place.bundles.iterdir()
    before = kept.stat().st_ino
    place.shelf.take_bundle(place.folder / "welcome-1.2.0.bundle", admitted)

    assert kept.stat().st_ino == before


def test_bundles_are_listed_by_name_and_version_and_strange_files_are_none(place: Shelf) -> None:
    for bundle in (BUNDLE, OTHER, OLDER):
        place.take(bundle)
    (place.bundles / "note.bundle").write_bytes(b"not ours")
    (place.bundles / "note.txt").write_bytes(b"not ours")

    assert [one.title for one in place.shelf.bundles()] == [
        "signage 1.2.0",
        "welcome 1.1.0",
        "welcome 1.2.0",
    ]


def test_an_older_bundle_under_a_newer_ones_name_is_refused(place: Shelf) -> None:
    newer, older = place.take(BUNDLE), place.take(OLDER)
    kept = {path.stem: path for path in place.bundles.iterdir()}
    kept[older.sha256.hex()].replace(kept[newer.sha256.hex()])

    with pytest.raises(BundleRefused, match="another bundle than its name says"):
        place.shelf.bundle(newer.sha256)
    with pytest.raises(BundleRefused):
        place.shelf.bundles()


def test_a_bundle_that_changed_since_it_was_checked_is_not_taken(place: Shelf) -> None:
    path = place.sealed()
    admitted = place.shelf.admit(path)
    data = bytearray(path.read_bytes())
    data[-2_000] ^= 1
    path.write_bytes(data)

    with pytest.raises(BundleRefused, match="changed since it was checked"):
        place.shelf.take_bundle(path, admitted)

    assert not place.bundles.exists()


def test_a_bundle_nobody_we_trust_released_is_refused(tmp_path: Path) -> None:
    place = Shelf(tmp_path, FakeAuthority)

    with pytest.raises(BundleRefused):
        place.shelf.admit(place.sealed())


# -- templates ---------------------------------------------------------------------------------


def test_a_template_is_kept_under_its_digest(place: Shelf) -> None:
    taken = place.shelf.take_template(place.written())

    assert [path.stem for path in place.templates.iterdir()] == [taken.digest.hex()]
    assert place.shelf.template(taken.digest) == taken


def test_the_same_template_in_other_words_is_the_same(place: Shelf) -> None:
    first = place.shelf.take_template(place.written())
    again = place.shelf.take_template(
        place.written("again", text="# a comment\n" + TEMPLATE.format(name="basic"))
    )

    assert first == again
    assert len(list(place.templates.iterdir())) == 1


def test_templates_are_listed_by_name(place: Shelf) -> None:
    for name in ("signage", "basic"):
        place.shelf.take_template(place.written(name))
    (place.templates / "note.yaml").write_text("not ours")

    assert [one.name for one in place.shelf.templates()] == ["basic", "signage"]


def test_a_template_that_was_changed_on_the_shelf_is_refused(place: Shelf) -> None:
    taken = place.shelf.take_template(place.written())
    (kept,) = place.templates.iterdir()
    kept.write_text(TEMPLATE.format(name="changed"), encoding="utf-8")

    with pytest.raises(DocumentRefused, match="another template than its name says"):
        place.shelf.template(taken.digest)
    with pytest.raises(DocumentRefused):
        place.shelf.templates()


def test_a_template_that_is_none_is_not_taken(place: Shelf) -> None:
    with pytest.raises(DocumentRefused):
        place.shelf.take_template(place.written(text="name: 7\n"))

    assert not place.templates.exists()


# -- profiles ----------------------------------------------------------------------------------


def test_a_product_without_a_profile_is_named(place: Shelf) -> None:
    with pytest.raises(FileUnreadable, match="makes product DK-9") as refused:
        place.shelf.profile("DK-9")

    assert str(place.profiles) in refused.value.remedy


def test_the_stations_own_profile_comes_before_the_built_in_one(place: Shelf) -> None:
    place.profiles.mkdir()
    own = place.profiles / "own.yaml"
    own.write_text(PROFILE, encoding="utf-8")

    assert place.shelf.profile("DK-7F").name == "own"
    assert place.shelf.profile("DK-9").name == "own"
    own.unlink()

    assert place.shelf.profile("DK-7F").name == "dl7450-virtual"


def test_the_built_in_profile_makes_the_sample_product(place: Shelf) -> None:
    assert place.shelf.profile("DK-7F").product("DK-7F").name == "DK-7F"
