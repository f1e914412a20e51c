-- Refused once: a call in a generator, behind a guard, with a column as its option.
SELECT DISTINCT t1.prompt, length(v2.word) AS c1
FROM tickets t1 LATERAL VIEW explode(array(
    CASE WHEN t1.team < 3 THEN t1.word END,
    try_llama4_generate(t1.prompt, max_tokens => 1 + coalesce(pmod(t1.id, 2), 0)))) v2 AS word
WHERE t1.open OR t1.prompt IS NULL
