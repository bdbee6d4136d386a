"""Developers' docks from end to end: posted to as the documentation says, looked at over the wire.

Services and docks are processes of the real program; so is the client, where a person would type.
"""

import fcntl
import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from zlib import crc32

import pytest

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.docks import SerialDocks
from station.application.ports import DockAnswers
from station.domain.profile import Link
from station.protocol import datastore_group as store
from tests.end_to_end.virtual_docks import ROOT, Client, until
from tests.unit.dock import rest_bodies as bodies
from tests.unit.dock.rest_bodies import base64

PROGRAM: Final = (sys.executable, "-m", "station")
SECRET: Final = "c4n4ry-5ec2e7"
WELCOME: Final = ROOT / "firmware_bundles" / "welcome"
BASIC: Final = ROOT / "upd_templates" / "basic.yaml"

ROM_APPLICATION: Final = b"""\
from splashscreen import Splashscreen
from vision_client import VisionClient

screen, client = Splashscreen(), VisionClient()


def received(message):
    screen.add_text_box("received " + bytes(message).decode(), {"x": 0, "y": 1})


client.on_message(received)
screen.add_text_box("this is ROM", {"x": 0, "y": 0})
"""
PUSHED_APPLICATION: Final = ROM_APPLICATION.replace(b"this is ROM", b"this was pushed")


@dataclass(frozen=True)
class Service:
    """A running `station dock run --rest`. announced: the JSON it printed."""

    process: subprocess.Popen[str]
    announced: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.announced["rest"])

    def post(self, path: str, body: dict[str, Any], token: str = "") -> tuple[int, Any]:
        """As the vendor's scripts do, with nothing but the standard library."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = Request(self.url + path, json.dumps(body).encode(), headers, method="POST")
        trusted = self.announced.get("certificate")
        context = ssl.create_default_context(cafile=trusted) if trusted else None
        try:
            with urlopen(request, timeout=20, context=context) as response:
                return response.status, json.loads(response.read())
        except HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read())

    def log_in(self) -> str:
        status, reply = self.post("/isv/application/login", bodies.login())
        assert status == 201, reply
        return str(reply["data"]["attributes"]["accessToken"])

    def dock(self, number: int) -> "OneDock":
        return OneDock(Path(self.announced["ports"][number]), self.announced["dock_ids"][number])

    def end(self) -> tuple[int, str]:
        """Exit status, and what it said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err


@dataclass(frozen=True)
class OneDock:
    """A dock as whoever sits before it sees it."""

    port: Path
    id: str

    def answers(self) -> DockAnswers:
        """What its datastore says over the serial port, by the station's own adapter."""
        until(self.port.exists)
        with SerialDocks(clock=SystemClock(), chance=SystemChance()).open(
            str(self.port), Link()
        ) as dock:
            dock.identify()
            return dock.answers()

    def texts(self) -> list[str]:
        """What is written on its screen."""
        with self._client() as client:
            page = client.ask(store.Screen(store.ScreenForm.TEXT, 0, 4_000))
            shown = json.loads(bytes(page.data))
            return [box["plain"] for box in shown["boxes"]] + [shown["trace"]] * bool(
                shown["trace"]
            )

    def state(self) -> store.ApplicationAnswer:
        with self._client() as client:
            return client.ask(store.Application())

    def restart(self) -> None:
        with self._client() as client:
            client.restart()

    def shows(self, *texts: str) -> bool:
        return self.texts() == list(texts)

    @contextmanager
    def _client(self) -> Iterator[Client]:
        until(self.port.exists)
        client = Client(self.port)
        try:
            client.greet()
            yield client
        finally:
            client.close()


@contextmanager
def serving(folder: Path, *options: object) -> Iterator[Service]:
    """The real program, until the block is left."""
    process = subprocess.Popen(
        [*PROGRAM, "dock", "run", "--rest=127.0.0.1:0", *map(str, options), "--json"],
        cwd=ROOT,
        env={**os.environ, "STATION_HOME": str(folder / "home")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate()[1])
        yield Service(process, json.loads(line))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two docks behind one service."""
    with serving(tmp_path_factory.mktemp("two"), "--plain-http", "--docks=2") as service:
        yield service


def rom_store(dock: OneDock, application: bytes = ROM_APPLICATION) -> dict[str, Any]:
    return bodies.romstore(dockId=dock.id, code={"code": base64(application)})


# -- as the documentation says -------------------------------------------------------------------


def test_what_is_announced_is_all_a_developer_needs(two: Service) -> None:
    announced = two.announced

    assert announced["rest"].startswith("http://127.0.0.1:")
    assert announced["rest"].endswith("/api")
    assert len(set(announced["dock_ids"])) == len(set(announced["ports"])) == 2
    assert all(len(one) == 64 for one in announced["dock_ids"])
    assert len(announced["labels"]) == 2
    assert announced["profile"] == "dl7450-virtual"
    assert "certificate" not in announced


def test_a_documented_rom_store_is_found_on_the_dock_and_nowhere_else(two: Service) -> None:
    first, second, token = two.dock(0), two.dock(1), two.log_in()
    other = bodies.romstore(dockId=second.id, kvStore={"dock_name": "the other one"})
    assert two.post("/docks/application/romstore", other, token)[0] == 200
    before = second.answers()

    status, _ = two.post("/docks/application/romstore", rom_store(first), token)

    assert status == 200
    assert first.answers() == DockAnswers(
        values={"dock_name": "mydock", "timezone": "CST"},
        pictures={
            tag: (type_, len(content), sha256(content).digest())
            for tag, type_, content in (
                ("mypng", "PNG", bodies.PNG),
                ("mybmp", "BMP", bodies.BMP),
                ("myjpeg", "JPEG", bodies.JPEG),
            )
        },
        code_checksum=crc32(ROM_APPLICATION),
    )
    until(partial(first.shows, "this is ROM"))
    assert second.answers() == before


def test_pushed_code_runs_at_once_and_a_restart_returns_to_rom(two: Service) -> None:
    dock, token = two.dock(0), two.log_in()
    assert two.post("/docks/application/romstore", rom_store(dock), token)[0] == 200
    code = bodies.code(dockId=dock.id, code=base64(PUSHED_APPLICATION))

    assert two.post("/docks/application/code", code, token)[0] == 200

    until(partial(dock.shows, "this was pushed"))
    assert dock.answers().code_checksum == crc32(ROM_APPLICATION)
    dock.restart()
    until(partial(dock.shows, "this is ROM"))


def test_a_message_reaches_the_applications_callback_whole(two: Service) -> None:
    dock, token = two.dock(1), two.log_in()
    assert two.post("/docks/application/romstore", rom_store(dock), token)[0] == 200
    until(partial(dock.shows, "this is ROM"))
    message = bodies.message(dockId=dock.id, message=base64(b"tHello, World!"))

    assert two.post("/docks/application/message", message, token)[0] == 201

    until(partial(dock.shows, "this is ROM", "received tHello, World!"))


def test_code_that_fails_shows_its_trace_and_a_restart_returns_to_rom(two: Service) -> None:
    dock, token = two.dock(0), two.log_in()
    assert two.post("/docks/application/romstore", rom_store(dock), token)[0] == 200
    code = bodies.code(dockId=dock.id, code=base64(b"1 / 0\n"))

    assert two.post("/docks/application/code", code, token)[0] == 200

    until(lambda: dock.state().state is store.Running.FAILED)
    assert "ZeroDivisionError" in dock.state().trace
    dock.restart()
    until(partial(dock.shows, "this is ROM"))


def test_a_rom_store_that_is_refused_leaves_the_dock_as_it_was(two: Service) -> None:
    dock, token = two.dock(0), two.log_in()
    assert two.post("/docks/application/romstore", rom_store(dock), token)[0] == 200
    until(partial(dock.shows, "this is ROM"))
    before = dock.answers()
    too_much = rom_store(dock, b"#" * 13_000_000)

    refused = [
        two.post("/docks/application/romstore", body, token)
        for body in (bodies.romstore(dockId=dock.id, kvStore={"a": 1}), too_much)
    ]

    assert [(status, reply["errors"][0]["code"]) for status, reply in refused] == [
        (400, "E-REST-400"),
        (400, "E-FILE-04"),
    ]
    assert dock.answers() == before
    assert dock.shows("this is ROM")


def test_an_empty_rom_store_erases_the_dock(two: Service) -> None:
    dock, token = two.dock(1), two.log_in()
    nothing: dict[str, Any] = {"code": {"code": ""}, "kvStore": {}, "images": {}}

    status, _ = two.post(
        "/docks/application/romstore", bodies.romstore(dockId=dock.id, **nothing), token
    )

    assert status == 200
    assert dock.answers() == DockAnswers({}, {}, None)
    assert dock.state().state is store.Running.ABSENT


def test_a_dock_made_for_production_refuses_everything(tmp_path: Path) -> None:
    profile = tmp_path / "production.yaml"
    built_in = ROOT / "station" / "adapters" / "files" / "profiles" / "dl7450-virtual.yaml"
    profile.write_text(
        built_in.read_text(encoding="utf-8").replace("stage: development", "stage: production"),
        encoding="utf-8",
    )
    with serving(tmp_path, "--plain-http", f"--profile={profile}") as service:
        dock, token = service.dock(0), service.log_in()
        answered = [
            service.post(f"/docks/application/{name}", body, token)
            for name, body in (
                ("romstore", rom_store(dock)),
                ("code", bodies.code(dockId=dock.id)),
                ("message", bodies.message(dockId=dock.id)),
            )
        ]

    assert [status for status, _ in answered] == [403] * 3
    assert {reply["errors"][0]["code"] for _, reply in answered} == {"E-DOCK-05"}


def test_the_service_ends_in_good_order_and_logs_no_secret(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        certificate = Path(service.announced["certificate"])
        assert service.url.startswith("https://")
        token = service.log_in()
        body = bodies.romstore(dockId=service.dock(0).id, kvStore={"a": SECRET})
        assert service.post("/docks/application/romstore", body, token)[0] == 200

        status, err = service.end()

    assert status == 0
    assert not certificate.exists()
    assert not any(text in err for text in (token, SECRET, bodies.CLIENT_SECRET, "Traceback"))
    assert err.splitlines() == [
        f"rest: /docks/application/romstore dock {body['data']['attributes']['dockId']}: 200"
    ]


def test_a_flash_that_is_kept_keeps_what_was_pushed(tmp_path: Path) -> None:
    flash = f"--flash={tmp_path / 'dev.flash'}"
    identity = (f"--dock-id={bodies.DOCK_ID}", "--label=DEV-1")
    with serving(tmp_path, "--plain-http", flash, *identity) as service:
        dock = service.dock(0)
        body = rom_store(dock)
        assert service.post("/docks/application/romstore", body, service.log_in())[0] == 200
        before = dock.answers()
        assert service.end()[0] == 0

    with serving(tmp_path, "--plain-http", flash, *identity) as service:
        assert service.dock(0).answers() == before


def test_listening_for_everybody_is_said_to_be_what_it_is(tmp_path: Path) -> None:
    with serving(tmp_path, "--rest=0.0.0.0:0", "--plain-http", "--no-application") as service:
        assert service.log_in()

        _, err = service.end()

    assert "reached from other machines" in err
    assert "can be read on the way" in err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--rest=127.0.0.1"], "E-USAGE-01"),
        (["--rest=127.0.0.1:70000"], "E-USAGE-01"),
        (["--rest=/tmp:80"], "E-USAGE-01"),
        (["--plain-http"], "E-USAGE-01"),
        (["--rest=192.0.2.1:0"], "E-DOCK-08"),
        (["--rest=127.0.0.1:0", "--credentials=missing.json"], "E-FILE-01"),
    ],
)
def test_a_service_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, options: Sequence[str], code: str
) -> None:
    said = station(tmp_path, "dock", "run", "--no-application", *options)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"{code}: ")


# -- the client ----------------------------------------------------------------------------------


def station(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A command of the real program; nobody is there to be asked."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "STATION_HOME": str(folder / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("credentials") / "credentials.json"
    given = {"clientId": "c4n4ry-1d", "clientSecret": SECRET, "enterpriseId": "c4n4ry-e2"}
    file.write_text(json.dumps(given), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, credentials: Path) -> Iterator[Service]:
    """One dock behind HTTPS, for those who have the credentials."""
    with serving(tmp_path_factory.mktemp("one"), f"--credentials={credentials}") as service:
        yield service


def push(
    folder: Path, service: Service, credentials: Path, *arguments: object
) -> subprocess.CompletedProcess[str]:
    return station(
        folder,
        *("dock", "push", f"--rest={service.url}", f"--dock-id={service.dock(0).id}"),
        f"--credentials={credentials}",
        f"--ca={service.announced['certificate']}",
        *arguments,
    )


def test_a_bundle_is_pushed_and_the_dock_reports_what_the_answer_says_it_must(
    tmp_path: Path, encrypted: Service, credentials: Path
) -> None:
    said = push(tmp_path, encrypted, credentials, WELCOME, "--json")

    assert said.returncode == 0, said
    answer = json.loads(said.stdout)
    assert (answer["pushed"], answer["accepted"], answer["verified"]) == ("romstore", True, False)
    found = encrypted.dock(0).answers()
    assert found.code_checksum == answer["code_crc32"] == crc32((WELCOME / "main.py").read_bytes())
    assert sorted(found.values) == answer["keys"]
    assert sorted(found.pictures) == answer["tags"]
    assert SECRET not in said.stdout + said.stderr


def test_unique_data_joins_as_examples_and_says_so(
    tmp_path: Path, encrypted: Service, credentials: Path
) -> None:
    joined = (f"--template={BASIC}", "--serial=DK7F-00317")

    said = push(tmp_path, encrypted, credentials, WELCOME, *joined, "--json")

    assert said.returncode == 0, said
    answer = json.loads(said.stdout)
    found = encrypted.dock(0).answers()
    assert sorted(found.values) == answer["keys"]
    assert answer["examples"]
    assert "DK7F-00317" in found.values.values()


def test_code_and_a_message_are_pushed_to_the_running_dock(
    tmp_path: Path, encrypted: Service, credentials: Path
) -> None:
    file, dock = tmp_path / "application.py", encrypted.dock(0)
    file.write_bytes(PUSHED_APPLICATION)

    code = push(tmp_path, encrypted, credentials, f"--code={file}")
    until(partial(dock.shows, "this was pushed"))
    message = push(tmp_path, encrypted, credentials, "--message=Grüße")

    assert (code.returncode, message.returncode) == (0, 0)
    assert f"CRC-32 {crc32(PUSHED_APPLICATION)}" in code.stdout
    assert message.stdout == f"accepted, unverified: message for dock {dock.id}\n"
    until(partial(dock.shows, "this was pushed", "received tGrüße"))


@pytest.mark.parametrize(
    ("changed", "code", "status"),
    [
        ({"clientSecret": "c4n4ry-0ther"}, "E-CLOUD-01", 2),
        ({"enterpriseId": "c4n4ry-0ther"}, "E-CLOUD-01", 2),
        ({"clientSecret": ""}, "E-FILE-02", 2),
    ],
)
def test_credentials_that_are_not_known_are_refused_and_never_shown(
    tmp_path: Path,
    encrypted: Service,
    credentials: Path,
    changed: dict[str, str],
    code: str,
    status: int,
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(json.loads(credentials.read_text()) | changed), encoding="utf-8")

    said = push(tmp_path, encrypted, wrong, "--message=x", "--json")

    assert said.returncode == status
    assert json.loads(said.stdout)["error"]["code"] == code
    assert "c4n4ry" not in said.stdout + said.stderr


def test_a_service_that_is_not_trusted_is_told_nothing(
    tmp_path: Path, encrypted: Service, credentials: Path
) -> None:
    said = station(
        tmp_path,
        *("dock", "push", f"--rest={encrypted.url}", f"--dock-id={encrypted.dock(0).id}"),
        *(f"--credentials={credentials}", "--message=x"),
    )

    assert said.returncode == 20
    assert said.stderr.startswith("E-CLOUD-03: ")


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        ([], "E-USAGE-01", 2),
        (["--message=x", "--code=y"], "E-USAGE-01", 2),
        ([WELCOME, "--message=x"], "E-USAGE-01", 2),
        ([WELCOME, "--serial=S"], "E-USAGE-01", 2),
        (["--message=x", "--serial=S", f"--template={BASIC}"], "E-USAGE-01", 2),
        (["--code=/nowhere.py"], "E-FILE-01", 2),
        (["/nowhere"], "E-FILE-01", 2),
        (["--message=x"], "E-KEY-01", 14),
        (["--message=x", "--credentials=/nowhere.json"], "E-FILE-01", 2),
    ],
)
def test_a_push_that_cannot_be_is_refused_before_anybody_is_called(
    tmp_path: Path, arguments: Sequence[object], code: str, status: int
) -> None:
    target = ("--rest=http://127.0.0.1:9/api", f"--dock-id={bodies.DOCK_ID}")

    said = station(tmp_path, "dock", "push", *target, *arguments)

    assert said.returncode == status
    assert said.stderr.startswith(f"{code}: ")


def test_a_person_is_asked_and_their_secret_is_not_echoed(tmp_path: Path, two: Service) -> None:
    ours, theirs = pty.openpty()

    def control() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    target = (f"--rest={two.url}", f"--dock-id={two.dock(0).id}")
    process = subprocess.Popen(
        [*PROGRAM, "dock", "push", *target, "--message=x"],
        cwd=ROOT,
        env={**os.environ, "STATION_HOME": str(tmp_path / "home")},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=control,  # noqa: PLW1509
    )
    os.close(theirs)
    seen = b""

    def shows(text: bytes) -> bool:
        nonlocal seen
        with suppress(OSError):  # its end of the line has gone
            seen += os.read(ours, 4096)
        return text in seen

    try:
        for prompt, typed in (
            (b"Client id", b"c4n4ry-1d"),
            (b"Client secret", SECRET.encode()),
            (b"Enterprise id", b"c4n4ry-e2"),
        ):
            until(partial(shows, prompt))
            os.write(ours, typed + b"\n")
        until(partial(shows, b"accepted, unverified"))
        assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)

    assert SECRET.encode() not in seen


def test_ctrl_c_ends_a_push_that_waits(tmp_path: Path, credentials: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        process = subprocess.Popen(
            [
                *PROGRAM,
                *("dock", "push", f"--rest=http://127.0.0.1:{port}/api", "--message=x"),
                *(f"--dock-id={bodies.DOCK_ID}", f"--credentials={credentials}", "--json"),
            ],
            cwd=ROOT,
            env={**os.environ, "STATION_HOME": str(tmp_path / "home")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(10)
                process.send_signal(signal.SIGINT)
                out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()

    assert process.returncode == 130
    assert json.loads(out)["error"]["code"] == "E-STOP-01"
