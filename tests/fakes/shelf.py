"""A shelf that holds what a test puts on it."""

from station.application.gate import ReleasedBundle
from station.domain.errors import BundleRefused, FileUnreadable
from station.domain.profile import Profile
from station.domain.template import Template


class FakeShelf:
    """`application.provisioning.Shelf`: everything has passed the gate before."""

    def __init__(self, *, bundle: ReleasedBundle, template: Template, profile: Profile) -> None:
        self.bundles = {bundle.sha256: bundle}
        self.templates = {template.digest: template}
        self.profiles = {product.name: profile for product in profile.products}

    def bundle(self, digest: bytes) -> ReleasedBundle:
        """See `Shelf`."""
        if digest not in self.bundles:
            raise BundleRefused("no such bundle on the fake shelf")
        return self.bundles[digest]

    def template(self, digest: bytes) -> Template:
        """See `Shelf`."""
        if digest not in self.templates:
            raise FileUnreadable("no such template on the fake shelf")
        return self.templates[digest]

    def profile(self, product: str) -> Profile:
        """See `Shelf`."""
        if product not in self.profiles:
            raise FileUnreadable("no such product on the fake shelf")
        return self.profiles[product]
