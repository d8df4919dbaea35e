"""What a user would run: from a file to a printed answer."""

import sys

import alliance_bayes as ab

panel = ab.Panel.from_long(sys.argv[1], person="person", time="time", measures=["y1", "y2"])
fit = ab.fit(ab.RICLPM(["y1", "y2"], lags="equal"), panel, seed=1, cores=2)
print(ab.directionality(fit, "y1", "y2"))
