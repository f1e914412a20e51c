-- Refused once: a call around one that the filter below has answered.
SELECT llama4_generate(llama4_generate(t1.word, max_tokens => 2), max_tokens => 1) AS c0
FROM words t1
WHERE llama4_generate(t1.word, max_tokens => 2) <> 'a'
