"""Runs the queries of the file through PySpark, classic or over Spark Connect, as its users do.

usage: clients.py QUERIES VIEW ANSWERS [sc://HOST:PORT]

Writes {"queries": {name: rows}, "columns": {name: rows}} to ANSWERS: what the SQL text of every query gives, and what
the same calls give as columns. Every cell is a text or null.
"""

import json
import re
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def parse(text):
    """The queries: name, SQL text and parameters."""
    for part in re.split(r"^-- query: ", text, flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("\n")
        parameters = dict(re.findall(r"^-- :(\w+) = (.*)$", body, flags=re.MULTILINE))
        sql = "\n".join(l for l in body.splitlines() if not l.startswith("--")).strip()
        yield name, sql, parameters


def cell(value):
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def rows(frame):
    return [[cell(value) for value in row] for row in frame.collect()]


def columns(spark):
    """The calls of some queries, made by the module, by call_function and by expr."""
    from spark_llama4 import functions as L

    asked = spark.table("asked").orderBy("id")
    prompt = F.col("prompt")
    return {
        "projection": asked.select("id", L.llama4_generate("prompt", max_tokens=4)),
        "distinct answers": asked.select(
            F.count_distinct(L.llama4_generate(prompt, max_tokens=4))
        ),
        "complete struct": asked.select(
            "id", F.to_json(L.llama4_complete(prompt, max_tokens=4))
        ),
        "a row that fails": asked.select(
            "id",
            L.try_llama4_generate(
                F.when(F.col("id") == 1, "").otherwise(F.col("ticket")),
                raw=True,
                max_tokens=2,
            ).isNull(),
            F.expr(
                "llama4_complete(if(id = 1, '', ticket), raw => true, max_tokens => 2)"
            )["error"]["code"],
        ),
        "options as a map": asked.select(
            "id",
            L.llama4_generate(
                prompt, max_tokens=2, temperature="0.5", seed=F.col("id")
            ),
        ),
        "options of columns": asked.select(
            "id",
            L.llama4_complete(
                prompt, max_tokens=F.col("id"), ignore_eos=F.col("lang") == "en"
            )["usage"]["completion_tokens"],
        ),
        "filter": asked.where(
            F.call_function(
                "llama4_generate", prompt, F.create_map(F.lit("max_tokens"), F.lit(4))
            )
            == "billing"
        ).select("id"),
        "conversation": asked.select(
            "id",
            L.llama4_chat(
                F.array(
                    F.struct(F.lit("user").alias("role"), prompt.alias("content"))
                ),
                max_tokens=4,
            ),
        ),
        "classification": asked.select(
            "id", L.llama4_classify("ticket", ["billing", "shipping", "returns"])
        ),
        "scores and tokens": asked.select(
            "id",
            F.round(L.llama4_score(prompt, F.lit("billing"))["logprob"], 3).cast(
                "string"
            ),
            L.llama4_count_tokens("ticket"),
            F.to_json(L.llama4_tokens("lang")),
        ),
        "messages": asked.select(
            "id",
            L.llama4_complete(
                F.array(
                    F.struct(F.lit("user").alias("role"), prompt.alias("content"))
                ),
                max_tokens=4,
            )["text"],
        ),
    }


def main(queries, view, answers, remote=None):
    builder = SparkSession.builder
    spark = (builder.remote(remote) if remote else builder).getOrCreate()
    with open(view, encoding="utf-8") as file:
        spark.sql(file.read())
    with open(queries, encoding="utf-8") as file:
        found = {
            name: rows(spark.sql(sql, args=parameters or None))
            for name, sql, parameters in parse(file.read())
        }
    made = {name: rows(frame) for name, frame in columns(spark).items()}
    with open(answers, "w", encoding="utf-8") as file:
        json.dump({"queries": found, "columns": made}, file, ensure_ascii=False)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
