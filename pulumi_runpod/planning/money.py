"""Money: US dollars as decimals, carried exactly and rounded once, where an amount is shown or handed out."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CURRENCY = "USD"
SECONDS_PER_HOUR = 3600
SECONDS_PER_DAY = 24 * SECONDS_PER_HOUR
DAYS_PER_MONTH = 30
"""A month as prices are compared: 30 days, 720 hours."""
_CENT = Decimal("0.01")


def exact(price: float | Decimal | int | str) -> Decimal:
    """The decimal that a JSON price was written as: 1.116, not the binary number beside it."""
    return price if isinstance(price, Decimal) else Decimal(str(price))


def rounded(amount: Decimal) -> Decimal:
    """To the cent, halves up."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def shown(amount: Decimal) -> str:
    """`$1,234.50`, to the cent; from a hundredth of a cent to a cent, four significant digits; `-$1` when negative."""
    size = abs(amount)
    sign = "-" if amount <= -_CENT / 100 else ""
    if _CENT / 100 <= size < _CENT:
        return f"{sign}${plain(size, digits=4)}"
    return f"{sign}${rounded(size):,}"


def change(amount: Decimal) -> str:
    """`+$1.20` or `-$1.20`."""
    cents = rounded(amount)
    return f"{'-' if cents < 0 else '+'}${abs(cents):,}"


def plain(number: Decimal, *, digits: int = 6) -> str:
    """A number without an exponent and without zeros at its end, at most `digits` significant."""
    if number == 0:
        return "0"
    places = max(0, digits - number.adjusted() - 1)
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def per_second(price_per_hour: Decimal) -> Decimal:
    return price_per_hour / SECONDS_PER_HOUR


def serverless_per_day(requests_per_day: Decimal, seconds_each: Decimal, price_per_hour: Decimal) -> Decimal:
    """Work alone: requests a day x seconds each x price of a GPU-second. No idle window, no cold start."""
    return requests_per_day * seconds_each * per_second(price_per_hour)


def serverless_per_month(requests_per_day: Decimal, seconds_each: Decimal, price_per_hour: Decimal) -> Decimal:
    return serverless_per_day(requests_per_day, seconds_each, price_per_hour) * DAYS_PER_MONTH


def always_on_per_day(price_per_hour: Decimal) -> Decimal:
    """A GPU that is billed around the clock: reserved, or a worker that is kept warm."""
    return price_per_hour * 24


def always_on_per_month(price_per_hour: Decimal) -> Decimal:
    return always_on_per_day(price_per_hour) * DAYS_PER_MONTH
