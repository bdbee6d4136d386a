"""All modules of a dock, and for each of them nothing but the names the SDK documents.

Source: dock-sdk.md, 2.1 to 2.7.
"""

from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

from station.rehearsal.machine import Machine
from station.rehearsal.sdk.binascii import binascii_names
from station.rehearsal.sdk.datastore import datastore_names, image_names
from station.rehearsal.sdk.datetime import datetime_names
from station.rehearsal.sdk.dock import dock_names
from station.rehearsal.sdk.framebuf import framebuf_names
from station.rehearsal.sdk.gpio import gpio_names
from station.rehearsal.sdk.hashes import hashlib_names, hmac_names
from station.rehearsal.sdk.http import http_names
from station.rehearsal.sdk.i2c import i2c_names
from station.rehearsal.sdk.io import io_names
from station.rehearsal.sdk.iperf import iperf_names
from station.rehearsal.sdk.json import json_names
from station.rehearsal.sdk.monitor import monitor_names
from station.rehearsal.sdk.mqtt import mqtt_names
from station.rehearsal.sdk.names import Names
from station.rehearsal.sdk.network import network_names
from station.rehearsal.sdk.splashscreen import splashscreen_names
from station.rehearsal.sdk.time import time_names
from station.rehearsal.sdk.usb import usb_names
from station.rehearsal.sdk.vision_client import vision_client_names
from station.rehearsal.sdk.wakeup import wakeup_names
from station.rehearsal.sdk.wall_clock import WallClock

_OURS = __package__
"""Where what we wrote ourselves is defined; what is Python's own keeps its name."""


def dock_modules(machine: Machine) -> Mapping[str, ModuleType]:
    """The modules of one dock, by name."""
    clock = WallClock(machine)
    hashes = hashlib_names()
    names: dict[str, Names] = {
        "binascii": binascii_names(),
        "datastore": datastore_names(machine),
        "datetime": datetime_names(clock),
        "dock": dock_names(machine, clock),
        "framebuf": framebuf_names(),
        "gpio": gpio_names(machine),
        "hashlib": hashes,
        "hmac": hmac_names(hashes),
        "http": http_names(machine),
        "i2c": i2c_names(machine),
        "image": image_names(),
        "io": io_names(),
        "iperf": iperf_names(machine),
        "json": json_names(),
        "monitor": monitor_names(),
        "mqtt": mqtt_names(machine),
        "network": network_names(machine),
        "splashscreen": splashscreen_names(machine),
        "time": time_names(machine, clock),
        "usb": usb_names(machine),
        "vision_client": vision_client_names(machine),
        "wakeup": wakeup_names(machine),
    }
    return {module: _module(module, held) for module, held in names.items()}


def _module(name: str, names: Names) -> ModuleType:
    module = ModuleType(name)
    for own_name, value in names.items():
        _introduce(own_name, value, name)
        setattr(module, own_name, value)
    return module


def _introduce(name: str, value: Any, module: str) -> None:
    """Let a function or class of ours call itself as the application does, in messages and when it
    is printed."""
    if isinstance(value, FunctionType | type) and value.__module__.startswith(_OURS):
        value.__module__ = module
        value.__name__ = value.__qualname__ = name
