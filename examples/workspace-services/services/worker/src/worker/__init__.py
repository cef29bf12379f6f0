"""The program that works through the orders."""

import numpy as np
from shared import ORDERS
from sqlalchemy import create_engine, text
from tenacity import retry, stop_after_attempt


@retry(stop=stop_after_attempt(3))
def stored(cents: list[int]) -> int:
    with create_engine("sqlite://").begin() as connection:
        connection.execute(text("create table orders (cents integer)"))
        connection.execute(text("insert into orders values (:cents)"), [{"cents": n} for n in cents])
        return connection.execute(text("select sum(cents) from orders")).scalar_one()


def main() -> None:
    cents = [order.cents for order in ORDERS]
    assert stored(cents) == np.sum(cents)
    print(f"worker: {len(ORDERS)} orders, {np.sum(cents)} cents")
