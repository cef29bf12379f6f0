"""The HTTP service."""

from fastapi import FastAPI
from shared import ORDERS
from sqlalchemy import create_engine, text

app = FastAPI()
engine = create_engine("sqlite://")


@app.get("/")
def root() -> dict[str, str | int]:
    with engine.connect() as connection:
        one = connection.execute(text("select 1")).scalar_one()
    return {"service": "api", "orders": len(ORDERS), "first": ORDERS[0].price, "database": one}
