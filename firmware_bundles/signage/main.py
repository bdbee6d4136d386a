"""Shows screens in turn, each with its caption.

Keys: screens (tags, separated by spaces), interval_s, caption.TAG, dock_name, timezone. All of
them are optional: without `screens` every image of the store is shown, in the order of its tag.
"""

from datastore import ImageStore, KvStore
from dock import DockControl
from splashscreen import Alignment, Splashscreen
from wakeup import wakeup

CENTRE = 960
CAPTION_Y = 880
NAME_Y = 970
INTERVAL_S = 10
SHORTEST_S = 2

splash = Splashscreen()
values = KvStore()
images = ImageStore()
timers = []  # a timer nobody refers to may be collected, and then never fires
turn = [0]
captioned = []  # not empty while a caption stands on the screen


def escaped(text):
    """Text from outside, safe inside Pango markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def screens():
    """Tags to show, all of them in the store: what an unknown tag gives differs between docks."""
    held = images.list()
    wanted = values.get("screens").split() or sorted(held)
    return [tag for tag in wanted if tag in held]


def interval_ms():
    try:
        seconds = int(values.get("interval_s"))
    except ValueError:
        seconds = INTERVAL_S
    return 1000 * max(SHORTEST_S, seconds)


def text(y, markup):
    """Put a line at this height; a box at the same place is updated, not added."""
    splash.add_text_box(markup, {"x": CENTRE, "y": y, "alignment": Alignment.MIDDLE})


def show(tag):
    # A token works for every type, JPEG included, and does not copy the picture.
    splash.set_background(images.get_token(tag))
    caption = values.get("caption." + tag)
    if caption:
        text(CAPTION_Y, '<span size="large"><b>' + escaped(caption) + "</b></span>")
        captioned.append(tag)
    elif captioned:
        splash.remove_text_box(CENTRE, CAPTION_Y)
        captioned.clear()


def advance():
    # Asked again each time: the store may have gained an image in the field.
    tags = screens()
    if tags:
        show(tags[turn[0] % len(tags)])
        turn[0] += 1


def time_zone():
    zone = values.get("timezone")
    if zone:
        try:  # noqa: SIM105 -- a dock has no contextlib
            DockControl().set_timezone(zone)
        except ValueError:
            pass  # the dock keeps the zone it has


def start():
    time_zone()
    name = values.get("dock_name")
    if name:
        text(NAME_Y, '<span size="small" foreground="grey">' + escaped(name) + "</span>")
    advance()
    timers.append(wakeup(advance, interval_ms(), interval_ms()))


start()
