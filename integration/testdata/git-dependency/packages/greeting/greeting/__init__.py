"""Greets."""


def greet(name: str) -> str:
    return f"hello {name} from a tag"
