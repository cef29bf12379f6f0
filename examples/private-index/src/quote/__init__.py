import importlib.metadata

import acme_prices
import acme_tax


def main() -> None:
    for name, version in sorted((d.name, d.version) for d in importlib.metadata.distributions()):
        print(name, version)
    print("a quote is", acme_prices.price("quote") + acme_tax.tax(acme_prices.price("quote")), "by", acme_tax.built_with)
