"""What every test needs: no screen, and a hypothesis profile that says how far to sweep."""

import os
import signal

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt is imported, or Qt aborts pytest

from hypothesis import settings

# A shell that runs this in the background leaves Ctrl-C ignored, here and in every child.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=2_000, deadline=None, print_blob=True)
settings.register_profile("release", max_examples=20_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("STATION_SWEEP", "ci"))
