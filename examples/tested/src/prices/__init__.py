"""Prices as people read them."""

from decimal import Decimal

from babel.numbers import format_decimal


def price(cents: int, currency: str = "EUR") -> str:
    """The price of an amount in hundredths of a currency."""
    if cents < 0:
        raise ValueError(f"{cents} is no price")
    return f"{format_decimal(Decimal(cents) / 100, '#,##0.00', locale='en')} {currency}"


def main() -> None:
    print(price(1999))
