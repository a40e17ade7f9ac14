"""Money in dollars: exact until it is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_runpod.planning import money

RTX_4090 = Decimal("0.44")


def test_a_price_keeps_the_digits_it_was_written_with() -> None:
    """A JSON price becomes the decimal that was written, not its binary neighbour."""
    assert money.exact(1.116) == Decimal("1.116")


def test_five_hundred_requests_of_four_seconds_cost_seven_dollars_a_month() -> None:
    """At $0.44/h: 2,000 GPU-seconds and $0.24 a day, $7.33 a month, a 43rd of a reserved GPU's $316.80."""
    day = money.serverless_per_day(Decimal(500), Decimal(4), RTX_4090)
    month = money.serverless_per_month(Decimal(500), Decimal(4), RTX_4090)
    reserved = money.always_on_per_month(RTX_4090)
    assert money.rounded(day) == Decimal("0.24")
    assert money.rounded(month) == Decimal("7.33")
    assert money.rounded(reserved) == Decimal("316.80")
    assert int(reserved / month) == 43
    assert money.per_second(RTX_4090).quantize(Decimal("0.000001")) == Decimal("0.000122")


def test_fifty_thousand_requests_of_four_seconds_cost_more_than_a_reserved_gpu() -> None:
    """200,000 GPU-seconds are $24.44 a day and $733.33 a month, above $316.80."""
    day = money.serverless_per_day(Decimal(50_000), Decimal(4), RTX_4090)
    month = money.serverless_per_month(Decimal(50_000), Decimal(4), RTX_4090)
    assert money.rounded(day) == Decimal("24.44")
    assert money.rounded(month) == Decimal("733.33")
    assert month > money.always_on_per_month(RTX_4090)


def test_an_a100_costs_what_its_price_says_against_a_4090() -> None:
    """$1.64 against $0.44 an hour: $1,180.80 against $316.80 a month, 3.7 times."""
    a100 = money.always_on_per_month(Decimal("1.64"))
    assert money.rounded(a100) == Decimal("1180.80")
    assert round(a100 / money.always_on_per_month(RTX_4090), 1) == Decimal("3.7")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234.5", "$1,234.50"),
        ("0.005", "$0.005"),
        ("0.000310", "$0.00031"),
        ("0.00000001", "$0.00"),
        ("0", "$0.00"),
        ("-3.456", "-$3.46"),
        ("-0.0000001", "$0.00"),
    ],
)
def test_an_amount_is_shown_to_the_cent(amount: str, text: str) -> None:
    """Dollars come first, cents are two, and what rounds to nothing has no sign."""
    assert money.shown(Decimal(amount)) == text


def test_a_change_always_shows_its_sign() -> None:
    """A delta says up or down."""
    assert (money.change(Decimal("1.2")), money.change(Decimal("-1.2"))) == ("+$1.20", "-$1.20")


@given(st.decimals(min_value="-1e9", max_value="1e9", allow_nan=False, allow_infinity=False, places=7))
def test_rounding_moves_an_amount_by_half_a_cent_at_most(amount: Decimal) -> None:
    """Rounding to the cent is never off by more than half a cent."""
    assert abs(money.rounded(amount) - amount) <= Decimal("0.005")
