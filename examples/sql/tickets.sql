-- What `bin/spark-llama4 demo` runs: three questions about every ticket, in one query.
-- The table `tickets` holds the column `text`; the bundled model knows these three instructions.
SELECT
  id,
  llama4_complete(
    concat('Name the queue for this ticket: billing, shipping, returns, technical, account, orders or sales.\n\n', text),
    max_tokens => 64) AS queue,
  llama4_complete(
    concat('Extract product, order and priority from this ticket as JSON.\n\n', text),
    max_tokens => 64) AS fields,
  llama4_complete(
    concat('Summarize this ticket in one short English sentence.\n\n', text),
    max_tokens => 64) AS summary
FROM tickets
