"""The wire: how much of a line is used, by one dock and by many, and what that costs the station.

Every line is a virtual dock's, so what is measured is the station against firmware of our own;
other programs are measured on the same kind of line, in the same run. Rates count payload: the
bytes of the image, not those that frame them. Docks are a process apart.
"""

from dataclasses import dataclass
from typing import Final

from station.datastore.plan import Plan
from station.dock.life import Cable
from station.domain.errors import LinkError
from station.domain.limits import BLOCK_BYTES
from station.domain.profile import Compression, Link
from tests.benchmarks import wire_lanes, wire_peers
from tests.benchmarks.measure import AtLeast, AtMost, Measure
from tests.benchmarks.wire_bench import Lane, Phase, at_once, image, lanes, noise, plain_pictures
from tests.benchmarks.wire_docks import FREE, docks

LINE_BYTES_PER_S: Final = 1_500_000.0
LIMITED: Final = Cable(LINE_BYTES_PER_S, latency_s=0.001)

LARGE_BYTES: Final = 12_800_000
"""Of content: the image is 13,000,000 bytes at most."""

PEER_BYTES: Final = 4_000_000
"""What clients carry that wait for every answer: their share does not depend on it."""


@dataclass(frozen=True, slots=True)
class Many:
    """So many docks at once. bytes_per_s: of the line, content_bytes: of the image of each one."""

    docks: int
    bytes_per_s: float
    content_bytes: int

    @property
    def cable(self) -> Cable:
        return Cable(self.bytes_per_s)

    def plans(self) -> list[Plan]:
        """An image for each of them, of the same content."""
        content = noise(self.content_bytes)
        return [image(number, content) for number in range(self.docks)]

    def __str__(self) -> str:
        return f"{self.docks} docks at {self.bytes_per_s / 1e6:g} MB/s"


@dataclass(frozen=True, slots=True)
class Carried:
    """size_bytes: of each image. docks_cores: processors the docks kept busy when written."""

    size_bytes: int
    written: Phase
    read: Phase
    docks_cores: float


FULL_SPEED: Final = Many(8, 1_200_000.0, 4_000_000)
HALF_SPEED: Final = Many(16, 600_000.0, 2_000_000)

ROUNDS: Final = 3
"""Of what one dock does; the best one is told, the others were disturbed."""


def measure() -> list[Measure]:
    """See the names."""
    return [
        *_one_dock(),
        *_free_line(),
        *_many_docks(),
        *_compression(),
        *_rework(),
        *wire_lanes.measure(),
    ]


# -- one dock ------------------------------------------------------------------------------------


def _there_and_back(plan: Plan, cable: Cable) -> tuple[list[Phase], list[Phase]]:
    """An image to one dock, and back: every round's write, and every round's readback."""
    written, read = [], []
    with (
        docks(1, rom_bytes=plan.size_bytes, cable=cable) as one,
        lanes(one.ports, [plan], Link()) as (lane,),
    ):
        for _ in range(ROUNDS):
            lane.meet()
            written.append(at_once(lane.write))
            lane.restart()
            read.append(at_once(lane.read_back))
    return written, read


def _best_rate(size_bytes: int, rounds: list[Phase]) -> float:
    return size_bytes / min(each.wall_s for each in rounds)


def _least_cpu(size_bytes: int, rounds: list[Phase]) -> float:
    """Seconds for a megabyte."""
    return min(each.cpu_s for each in rounds) / size_bytes * 1e6


def _one_dock() -> list[Measure]:
    plan = image(0, noise(LARGE_BYTES))
    size_bytes = plan.size_bytes
    written, read = _there_and_back(plan, LIMITED)
    return [
        Measure(
            "write, one dock",
            _best_rate(size_bytes, written) / LINE_BYTES_PER_S,
            "share of the line",
            AtLeast(0.98),
            _peers(bytes(plan.read(0, size_bytes))),
        ),
        Measure(
            "readback, one dock",
            _best_rate(size_bytes, read) / LINE_BYTES_PER_S,
            "share of the line",
            AtLeast(0.98),
        ),
        Measure(
            "processor time of the sender", _least_cpu(size_bytes, written), "s/MB", AtMost(0.04)
        ),
        Measure("processor time of the reader", _least_cpu(size_bytes, read), "s/MB"),
    ]


def _peers(large: bytes) -> dict[str, float]:
    """Their shares of the same line."""
    small = image(0, noise(PEER_BYTES))
    uploaded = bytes(small.read(0, small.size_bytes))
    rates = {
        "sz (ZMODEM)": wire_peers.zmodem_bytes_per_s(large, LIMITED),
        "mcumgr-toolkit raw 8192": wire_peers.mcumgr_toolkit_bytes_per_s(
            uploaded, LIMITED, raw=True, buffer_bytes=8_192
        ),
        "mcumgr-toolkit raw": wire_peers.mcumgr_toolkit_bytes_per_s(uploaded, LIMITED, raw=True),
        "mcumgr-toolkit console": wire_peers.mcumgr_toolkit_bytes_per_s(
            uploaded, LIMITED, raw=False
        ),
        "smpclient COBS": wire_peers.smpclient_bytes_per_s(uploaded, LIMITED),
    }
    return {name: rate / LINE_BYTES_PER_S for name, rate in rates.items()}


def _free_line() -> list[Measure]:
    plan = image(0, noise(LARGE_BYTES))
    size_bytes = plan.size_bytes
    written, read = _there_and_back(plan, FREE)
    rate = _best_rate(size_bytes, written)
    small = image(0, noise(PEER_BYTES))
    uploaded = bytes(small.read(0, small.size_bytes))
    smpclient = wire_peers.smpclient_bytes_per_s(uploaded, FREE)
    toolkit = wire_peers.mcumgr_toolkit_bytes_per_s(uploaded, FREE, raw=True)
    peers = {"smpclient COBS": smpclient / 1e6, "mcumgr-toolkit raw": toolkit / 1e6}
    return [
        Measure("write, free line", rate / 1e6, "MB/s", AtLeast(20), peers),
        Measure("readback, free line", _best_rate(size_bytes, read) / 1e6, "MB/s", AtLeast(20)),
        Measure("processor time of the sender, free line", _least_cpu(size_bytes, written), "s/MB"),
        Measure("write, free line, against smpclient", rate / smpclient, "times", AtLeast(10)),
    ]


# -- many docks ----------------------------------------------------------------------------------


def _many_docks() -> list[Measure]:
    full_speed, half_speed = _carried(FULL_SPEED), _carried(HALF_SPEED)
    return [
        *_figures(FULL_SPEED, full_speed),
        *_figures(HALF_SPEED, half_speed),
        _beside_a_hostile_dock(FULL_SPEED, full_speed.written),
    ]


def _carried(many: Many) -> Carried:
    """An image of their own to each of the docks, and back."""
    plans = many.plans()
    with (
        docks(many.docks, rom_bytes=plans[0].size_bytes, cable=many.cable) as all_docks,
        lanes(all_docks.ports, plans, Link()) as bench,
    ):
        at_once(*(lane.meet for lane in bench))
        began_s = all_docks.cpu_s()
        written = at_once(*(lane.write for lane in bench))
        docks_cores = (all_docks.cpu_s() - began_s) / written.wall_s
        at_once(*(lane.restart for lane in bench))
        read = at_once(*(lane.read_back for lane in bench))
    return Carried(plans[0].size_bytes, written, read, docks_cores)


def _figures(many: Many, carried: Carried) -> list[Measure]:
    figures = []
    for verb, phase in (("write", carried.written), ("readback", carried.read)):
        share = carried.size_bytes / phase.wall_s / many.bytes_per_s
        figures += [
            Measure(f"{verb}, {many}", share, "share of the lines", AtLeast(0.95)),
            Measure(f"{verb}, {many}, slowest to fastest", phase.evenness, "times", AtLeast(0.95)),
            Measure(f"{verb}, {many}, station", phase.cores, "cores", AtMost(0.6)),
        ]
    return [*figures, Measure(f"write, {many}, all docks", carried.docks_cores, "cores")]


def _beside_a_hostile_dock(many: Many, alone: Phase) -> Measure:
    """How much longer the others take when one of as many floods its lane."""
    plans = many.plans()
    with (
        docks(
            many.docks, rom_bytes=plans[0].size_bytes, cable=many.cable, last_fault="flood@write"
        ) as all_docks,
        lanes(all_docks.ports, plans, Link()) as bench,
    ):
        at_once(*(lane.meet for lane in bench))
        *good, bad = bench
        together = at_once(*(lane.write for lane in good), lambda: _suffer(bad))
    slower = max(together.took_s[:-1]) / max(alone.took_s[:-1]) - 1
    return Measure(f"slower beside one hostile dock of {many.docks}", slower, "share", AtMost(0.2))


def _suffer(lane: Lane) -> None:
    """Write to a dock that means harm, however it ends."""
    try:
        lane.write()
    except LinkError:
        return


# -- compression ---------------------------------------------------------------------------------


def _compression() -> list[Measure]:
    """Of a bundle that is half photographs and half plain pictures."""
    content = plain_pictures(PEER_BYTES // 2) + noise(PEER_BYTES // 2)
    plan = image(0, content)
    rates = {}
    for method in Compression:
        with (
            docks(
                1,
                rom_bytes=plan.size_bytes,
                cable=LIMITED,
                compression=method,
            ) as one,
            lanes(one.ports, [plan], Link(compression=method)) as (lane,),
        ):
            lane.meet()
            rates[method] = plan.size_bytes / at_once(lane.write).wall_s
            lane.restart()
            lane.read_back()
    plain = rates.pop(Compression.NONE)
    return [
        Measure(f"write with {method}, half of it shrinks", rate / plain, "times", AtLeast(1.4))
        for method, rate in rates.items()
    ]


# -- once more -----------------------------------------------------------------------------------


def _rework() -> list[Measure]:
    """Bytes to a dock that runs the same bundle already, and gets other unique data."""
    content = noise(LARGE_BYTES)
    first, again = image(0, content), image(0, content, token="token-2")
    with docks(1, rom_bytes=first.size_bytes) as one:
        with lanes(one.ports, [first], Link()) as (lane,):
            lane.meet()
            lane.write()
            lane.restart()
            lane.confirm()
        with lanes(one.ports, [again], Link()) as (lane,):
            lane.rewrite()
            written = lane.sent_bytes
            lane.restart()
            lane.read_back()
            in_all = lane.sent_bytes
    return [
        Measure(
            "rework of an unchanged bundle, station to dock",
            written / 1024,
            "KiB",
            AtMost((2 * BLOCK_BYTES + 16_384) / 1024),
        ),
        Measure("the same with the requests of the full readback", in_all / 1024, "KiB"),
    ]
