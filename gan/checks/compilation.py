"""Which arguments `compile` refuses."""

import numbers
import types
import warnings

from gan import augmentation as augmentations
from gan import schedules
from gan.metrics import ClassAgreement, FeatureMetric
from gan.regularizers import GradientRegularizer


def check_compiled(model):
    """Makes sure that `compile` was called."""
    if not model.compiled:
        raise ValueError("the GAN must be compiled first, with a generator_optimizer and a discriminator_optimizer.")


def check_adapted(model):
    """Makes sure that a GAN with clusters knows them."""
    if model.clusters is not None and not model.clusters.found:
        raise ValueError("the clusters are not known yet: call fit, or model.clusters.adapt(images).")


def check_trained(model):
    """Warns of layers that a subclass holds and nothing trains."""
    trained = [id(layer) for layer in (model.generator, model.discriminator, model.average)]
    for layer in model.layers:
        if id(layer) not in trained and layer.trainable_variables:
            warnings.warn(
                f"{layer.name} has trainable weights, but a GAN trains its generator and its discriminator only. Make "
                "it a part of one of them, such as a further output of the discriminator, or set its trainable=False.",
                stacklevel=3,
            )


def check_optimizer(name, optimizer, variables):
    """Makes sure that an optimizer can train variables: it has slots for all of them, and no schedule as a beta."""
    if not optimizer.built:
        optimizer.build(variables)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    for beta in ("beta_1", "beta_2"):
        if schedules.is_schedule(getattr(inner, beta, None)):
            raise ValueError(
                f"{name} cannot have a schedule as its {beta}. gan.schedules.Adam takes one as its beta_2."
            )
    known = {id(variable) for variable in inner._trainable_variables}
    if unknown := [variable.path for variable in variables if id(variable) not in known]:
        raise ValueError(
            f"{name} was built for other variables and does not know {', '.join(unknown)}: layers were unfrozen or "
            "replaced since. Compile with a new optimizer."
        )


def check_metrics(model, metrics, log_names):
    """Builds the metrics of a model, and makes sure that their figures can be told apart."""
    if not isinstance(metrics, (list, tuple)):
        raise ValueError(f"metrics must be a list of gan.metrics, not {metrics!r}.")
    networks = {}
    for metric in metrics:
        if not isinstance(metric, FeatureMetric):
            raise ValueError(f"metrics must be gan.metrics, not {metric!r}.")
        if isinstance(metric, ClassAgreement) and model.num_classes is None:
            raise ValueError(f"{metric.name} needs a GAN with num_classes; this one generates no classes.")
        metric.build(model.image_shape)
        name = metric.extractor_name
        if networks.setdefault(name, metric.extractor) != metric.extractor:
            raise ValueError(f"two extractors have the name {name!r}: give each a name of its own.")
    figures = [*log_names, *(figure for metric in metrics for figure in metric.figures or [metric.name])]
    if len(set(figures)) < len(figures):
        raise ValueError(f"metrics must log under different names, not {', '.join(figures)}.")


def check_augmentation(model, augmentation):
    """Makes sure that an augmentation suits the images of a model. Returns it, or None."""
    augmentation = augmentations.get(augmentation)
    if augmentation is not None:
        augmentation.check(model.image_shape)
    return augmentation


def check_regularizers(regularizers):
    """Makes sure that regularizers are a list of `gan.regularizers`, or None."""
    is_list = isinstance(regularizers, (list, tuple, types.NoneType))
    if not is_list or not all(isinstance(one, GradientRegularizer) for one in regularizers or []):
        raise ValueError(f"regularizers must be a list of gan.regularizers, not {regularizers!r}.")
    return list(regularizers or [])


def check_averaging(averaging):
    """Makes sure that the decay of the average is None, a schedule, or in [0, 1)."""
    if averaging is not None and not schedules.all_within(averaging, 0, 1):
        wrong = schedules.describe(averaging)
        raise ValueError(f"averaging must lie in [0, 1) or be a schedule (gan.schedules) that does, not {wrong}.")


def check_count(name, value):
    """Makes sure that an argument is None or a positive integer."""
    if value is not None and not (isinstance(value, numbers.Integral) and value > 0):
        raise ValueError(f"{name} must be a positive integer, not {value!r}.")
