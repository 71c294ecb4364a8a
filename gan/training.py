"""What train.py does: it opens the images, builds or loads the model, and trains it in the folder of a run."""

import functools
import hashlib
import math
from pathlib import Path

import keras

import gan
from gan import cards, checks, cli, engines, extraction, first_lines, presets, runs
from gan.locks import LOCK_NAME
from gan.text import format_count, format_shape


def prepare(output, settings, recorded, processes):
    """Loads data and model and writes config.json, after everything that can be wrong has been checked."""
    keras.utils.set_random_seed(settings["seed"])
    checkpoint = output / "model.keras"
    model, epoch = gan.Checkpoint.load(checkpoint) if checkpoint.exists() else (None, 0)
    if epoch > settings["epochs"]:
        raise ValueError(f"{output} has finished {epoch} epochs already, more than --epochs {settings['epochs']}.")
    start = None if model or not settings["from"] else gan.load_model(settings["from"])
    if start:
        checksum = hashlib.sha256(Path(settings["from"]).read_bytes()).hexdigest()
        processes.check_equal("start", checksum, "starts from another model than")
        settings["image_shape"] = settings["image_shape"] or list(start.image_shape)
    images, data = open_images(output, settings, recorded, processes)
    load = functools.partial(load_split, images, settings)
    is_validated = bool(settings["validate_every"] and (model is None or model.quality_metrics))
    if recorded is None and (line := first_lines.recommend(images, settings, is_validated)):
        print(line, flush=True)  # before a batch is refused that is too large for these pictures
    validation = load("test") if is_validated else None
    dataset = load("train" if validation else None)
    num_classes = images.num_classes if settings["conditional"] else None

    def build(metrics=None):
        steps = settings["epochs"] * len(dataset)
        built = presets.build(settings, images.image_shape, num_classes, settings["seed"], metrics, steps)
        if start:
            copy_weights(built, start, settings["from"])
        return built

    # Without metrics, to find what is wrong before minutes are spent on an extractor.
    draft = model or build()
    if images.image_shape != draft.image_shape:
        shapes = format_shape(images.image_shape), format_shape(draft.image_shape)
        raise ValueError(f"{images.name} holds images of {shapes[0]}, but {output} was trained on {shapes[1]}.")
    checks.check_batches(draft, dataset)
    print(first_lines.describe_data(images, settings, is_validated), flush=True)
    if start:
        print(f"  starts with the weights of {settings['from']}, and with new optimizers", flush=True)
    if recorded and (line := first_lines.describe_ended(settings, recorded["epochs"])):
        print(line, flush=True)
    if model is None:
        keras.utils.set_random_seed(settings["seed"])
        metrics = choose_metrics(images, num_classes, output, settings, processes) if validation else None
        if validation and not metrics:
            validation, dataset = None, load(None)
        model = build(metrics)
    if processes.is_first:
        runs.write_config(output, settings, data, is_resumed=recorded is not None)
    return model, images, dataset, validation, epoch, data


def copy_weights(model, start, path):
    """Copies the weights of the network that generates images, of the discriminator and of clusters to another GAN."""
    if model.num_classes != start.num_classes:
        counts = f"{format_count(start.num_classes, 'class', 'classes')}, and these images {model.num_classes}"
        raise ValueError(f"--from {path}: its model has {counts}.")
    try:
        # The average generates better images than the generator, which it would follow at once.
        model.generator.set_weights(start.best_generator.get_weights())
        model.discriminator.set_weights(start.discriminator.get_weights())
    except ValueError as error:
        raise ValueError(f"--from {path}: its networks are not those that config.json beside it describes.") from error
    if model.average is not None:
        model.reset_average()
    if model.clusters is not None:
        # `fit` moves them to its images.
        model.clusters.centers.assign(start.clusters.centers)


def open_images(output, settings, recorded, processes):
    """Opens the images, and makes sure that they are those of the run. Returns them and the run's facts about them."""
    requested = settings["data"]
    images = gan.datasets.open_source(
        requested, settings["image_shape"], settings["background"], settings["skip_damaged"]
    )
    settings["data"] = images.name
    if images.pictures:
        settings["image_shape"] = list(images.image_shape)
    data = runs.check_data(output, images, requested, recorded if processes.is_first else None)
    processes.check_equal("images", data["fingerprint"], "reads other images than")
    return images, data


def load_split(images, settings, split):
    keep_all = split == "test" or not settings["drop_remainder"]
    kept = {"seed": settings["seed"], "labels": settings["conditional"], "flip": settings["flip"]}
    return gan.datasets.load(images, settings["batch_size"], split=split, drop_remainder=not keep_all, **kept)


def choose_metrics(images, num_classes, output, settings, processes):
    """Returns the metrics of a run. If no extractor is known, trains one on the images; None if it does not pass."""
    chosen = settings["extractor"] or gan.metrics.usual_extractor(images.name, images.image_shape)
    settings["extractor"] = chosen or runs.EXTRACTOR_NAME
    if settings["extractor"] == runs.EXTRACTOR_NAME:
        file = output / runs.EXTRACTOR_NAME
        if processes.is_first and not file.exists():
            try:
                extraction.write_extractor(images, file, Path(images.name).stem, settings["seed"])
            except ValueError as error:
                print(f"Nothing is validated, and all images are trained on: {error}", flush=True)
        processes.tell("extractor", "chosen")  # the others wait here
        processes.send_file(file)
        keras.utils.set_random_seed(settings["seed"])
        if not file.exists():
            settings["extractor"] = None
            return None
    extractor = gan.metrics.load_extractor(runs.find_extractor(settings["extractor"], output))
    return gan.metrics.all_metrics(extractor, images.image_shape, num_classes)


def train(output, settings, model, images, dataset, validation, epoch, data):
    devices = f" on {model.device_count} devices" if model.device_count > 1 else ""
    facts = [
        f"generator: {model.generator.count_params():,} parameters",
        f"discriminator: {model.discriminator.count_params():,} parameters",
        f"{format_count(len(dataset), 'batch', 'batches')} of {settings['batch_size']} per epoch{devices}",
        f"output: {output}" if engines.is_first_process() else "process 0 writes the output",
        *([f"continuing after epoch {epoch}"] if epoch else []),
    ]
    print("; ".join(facts), flush=True)
    every = settings["validate_every"] or 1
    history_file = output / "history.csv"
    names = images.class_names if model.num_classes else None
    monitor = "val_fid" if validation else None
    log_dir = output / "tensorboard" if settings["tensorboard"] else None
    model.fit(
        dataset,
        epochs=settings["epochs"],
        initial_epoch=epoch,
        validation_data=validation,
        validation_freq=sorted({*range(every, settings["epochs"], every), settings["epochs"]}),
        verbose=0,
        callbacks=[
            gan.CSVHistory(history_file),
            gan.ImageGrid(output / "images", every=settings["grid_every"], class_names=names, log_dir=log_dir),
            gan.Curves(output / "curves.png", history_file),
            gan.Animation(output / "training.gif", output / "images"),
            *tensorboard_callbacks(log_dir, model, names),
            # An epoch counts as finished once it is in the checkpoint, so its other files are written before.
            gan.Checkpoint(output / "model.keras", monitor, keep_every=settings["keep_every"]),
            gan.Progress(),
        ],
    )
    if not engines.is_first_process():
        return
    history = gan.CSVHistory.read(history_file)
    measured = zip(history.get("val_fid", ()), history["epoch"], strict=False)
    if fids := [(fid, epoch) for fid, epoch in measured if math.isfinite(fid)]:
        fid, epoch = min(fids)
        extractor = model.quality_metrics[0].extractor_name
        print(f"best epoch: {epoch:.0f}, with a fid of {fid:.3f} (extractor {extractor}), saved as best.keras")
    if not cards.write_card(output):
        print(f"{output / cards.CARD_NAME} was changed by hand and stays as it is.")
    print(f"{output} holds {', '.join(sorted(path.name for path in output.iterdir() if path.name != LOCK_NAME))}.")
    if note := cli.describe_fallback(data["requested"], settings["data"]):
        print(note)


def tensorboard_callbacks(log_dir, model, class_names):
    """Returns the callbacks that write what TensorBoard shows beside the grids: scalars, and an embedding."""
    if log_dir is None:
        return []
    scalars = keras.callbacks.TensorBoard(log_dir, write_graph=False)
    has_features = model.num_classes is not None and model.quality_metrics
    return [scalars, gan.Embedding(log_dir, class_names=class_names)] if has_features else [scalars]
