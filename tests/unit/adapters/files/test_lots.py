"""Lots: what is taken, and what is refused at which place; no complaint repeats a value."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.adapters.files import lots, schemas, strict_json
from station.adapters.files.lots import CELLS_MAX, read_lot
from station.adapters.files.schemas import Schema
from station.domain.errors import DocumentRefused, FileUnreadable
from station.domain.limits import DOCUMENT_DEPTH_MAX, LOT_VALUE_CHARACTERS_MAX
from station.domain.lot import Lot
from station.domain.secret import Secret

TOKENS = ("tok-0000-alpha", "tok-0001-beta", "tok-0002-gamma")
DPS = {"registration_id": "dk7f-00001", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}


def text(secret: Secret) -> str:
    with secret.reveal() as view:
        return bytes(view).decode("utf-8")


def values(lot: Lot) -> list[dict[str, str]]:
    return [{name: text(value) for name, value in one.items()} for one in lot.records]


def csv(folder: Path, content: bytes | str, kind: str = "enrolment-token", **more: object) -> Lot:
    path = folder / "lot.csv"
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return read_lot(path, lot="T-26-4", kind=kind, product="DK-7F", **more)  # type: ignore[arg-type]


def refused(folder: Path, content: bytes | str, kind: str = "enrolment-token") -> str:
    with pytest.raises(DocumentRefused) as caught:
        csv(folder, content, kind)
    return caught.value.cause.removeprefix(f"{folder / 'lot.csv'}:")


def json_lot(folder: Path, document: object, **more: str) -> Lot:
    path = folder / "lot.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_lot(path, **more)


def json_refused(folder: Path, document: object, **more: str) -> str:
    with pytest.raises(DocumentRefused) as caught:
        json_lot(folder, document, **more)
    return caught.value.cause.removeprefix(f"{folder / 'lot.json'}:")


def whole(**changes: object) -> dict[str, object]:
    return {
        "lot": "T-26-4",
        "kind": "enrolment-token",
        "product": "DK-7F",
        "records": [{"token": one} for one in TOKENS],
        **changes,
    }


# -- CSV ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_csv_lot_is_read_with_any_line_end_and_mark(
    tmp_path: Path, end: str, last: bool, mark: str
) -> None:
    lot = csv(tmp_path, mark + end.join(("token", *TOKENS)) + (end if last else ""))

    assert values(lot) == [{"token": one} for one in TOKENS]
    assert (lot.lot, lot.kind, lot.product) == ("T-26-4", "enrolment-token", "DK-7F")
    assert lot.fields == ("token",)
    assert lot.warnings == ()


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    lot = csv(
        tmp_path, f"key,registration_id\n{DPS['key']},{DPS['registration_id']}\n", "device-key"
    )

    assert values(lot) == [DPS]


def test_quoted_cells_keep_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    lot = csv(tmp_path, 'name\n"Desk ""A"", left"\nplain\n', "friendly-name")
    assert [one["name"] for one in values(lot)] == ['Desk "A", left', "plain"]

    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    lot = csv(tmp_path, f'certificate,private_key\n"{pem}","{pem}"\n', "client-certificate")
    assert values(lot) == [{"certificate": pem, "private_key": pem}]


def test_no_value_can_be_seen(tmp_path: Path) -> None:
    lot = csv(tmp_path, "token\n" + TOKENS[0])

    assert TOKENS[0] not in repr(lot)
    assert TOKENS[0] not in repr(lot.records)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "1:1: the file is empty"),
        ("token\n", " no records"),
        ("tocken\nabcdefgh\n", "1:1: the columns are 'tocken'; this kind has token"),
        ("token,serial\nabcdefgh,1\n", "1:1: the columns are 'token, serial'"),
        ("token,token\nabcdefgh,abcdefgh\n", "1:1: the columns are"),
        (
            "token;serial\nabcdefgh;1\n",
            "1:1: the columns are 'token;serial'; this kind has token; ",
        ),
        ("token\nabcdefgh,1\n", "2:1: 2 cells in a row of 1"),
        ("token\nabcdefgh\n\nabcdefgi\n", "3:1: token is empty"),
        ('token\nabcdefgh\n""\n', "3:1: token is empty"),
        ("token\nshort\n", "2:1: token breaks its grammar: expected 8 to 4096 printable ASCII"),
        ("token\nwith space\n", "2:1: token breaks its grammar"),
        ("token\ntökenchars\n", "2:1: token breaks its grammar"),
        ("token\nabcdefgh\x07\n", "2:1: token breaks its grammar"),
        ("token\nabcd\u202eefgh\n", "2:1: token breaks its grammar"),
        ('token\n"abcdefgh\n', "2:1: a quote in the middle of a cell"),
        ('token\nab"cdefgh\n', "2:3: a quote in the middle of a cell"),
        ('token\n"abcdefgh"x\n', "2:11: a quote in the middle of a cell"),
        (
            "token\n" + TOKENS[0] + "\n" + TOKENS[1] + "\n" + TOKENS[0] + "\n",
            "4:1: record 3 repeats",
        ),
        ("token\n" + "x" * 4097, "2:1: token breaks its grammar"),
        ("token\n" + "x" * (LOT_VALUE_CHARACTERS_MAX + 1), "2:1: token has 8,193 characters; at"),
        ("token\n" + "," * CELLS_MAX, "2:65: more than 64 cells"),
        (b"token\nabcdefgh\n\xff\xfe\n", "3:1: not UTF-8 (octet 0xFF)"),
        (b"token\nabcd\0efgh\n", "2:5: holds a NUL character"),
        ("token\nabcdefgh\n".encode("utf-16"), "1:1: not UTF-8"),
    ],
)
def test_a_wrong_csv_is_refused_at_its_place(
    tmp_path: Path, content: bytes | str, cause: str
) -> None:
    assert refused(tmp_path, content).startswith(cause)


def test_a_cell_of_the_second_column_is_found(tmp_path: Path) -> None:
    content = f"registration_id,key\n{DPS['registration_id']},{DPS['key'][:-1]}\n"

    assert refused(tmp_path, content, "device-key").startswith("2:12: key breaks its grammar")


@pytest.mark.parametrize("token", [TOKENS[0], "=HYPERLINK(1)\x07"])
def test_no_complaint_repeats_a_value(tmp_path: Path, token: str) -> None:
    assert token not in refused(tmp_path, f"token\n{token}\n{token}\n")


def test_a_formula_is_data_with_a_warning(tmp_path: Path) -> None:
    lot = csv(tmp_path, "token\n=cmd|'/C_calc'!A0\n+12345678\n-12345678\n@SUM(1+1)\nabcdefgh\n")

    assert values(lot)[0]["token"] == "=cmd|'/C_calc'!A0"
    assert lot.warnings == (
        f"{tmp_path}/lot.csv: 4 values begin like a spreadsheet formula; taken as plain text",
    )


def test_an_unknown_kind_needs_its_fields_declared(tmp_path: Path) -> None:
    assert "'badge' is no kind the station knows (client-certificate, device-key" in refused(
        tmp_path, "code\nx\n", "badge"
    )
    lot = csv(tmp_path, "code,desk\nx,1\nx,2\n", "badge", fields=("desk", "code"))
    assert values(lot) == [{"desk": "1", "code": "x"}, {"desk": "2", "code": "x"}]
    with pytest.raises(DocumentRefused, match="record 2 repeats the desk of record 1"):
        csv(tmp_path, "code,desk\nx,1\nx,1\n", "badge", fields=("desk", "code"))


def test_the_number_of_fields_is_bounded(tmp_path: Path) -> None:
    fields = [f"f{number}" for number in range(CELLS_MAX + 1)]

    with pytest.raises(DocumentRefused, match="more than 64 fields"):
        csv(tmp_path, "x\n", "badge", fields=fields)


def test_the_number_of_records_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "LOT_RECORDS_MAX", 2)

    assert len(csv(tmp_path, "token\nabcdefg1\nabcdefg2\n").records) == 2
    assert refused(tmp_path, "token\nabcdefg1\nabcdefg2\nabcdefg3\n").startswith(
        "4:1: more than 2 records in one lot"
    )


def test_a_csv_must_be_told_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("token\nabcdefgh\n")

    with pytest.raises(DocumentRefused, match="does not name its lot, kind and product"):
        read_lot(tmp_path / "a.csv", lot="A")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentRefused, match=r"a lot is a \.csv or \.json file"):
        read_lot(tmp_path / "a.xlsx", lot="A", kind="enrolment-token", product="P")
    with pytest.raises(FileUnreadable, match="no such file"):
        read_lot(tmp_path / "a.csv", lot="A", kind="enrolment-token", product="P")


def test_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(1 << 30)

    with pytest.raises(DocumentRefused, match="1,073,741,824 bytes; at most 67,108,864"):
        read_lot(tmp_path / "a.csv", lot="A", kind="enrolment-token", product="P")


def test_a_row_as_long_as_the_file_may_be_is_refused_quickly(tmp_path: Path) -> None:
    assert "token has 60,000,000" in refused(tmp_path, b"token\n" + b"x" * 60_000_000)
    assert "more than 64 cells" in refused(tmp_path, b"token\n" + b"," * 60_000_000)
    assert "a quote in the middle" in refused(tmp_path, b'token\n"' + b"x" * 60_000_000)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
        min_size=1,
        max_size=8,
        unique=True,
    )
)
def test_any_cell_survives_quoting(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    rows = "".join('"' + name.replace('"', '""') + '"\r\n' for name in names)

    lot = csv(tmp_path_factory.mktemp("lot"), "name\r\n" + rows, "friendly-name")

    assert [one["name"] for one in values(lot)] == names


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("lot")
    try:
        csv(folder, b"token\n" + content)
    except DocumentRefused as error:
        assert error.cause.startswith(f"{folder}/lot.csv:")


# -- JSON --------------------------------------------------------------------------------------


def test_a_json_lot_says_what_it_is(tmp_path: Path) -> None:
    lot = json_lot(tmp_path, whole())

    assert values(lot) == [{"token": one} for one in TOKENS]
    assert (lot.lot, lot.kind, lot.product) == ("T-26-4", "enrolment-token", "DK-7F")
    assert json_lot(tmp_path, whole(), lot="T-26-4", product="DK-7F").fields == ("token",)


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ("", "1:1: not JSON"),
        ("{", "1:2: not JSON"),
        ('{"lot": "a",\n "lot": "b"}', "2:2: the key 'lot' appears twice: lines 1 and 2"),
        ('{"a": [{"b": 1},\n{"c": {"d": 1, "d": 2}}]}', "2:16: the key 'd' appears twice"),
        ('{"lot": 1.5}', " 1.5 is no number"),
        ('{"lot": NaN}', " NaN is no number"),
        ('{"lot": 12345678901234567890}', " the number 1234567890123456"),
        ("[" * 100_000, " nested deeper"),
        ("[]", "1:1: the document: expected: keys and values"),
        (whole(lot=7), "1:9: lot: expected: a name"),
        (whole(records=[]), "1:77: records: an empty list"),
        (whole(records="x"), "1:77: records: expected"),
        (whole(extra="x"), "1:165: the document: unknown key 'extra'"),
        (whole(kind="badge"), " 'badge' is no kind"),
        (whole(records=[{"token": "abcdefgh"}, {"tocken": "x"}]), "1:101: records[2]: the fields"),
        (whole(records=[{"token": "abcdefgh"}, "x"]), "1:101: records[2]: the fields"),
        (whole(records=[{"token": "abcdefgh"}, {"token": 7}]), "1:111: token is text, in quotes"),
        (whole(records=[{"token": "abcdefgh"}, {"token": ""}]), "1:111: token is empty"),
        (
            whole(records=[{"token": "abcdefgh"}, {"token": "a\0bcdefgh"}]),
            "1:111: token holds a NUL",
        ),
        (
            whole(records=[{"token": "abcdefgh"}, {"token": "\ud83dabcdefgh"}]),
            "1:111: token breaks",
        ),
        (
            whole(records=[{"token": "abcdefgh"}] * 2),
            "1:111: record 2 repeats the token of record 1",
        ),
    ],
)
def test_a_wrong_json_is_refused_at_its_place(tmp_path: Path, document: object, cause: str) -> None:
    assert json_refused(tmp_path, document).startswith(cause)


def test_what_the_caller_states_must_agree(tmp_path: Path) -> None:
    assert json_refused(tmp_path, whole(), product="DK-8").startswith(
        "1:57: product is 'DK-7F', not 'DK-8' as asked for"
    )


def test_a_flood_of_keys_is_one_complaint(tmp_path: Path) -> None:
    flood = {f"k{number}": "x" for number in range(100_000)}

    assert json_refused(tmp_path, whole(**flood)) == "1:1: more than 64 keys"
    assert json_refused(tmp_path, whole(records=[flood])) == "1:1: more than 64 keys"


def test_half_a_surrogate_pair_is_no_text_of_any_kind(tmp_path: Path) -> None:
    document = whole(kind="friendly-name", records=[{"name": "\ud83d"}])

    assert "name breaks its grammar" in json_refused(tmp_path, document)


def test_depth_is_bounded(tmp_path: Path) -> None:
    nested = "[" * (DOCUMENT_DEPTH_MAX + 1) + "]" * (DOCUMENT_DEPTH_MAX + 1)

    assert "nested deeper" in json_refused(tmp_path, f'{{"lot": {nested}}}')


@pytest.mark.parametrize("record", [{"token": 7}, {"token": ""}, {"to ken": "abcdefgh"}, "x", {}])
def test_the_schema_and_the_fast_check_refuse_the_same_records(
    tmp_path: Path, record: object
) -> None:
    later = whole(records=[{"token": "abcdefgh"}, record])

    json_refused(tmp_path, later)
    with pytest.raises(DocumentRefused):
        schemas.check(strict_json.parse(json.dumps(later), name="lot"), Schema.LOT)
