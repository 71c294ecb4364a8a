"""The results of a sweep: a leaderboard, pictures, the best hyperparameters and the best model."""

import csv
import json
import shutil

import keras_tuner

import gan
from gan.files import written_whole
from tuning import noise, pictures
from tuning import space as spaces
from tuning.layout import best_epoch, leaderboard_file, read_history, read_records, read_settings, run_folder

TOP = 4
SAMPLES = 16
LATENTS_SEED = 0


def write_leaderboard(output):
    """Writes `leaderboard.csv`, the pictures and, for the best trial, `best.json` and `best.keras`.

    Args:
        output: Folder of the sweep.

    Returns:
        A warning if no trial is better than noise, else None.
    """
    settings = read_settings(output)
    records = read_records(output)
    rows = _rank(output, records, settings)
    with written_whole(leaderboard_file(output)) as partial, open(partial, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    ranked = [row for row in rows if row["status"] == "COMPLETED"]
    if not ranked:
        return None
    best = ranked[0]
    with written_whole(output / "best.json") as partial:
        found = gan.presets.resolve(settings["preset"], {name: best[name] for name in settings["space"]})
        # Complete, for a later version whose preset is another one.
        found = {name: value for name, value in found.items() if value is not None and name != "epochs"}
        partial.write_text(json.dumps({"preset": settings["preset"], **found}, indent=2) + "\n")
    with written_whole(output / "best.keras") as partial:
        shutil.copyfile(run_folder(output, best["trial"]) / "best.keras", partial)
    preset = next((row for row in ranked if row["preset"]), None)
    pictures.save_best_so_far(output / "best_so_far.png", ranked, preset)
    values = [records["trials"][row["trial"]]["hyperparameters"]["values"] for row in ranked]
    scored = [
        {**{name: value for name, value in one.items() if not name.startswith("tuner/")}, "fid": row["val_fid"]}
        for one, row in zip(values, ranked, strict=True)
    ]
    is_dict = (item for item in settings["space"].items() if isinstance(item[1], dict))
    logarithmic = [name for name, entry in is_dict if entry.get("sampling") == "log"]
    pictures.save_hyperparameters(output / "hyperparameters.png", scored, logarithmic)
    pictures.save_parallel_coordinates(output / "parallel_coordinates.png", scored, logarithmic)
    shown = ranked[:TOP] if preset in (None, *ranked[:TOP]) else [*ranked[: TOP - 1], preset]
    gan.images.save_panels(output / "samples.png", [_sample(output, row) for row in shown])
    return noise.warning(output, settings, best["val_fid"])


def _rank(output, records, settings):
    """Returns a dict for each trial that has ended, best first. Trials that were promoted are left out."""
    trials = records["trials"]
    promoted = {trial["hyperparameters"]["values"].get("tuner/trial_id") for trial in trials.values()}
    rows = []
    for trial_id in records["end_order"]:
        trial = trials[trial_id]
        if trial_id in promoted:
            continue
        best = best_epoch(read_history(output, trial_id)) if trial["status"] == "COMPLETED" else None
        start, end = records["times"][trial_id]
        hp = keras_tuner.HyperParameters.from_config(trial["hyperparameters"])
        rows.append(
            {
                "rank": 0,
                "trial": trial_id,
                "preset": settings["preset"] if trial_id == records["start_order"][0] else "",
                "status": trial["status"],
                "val_fid": trial["score"] if best else None,
                "best_epoch": int(best["epoch"]) if best else None,
                "minutes": round((end - start) / 60, 2),
                "ended_minute": round(end / 60, 2),
                **spaces.choose(hp, settings["space"]),
                "failure": trial["message"],
            }
        )
    rows.sort(key=lambda row: (row["val_fid"] is None, row["val_fid"], row["trial"]))
    for rank, row in enumerate(rows, start=1):
        row["rank"] = rank
    return rows


def _cell(value):
    if isinstance(value, list):
        return " ".join(map(str, map(_cell, value)))
    return f"{value:.6g}" if isinstance(value, float) else value


def _sample(output, row):
    model = gan.load_model(run_folder(output, row["trial"]) / "best.keras")
    images = gan.images.to_uint8(model.generate(SAMPLES, seed=LATENTS_SEED))
    title = f"{row['preset'] or 'trial ' + row['trial']}: fid {row['val_fid']:.2f}"
    return title, gan.images.grid(images, columns=4, padding=2)
