"""Reads lots of unique-per-dock records from CSV and JSON, as their issuer delivers them.

CSV is RFC 4180: UTF-8 with or without a byte order mark, a first row with the declared field
names, LF or CRLF. Every cell is held to the grammar of its field; a cell that a spreadsheet would
take for a formula is data like any other, and counted in a warning. No complaint repeats a value.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

from station.adapters.files import strict_json
from station.adapters.files.reading import read_text
from station.adapters.files.schemas import Schema, check
from station.adapters.files.strict_yaml import Document
from station.domain.errors import DocumentRefused
from station.domain.limits import LOT_BYTES_MAX, LOT_RECORDS_MAX, LOT_VALUE_CHARACTERS_MAX
from station.domain.lot import KINDS, Lot, LotColumn, columns
from station.domain.secret import Secret

CELLS_MAX: Final = 64
"""Most cells a row may have, and most fields a kind."""

_CELL: Final = re.compile(r'"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"|(?P<bare>[^",\r\n]*+)')
_ROW_END: Final = re.compile(r"\r\n|\n|\r|\Z")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Where = Callable[[int], str]
"""The place (``file:line:column``) of the n-th field of a record; only asked for in a complaint."""

Record = tuple[Sequence[str], Where]


def read_lot(
    path: Path, *, lot: str = "", kind: str = "", product: str = "", fields: Sequence[str] = ()
) -> Lot:
    """The lot in a ``.csv`` or ``.json`` file.

    A CSV file does not say what it is, so `lot`, `kind` and `product` are needed; a JSON file says
    so itself, and what the caller states must agree. `fields` declares the fields of a kind that
    is not in `domain.lot.KINDS`.
    Raises FileUnreadable, or DocumentRefused naming line and column; then nothing was taken.
    """
    name, form = str(path), path.suffix.lower()
    if form not in {".csv", ".json"}:
        raise DocumentRefused(f"{name}: a lot is a .csv or .json file")
    text = read_text(path, limit_bytes=LOT_BYTES_MAX)
    if form == ".json":
        document = _checked(strict_json.parse(text, name=name), lot=lot, kind=kind, product=product)
        head: Any = document.data
        lot, kind, product = head["lot"], head["kind"], head["product"]
        declared = _declared(name, kind, fields)
        records = _json_records(document, head["records"], [column.name for column in declared])
    elif lot and kind and product:
        declared = _declared(name, kind, fields)
        records = _csv_records(text, name, [column.name for column in declared])
    else:
        raise DocumentRefused(
            f"{name}: a CSV file does not name its lot, kind and product",
            remedy="Give lot, kind and product with the import.",
        )
    taken, formulas = _taken(records, declared, name)
    warnings = (
        (f"{name}: {formulas} values begin like a spreadsheet formula; taken as plain text",)
        if formulas
        else ()
    )
    return Lot(lot, kind, product, tuple(column.name for column in declared), taken, warnings)


def _taken(
    records: Iterable[Record], declared: tuple[LotColumn, ...], name: str
) -> tuple[tuple[dict[str, Secret], ...], int]:
    """Every record, held to its grammars, and how many values begin like a formula."""
    taken: list[dict[str, Secret]] = []
    formulas = 0
    # Keyed, so that what is remembered of a value is no digest anyone could test guesses on.
    seen: dict[bytes, int] = {}
    key = token_bytes(32)
    for values, where in records:
        if len(taken) == LOT_RECORDS_MAX:
            raise DocumentRefused(f"{where(0)}: more than {LOT_RECORDS_MAX:,} records in one lot")
        for number, (column, value) in enumerate(zip(declared, values, strict=True)):
            _demand(column, value, number, where)
            formulas += value.startswith(_FORMULA_STARTS)
        for number, mark in _marks(declared, values, key):
            if (first := seen.setdefault(mark, len(taken))) != len(taken):
                raise DocumentRefused(
                    f"{where(number)}: record {len(taken) + 1} repeats the"
                    f" {declared[number].name} of record {first + 1}",
                    remedy="Ask the issuer of the lot; nothing was imported.",
                )
        taken.append(
            {
                column.name: Secret.from_text(value)
                for column, value in zip(declared, values, strict=True)
            }
        )
    if not taken:
        raise DocumentRefused(f"{name}: no records")
    return tuple(taken), formulas


def _demand(column: LotColumn, value: str, number: int, where: Where) -> None:
    if "\0" in value:
        raise DocumentRefused(f"{where(number)}: {column.name} holds a NUL character")
    if len(value) > LOT_VALUE_CHARACTERS_MAX:
        raise DocumentRefused(
            f"{where(number)}: {column.name} has {len(value):,} characters;"
            f" at most {LOT_VALUE_CHARACTERS_MAX:,}"
        )
    if column.grammar.fullmatch(value) is None or not _encodes(value):
        what = "is empty" if not value else "breaks its grammar"
        raise DocumentRefused(f"{where(number)}: {column.name} {what}: expected {column.expected}")


def _encodes(value: str) -> bool:
    """Whether it is whole characters; JSON can spell half a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _marks(
    declared: tuple[LotColumn, ...], values: Sequence[str], key: bytes
) -> Iterator[tuple[int, bytes]]:
    """(field, what must not come again); the whole record where no field is unique by itself."""
    unique = [number for number, column in enumerate(declared) if column.unique]
    for number in unique:
        text = f"{number}\0{values[number]}"
        yield number, blake2b(text.encode(), key=key, digest_size=16).digest()
    if not unique:
        yield 0, blake2b("\0".join(values).encode(), key=key, digest_size=16).digest()


def _declared(name: str, kind: str, fields: Sequence[str]) -> tuple[LotColumn, ...]:
    try:
        declared = columns(kind, fields)
    except KeyError as error:
        raise DocumentRefused(
            f"{name}: {kind!r} is no kind the station knows ({', '.join(sorted(KINDS))})",
            remedy="Correct the kind, or name its fields with the import.",
        ) from error
    if len(declared) > CELLS_MAX:
        raise DocumentRefused(f"{name}: more than {CELLS_MAX} fields")
    return declared


# -- JSON --------------------------------------------------------------------------------------


def _checked(document: Document, **stated: str) -> Document:
    """The document, its head and first record held to the schema, its head to what is `stated`.

    The other records are judged one by one, faster than a schema can.
    """
    data: Any = document.data
    if isinstance(data, dict) and isinstance(data.get("records"), list):
        data = {**data, "records": data["records"][:1]}
        if any(isinstance(one, dict) and len(one) > CELLS_MAX for one in (data, *data["records"])):
            raise document.refuse(f"more than {CELLS_MAX} keys")
    check(Document(document.name, data, document.spots), Schema.LOT)
    for key, value in stated.items():
        if value and data[key] != value:
            raise document.refuse(f"{key} is {data[key]!r}, not {value!r} as asked for", key)
    return document


def _json_records(document: Document, records: list[Any], names: list[str]) -> Iterator[Record]:
    for number, record in enumerate(records):
        if not isinstance(record, dict) or set(record) != set(names):
            raise document.refuse(
                f"records[{number + 1}]: the fields of this kind are {', '.join(names)}",
                "records",
                number,
            )

        def where(field: int, number: int = number) -> str:
            return document.place("records", number, names[field])

        values = [record[name] for name in names]
        for field, value in enumerate(values):
            if not isinstance(value, str):
                raise DocumentRefused(f"{where(field)}: {names[field]} is text, in quotes")
        yield values, where


# -- CSV ---------------------------------------------------------------------------------------


def _csv_records(text: str, name: str, names: list[str]) -> Iterator[Record]:
    rows = _rows(text, name)
    header = next(rows, None)
    if header is None:
        raise DocumentRefused(f"{name}:1:1: the file is empty")
    cells, _ = header
    if sorted(cells) != sorted(names):
        hint = "; cells are separated by commas" if len(cells) == 1 and ";" in cells[0] else ""
        found = ", ".join(cell[:40] for cell in cells)
        raise DocumentRefused(
            f"{name}:1:1: the columns are {found!r}; this kind has {', '.join(names)}{hint}"
        )
    order = [cells.index(column) for column in names]
    for cells, starts in rows:

        def where(field: int, starts: list[int] = starts) -> str:
            at = starts[order[field]] if order[field] < len(starts) else starts[-1]
            return _place(text, name, at)

        if len(cells) != len(names):
            raise DocumentRefused(
                f"{_place(text, name, starts[0])}: {len(cells)} cells in a row of {len(names)}"
            )
        yield [cells[place] for place in order], where


def _rows(text: str, name: str) -> Iterator[tuple[list[str], list[int]]]:
    """(cells, offset of each) per row; a last line without a line end counts too."""
    at = 0
    while at < len(text):
        cells: list[str] = []
        starts: list[int] = []
        while True:
            cell = _CELL.match(text, at)
            if cell is None:
                raise DocumentRefused(f"{_place(text, name, at)}: a quote that is never closed")
            quoted = cell["quoted"]
            cells.append(cell["bare"] if quoted is None else quoted.replace('""', '"'))
            starts.append(at)
            at = cell.end()
            if len(cells) > CELLS_MAX:
                raise DocumentRefused(f"{_place(text, name, at)}: more than {CELLS_MAX} cells")
            if text[at : at + 1] != ",":
                break
            at += 1
        end = _ROW_END.match(text, at)
        if end is None:
            raise DocumentRefused(f"{_place(text, name, at)}: a quote in the middle of a cell")
        at = end.end()
        yield cells, starts


def _place(text: str, name: str, at: int) -> str:
    return f"{name}:{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"
