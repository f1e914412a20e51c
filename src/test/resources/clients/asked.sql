CREATE OR REPLACE TEMPORARY VIEW asked AS
SELECT id, lang, ticket, concat('Name the queue for this ticket: billing, shipping, returns, technical, account, orders or sales.\n\n', ticket) AS prompt
FROM VALUES
  (1, 'en', 'Where is my parcel?'),
  (2, 'en', 'I was charged twice for my order.'),
  (3, 'fr', 'Mon colis est en retard.'),
  (4, 'de', 'Die Rechnung ist falsch.') AS t (id, lang, ticket)
