import pytest

from prices import price


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00 EUR"), (5, "0.05 EUR"), (1999, "19.99 EUR"), (123456, "1,234.56 EUR")])
def test_price_has_two_digits(cents: int, text: str) -> None:
    assert price(cents) == text


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="no price"):
        price(-1)
