"""One spelling of a moment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.wall_time import parse_utc, utc_text


def test_a_moment_is_written_in_utc_to_the_millisecond() -> None:
    at = datetime(2026, 11, 25, 9, 30, 1, 234_999, tzinfo=timezone(timedelta(hours=1)))

    assert utc_text(at) == "2026-11-25T08:30:01.234Z"


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        utc_text(datetime(2026, 11, 25))  # noqa: DTZ001


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_back(at: datetime) -> None:
    assert at - parse_utc(utc_text(at)) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-25T08:30:01Z",
        "2026-11-25T08:30:01.234",
        "2026-11-25T08:30:01.234+00:00",
        "2026-11-25 08:30:01.234Z",
        "2026-11-25T08:30:01.234Z\n",
        "2026-13-25T08:30:01.234Z",
        "2026-11-25T08:30:61.234Z",
        "２026-11-25T08:30:01.234Z",
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_utc(text)
