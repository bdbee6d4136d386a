"""What a dock tells of itself to clients that know no dock: groups 10 and 0."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.dock.settings import Settings
from station.dock.stock_groups import ALL_GROUPS, STOCK_GROUPS, NoSuchGroup
from station.protocol import datastore_group as store
from station.protocol import enumeration_group as enumeration
from station.protocol import filesystem_group as files
from station.protocol import image_group as images
from station.protocol import os_group
from station.protocol.enumeration_group import EnumerationCode, GroupAtAnswer, GroupDetails
from station.protocol.os_group import SystemCode
from station.protocol.shape import Request
from station.protocol.smp import ReturnCode
from tests.unit.dock.images import AUTHORITY, DOCK_ID, LABEL, PRODUCT, make_plan, make_profile
from tests.unit.dock.stock_dock import StockDock

NOT_SERVED = (None, ReturnCode.NOT_SUPPORTED, "")

PLAN = make_plan()


def test_the_groups_served_are_counted_listed_and_named() -> None:
    dock = StockDock()

    assert dock.ask(enumeration.GroupCount()).count == 5
    assert dock.ask(enumeration.Groups()).groups == (0, 1, 8, 10, 64)
    assert dock.ask(enumeration.GroupAt()) == GroupAtAnswer(0)
    assert dock.ask(enumeration.GroupAt(3)) == GroupAtAnswer(10)
    assert dock.ask(enumeration.GroupAt(4)) == GroupAtAnswer(64, end=True)
    details = {one.group: one for one in dock.ask(enumeration.Details()).groups}
    assert details[0] == GroupDetails(0, "os mgmt", 5)
    assert details[1] == GroupDetails(1, "img mgmt", 4)
    assert details[8] == GroupDetails(8, "fs mgmt", 5)
    assert details[10] == GroupDetails(10, "enum mgmt", 4)
    assert details[64].name == "datastore"


def test_details_are_told_of_those_asked_for_that_there_are() -> None:
    dock = StockDock()

    assert [each.group for each in dock.ask(enumeration.Details((64, 7, 1))).groups] == [1, 64]
    assert dock.ask(enumeration.Details(())).groups == ()


@pytest.mark.parametrize("index", [5, 0xFFFF])
def test_there_is_no_group_behind_the_last(index: int) -> None:
    code = StockDock().code(enumeration.GroupAt(index))

    assert code == (enumeration.GROUP, EnumerationCode.INDEX_TOO_LARGE, "")


def test_a_stock_server_knows_nothing_of_group_64() -> None:
    dock = StockDock(groups=STOCK_GROUPS)

    assert dock.ask(enumeration.Groups()).groups == (0, 1, 8, 10)
    assert dock.code(store.Identify()) == NOT_SERVED
    assert dock.code(store.Begin(1_000)) == NOT_SERVED


def test_a_dock_can_be_written_and_read_back_through_a_stock_server_alone() -> None:
    dock = StockDock(groups=STOCK_GROUPS)

    dock.install_stock(PLAN)

    assert dock.file("/rom/active") == bytes(PLAN.read(0, PLAN.size_bytes))
    assert dock.marks == [(0, "ac")]
    assert store.Identity.from_document(dock.file("/dock/identity")).dock_id == DOCK_ID.octets


@pytest.mark.parametrize("missing", [1, 8, 10])
def test_a_group_that_is_not_served_is_refused(missing: int) -> None:
    dock = StockDock(groups=[group for group in ALL_GROUPS if group != missing])
    asked: dict[int, Request[Any]] = {
        1: images.ReadState(),
        8: files.Status("/rom/active"),
        10: enumeration.Groups(),
    }

    assert dock.code(asked[missing]) == NOT_SERVED


@pytest.mark.parametrize("groups", [(), (1, 8), (0, 2), (0, 1, 65)])
def test_a_dock_cannot_serve_other_groups_or_do_without_the_first(groups: tuple[int, ...]) -> None:
    settings = Settings(
        *(Path("flash"), Path("port"), DOCK_ID, LABEL, make_profile(), PRODUCT, AUTHORITY)
    )
    with pytest.raises(NoSuchGroup):
        replace(settings, groups=groups)


# -- group 0 -----------------------------------------------------------------------------------


def test_it_describes_itself_as_any_system_does() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)

    assert dock.system() == "DL-7450"
    assert dock.system("a") == (
        "DL-7450 DK7F-00001 1.0.0 test-dock DK-7F C virtual-dock station-dock"
    )
    assert dock.system("rsn") == "DL-7450 DK7F-00001 1.0.0"


@pytest.mark.parametrize("parts", ["x", "sx", "S", "b", " "])
def test_parts_nobody_knows_are_refused(parts: str) -> None:
    code = StockDock().code(os_group.Info(parts))

    assert code == (os_group.GROUP, SystemCode.INVALID_FORMAT, "")


def test_its_boot_loader_has_a_name_and_answers_no_queries() -> None:
    dock = StockDock()

    assert dock.ask(os_group.Bootloader()).name == "virtual-dock"
    code = dock.code(os_group.Bootloader("mode"))
    assert code == (os_group.GROUP, SystemCode.QUERY_YIELDS_NO_ANSWER, "")


def test_an_echo_may_be_asked_for_either_way() -> None:
    dock = StockDock()

    assert dock.ask(os_group.Echo("hi")).text == "hi"
    assert dock.ask(os_group.EchoByRead("hi")).text == "hi"
