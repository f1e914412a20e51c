"""The SQL functions of spark-llama4 as columns of PySpark DataFrames.

Every function makes the call that SQL would, through PySpark's public API alone. It works in a classic
session and over Spark Connect, where only the server needs the extension and the plugin.

The first arguments are columns: a Column, or a name of one, as everywhere in ``pyspark.sql.functions``.
Options are given by name and are values; a Column where they differ from row to row (a ``str`` is a
text here, never the name of a column)::

    from pyspark.sql import functions as F
    from spark_llama4.functions import llama4_generate

    tickets.select(llama4_generate("text", max_tokens=20, seed=F.col("id")).alias("answer"))

``DESCRIBE FUNCTION EXTENDED llama4_generate`` says what a function does and which options it takes.
Wrong names and values are refused by Spark when the DataFrame is analyzed, with the names that exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from pyspark.sql import functions as _functions

if TYPE_CHECKING:
    from pyspark.sql import Column

    ColumnOrName = Union[Column, str]
    #: A text, a number, a boolean, a list of texts or numbers, a map of texts, or a column.
    Option = Union[Column, str, int, float, bool, Sequence[Any], Mapping[str, Any], None]

__all__ = [
    "llama4_chat",
    "llama4_classify",
    "llama4_complete",
    "llama4_count_tokens",
    "llama4_generate",
    "llama4_score",
    "llama4_tokens",
    "try_llama4_generate",
]


def llama4_generate(prompt: ColumnOrName, **options: Option) -> Column:
    """Continue ``prompt``; a row that cannot be answered fails the query."""
    return _call("llama4_generate", [prompt], options)


def try_llama4_generate(prompt: ColumnOrName, **options: Option) -> Column:
    """Continue ``prompt``; NULL for a row that cannot be answered."""
    return _call("try_llama4_generate", [prompt], options)


def llama4_complete(prompt: ColumnOrName, **options: Option) -> Column:
    """Continue ``prompt``, a text or an array of messages with role and content, and tell everything.

    The result is a struct of text, finish_reason, usage, model, seed and error. It never fails for a row.
    """
    return _call("llama4_complete", [prompt], options)


def llama4_chat(messages: ColumnOrName, **options: Option) -> Column:
    """Answer a conversation, an array of structs with role and content."""
    return _call("llama4_chat", [messages], options)


def llama4_classify(
    text: ColumnOrName, labels: Union[Column, Sequence[str]], **options: Option
) -> Column:
    """Give the one of ``labels`` that the model finds likeliest for ``text``.

    ``labels`` is a list of texts, or a column that holds an array of them.
    """
    if isinstance(labels, str):
        raise TypeError(
            "labels cannot be the str %r: pass a list of texts, or col(%r) for a column that holds an array of them"
            % (labels, labels)
        )
    return _call("llama4_classify", [text, _value(labels)], options)


def llama4_score(
    prompt: ColumnOrName, continuation: ColumnOrName, **options: Option
) -> Column:
    """Log-probabilities of ``continuation`` behind ``prompt``: a struct of logprob, tokens and per_token."""
    return _call("llama4_score", [prompt, continuation], options)


def llama4_tokens(text: ColumnOrName, **options: Option) -> Column:
    """The ids of the tokens of ``text``, nothing added."""
    return _call("llama4_tokens", [text], options)


def llama4_count_tokens(text: ColumnOrName, **options: Option) -> Column:
    """The number of tokens of ``text``."""
    return _call("llama4_count_tokens", [text], options)


def _call(
    function: str, arguments: Sequence[ColumnOrName], options: Mapping[str, Option]
) -> Column:
    columns = [_functions.col(a) if isinstance(a, str) else a for a in arguments]
    if options:
        # The analyzer takes a map with literal names apart: its values need no common type.
        columns.append(_map(options))
    return _functions.call_function(function, *columns)


def _map(entries: Mapping[str, Any]) -> Column:
    columns = []
    # Sorted, so that equal calls make equal plans.
    for name in sorted(entries):
        columns += [_functions.lit(name), _value(entries[name])]
    return _functions.create_map(*columns)


def _value(value: Any) -> Column:
    if isinstance(value, Mapping):
        return _map(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return _functions.array(*[_value(element) for element in value])
    return _functions.lit(value)
