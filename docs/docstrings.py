"""Adapts docstrings in Keras's style to the API reference. An extension of griffe, which mkdocs.yml loads."""

import re
import textwrap

import griffe

EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
RETURNS = re.compile(r"^Returns:\n((?:    .*\n?|\n)+)", re.MULTILINE)
SESSION = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class KerasDocstrings(griffe.Extension):
    def on_object(self, *, obj, **kwargs):
        if obj.docstring:
            text = EXAMPLE.sub("**Example:**", obj.docstring.value)
            # Griffe expects a type in front of each line.
            text = RETURNS.sub(lambda section: f"**Returns:**\n\n{textwrap.dedent(section[1])}\n", text)
            # Markdown would take the prompt for a quotation.
            obj.docstring.value = SESSION.sub(lambda session: f"```pycon\n{session[0]}\n```", text)
