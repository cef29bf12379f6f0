"""An order, as every service reads and writes it."""

from pydantic import BaseModel


class Order(BaseModel):
    number: int
    cents: int

    @property
    def price(self) -> str:
        return f"{self.cents / 100:.2f} EUR"


ORDERS = [Order(number=1, cents=1999), Order(number=2, cents=250)]
