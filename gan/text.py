"""Numbers and shapes as text, for messages."""

NAMES_SHOWN = 10


def format_count(count, noun, plural=None):
    """Formats a number of things: `"1 image"`, `"5,000 images"`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_name(name):
    """Formats a name of a file or a class; one with line breaks or the like is quoted."""
    return name if name.isprintable() else ascii(name)


def format_names(names):
    """Formats a list of names: `"a, b, c"`, or the first ten and how many more there are."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(map(format_name, names[:NAMES_SHOWN])) + (f" and {more:,} more" if more > 0 else "")


def format_shape(shape):
    """Formats a shape: `"32x32x3"`."""
    return "x".join(map(str, shape))
