"""The parent believes nothing: whatever a child says or does, it is ended, and nothing is left."""

import json
import os
import select
from collections.abc import Iterator
from zlib import crc32

import pytest

from station.datastore.partitions import Datastore, PartitionName
from station.domain.entries import Entry, Kind, PictureType
from station.domain.rehearsal import Call, Finding, FindingKind
from station.domain.splash import TextBox
from station.protocol.datastore_group import Running
from station.rehearsal.application import MESSAGES_WAITING_MAX, UNHEARD_BYTES_MAX, Application
from station.rehearsal.statements import CALLS_MAX, FINDINGS_MAX
from tests.unit.rehearsal.stage import (
    PATIENCE_MS,
    attend_until,
    begun,
    datastore,
    descriptors,
    ended,
    liar,
    nothing_left_behind,
)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left_behind():
        yield


def test_an_honest_child_is_believed() -> None:
    application = ended(
        begun(
            liar("""
            say("ready")
            say("call", 5, "dock.DockInfo", "")
            say("screen", [["hello", None, None, "left"]], None)
            say("found", "markup", "odd")
            say("over", 60000)
            """)
        )
    )

    assert (application.state, application.trace) == (Running.ENDED, "")
    assert application.splash.boxes == (TextBox("hello"),)
    assert list(application.calls) == [Call(5, "dock.DockInfo")]
    assert application.findings == (Finding(FindingKind.MARKUP, "odd"),)
    assert application.ran_ms == 60_000


def test_what_it_asks_of_the_datastore_is_answered() -> None:
    held = datastore(
        "pass", Entry(Kind.KV, "key", b"value"), Entry(Kind.IMG, "tag", bytes(3), PictureType.BMP)
    )
    application = begun(
        liar("""
        say("ready")
        heard = []
        for question in (
            ["names", "kv"], ["entry", "kv", "key"], ["entry", "img", "tag"],
            ["entry", "kv", "none"], ["checksum"],
        ):
            say(*question)
            head, body = told()
            heard.append([head, body.hex()])
        say("screen", [[json.dumps(heard), None, None, "left"]], None)
        say("over", 1)
        """),
        held,
    )

    (box,) = ended(application).splash.boxes

    assert json.loads(box.markup) == [
        [["answer", ["key"]], ""],
        [["answer", True, None], b"value".hex()],
        [["answer", True, "BMP"], "000000"],
        [["answer", False, None], ""],
        [["answer", crc32(b"pass")], ""],
    ]


def test_an_image_is_looked_up_when_it_is_shown() -> None:
    held = datastore("pass", Entry(Kind.IMG, "tag", b"octets", PictureType.PNG))
    application = ended(
        begun(
            liar("""
            say("ready")
            say("screen", [], ["image", "tag"])
            say("screen", [], ["image", "gone"])
            say("over", 1)
            """),
            held,
        )
    )

    background = application.splash.background
    assert background is not None
    assert (background.content, background.picture) == (b"octets", PictureType.PNG)
    assert application.findings == (Finding(FindingKind.BACKGROUND, "the image 'gone' has gone"),)


class Rotten:
    """A partition whose flash has lost what it held."""

    name = PartitionName.RUNTIME

    def get(self, kind: Kind, name: str) -> Entry | None:
        raise ValueError("a record that is none")

    def holds(self, kind: Kind, name: str) -> bool:
        return True

    def names(self, kind: Kind) -> list[str]:
        return ["key"]


@pytest.mark.parametrize("asks", ["say('entry', 'kv', 'key')", "say('screen', [], ['image', 'x'])"])
def test_flash_that_loses_what_it_held_ends_the_application_and_not_the_dock(asks: str) -> None:
    held = Datastore((Rotten(),))
    application = ended(begun(liar(f"say('ready'); {asks}; told()"), held, code=b"pass"))

    assert application.state is Running.FAILED
    assert application.trace == "ended: the datastore it asked has changed underneath"


GARBAGE = {
    "octets": "link.sendall(b'GET / HTTP/1.1' + bytes(100))",
    "a huge frame": "link.sendall(struct.pack('>II', 2**31, 0))",
    "a huge body": "link.sendall(struct.pack('>II', 2, 2**31) + b'[]')",
    "no JSON": "link.sendall(struct.pack('>II', 2, 0) + b'}{')",
    "no list": "link.sendall(struct.pack('>II', 2, 0) + b'{}')",
    "an unknown word": "say('ready'); say('sing')",
    "a word of the parent": "say('ready'); say('answer', 1)",
    "twice ready": "say('ready'); say('ready')",
    "a call before it is ready": "say('call', 1, 'x', '')",
    "an end before it is ready": "say('over', 1)",
    "an exception before it is ready": "say('raised', 'x', 1)",
    "more after its end": "say('ready'); say('over', 1); say('call', 1, 'x', '')",
    "two ends": "say('ready'); say('raised', 'x', 1); say('over', 1)",
    "too many boxes": "say('ready'); say('screen', [['', n, 0, 'left'] for n in range(257)], None)",
    "a huge number": "say('ready'); say('call', 10**300, 'x', '')",
}


@pytest.mark.parametrize("script", GARBAGE.values(), ids=GARBAGE)
def test_whoever_talks_garbage_is_ended(script: str) -> None:
    application = ended(begun(liar(f"{script}\ntime.sleep({PATIENCE_MS})")))

    assert application.state is Running.FAILED
    assert [one.kind for one in application.findings][-1] is FindingKind.ENDED
    assert application.trace.startswith("ended: its process said what no application says: ")
    assert len(application.trace.splitlines()) == 1


def test_calls_and_findings_without_end_are_kept_up_to_their_limit() -> None:
    application = begun(
        liar(f"""
        say("ready")
        for n in range({CALLS_MAX + 500}):
            say("call", n, "x", "")
        for n in range({FINDINGS_MAX + 50}):
            say("found", "markup", str(n))
        say("over", 1)
        """)
    )

    assert ended(application).state is Running.ENDED
    assert len(application.calls) == CALLS_MAX
    assert len(application.findings) == FINDINGS_MAX


def test_frames_without_end_keep_nobody_from_ending_it() -> None:
    application = begun(
        liar("""
        say("ready")
        while True:
            say("screen", [["x" * 16000, n, 0, "left"] for n in range(4)], None)
        """)
    )
    attend_until(application, lambda: bool(application.splash.boxes))
    for _ in range(100):
        application.attend()
    application.end(FindingKind.ENDLESS, "it came to no end")

    assert application.state is Running.FAILED
    assert application.trace == "ended: it came to no end"


def test_answers_do_not_pile_up_for_a_child_that_takes_none() -> None:
    held = datastore("pass", Entry(Kind.KV, "key", bytes(b"x" * 1_000_000)))
    application = begun(
        liar("""
        say("ready")
        octets = json.dumps(["entry", "kv", "key"]).encode()
        while True:
            link.sendall(10_000 * (struct.pack(">II", len(octets), 0) + octets))
        """),
        held,
    )

    assert ended(application).state is Running.FAILED
    assert application.trace.endswith("it speaks and does not listen")


def test_the_limit_on_what_waits_is_more_than_one_statement_of_an_honest_child() -> None:
    application = begun(
        liar("""
        say("ready")
        say("entry", "kv", "key")
        say("screen", [], ["picture", "BMP"], body=bytes(1 << 24))
        told()
        say("over", 1)
        """),
        datastore("pass", Entry(Kind.KV, "key", bytes(b"x" * 1_000_000))),
    )

    assert ended(application).state is Running.ENDED
    assert UNHEARD_BYTES_MAX > 1 << 24


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("os._exit(3)", "its process was ended (status 3)"),
        ("os.kill(os.getpid(), 9)", "its process was ended (SIGKILL)"),
        ("os.kill(os.getpid(), 11)", "its process was ended (SIGSEGV)"),
        ("link.close(); time.sleep(600)", "its process was ended (SIGKILL)"),
    ],
)
def test_a_process_that_goes_is_noticed(script: str, how: str) -> None:
    application = ended(begun(liar(f"say('ready'); {script}")))

    assert (application.state, application.trace) == (Running.FAILED, f"ended: {how}")
    assert application.findings == (Finding(FindingKind.ENDED, how),)
    assert application.impossible == ""


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("say('cannot', 'no library')", "no library"),
        ("os._exit(1)", "its process ended at its start (status 1)"),
    ],
)
def test_a_child_that_never_ran_is_the_machines_fault(script: str, why: str) -> None:
    application = ended(begun(liar(script)))

    assert application.state is Running.FAILED
    assert application.impossible == why
    assert application.findings == ()


def test_an_exception_is_what_the_screen_shows() -> None:
    application = ended(
        begun(
            liar("""
            say("ready")
            say("screen", [["hello", None, None, "left"]], None)
            say("raised", "Traceback: ValueError", 17)
            """)
        )
    )

    assert (application.state, application.trace) == (Running.FAILED, "Traceback: ValueError")
    assert application.splash.trace == "Traceback: ValueError"
    assert application.ran_ms == 17


def test_what_it_said_before_it_went_counts_though_it_did_not_listen() -> None:
    application = begun(
        liar("""
        say("ready")
        say("entry", "kv", "key")
        say("raised", "Traceback: MemoryError", 1)
        """),
        datastore("pass", Entry(Kind.KV, "key", bytes(b"x" * 1_000_000))),
    )

    assert ended(application).trace == "Traceback: MemoryError"


def test_messages_reach_a_child_that_takes_them() -> None:
    application = begun(
        liar("""
        say("ready")
        boxes = []
        for n in range(3):
            head, body = told()
            boxes.append([body.decode(), n, 0, "left"])
        say("screen", boxes, None)
        told()
        """)
    )
    attend_until(application, lambda: application.state is Running.RUNNING)
    for message in (b"one", b"", b"x" * 10_000):
        application.deliver(message)
    attend_until(application, lambda: bool(application.splash.boxes))
    application.stop()

    assert [box.markup for box in application.splash.boxes] == ["one", "", "x" * 10_000]


def test_messages_nobody_takes_are_dropped() -> None:
    application = begun(liar("say('ready'); time.sleep(600)"))
    attend_until(application, lambda: application.state is Running.RUNNING)
    for _ in range(100 * MESSAGES_WAITING_MAX):
        application.deliver(bytes(1_000_000))
    waiting = sum(len(piece) for piece in application._unsent)
    application.stop()

    assert waiting < (MESSAGES_WAITING_MAX + 1) * 1_000_100


def test_a_stopped_application_is_gone_whatever_it_does() -> None:
    before = descriptors()
    application = begun(liar("say('ready')\nwhile True: pass"))
    attend_until(application, lambda: application.state is Running.RUNNING)
    process = application._process.pid
    application.stop()
    application.stop()
    application.attend()
    application.deliver(b"late")
    application.end(FindingKind.ENDLESS, "late")

    assert application.state is Running.ENDED
    assert application.fileno() == -1
    assert descriptors() == before
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_stopping_changes_nothing_about_an_exception() -> None:
    application = begun(liar("say('ready'); say('raised', 'x', 1); time.sleep(600)"))
    attend_until(application, lambda: application.state is Running.FAILED)
    application.stop()

    assert (application.state, application.trace) == (Running.FAILED, "x")


def test_attending_never_waits() -> None:
    application = begun(liar("time.sleep(600)"))
    for _ in range(10):
        application.attend()
    application.stop()

    assert application.state is Running.ENDED


def test_it_can_be_selected_by_the_loop_of_a_dock() -> None:
    application: Application = begun(liar("say('ready'); told()"))
    readable, _, _ = select.select([application], [], [], PATIENCE_MS / 1000)
    application.stop()

    assert readable == [application]
