"""Sections 1 and 2.1 of the dock SDK reference, and the questions about them in section 6."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final
from zlib import crc32

from station.domain.entries import Entry, Kind
from tests.conformance.case import Case, Content, Fails, On, Outcome, Reports
from tests.conformance.contents import (
    ALL_THREE,
    AS_MADE,
    BMP,
    BRAND,
    BROKEN,
    EMPTY,
    FACTORY,
    FIELD,
    JPEG,
    LENIENT,
    LONG_NAME,
    PEM,
    PNG,
    ROM_CODE,
    UNIQUE,
    UPGRADED,
    VERSION_1,
)

NOBODY_WRITES_IT: Final = {
    On.VIRTUAL_DOCK: "from outside, nothing but a development application can be put into the"
    " ephemeral partition, and a dock that is off holds none"
}


def _values(entries: tuple[Entry, ...]) -> dict[str, str]:
    return {one.name: bytes(one.data).decode() for one in entries if one.kind is Kind.KV}


def _case(
    clause: str,
    says: str,
    application: str,
    expected: object,
    content: Content = FACTORY,
    not_on: Mapping[On, str] | None = None,
) -> Case:
    outcome: Outcome = expected if isinstance(expected, Reports | Fails) else Reports(expected)
    return Case(clause, says, application, outcome, content, not_on or {})


def datastore_cases() -> Iterator[Case]:
    """Every case, those of one content together."""
    yield from _key_values()
    yield from _images()
    yield from _code()
    yield from _no_writing()
    yield from _unknown_images()
    yield from _unique_data()
    yield from _look_up()
    yield from _nothing()
    yield from _all_three()
    yield from _booting()


# -- one content -------------------------------------------------------------------------------


def _key_values() -> Iterator[Case]:
    values = _values(FACTORY.common)
    yield _case(
        "2.1",
        "list() gives every key that has a value",
        "from datastore import KvStore\nreport(sorted(KvStore().list()))\n",
        sorted(values),
    )
    yield _case(
        "2.1",
        "get() gives every value as it was provisioned",
        "from datastore import KvStore\nstore = KvStore()\n"
        "report({key: store.get(key) for key in store.list()})\n",
        values,
    )
    yield _case(
        "2.1",
        "get() of a missing key is '' and raises nothing",
        "from datastore import KvStore\n"
        "report([KvStore().get(key) for key in ('nothing', '', 'DEFAULT', 'default', 'kv')])\n",
        [""] * 5,
    )
    yield _case(
        "Q4",
        "an empty value is told from a missing key by list() alone",
        "from datastore import KvStore\nstore = KvStore()\n"
        "report([[key in store.list(), store.get(key)] for key in ('empty', 'nothing')])\n",
        [[True, ""], [False, ""]],
    )
    yield _case(
        "Q8",
        "a value may have several lines, and a name be any text",
        "from datastore import KvStore\nstore = KvStore()\n"
        f"keys = ('cacert', 'my key', 'größe', 'n' * {len(LONG_NAME)})\n"
        "report([store.get(key) for key in keys])\n",
        [PEM, "a name with a space", "27″", "a name of 1,024 octets"],
    )
    yield _case(
        "Q9",
        "keys and values are strings, and nothing else is",
        "from datastore import KvStore\nstore = KvStore()\n"
        "kinds = {type(store.list()).__name__}\n"
        "for key in store.list() + ['nothing']:\n"
        "    kinds.add(type(key).__name__ + ' ' + type(store.get(key)).__name__)\n"
        "report(sorted(kinds))\n",
        ["list", "str str"],
    )
    yield _case(
        "Q10",
        "list() is sorted and names nothing twice",
        "from datastore import KvStore, ImageStore\n"
        "for names in (KvStore().list(), ImageStore().list()):\n"
        "    assert names == sorted(set(names)), names\n"
        "report([KvStore().list() == KvStore().list(), len(ImageStore().list())])\n",
        [True, 3],
    )


def _images() -> Iterator[Case]:
    digests = {"default": PNG, "legacy": BMP, "photo": JPEG}
    yield _case(
        "2.1",
        "list() gives the tags of available images",
        "from datastore import ImageStore\nreport(sorted(ImageStore().list()))\n",
        ["default", "legacy", "photo"],
    )
    yield _case(
        "2.1",
        "get() gives a bytearray and a constant of module image",
        "import image\nfrom datastore import ImageStore\nstore = ImageStore()\n"
        "found = {}\n"
        "for tag in ('default', 'legacy'):\n"
        "    data, kind = store.get(tag)\n"
        "    found[tag] = [type(data).__name__, kind == image.PNG, kind == image.BMP]\n"
        "report(found)\n",
        {"default": ["bytearray", True, False], "legacy": ["bytearray", False, True]},
    )
    yield _case(
        "Q5",
        "get() gives the file as it was provisioned, not its pixels",
        "import binascii, hashlib\nfrom datastore import ImageStore\nstore = ImageStore()\n"
        "found = {}\n"
        "for tag in store.list():\n"
        "    data = store.get(tag)[0]\n"
        "    digest = binascii.hexlify(hashlib.sha256(data).digest()).decode()\n"
        "    found[tag] = [len(data), digest]\n"
        "report(found)\n",
        {tag: [len(file), sha256(file).hexdigest()] for tag, file in digests.items()},
    )
    yield _case(
        "2.1",
        "the constants differ, and JPEG has none",
        "import image\nreport([len({image.NONE, image.PNG, image.BMP}), hasattr(image, 'JPEG')])\n",
        [3, False],
    )
    yield _case(
        "Q6",
        "a JPEG is of type NONE, and its token works",
        "import image\nfrom datastore import ImageStore\nstore = ImageStore()\n"
        "token = store.get_token('photo')\n"
        "report([store.get('photo')[1] == image.NONE, isinstance(token, image.ImageToken)])\n",
        [True, True],
    )
    yield _case(
        "2.1",
        "a token is opaque, and nobody can construct one",
        "import image\nfrom datastore import ImageStore\n"
        "token = ImageStore().get_token('default')\n"
        "try:\n    image.ImageToken()\n    made = True\n"
        "except TypeError:\n    made = False\n"
        "report([type(token) is image.ImageToken, made,"
        " [name for name in dir(token) if not name.startswith('_')]])\n",
        [True, False, []],
    )
    yield _case(
        "2.1",
        "what an application does to its copy of an image stays there",
        "from datastore import ImageStore\nstore = ImageStore()\n"
        "data = store.get('default')[0]\nlength = len(data)\n"
        "for at in range(length):\n    data[at] = 0\n"
        "data.extend(b'more')\n"
        "again = ImageStore().get('default')[0]\n"
        "report([length == len(again), again[:4] == b'\\x89PNG'])\n",
        [True, True],
    )


def _code() -> Iterator[Case]:
    yield _case(
        "2.1",
        "info()['checksum'] is the CRC-32 of the application in ROM, byte for byte",
        "from datastore import CodeStore\nreport(CodeStore().info()['checksum'])\n",
        crc32(ROM_CODE),
    )
    yield _case(
        "Q12",
        "info() has no other key, whichever application asks",
        "from datastore import CodeStore\n"
        "report([list(CodeStore().info()), type(CodeStore().info()['checksum']).__name__])\n",
        [["checksum"], "int"],
    )


def _no_writing() -> Iterator[Case]:
    yield _case(
        "1.4",
        "no call writes any partition",
        "import datastore\n"
        "def public(thing):\n    return sorted(name for name in dir(thing) if name[0] != '_')\n"
        "report([public(datastore.KvStore()), public(datastore.ImageStore()),"
        " public(datastore.CodeStore())])\n",
        [["get", "list"], ["get", "get_token", "list"], ["info"]],
    )
    yield _case(
        "5",
        "nothing of ours is added to the vendor's modules",
        "import datastore, image\n"
        "def public(thing):\n    return sorted(name for name in dir(thing) if name[0] != '_')\n"
        "report([public(datastore), public(image)])\n",
        [["CodeStore", "ImageStore", "KvStore"], ["BMP", "ImageToken", "NONE", "PNG"]],
    )
    yield _case(
        "1.4",
        "what an application does to a list of names stays there",
        "from datastore import ImageStore, KvStore\n"
        "for store in (KvStore(), ImageStore()):\n"
        "    store.list().clear()\n    store.list().append('more')\n"
        "report([len(KvStore().list()), len(ImageStore().list()), 'more' in KvStore().list()])\n",
        [len(_values(FACTORY.common)), 3, False],
    )


def _unknown_images() -> Iterator[Case]:
    yield _case(
        "Q3",
        "an unknown tag raises KeyError",
        "from datastore import ImageStore\nfound = []\n"
        "for ask in (ImageStore().get, ImageStore().get_token):\n"
        "    for tag in ('nothing', '', 'dock_name', 'Default'):\n"
        "        try:\n            ask(tag)\n"
        "        except KeyError:\n            found.append(tag)\n"
        "report(found)\n",
        ["nothing", "", "dock_name", "Default"] * 2,
    )
    yield _case(
        "Q3",
        "an unknown tag gives nothing where the dock model says so",
        "import image\nfrom datastore import ImageStore\nstore = ImageStore()\n"
        "data, kind = store.get('nothing')\n"
        "report([type(data).__name__, len(data), kind == image.NONE,"
        " store.get_token('nothing') is None, store.get_token('default') is None])\n",
        ["bytearray", 0, True, True, False],
        LENIENT,
    )


# -- several layers ------------------------------------------------------------------------------


_EVERYTHING: Final = """\
import binascii, hashlib
from datastore import ImageStore, KvStore
texts, images = KvStore(), ImageStore()
def digest(tag):
    return binascii.hexlify(hashlib.sha256(images.get(tag)[0]).digest()).decode()
report([[[key, texts.get(key)] for key in texts.list()],
    [[tag, digest(tag)] for tag in images.list()]])
"""


def _everything(texts: dict[str, str], images: dict[str, bytes]) -> list[object]:
    """What `_EVERYTHING` reports of a dock where these can be seen."""
    return [
        [[key, texts[key]] for key in sorted(texts)],
        [[tag, sha256(images[tag]).hexdigest()] for tag in sorted(images)],
    ]


def _unique_data() -> Iterator[Case]:
    yield _case(
        "1.3",
        "unique data is ordinary content of ROM",
        _EVERYTHING,
        _everything(
            {
                "content_url": "https://content.example/",
                "dock_name": "Dock 7",
                "enrolment_token": "k7-93-ax",
            },
            {"badge": BMP, "default": PNG},
        ),
        UNIQUE,
    )
    yield _case(
        "Q19",
        "unique data replaces a common entry that the release lets it replace",
        "from datastore import KvStore\n"
        "report([KvStore().get('dock_name'), KvStore().list().count('dock_name')])\n",
        ["Dock 7", 1],
        UNIQUE,
    )


def _look_up() -> Iterator[Case]:
    yield _case(
        "1.1",
        "runtime is seen before ROM, and ROM where runtime has nothing",
        _EVERYTHING,
        _everything(
            {
                "access_token": "t-1",
                "content_url": "https://content.example/",
                "dock_name": "Reception",
                "empty": "",
                "language": "",
            },
            {"default": BRAND, "screen_2": PNG},
        ),
        FIELD,
    )
    yield _case(
        "1.2",
        "the user's image hides the manufacturer's of the same tag alone",
        "from datastore import ImageStore\nstore = ImageStore()\n"
        f"report([store.get('default')[0] == {BRAND!r}, store.get('screen_2')[0] == {PNG!r}])\n",
        [True, True],
        FIELD,
    )
    yield _case(
        "1.1",
        "an empty value hides one of ROM as any other does",
        "from datastore import KvStore\n"
        "report([KvStore().get('language'), 'language' in KvStore().list()])\n",
        ["", True],
        FIELD,
    )


def _nothing() -> Iterator[Case]:
    yield _case(
        "2.1",
        "a dock that holds nothing has empty lists",
        "from datastore import CodeStore, ImageStore, KvStore\n"
        "report([KvStore().list(), ImageStore().list(), KvStore().get('dock_name'),"
        " CodeStore().info()['checksum']])\n",
        [[], [], "", crc32(ROM_CODE)],
        EMPTY,
    )


def _all_three() -> Iterator[Case]:
    yield _case(
        "1.1",
        "ephemeral is seen first, then runtime, then ROM",
        _EVERYTHING,
        _everything(
            {
                "access_token": "t-1",
                "content_url": "https://content.example/",
                "dock_name": "Reception",
                "empty": "",
                "language": "fr",
                "session": "s-9",
            },
            {"default": BRAND, "screen_2": BMP},
        ),
        ALL_THREE,
        NOBODY_WRITES_IT,
    )


# -- which application runs ------------------------------------------------------------------------


def _booting() -> Iterator[Case]:
    checksum = crc32(VERSION_1.data)
    yield _case(
        "Q11",
        "a dock boots the application in ROM",
        "",
        ["version 1", checksum],
        AS_MADE,
    )
    yield _case(
        "1.4",
        "an application pushed for development is run in place of the one in ROM",
        "from datastore import CodeStore\nreport(['pushed', CodeStore().info()['checksum']])\n",
        ["pushed", checksum],
        AS_MADE,
    )
    yield _case(
        "1.2",
        "a newer application in runtime is booted, and info() is still of the one in ROM",
        "",
        ["version 2", checksum],
        UPGRADED,
    )
    yield _case(
        "Q11",
        "when runtime code fails, its stack trace is shown, and nothing falls back to ROM",
        "",
        Fails("SyntaxError"),
        BROKEN,
    )
