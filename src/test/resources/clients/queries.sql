-- What every client must answer alike. A query begins with its name; ":name = value" is a parameter marker's value, which
-- SQL alone gives by EXECUTE IMMEDIATE. Every query says its order, and every column is a text, a number, a boolean or NULL.
-- The session has the view "asked": id, lang, ticket, prompt.

-- query: projection
SELECT id, llama4_generate(prompt, max_tokens => 4) AS queue FROM asked ORDER BY id

-- query: filter
SELECT id FROM asked WHERE llama4_generate(prompt, max_tokens => 4) = 'billing' ORDER BY id

-- query: the same call in projection and filter
SELECT id, llama4_generate(prompt, max_tokens => 4) AS queue FROM asked
WHERE llama4_generate(prompt, max_tokens => 4) <> 'billing' ORDER BY id

-- query: a cheap condition beside a call
SELECT id FROM asked WHERE llama4_generate(prompt, max_tokens => 4) IS NOT NULL AND id % 2 = 0 ORDER BY id

-- query: guarded by CASE
SELECT id, CASE WHEN id < 3 THEN llama4_generate(prompt, max_tokens => 4) ELSE lang END AS queue FROM asked ORDER BY id

-- query: guarded by COALESCE
SELECT id, COALESCE(nullif(lang, 'en'), llama4_generate(prompt, max_tokens => 4)) AS queue FROM asked ORDER BY id

-- query: guarded by OR
SELECT id FROM asked WHERE id < 2 OR llama4_generate(prompt, max_tokens => 4) = 'billing' ORDER BY id

-- query: limit over an order
SELECT id, llama4_generate(prompt, max_tokens => 4) AS queue FROM asked ORDER BY id LIMIT 2

-- query: join with answers
SELECT a.id, b.team FROM (SELECT id, llama4_generate(prompt, max_tokens => 4) AS queue FROM asked) a
JOIN (VALUES ('billing', 'money'), ('shipping', 'parcels')) AS b (queue, team) ON a.queue = b.queue ORDER BY a.id

-- query: aggregate over answers
SELECT queue, count(*) AS tickets FROM (SELECT llama4_generate(prompt, max_tokens => 4) AS queue FROM asked)
GROUP BY queue ORDER BY queue

-- query: distinct answers
SELECT count(DISTINCT llama4_generate(prompt, max_tokens => 4)) AS queues FROM asked

-- query: complete struct
SELECT id, to_json(llama4_complete(prompt, max_tokens => 4)) AS answer FROM asked ORDER BY id

-- query: fields of a struct
SELECT id, c.text, c.finish_reason, c.usage.prompt_tokens, c.usage.completion_tokens, c.error IS NULL AS done
FROM (SELECT id, llama4_complete(prompt, max_tokens => 1) AS c FROM asked) ORDER BY id

-- query: a row that fails
SELECT id, try_llama4_generate(if(id = 1, '', ticket), raw => true, max_tokens => 2) IS NULL AS failed,
  llama4_complete(if(id = 1, '', ticket), raw => true, max_tokens => 2).error.code AS code FROM asked ORDER BY id

-- query: options as a map
SELECT id, llama4_generate(prompt, map('max_tokens', 2, 'temperature', '0.5', 'seed', id)) AS queue FROM asked ORDER BY id

-- query: options of columns
SELECT id, llama4_complete(prompt, max_tokens => id, ignore_eos => lang = 'en').usage.completion_tokens AS tokens
FROM asked ORDER BY id

-- query: parameter markers
-- :instruction = Summarize this ticket in one short English sentence.
-- :least = 2
SELECT id, llama4_generate(concat(:instruction, '\n\n', ticket), max_tokens => 6) AS summary FROM asked
WHERE id >= CAST(:least AS INT) ORDER BY id

-- query: messages
SELECT id, llama4_complete(array(named_struct('role', 'user', 'content', prompt)), max_tokens => 4).text AS queue
FROM asked ORDER BY id

-- query: scalar subquery
SELECT id, (SELECT max(llama4_generate(prompt, max_tokens => 4)) FROM asked WHERE id = 1) AS first FROM asked ORDER BY id

-- query: a common table expression used twice
WITH answers AS (SELECT id, llama4_generate(prompt, max_tokens => 4) AS queue FROM asked)
SELECT x.id, y.id AS other FROM answers x JOIN answers y ON x.queue = y.queue AND x.id < y.id ORDER BY x.id, y.id

-- query: conversation
SELECT id, llama4_chat(array(named_struct('role', 'user', 'content', prompt)), max_tokens => 4) AS queue FROM asked ORDER BY id

-- query: scores and tokens
SELECT id, string(round(llama4_score(prompt, 'billing').logprob, 3)) AS logprob, llama4_count_tokens(ticket) AS tokens,
  to_json(llama4_tokens(lang)) AS ids FROM asked ORDER BY id

-- query: classification
SELECT id, llama4_classify(ticket, array('billing', 'shipping', 'returns')) AS queue FROM asked ORDER BY id
