"""The shelf: released bundles and templates of one station, each file named by its digest."""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from station.adapters.files.atomic import make_folder, write_file
from station.adapters.files.bundle_archive import FILE_BYTES_MAX, SUFFIX, read_bundle
from station.adapters.files.profiles import BUILT_IN, built_in_profile, read_profile
from station.adapters.files.reading import read_file, read_text
from station.adapters.files.templates import parse_template, read_template
from station.application.gate import ReleasedBundle, admit
from station.application.ports import Clock
from station.domain.errors import BundleRefused, DocumentRefused, FileUnreadable
from station.domain.limits import DOCUMENT_BYTES_MAX
from station.domain.profile import Profile
from station.domain.template import Template
from station.domain.trust import Authority

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class FileShelf:
    """Folders of bundles, templates and profiles; they need not exist until something is taken.

    authority: asked for when the first bundle is proved. Implements `job.Shelf`.
    """

    def __init__(
        self,
        *,
        bundles: Path,
        templates: Path,
        profiles: Path,
        authority: Callable[[], Authority],
        clock: Clock,
    ) -> None:
        self._bundles = bundles
        self._templates = templates
        self._profiles = profiles
        self._authority = authority
        self._clock = clock
        self._admitted: dict[bytes, ReleasedBundle] = {}
        self._templates_read: dict[bytes, Template] = {}

    def admit(self, path: Path) -> ReleasedBundle:
        """The bundle in a file, through the gate. Raises BundleRefused, FileUnreadable."""
        sealed = read_bundle(path)
        return admit(sealed, authority=self._authority(), at=self._clock.now_at())

    def bundle(self, digest: bytes) -> ReleasedBundle:
        """The bundle with this digest; read and proved once per process, then shared.

        Raises BundleRefused where the file under its name is another one, however well released.
        """
        if digest not in self._admitted:
            path = self._bundle_path(digest)
            admitted = self.admit(path)
            if admitted.sha256 != digest:
                raise BundleRefused(f"{path}: another bundle than its name says")
            self._admitted[digest] = admitted
        return self._admitted[digest]

    def bundles(self) -> tuple[ReleasedBundle, ...]:
        """Every bundle on the shelf, by name and version."""
        found = [self.bundle(digest) for digest in _digests_in(self._bundles, SUFFIX)]
        return tuple(sorted(found, key=lambda one: (one.statement.name, one.statement.version)))

    def template(self, digest: bytes) -> Template:
        """The template with this digest; read once per process, then shared.

        Raises DocumentRefused where its file says another.
        """
        if digest not in self._templates_read:
            self._templates_read[digest] = self._read_template(digest)
        return self._templates_read[digest]

    def _read_template(self, digest: bytes) -> Template:
        path = self._template_path(digest)
        template = read_template(path).template
        if template.digest != digest:
            raise DocumentRefused(
                f"{path}: another template than its name says",
                remedy="Take the template onto the shelf again with a new work order.",
            )
        return template

    def templates(self) -> tuple[Template, ...]:
        """Every template on the shelf, by name and version."""
        found = [self.template(digest) for digest in _digests_in(self._templates, ".yaml")]
        return tuple(sorted(found, key=lambda one: (one.name, one.version)))

    def profile(self, product: str) -> Profile:
        """The dock model of a product: the station's own profiles first, then the built-in."""
        own = map(read_profile, _in(self._profiles, ".yaml"))
        for profile in (*own, *map(built_in_profile, BUILT_IN)):
            if any(one.name == product for one in profile.products):
                return profile
        raise FileUnreadable(
            f"no dock-model profile makes product {product}",
            remedy=f"Put one into {self._profiles}.",
        )

    def products(self) -> tuple[str, ...]:
        """What the station's own profiles make; the built-in ones where it has none of its own."""
        own = tuple(map(read_profile, _in(self._profiles, ".yaml")))
        profiles = own or tuple(map(built_in_profile, BUILT_IN))
        return tuple(sorted({one.name for profile in profiles for one in profile.products}))

    def take_bundle(self, path: Path, bundle: ReleasedBundle) -> Path:
        """Keep a bundle that passed the gate; the file it is kept in.

        The same bytes again change nothing.

        Raises BundleRefused where the file is no longer the one that passed.
        """
        data = read_file(path, limit_bytes=FILE_BYTES_MAX)
        if sha256(data).digest() != bundle.sha256:
            raise BundleRefused(f"{path}: changed since it was checked")
        kept = self._bundle_path(bundle.sha256)
        _keep(kept, data)
        return kept

    def take_template(self, path: Path) -> Template:
        """Keep a template; the same template again changes nothing."""
        text = read_text(path, limit_bytes=DOCUMENT_BYTES_MAX)
        template = parse_template(text, name=str(path)).template
        _keep(self._template_path(template.digest), text.encode("utf-8"))
        return template

    def _bundle_path(self, digest: bytes) -> Path:
        return self._bundles / f"{digest.hex()}{SUFFIX}"

    def _template_path(self, digest: bytes) -> Path:
        return self._templates / f"{digest.hex()}.yaml"


def _in(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else []


def _digests_in(folder: Path, suffix: str) -> list[bytes]:
    """Digests that files of the folder are named by; other files are none of ours."""
    return [
        bytes.fromhex(path.stem) for path in _in(folder, suffix) if _DIGEST.fullmatch(path.stem)
    ]


def _keep(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    if not path.exists():
        write_file(path, [data])
