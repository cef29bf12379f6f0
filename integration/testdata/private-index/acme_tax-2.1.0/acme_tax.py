built_with = None


def tax(price: int) -> int:
    return price // 5
