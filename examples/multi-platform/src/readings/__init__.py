import platform

import numpy
from jinja2 import Template
from pydantic import BaseModel


class Reading(BaseModel):
    place: str
    celsius: list[float]


def main() -> None:
    reading = Reading.model_validate_json('{"place": "<cellar>", "celsius": [11.5, 12, 12.5]}')
    text = Template("{{ machine }}: {{ place | e }} {{ mean }}")
    print(text.render(machine=platform.machine(), place=reading.place, mean=numpy.mean(reading.celsius)))
