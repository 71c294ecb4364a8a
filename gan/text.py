"""Numbers and shapes as text, for messages."""


def format_count(count, noun, plural=None):
    """Formats a number of things: `"1 image"`, `"5,000 images"`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_shape(shape):
    """Formats a shape: `"32x32x3"`."""
    return "x".join(map(str, shape))
