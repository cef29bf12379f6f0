built_with = "nothing"


def tax(price: int) -> int:
    return price // 5
