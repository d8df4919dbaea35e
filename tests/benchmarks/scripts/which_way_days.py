"""What a user of reported days would run: from a file to a printed answer."""

import sys

import alliance_bayes as ab

panel = ab.Panel.from_long(sys.argv[1], person="person", time="time", measures=["days", "y2"])
spec = ab.RICLPM(["days", "y2"], lags="equal", families={"days": ab.Days(30)})
fit = ab.fit(spec, panel, seed=1, draws=200, chains=2, cores=2)
print(ab.directionality(fit, "days", "y2"))
