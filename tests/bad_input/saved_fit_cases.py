"""Files that are not, or no longer, a saved fit, and places where none can be written."""

import io
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import xarray as xr
from case import Case

import alliance_bayes as ab
from alliance_bayes.posterior.source import Source
from saved_fits import content, forged, made_up_fit, sealed, whole_file

CHANGED = ("was changed since Fit.save wrote it", "Go back to an unchanged copy, or fit the model again")
FORGED = "does not hold what Fit.save writes; go back to an unchanged copy, or fit the model again"
CUT = ("does not end in the checksum that Fit.save writes", "cut off")


def _file(body):
    """Load a file of these bytes."""

    def call(folder):
        (folder / "fit.nc").write_bytes(body() if callable(body) else body)
        ab.load_fit(folder / "fit.nc")

    return call


def _flipped(place, by=1):
    def body():
        file = bytearray(whole_file())
        file[place] ^= by
        return bytes(file)

    return _file(body)


def _forged(name, says, **changes):
    return Case(f"saved fit: {name}", lambda folder: ab.load_fit(forged(folder, **changes)), (FORGED, *says))


def _set(key, value):
    return lambda record: record.__setitem__(key, value)


def _settings(**values):
    return lambda record: record["settings"].update(values)


def _spec(**values):
    return lambda record: record["spec"].update(values)


def _panel(change):
    """Change the panel's variables, by name, to new data arrays."""

    def of(groups):
        groups["/panel"] = change(groups["/panel"])

    return of


def _at(name, place, value):
    """Change one number of the panel's arrays."""

    def change(panel):
        array = panel[name].to_numpy().copy()
        array[place] = value
        return panel.assign({name: (panel[name].dims, array)})

    return _panel(change)


def _relabelled(dim, labels):
    def of(groups):
        groups["/posterior"] = groups["/posterior"].assign_coords({dim: labels})

    return of


def _chains(labels):
    """The draws once for each of these chains."""

    def of(groups):
        for name in ("/posterior", "/sample_stats"):
            groups[name] = groups[name].isel(chain=[0] * len(labels)).assign_coords(chain=labels)

    return of


def _people(group, ids):
    def of(groups):
        groups[group] = groups[group].assign_coords(person=np.array(ids, dtype=object))

    return of


def _without(*groups):
    return lambda held: [held.pop(name) for name in groups]


def _changed(group, change):
    return lambda held: held.__setitem__(group, change(held[group]))


def _netcdf():
    return bytes(xr.Dataset({"x": ("draw", [1.0, 2.0])}).to_netcdf(engine="h5netcdf"))


def _zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("fit.nc", b"no fit")
    return file.getvalue()


def _declaring(shape, maxshape=None, **options):
    """A variable of the posterior that is declared and never written, in a file with a new seal."""

    def call(folder):
        file = io.BytesIO(content())
        with h5py.File(file, "r+") as opened:
            opened["posterior"].create_dataset("huge", shape, dtype="f8", maxshape=maxshape, **options)
        ab.load_fit(sealed(folder / "fit.nc", file.getvalue()))

    return call


def _saved_to(name):
    return lambda folder: made_up_fit().save(folder / name)


def _in_the_way(name, target):
    def call(folder):
        (folder / name).write_text("a file")
        made_up_fit().save(folder / target)

    return call


def _with_objects(folder):
    fit = made_up_fit()
    draws = fit.draws.copy()
    draws["notes"] = xr.DataTree(xr.Dataset({"notes": ("draw", np.array([object(), object()]))}))
    fit.with_draws(draws).save(folder / "fit.nc")


DAMAGED = [
    Case("saved fit: no file", lambda folder: ab.load_fit(folder / "none.nc"), ("There is no file", "none.nc")),
    Case("saved fit: a folder", lambda folder: ab.load_fit(folder), (" is a folder without draws.nc; name that",)),
    Case("saved fit: a path that is None", lambda _: ab.load_fit(None), ("path must be a text or a path", "got None")),
    Case("saved fit: a path that is a number", lambda _: ab.load_fit(7), ("path must be a text or a path", "got 7")),
    Case("saved fit: an empty file", _file(b""), ("fit.nc was not written by Fit.save",)),
    Case("saved fit: a text", _file(b"not a fit"), ("fit.nc was not written by Fit.save",)),
    Case("saved fit: zeros", _file(bytes(40_000)), ("fit.nc was not written by Fit.save",)),
    Case("saved fit: a zip file", _file(_zip), ("fit.nc was not written by Fit.save",)),
    Case("saved fit: another NetCDF file", _file(_netcdf), ("fit.nc was not written by Fit.save",)),
    Case("saved fit: cut in half", _file(lambda: whole_file()[:20_000]), CUT),
    Case("saved fit: the last byte cut off", _file(lambda: whole_file()[:-1]), CUT),
    Case("saved fit: without its seal, as before format 2", _file(content), (*CUT, "written before format 2")),
    Case("saved fit: a byte appended", _file(lambda: whole_file() + b"\n"), CUT),
    Case("saved fit: bytes cut from the middle", _file(lambda: whole_file()[:900] + whole_file()[950:]), CHANGED),
    Case("saved fit: twice in one file", _file(lambda: whole_file() * 2), CHANGED),
    Case("saved fit: the first byte flipped", _flipped(0), CHANGED),
    Case("saved fit: a byte of the middle flipped", _flipped(9_000, 0x80), CHANGED),
    Case("saved fit: a byte of the checksum flipped", _flipped(-3), CHANGED),
    Case("saved fit: a byte of the seal's words flipped", _flipped(-80), CUT),
    Case("saved fit: the content of one and the seal of another", lambda folder: _file(
        lambda: content("moments") + whole_file()[len(content()) :])(folder), CHANGED),
    Case("saved fit: format 1", lambda folder: ab.load_fit(sealed(folder / "a.nc", content(), 1)),
         ("has format 1; this version reads 3", "Read it with the version that wrote it")),
    Case("saved fit: a later format", lambda folder: ab.load_fit(sealed(folder / "a.nc", content(), 30)),
         ("has format 30; this version reads 3", "Read it with the version that wrote it")),
    Case("saved fit: sealed nothing", lambda folder: ab.load_fit(sealed(folder / "a.nc", b"")), (FORGED, "OSError")),
    Case("saved fit: sealed text", lambda folder: ab.load_fit(sealed(folder / "a.nc", b"text")), (FORGED, "OSError")),
    Case("saved fit: sealed NetCDF of others", lambda folder: ab.load_fit(sealed(folder / "a.nc", _netcdf())),
         (FORGED, "The fit must be a JSON object")),
    Case("saved fit: a variable of 320 GB", _declaring((40_000, 10**6)),
         (FORGED, "'posterior/huge' declares 320,000,000,000 bytes, and 0 are stored")),
    Case("saved fit: a compressed variable of 320 GB", _declaring((40_000, 10**6), chunks=(1000, 1000), compression=1),
         (FORGED, "'posterior/huge' declares 320,000,000,000 bytes, and 0 are stored")),
    Case("saved fit: a variable that may grow", _declaring((1, 10), (None, 10)), (FORGED, "'posterior/huge' declares")),
]  # fmt: skip

EDITED = [
    _forged("metadata that are a list", ("The fit must be a JSON object",), fit=lambda _: [1]),
    _forged("settings that are a text", ("'settings' must be a JSON object",), fit=_set("settings", "many draws")),
    _forged("no spec", ("The fit: 'spec' is missing",), fit=lambda record: record.pop("spec") and None),
    _forged("an unknown key", ("The fit: 'formats' is unknown",), fit=_set("formats", 2)),
    _forged("a setting of text", ("The settings: 'draws' must be a whole number; got 'all'",),
            fit=_settings(draws="all")),
    _forged("a setting that is true", ("'chains' must be a whole number; got True",), fit=_settings(chains=True)),
    _forged("a setting out of range", ("draws must be a whole number above 0; got 0",), fit=_settings(draws=0)),
    _forged("a thinning out of range", ("thin must be a whole number above 0; got 0",), fit=_settings(thin=0)),
    _forged("a setting there is not", ("'speed' is unknown",), fit=_settings(speed=1)),
    _forged("a setting that is missing", ("The settings: 'seed' is missing",),
            fit=lambda record: record["settings"].pop("seed") and None),
    _forged("a latent path there is not", ("'latent' must be one of 'integrate', 'sample'; got 'guess'",),
            fit=_settings(latent="guess")),
    _forged("a kind of model there is not", ("kind must be one of", "got 'arima'"), fit=_spec(kind="arima")),
    _forged("an option there is not", ("No option is called 'lag'",), fit=_spec(lag="equal")),
    _forged("an option of a value there is not", ("lags",), fit=_spec(lags="sometimes")),
    _forged("measures of the model swapped", ("Along 'measure' the draws have 'x', 'y'; the model has 'y', 'x'",),
            fit=_spec(measures=["y", "x"])),
    _forged("measures of the model that the panel lacks", ("'z'",), fit=_spec(measures=["x", "z"])),
    _forged("times reversed", ("times must increase", "[12, 6, 0]"), panel=_set("times", [12.0, 6.0, 0.0])),
    _forged("times moved", ("Along 'time' the draws have 0.0, 6.0, 12.0; the model has 0.0, 9.0, 18.0",),
            panel=_set("times", [0.0, 9.0, 18.0])),
    _forged("times of text", ("'times' must be a list, each a number",), panel=_set("times", ["0", "6", "12"])),
    _forged("a time that is NaN", ("times must be finite",), panel=_set("times", [0.0, 6.0, float("nan")])),
    _forged("a time too few", ("The arrays have 3 along 'panel_time'; expected 2",), panel=_set("times", [0.0, 6.0])),
    _forged("a measure twice", ("measures are named twice",), panel=_set("measures", ["x", "x"])),
    _forged("a measure too many", ("The arrays have 2 along 'panel_measure'; expected 3",),
            panel=_set("measures", ["x", "y", "z"])),
    _forged("a state of which nothing is held", ("requires names the state 'sponsor', of which nothing is given",),
            panel=_set("requires", {"x": "sponsor"})),
    _forged("a decision there is not", ("'decision' must be one of", "got 'ask'"), panel=_set("decision", "ask")),
    _forged("a source that is a number", ("'source' must be text; got 5",), panel=_set("source", 5)),
    _forged("what was left out without a count", ("'left_out' must be a list",),
            panel=_set("left_out", [{"what": "rows", "cases": [], "why": "none"}])),
    _forged("contradictions without a column", ("The contradictions have the columns 'person'",),
            panel=_set("contradictions", {"person": []})),
    _forged("groups of another number", ("groups has shape (2,); expected (7,)",), panel=_set("groups", ["a", "b"])),
    _forged("ids of a declared terabyte", ("The ids are int64, and '<U99999999' is declared",),
            panel=_set("persons_dtype", "<U99999999")),
    _forged("metadata of the panel that are a text", ("The panel must be a JSON object",), panel=lambda _: "a panel"),
    _forged("no panel", ("The panel is missing",), groups=_without("/panel")),
    _forged("no posterior", ("The group 'posterior' is missing",), groups=_without("/posterior")),
    _forged("no statistics of the sampler", ("The group 'sample_stats' is missing",), groups=_without("/sample_stats")),
    _forged("ids that are fewer", ("'persons' has the dims 'other'",),
            groups=_panel(lambda panel: panel.assign(persons=("other", [1, 2])))),
    _forged("ids out of order", ("not in sorted order",), groups=_at("persons", 0, 99)),
    _forged("a value without its code of absence", ("The codes of absence do not say",),
            groups=_at("values", (0, 0, 0), np.nan)),
    _forged("a code of absence there is not", ("The codes of absence do not say",),
            groups=_at("absence", (2, 1, 0), 9)),
    _forged("an infinite value", ("Some values are infinite",), groups=_at("values", (0, 0, 0), np.inf)),
    _forged("no values", ("The panel: the variable 'values' is missing",),
            groups=_panel(lambda panel: panel.drop_vars("values"))),
    _forged("a variable that a panel has not", ("The panel: the variable 'weights' is unknown",),
            groups=_panel(lambda panel: panel.assign(weights=("panel_person", np.ones(7))))),
    _forged("values as text", ("'values' has the dims", "the type <U1; expected"),
            groups=_panel(lambda panel: panel.assign(values=(panel["values"].dims, np.full((7, 3, 2), "a"))))),
    _forged("values transposed", ("'values' has the dims 'panel_time', 'panel_person', 'panel_measure'",),
            groups=_panel(lambda panel: panel.assign(values=panel["values"].transpose("panel_time", ...)))),
    _forged("directions of the draws swapped", ("Along 'path' the draws have 'x -> x', 'x -> y', 'y -> x', 'y -> y'",),
            groups=_relabelled("path", ["x -> x", "x -> y", "y -> x", "y -> y"])),
    _forged("times of the draws reversed", ("Along 'time' the draws have 12.0, 6.0, 0.0",),
            groups=_relabelled("time", [12.0, 6.0, 0.0])),
    _forged("a random variable without draws", ("posterior has no 'icc' of the dims 'chain', 'draw', 'measure'",),
            groups=_changed("/posterior", lambda draws: draws.drop_vars("icc"))),
    _forged("draws of whole numbers", ("'lagged' is of the type int64",),
            groups=_changed("/posterior", lambda draws: draws.assign(lagged=draws["lagged"].astype(int)))),
    _forged("fewer draws than statistics", ("posterior has 3 along 'draw', sample_stats 4",),
            groups=_changed("/posterior", lambda draws: draws.isel(draw=slice(3)))),
    _forged("more draws than were asked for", ("posterior has 4 along 'draw'; the settings ask for 3",),
            fit=_settings(draws=3)),
    _forged("more chains than were asked for", ("posterior has 2 along 'chain'; the settings ask for 1",),
            groups=_chains([0, 1])),
    _forged("a chain twice", ("Along 'chain' the draws have 0, 0; expected each once",),
            fit=_settings(chains=2), groups=_chains([0, 0])),
    _forged("a draw twice", ("Along 'draw' the draws have 0, 1, 1, 2; expected each once",),
            groups=_relabelled("draw", [0, 1, 1, 2])),
    _forged("ids that are no JSON", ("The ids must be numbers and text in JSON; got 'a'",),
            groups=_at("persons", 5, "a"), kind="mixed ids"),
    _forged("an id that is a list", ("The ids must be numbers and text in JSON; got '[1]'",),
            groups=_at("persons", 5, "[1]"), kind="mixed ids"),
    _forged("an id that is true", ("The ids must be numbers and text in JSON; got 'true'",),
            groups=_at("persons", 0, "true"), kind="mixed ids"),
    _forged("an id without an end", ("The ids must be numbers and text in JSON; got 'NaN'",),
            groups=_at("persons", 0, "NaN"), kind="mixed ids"),
    _forged("an id twice", ("The ids are not in sorted order, each once",),
            groups=_at("persons", 1, "1"), kind="mixed ids"),
    _forged("numbered ids said to be in JSON", ("The ids must be numbers and text in JSON; got 0",),
            panel=_set("persons_in_json", True)),
    _forged("ids in JSON said to be plain", ("The ids are not in sorted order",),
            panel=_set("persons_in_json", False), kind="mixed ids"),
    _forged("ids of draws that are no JSON", ("The ids of 'observed_data' must be numbers and text in JSON; got '?'",),
            groups=_people("/observed_data", ["1", "2.5", "20", '"30"', '"P1"', "?"]), kind="mixed ids"),
    _forged("draws of other people", ("observed_data is of the people 1, 2.5, 21, '30', 'P1' and 1 more; expected",),
            groups=_people("/observed_data", ["1", "2.5", "21", '"30"', '"P1"', '"a"']), kind="mixed ids"),
    _forged("moments of no people", ("The patterns have numbers of persons below 1",),
            groups=_at("moments n", 0, 0), kind="moments"),
    _forged("covariances that are not symmetric", ("or are not symmetric",),
            groups=_at("moments covariance", (0, 0, 1), 5.0), kind="moments"),
    _forged("a mean that is missing", ("Means are missing where values were observed",),
            groups=_at("moments means", (0, 0, 0), np.nan), kind="moments"),
    _forged("times of a study there is not", ("group_times is of 'north'",),
            panel=_set("group_times", {"north": [0.0, 1.0]}), kind="moments"),
]  # fmt: skip


def _one_group(folder):
    fit = made_up_fit()
    replace(fit, source=Source(group_of=("a", "b"))).save(folder / "fit.nc")


UNWRITABLE = [
    Case("saving: one group of a fit", _one_group,
         ("A file holds a fit of all groups", "ab.load_fit(path).of_group('a')")),
    Case("saving: into a folder there is not", _saved_to("none/fit.nc"),
         ("none/fit.nc cannot be written: its folder does not exist; make the folder first",)),
    Case("saving: onto a folder", lambda folder: made_up_fit().save(folder), ("cannot be written: it is a folder",)),
    Case("saving: to None", lambda _: made_up_fit().save(None), ("path must be a text or a path", "got None")),
    Case("saving: a name of 300 letters", _saved_to("x" * 300), ("its name is too long; choose a shorter one",)),
    Case("saving: a name with a null character", _saved_to("a\0b.nc"), ("cannot be written: embedded null",)),
    Case("saving: below a file", _in_the_way("taken", "taken/fit.nc"), ("a part of its path is a file",)),
    Case("saving: onto a device", lambda _: made_up_fit().save("/dev/null"), ("it is not a plain file",)),
    Case("saving a model into a folder there is not",
         lambda folder: ab.packaged_model("help-direction").save(folder / "none" / "model.toml"),
         ("none/model.toml cannot be written: its folder does not exist; make the folder first",)),
    Case("saving an association into a folder there is not",
         lambda folder: ab.packaged_model("association-kelly-2016").save(folder / "none" / "a.toml"),
         ("none/a.toml cannot be written: its folder does not exist",)),
    Case("saving draws that are objects",
         _with_objects, ("cannot be written as a netCDF file",)),
]  # fmt: skip


CASES = [*DAMAGED, *EDITED, *UNWRITABLE]
