"""Splash of a new dock: its name, its network address and its MAC, kept up to date.

Reads the keys dock_name, greeting, serial and timezone; none of them needs to be there.
"""

from datastore import ImageStore, KvStore
from dock import DockControl, DockInfo
from network import LAN
from splashscreen import Alignment, Splashscreen
from wakeup import wakeup

CENTRE = 960
REFRESH_MS = 2000
BACKGROUND = "default"

splash = Splashscreen()
values = KvStore()
lan = LAN()
shown = {}
timers = []  # a timer nobody refers to may be collected, and then never fires


def escaped(text):
    """Text from outside, safe inside Pango markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(y, markup):
    """Put a line at this height; a box at the same place is updated, not added."""
    if shown.get(y) != markup:
        shown[y] = markup
        splash.add_text_box(markup, {"x": CENTRE, "y": y, "alignment": Alignment.MIDDLE})


def background():
    """The picture, if there is one: what an unknown tag gives differs between docks."""
    images = ImageStore()
    if BACKGROUND in images.list():
        splash.set_background(images.get_token(BACKGROUND))


def time_zone():
    zone = values.get("timezone")
    if zone:
        try:  # noqa: SIM105 -- a dock has no contextlib
            DockControl().set_timezone(zone)
        except ValueError:
            pass  # the dock keeps the zone it has


def mac_text():
    """The MAC as AA:BB:CC:DD:EE:FF; docks differ in the method's name and in the separators."""
    for name in ("mac_address", "mac"):
        method = getattr(lan, name, None)
        if method is not None:
            digits = method().replace(":", "").replace("-", "").upper()
            pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
            return ":".join(pairs)
    return ""


def refresh():
    address = lan.ifconfig()[0]
    if address:
        line(690, '<span size="large">' + escaped(address) + "</span>")
    else:
        line(690, '<span foreground="grey">Waiting for the network</span>')
    line(760, '<span foreground="grey">' + escaped(mac_text()) + "</span>")


def start():
    background()
    time_zone()
    line(500, '<span foreground="grey">' + escaped(values.get("greeting")) + "</span>")
    name = values.get("dock_name") or "Dock " + DockInfo().dock_id()[:8]
    line(580, '<span size="large"><b>' + escaped(name) + "</b></span>")
    serial = values.get("serial")
    if serial:
        line(920, '<span size="small" foreground="grey">' + escaped(serial) + "</span>")
    refresh()
    timers.append(wakeup(refresh, REFRESH_MS, REFRESH_MS))


start()
