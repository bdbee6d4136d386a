"""The one virtual dock of the conformance cases."""

from collections.abc import Iterator
from shutil import copytree

import pytest

from tests.conformance.virtual_dock import VirtualDock
from tests.end_to_end.small_line import furnish, made_once


@pytest.fixture(scope="session")
def dock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualDock]:
    """Switched off between its lives, and in the end."""
    folder = tmp_path_factory.mktemp("conformance")
    copytree(made_once(tmp_path_factory, "conformance-keys", furnish), folder, dirs_exist_ok=True)
    made = VirtualDock(folder)
    yield made
    made.close()
