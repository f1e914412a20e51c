"""Llama 4 batch inference inside Apache Spark: the SQL functions of spark-llama4 for PySpark.

>>> from spark_llama4.functions import llama4_generate
"""

__all__ = ["functions"]
