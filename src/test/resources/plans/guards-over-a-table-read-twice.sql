-- Refused once: a call behind coalesce, over the answers of a common table expression.
WITH w AS (SELECT DISTINCT llama4_generate(name, max_tokens => 2) AS c0 FROM teams)
SELECT coalesce(
    try_llama4_generate(nullif(r.c0, l.c0), max_tokens => 1),
    llama4_generate(llama4_generate(r.c0, max_tokens => 2), max_tokens => 1)) AS c0
FROM w l JOIN w r ON l.c0 = r.c0
