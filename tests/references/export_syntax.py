"""Write the syntax that `ab.to_lavaan` makes of every model of lavaan_family.json: python export_syntax.py FOLDER.

`fit_exported.R` then fits it to the data that `export_data.py` wrote to the same folder.
"""

import hashlib
import json
import sys
from pathlib import Path

import pandas as pd
from family_models import GAPS, family_panel, family_spec

import alliance_bayes as ab

__all__ = ["fingerprint"]


def fingerprint(syntax: str) -> str:
    """Digest of the lines that lavaan reads, whatever the comments say."""
    lines = [line for line in syntax.splitlines() if line and not line.startswith("#")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def main(folder: Path) -> None:
    keys = json.loads((Path(__file__).parent / "lavaan_family.json").read_text())["fits"]
    (folder / "syntax").mkdir(parents=True, exist_ok=True)
    cases = []
    for key in keys:
        spec = family_spec(key)
        if spec is None:
            continue
        data = key.split("/")[0]
        syntax = ab.to_lavaan(spec, family_panel(data))
        file = f"{len(cases)}.txt"
        (folder / "syntax" / file).write_text(syntax)
        group = "site" if spec.group_lags else ""
        source = GAPS.get(data, (data, None))[0]
        cases.append({"key": key, "file": file, "data": source, "group": group, "fingerprint": fingerprint(syntax)})
    pd.DataFrame(cases).to_csv(folder / "syntax" / "cases.csv", index=False)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python export_syntax.py FOLDER")
    main(Path(sys.argv[1]))
