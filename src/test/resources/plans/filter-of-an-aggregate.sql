-- Refused once: calls in the filter of an aggregate and over its result.
SELECT t1.weight, llama4_generate(
    min(t1.word) FILTER (WHERE llama4_generate(llama4_generate(t1.word, max_tokens => 1), max_tokens => 2) IS NOT NULL),
    max_tokens => 2) AS c1
FROM words t1
GROUP BY t1.weight
