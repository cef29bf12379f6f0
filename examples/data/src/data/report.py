"""Uses the large dependencies for real."""

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LinearRegression


def main() -> None:
    x = np.arange(10, dtype=float)
    frame = pd.DataFrame({"x": x, "y": 2 * x + 1})
    model = LinearRegression().fit(frame[["x"]], frame["y"])
    slope = stats.linregress(frame["x"], frame["y"]).slope
    print(f"slope {slope:.1f} and {model.coef_[0]:.1f}")
