"""Sections 2.2 to 2.8 of the dock SDK reference, as far as an application can see them.

The bench behind them is the one every dock of these subjects meets: `domain.scenario.DEFAULT`.
"""

from collections.abc import Iterator
from typing import Final

from tests.conformance.case import Case, Fails, On, Outcome, Reports, Shows
from tests.conformance.contents import FACTORY

_NO_MODULES: Final = {On.IN_PROCESS: "there, an application finds the modules of section 2.1 alone"}

_BUILTINS: Final = (
    "abs all any bin bool bytearray bytes callable chr classmethod compile complex delattr dict dir"
    " divmod enumerate eval exec filter float frozenset getattr globals hasattr hash hex id input"
    " int isinstance issubclass iter len list locals map max memoryview min next object oct open"
    " ord pow print property range repr reversed round set setattr slice sorted staticmethod str"
    " sum super tuple type zip True False None NotImplemented"
)
_EXCEPTIONS: Final = (
    "AssertionError AttributeError Exception ImportError IndexError KeyboardInterrupt KeyError"
    " MemoryError NameError NotImplementedError OSError RuntimeError StopIteration SyntaxError"
    " SystemExit TypeError ValueError ZeroDivisionError"
)


def module_cases() -> Iterator[Case]:
    """Every case; all on one content."""
    yield from _splash()
    yield from _timers()
    yield from _dock()
    yield from _pins()
    yield from _network()
    yield from _general()
    yield from _programs()


def _case(clause: str, says: str, application: str, expected: object) -> Case:
    outcome: Outcome = (
        expected if isinstance(expected, Reports | Shows | Fails) else Reports(expected)
    )
    return Case(clause, says, application, outcome, FACTORY, _NO_MODULES)


def _splash() -> Iterator[Case]:
    yield _case(
        "2.2",
        "the position is a text box's identity",
        "from splashscreen import Splashscreen\nscreen = Splashscreen()\n"
        "screen.add_text_box('old', {'x': 10, 'y': 20})\n"
        "screen.add_text_box('other', {'x': 20, 'y': 10})\n"
        "Splashscreen().add_text_box('<b>new</b>', {'x': 10, 'y': 20})\n",
        Shows((("<b>new</b>", 10, 20), ("other", 20, 10))),
    )
    yield _case(
        "Q14",
        "there is one default text box, apart from every position, and later text replaces it",
        "from splashscreen import Splashscreen\nscreen = Splashscreen()\n"
        "screen.add_text_box('first')\n"
        "screen.add_text_box('placed', {'x': 960, 'y': 540})\n"
        "screen.add_text_box('second', {})\n",
        Shows((("second", None, None), ("placed", 960, 540))),
    )
    yield _case(
        "2.2",
        "a list is one line of text an entry, and a span may go from one to the next",
        "from splashscreen import Splashscreen\n"
        "lines = ['<span size=\"large\">one', 'two</span>']\n"
        "Splashscreen().add_text_box(lines, {'x': 0, 'y': 0})\n",
        Shows((('<span size="large">one\ntwo</span>', 0, 0),)),
    )
    yield _case(
        "2.2",
        "remove_text_box() removes the box at its position and no other",
        "from splashscreen import Splashscreen\nscreen = Splashscreen()\n"
        "for x in (1, 2, 3):\n    screen.add_text_box(str(x), {'x': x, 'y': 0})\n"
        "screen.remove_text_box(2, 0)\n",
        Shows((("1", 1, 0), ("3", 3, 0))),
    )
    yield _case(
        "2.2",
        "there are three alignments, and a box takes each",
        "import splashscreen\nfrom splashscreen import Alignment, Splashscreen\n"
        "every = [Alignment.LEFT, Alignment.RIGHT, Alignment.MIDDLE]\n"
        "for at, one in enumerate(every):\n"
        "    Splashscreen().add_text_box('x', {'x': at, 'y': 0, 'alignment': one})\n"
        "    Splashscreen().remove_text_box(at, 0)\n"
        "report(len(set(every)))\n",
        3,
    )
    yield _case(
        "2.2",
        "a background may be bytes, bytearray, memoryview or a token",
        "import image\nfrom datastore import ImageStore\nfrom splashscreen import Splashscreen\n"
        "screen, store, taken = Splashscreen(), ImageStore(), []\n"
        "data, kind = store.get('legacy')\n"
        "for one in (bytes(data), data, memoryview(data)):\n"
        "    screen.set_background(one, kind)\n    taken.append(type(one).__name__)\n"
        "screen.set_background(store.get('default')[0])\n"
        "for tag in ('default', 'legacy', 'photo'):\n"
        "    screen.set_background(store.get_token(tag))\n    taken.append(tag)\n"
        "report(taken)\n",
        ["bytes", "bytearray", "memoryview", "default", "legacy", "photo"],
    )


def _timers() -> Iterator[Case]:
    yield _case(
        "2.3",
        "tasks are done when Python is idle, in the order they are due",
        "from wakeup import wakeup\ndone, timers = [], []\n"
        "def later(name, at):\n    timers.append(wakeup(lambda: done.append(name), at))\n"
        "later('second', 60)\nlater('first', 5)\nlater('at once', 0)\n"
        "timers.append(wakeup(lambda: report(done), 150))\n"
        "done.append('top level')\n",
        ["top level", "at once", "first", "second"],
    )
    yield _case(
        "2.3",
        "a timer repeats until it is cancelled",
        "from wakeup import Timer\ncount = 0\n"
        "def tick():\n    global count\n    count += 1\n"
        "    if count == 3:\n        ticking.cancel()\n"
        "ticking = Timer(tick, 5, 5)\n"
        "ending = Timer(lambda: report(count), 200)\n",
        3,
    )
    yield _case(
        "2.3",
        "wakeup() gives a Timer, and what is cancelled in time is never done",
        "from wakeup import Timer, wakeup\ndone = []\n"
        "timer = wakeup(lambda: done.append('never'), 30)\n"
        "timer.cancel()\ntimer.cancel()\n"
        "ending = wakeup(lambda: report([done, isinstance(timer, Timer)]), 100)\n",
        [[], True],
    )


def _dock() -> Iterator[Case]:
    yield _case(
        "2.4",
        "dock_id() is the dock's identity as text",
        "from dock import DockInfo\nid = DockInfo().dock_id()\n"
        "digits = [one for one in id.upper() if one in '0123456789ABCDEF']\n"
        "report([type(id).__name__, len(id), len(digits)])\n",
        ["str", 64, 64],
    )
    yield _case(
        "2.4",
        "host_status() is one of three numbers on class and instance",
        "from dock import DockInfo\ninfo = DockInfo()\n"
        "every = [DockInfo.HOST_NOT_CONNECTED, DockInfo.HOST_CONNECTED,"
        " DockInfo.HOST_CONNECTION_SUSPENDED]\n"
        "report([len(set(every)), info.host_status() in every,"
        " info.HOST_CONNECTED == DockInfo.HOST_CONNECTED, type(info.host_status()).__name__])\n",
        [3, True, True, "int"],
    )
    yield _case(
        "2.4",
        "monitors() has an entry for each output, to be asked whether it is valid",
        "from dock import DockInfo\nfound = []\n"
        "for one in DockInfo().monitors():\n"
        "    if one.valid():\n"
        "        width, height = one.preferred_mode()\n"
        "        found.append([type(one.name()).__name__, width > 0, height > 0,"
        " type(one.serial_number()).__name__])\n"
        "report([type(DockInfo().monitors()).__name__, found])\n",
        ["list", [["str", True, True, "int"]] * 2],
    )
    yield _case(
        "2.4",
        "set_timezone() takes a zone of the dock and refuses anything else",
        "from dock import DockControl\nfound = []\n"
        "for zone in ('UTC', 'CET', 'CST', 'Europe/Berlin', '', 1, None):\n"
        "    try:\n        DockControl().set_timezone(zone)\n        found.append('taken')\n"
        "    except ValueError:\n        found.append('ValueError')\n"
        "    except TypeError:\n        found.append('TypeError')\n"
        "report(found)\n",
        ["taken", "taken", "ValueError", "ValueError", "ValueError", "TypeError", "TypeError"],
    )
    yield _case(
        "Q13",
        "the network tells its MAC under both names",
        "from network import LAN\nlan = LAN()\n"
        "digits = [one for one in lan.mac() if one not in ':-']\n"
        "report([lan.mac() == lan.mac_address(), len(digits),"
        " [type(one).__name__ for one in lan.ifconfig()]])\n",
        [True, 12, ["str"] * 4],
    )
    yield _case(
        "2.4",
        "usb.find() lists vendor, product and name",
        "import usb\nreport([[type(part).__name__ for part in one] for one in usb.find()][:1])\n",
        [["int", "int", "str"]],
    )


def _pins() -> Iterator[Case]:
    yield _case(
        "2.5",
        "a pin the dock does not have is a TypeError",
        "import gpio\n"
        "try:\n    gpio.create('NO_SUCH_PIN')\n    report('made')\n"
        "except TypeError:\n    report('TypeError')\n",
        "TypeError",
    )
    yield _case(
        "2.5",
        "an input is read as 1, 0 or -1",
        "import gpio\npin = gpio.create('JOYSTICK_CENTER', lambda: None)\n"
        "report([pin.read() in (1, 0, -1), pin.active_high() in (True, False)])\n",
        [True, True],
    )
    yield _case(
        "2.5",
        "an I2C address outside 0x08 to 0x77 is error 2",
        "import i2c\nfound = []\n"
        "for bus in (i2c.i2c(), i2c.I2C(i2c.Bus.I2C1)):\n"
        "    for address in (0x07, 0x78):\n"
        "        try:\n            bus.read(address, 0, 1)\n"
        "        except i2c.I2cError as error:\n            found.append(error.errno)\n"
        "report(found)\n",
        [2, 2, 2, 2],
    )


def _network() -> Iterator[Case]:
    yield _case(
        "2.6",
        "a server that does not answer is a status of 1 to 99",
        "import http\nanswer = http.get('http://192.0.2.1/', timeout=1)\n"
        "report([1 <= answer.status_code() <= 99, type(answer.body()).__name__,"
        " type(answer.headers()).__name__])\n",
        [True, "bytearray", "dict"],
    )
    yield _case(
        "2.6",
        "an answer may be waited for",
        "import http\n"
        "def came(answer):\n    report(1 <= answer.status_code() <= 99)\n"
        "http.get_async('http://192.0.2.1/', came, timeout=1)\n",
        True,
    )
    yield _case(
        "2.6",
        "an unknown option of an MQTT connection is a TypeError",
        "from mqtt import MqttClient\nclient = MqttClient('mqtt://192.0.2.1', 'dock')\n"
        "try:\n    client.connect(lambda rc, flags: None, {'no_such_option': 1})\n"
        "    report('taken')\nexcept TypeError:\n    report('TypeError')\n",
        "TypeError",
    )
    yield _case(
        "2.6",
        "a broker of another scheme is error -14",
        "import mqtt\n"
        "try:\n    client = mqtt.MqttClient('http://192.0.2.1', 'dock')\n"
        "    client.connect(lambda rc, flags: None)\n    report('taken')\n"
        "except mqtt.MqttError as error:\n    report(error.errno)\n",
        -14,
    )


def _general() -> Iterator[Case]:
    yield _case(
        "2.7",
        "every builtin and every exception is there",
        f"missing = []\nfor name in {_BUILTINS + ' ' + _EXCEPTIONS!r}.split():\n"
        "    try:\n        eval(name)\n    except NameError:\n        missing.append(name)\n"
        "report(missing)\n",
        [],
    )
    yield _case(
        "2.7",
        "hashes give digests and no hexdigest",
        "import binascii, hashlib\nfound = []\n"
        "for make in (hashlib.sha256, hashlib.sha1, hashlib.md5):\n"
        "    one = make(b'a')\n    one.update(b'bc')\n    hexdigest = hasattr(one, 'hexdigest')\n"
        "    found.append([binascii.hexlify(one.digest()).decode()[:8], hexdigest])\n"
        "report(found)\n",
        [["ba7816bf", False], ["a9993e36", False], ["90015098", False]],
    )
    yield _case(
        "2.7",
        "hmac signs with a hash of hashlib",
        "import hashlib, hmac\nsigned = hmac.new(b'key', b'The quick brown fox jumps over the lazy"
        " dog', hashlib.sha256)\n"
        "report([signed.hexdigest()[:16], hasattr(signed, 'digest_size'), signed.block_size])\n",
        ["f7bc83f430538424", True, 64],
    )
    yield _case(
        "2.7",
        "binascii turns octets into text and back",
        "import binascii\n"
        "report([binascii.b2a_base64(b'abc').decode(),"
        " binascii.b2a_base64(b'abc', newline=False).decode(),"
        " binascii.a2b_base64('YWJj').decode(), binascii.unhexlify('616263').decode()])\n",
        ["YWJj\n", "YWJj", "abc", "abc"],
    )
    yield _case(
        "2.7",
        "json is read and written, and bad input is a ValueError",
        "import io, json\nfile = io.StringIO()\njson.dump({'a': [1, None, 'ü']}, file)\n"
        "try:\n    json.loads('{')\n    bad = ''\nexcept ValueError:\n    bad = 'ValueError'\n"
        "report([json.loads(file.getvalue()), json.dumps([1, 2], separators=(',', ':')), bad])\n",
        [{"a": [1, None, "ü"]}, "[1,2]", "ValueError"],
    )
    yield _case(
        "2.7",
        "time counts seconds as int from 1970, and gmtime has eight fields",
        "import time\n"
        "report([type(time.time()).__name__, time.time() > 1_000_000_000,"
        " list(time.gmtime(0)), len(time.localtime())])\n",
        ["int", True, [1970, 1, 1, 0, 0, 0, 3, 1], 8],
    )
    yield _case(
        "Q15",
        "mktime() is the inverse of localtime()",
        "import time\n"
        "report([time.mktime(time.localtime(at)) == at for at in (0, 86_400, 1_800_000_000)])\n",
        [True, True, True],
    )
    yield _case(
        "2.7",
        "ticks are compared by ticks_diff",
        "import time\nstart = time.ticks_ms()\ntime.sleep_ms(20)\n"
        "report([time.ticks_diff(time.ticks_ms(), start) >= 20,"
        " time.ticks_diff(time.ticks_add(start, 5), start)])\n",
        [True, 5],
    )
    yield _case(
        "2.7",
        "dates are reckoned with",
        "from datetime import date, datetime, timedelta, timezone\n"
        "day = date(2024, 2, 28) + timedelta(days=2)\n"
        "moment = datetime(2026, 1, 5, 8, 0, tzinfo=timezone.utc)\n"
        "report([day.year, day.month, day.day, (moment - timedelta(hours=9)).day])\n",
        [2024, 3, 1, 4],
    )
    yield _case(
        "2.7",
        "a frame buffer is drawn into",
        "import framebuf\nbuffer = bytearray(8 * 8 * 2)\n"
        "canvas = framebuf.FrameBuffer(buffer, 8, 8, framebuf.RGB565)\n"
        "canvas.fill(0)\ncanvas.pixel(1, 1, 0x1234)\ncanvas.hline(0, 2, 8, 0xFFFF)\n"
        "report([canvas.pixel(1, 1), canvas.pixel(7, 2), canvas.pixel(7, 3)])\n",
        [0x1234, 0xFFFF, 0],
    )


def _programs() -> Iterator[Case]:
    yield _case(
        "2.8",
        "an unhandled exception unloads the application and shows its stack trace",
        "from splashscreen import Splashscreen\n"
        "Splashscreen().add_text_box('gone', {'x': 0, 'y': 0})\n"
        "def fails():\n    return 1 // 0\nfails()\n",
        Fails("ZeroDivisionError"),
    )
    yield _case(
        "2.8",
        "a syntax error is shown, too",
        "report('never'\n",
        Fails("SyntaxError"),
    )
    yield _case(
        "2.8",
        "an exception in a task unloads the application as one at its top level does",
        "from wakeup import wakeup\n"
        "def fails():\n    raise RuntimeError('in a task')\n"
        "timer = wakeup(fails, 20)\n",
        Fails("RuntimeError: in a task"),
    )
    yield _case(
        "2.8",
        "the top level ends before any task begins",
        "import time\nfrom wakeup import wakeup\nsteps = []\n"
        "def task():\n    steps.append('task')\n    report(steps)\n"
        "timer = wakeup(task, 0)\ntime.sleep_ms(50)\nsteps.append('top level')\n",
        ["top level", "task"],
    )
