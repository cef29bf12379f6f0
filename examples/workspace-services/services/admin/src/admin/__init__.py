"""The command line for people."""

from rich.console import Console
from shared import ORDERS


def main() -> None:
    console = Console(width=60)
    for order in ORDERS:
        console.print(f"admin: order {order.number} of {order.price}")
