-- Refused once: a call over one side in the condition of a full join, of which no side may lose rows.
SELECT t1.word, t2.name
FROM words t1 FULL JOIN teams t2
  ON coalesce(t1.word, 'a') = coalesce(t2.name, 'a')
    AND llama4_generate(t1.word, max_tokens => 2) IN ('a', 'b', llama4_generate(t1.word, max_tokens => 1))
