"""A dock without our own group: made only where its profile waives what it cannot do, and recorded
so; whatever else it cannot prove ends as ERROR, and a contradiction as FAIL."""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from station.adapters.serial_link import port
from station.adapters.serial_link.docks import SerialDocks
from station.application.cancel import Cancel
from station.application.verifying import Verification, verify_unit
from station.dock.faults import AlreadyLocked, BitFlip, OtherDock
from station.dock.server import Restart
from station.dock.stock_groups import STOCK_GROUPS, requests_of
from station.domain.errors import NoWayToProve
from station.domain.profile import Assurance, Link
from station.domain.verdict import REQUIRED, Check, CheckName, Disposition, Verdict
from station.protocol import image_group as img
from station.protocol.server import ServerPort
from tests.fakes.chance import SeededChance
from tests.fakes.serial_link import Board
from tests.unit.adapters.serial_link.peers import PORT, Place
from tests.unit.application.workbench import (
    AUTHORITY,
    PROFILE,
    Workbench,
    make_board,
    make_profile,
    serial_of,
    token_of,
)

WAIVING = make_profile(waived=frozenset({CheckName.DOCK_ANSWERS}))


class Bench:
    """A station, and one place of its bench with a port on it."""

    def __init__(self, bench: Workbench, place: Place) -> None:
        self.station = bench
        self.place = place
        self.sent = bytearray()
        bench.rewire(SerialDocks(clock=bench.clock, chance=SeededChance(3)))

    def plug(self, number: int = 1, *faults: Any, board: Board | None = None, **made: Any) -> Board:
        """The n-th unit's dock as a stock dock, on its port."""
        plugged = board or make_board(number, *faults, **({"groups": STOCK_GROUPS} | made))

        def receive(data: bytes) -> bytes:
            self.sent += data
            answers = plugged.server.receive(data)
            if plugged.server.wants == Restart():
                plugged.server.restart()
                self.place.wires[-1].leaves = True
            return answers

        self.place.opens = [receive]
        return plugged

    def run(self, number: int = 1, **changes: Any) -> Any:
        made: dict[str, Any] = {"port": PORT, "profile": WAIVING}
        return self.station.run(number, **(made | changes))

    def checks(self, number: int = 1) -> dict[CheckName, Check]:
        return {check.name: check for check in self.station.unit(number).runs[-1].checks}


@pytest.fixture
def stock(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    place = Place(bench.clock)
    monkeypatch.setattr(port, "Terminal", place)
    yield Bench(bench, place)


def test_a_stock_dock_passes_where_its_profile_waives_what_it_cannot_do(stock: Bench) -> None:
    stock.plug()
    outcome = stock.run()
    checks = stock.checks()

    assert (outcome.verdict, outcome.code) == (Verdict.PASS, "")
    assert outcome.closed.disposition is Disposition.GOOD
    assert checks.keys() == REQUIRED | {CheckName.REHEARSED}
    assert [name for name, check in checks.items() if not check.passed] == [CheckName.DOCK_ANSWERS]
    waived = checks[CheckName.DOCK_ANSWERS]
    assert (waived.waived, waived.failed, waived.code) == (True, False, "")
    assert "not made" in waived.evidence and "waived by profile test-dock" in waived.evidence
    assert "no nonce asked" in checks[CheckName.BLOCKS].evidence
    assert "started" in checks[CheckName.ACCEPTED].evidence


def test_the_statement_and_the_ledger_say_which_check_was_not_made(stock: Bench) -> None:
    stock.plug()
    stock.run()
    row = stock.station.unit().runs[-1]
    statement = json.loads(_payload(row.envelope))["predicate"]
    told = {check["name"]: check for check in statement["checks"]}

    assert statement["verdict"] == "PASS"
    assert told["dock_answers"]["passed"] is False
    assert told["dock_answers"]["waived"] is True
    assert [name for name, check in told.items() if "waived" in check] == ["dock_answers"]
    assert "dock_answers" in statement["required"]
    ((identity,),) = stock.station.rows("SELECT identity FROM runs")
    assert json.loads(identity)["stock"] is True


def _payload(envelope: bytes) -> bytes:
    return b64decode(json.loads(envelope)["payload"])


@pytest.mark.parametrize(
    ("profile", "cause"),
    [
        (PROFILE, "does not waive"),
        (replace(WAIVING, link=Link(rom_path="")), "no file to read it back by"),
    ],
)
def test_without_the_waiver_or_a_way_to_read_back_no_run_is_opened(
    stock: Bench, profile: Any, cause: str
) -> None:
    stock.plug()
    before = stock.station.stock
    with pytest.raises(NoWayToProve, match=cause) as refused:
        stock.run(profile=profile)

    assert refused.value.code == "E-LINK-06"
    assert stock.station.stock == before
    assert stock.station.rows("SELECT count(*) FROM runs") == [(0,)]


def test_a_stock_dock_that_claims_a_key_is_not_made(stock: Bench) -> None:
    keyed = replace(WAIVING, assurance=Assurance.D1)
    stock.plug(profile=keyed)
    with pytest.raises(NoWayToProve, match="prove its key"):
        stock.run(profile=keyed)

    assert stock.station.rows("SELECT count(*) FROM runs") == [(0,)]


def test_a_dock_that_can_answer_is_asked_whatever_its_profile_waives(stock: Bench) -> None:
    stock.plug(groups=(0, 64))
    outcome = stock.run()

    assert outcome.verdict is Verdict.PASS
    assert not any(check.waived for check in outcome.checks)
    assert "answered" in stock.checks()[CheckName.DOCK_ANSWERS].evidence


def test_a_dock_that_cannot_be_read_back_ends_as_an_error_and_says_why(stock: Bench) -> None:
    stock.plug(rom_file=False)
    outcome = stock.run()

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-LINK-06")
    assert "/rom/active" in outcome.cause
    assert outcome.closed.disposition is Disposition.OPEN
    assert CheckName.BLOCKS not in stock.checks()


def test_no_byte_of_the_image_leaves_before_the_record_is_sent(stock: Bench) -> None:
    board = stock.plug()
    states: list[str] = []
    answer = board.server._images.answer

    def watching(request: Any) -> Any:
        if isinstance(request, img.Upload):
            ((state,),) = stock.station.rows("SELECT state FROM runs")
            states.append(state)
        return answer(request)

    board.server._images.answer = watching  # type: ignore[method-assign]
    outcome = stock.run()

    assert outcome.verdict is Verdict.PASS
    assert set(states) == {"SENDING"}
    assert token_of(0).encode() in bytes(stock.sent)


def test_a_flipped_bit_in_the_flash_fails_the_dock(stock: Bench) -> None:
    """The virtual dock's own loader would not start it; a plain one does."""
    board = stock.plug()
    files: Any = board.server._files._files
    content = files["/rom/active"]

    def flipped() -> Any:
        image = content()
        return image if image is None else bytes(image[:9_000]) + b"!" + bytes(image[9_001:])

    files["/rom/active"] = flipped
    outcome = stock.run()

    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-02")


def test_an_image_the_loader_did_not_start_is_a_finding_and_is_not_read(stock: Bench) -> None:
    board = stock.plug()
    answer = board.server._images.answer

    def starts_another(request: Any) -> Any:
        states: Any = answer(request)
        if isinstance(request, img.ReadState):
            return img.ImageStates(
                tuple(replace(one, hash=bytes(32)) if one.active else one for one in states.images)
            )
        return states

    board.server._images.answer = starts_another  # type: ignore[method-assign]
    outcome = stock.run()

    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-03")
    assert "did not start" in outcome.cause
    assert stock.checks().keys() == {CheckName.ACCEPTED}
    assert stock.station.unit().runs[-1].bytes_read == 0


def test_a_bit_that_rots_while_the_dock_restarts_is_found(stock: Bench) -> None:
    stock.plug(1, BitFlip())
    outcome = stock.run()

    assert outcome.verdict is Verdict.FAIL
    assert CheckName.CONFIRMED not in stock.checks()


def test_another_dock_after_the_restart_is_found_out(stock: Bench) -> None:
    stock.plug(1, OtherDock())
    outcome = stock.run()

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-IDENT-03")


def test_a_locked_stock_dock_is_a_finding(stock: Bench) -> None:
    stock.plug(1, AlreadyLocked())
    outcome = stock.run()

    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-LOCK-01")


def verified(stock: Bench) -> Verification:
    return verify_unit(
        serial_of(1),
        PORT,
        link=Link(),
        docks=stock.station.cables,
        registry=stock.station.registry,
        authority=AUTHORITY,
        done=lambda size: None,
        cancel=Cancel(),
        device_keys=stock.station.device_keys,
        chance=SeededChance(5),
    )


def test_a_stock_dock_that_passed_is_verified_without_what_it_did_without(stock: Bench) -> None:
    stock.plug()
    stock.run()
    found = verified(stock)

    assert found.holds
    assert [check.name for check in found.checks if check.waived] == [CheckName.DOCK_ANSWERS]
    assert {check.name for check in found.checks if check.passed} == {
        CheckName.BLOCKS,
        CheckName.IMAGE,
        CheckName.CONFIRMED,
    }


def test_a_dock_that_answered_when_it_passed_is_not_let_off_later(stock: Bench) -> None:
    board = stock.plug(groups=(0, 64))
    stock.run()
    stock.plug(board=_as_stock(board))
    with pytest.raises(NoWayToProve, match="which answered"):
        verified(stock)


def _as_stock(board: Board) -> Board:
    """The same dock with a firmware that serves less."""
    board.server._port = ServerPort(requests_of(STOCK_GROUPS), buf_size=4_096, buf_count=8)
    return board


def test_a_stock_dock_that_changed_since_is_found_out(stock: Bench) -> None:
    board = stock.plug()
    stock.run()
    files: Any = board.server._files._files
    content = files["/rom/active"]
    files["/rom/active"] = lambda: bytes(content())[:-1] + b"!"
    found = verified(stock)

    assert not found.holds
