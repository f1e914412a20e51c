/// Made-up support tickets with right answers: what the bundled small model is trained on and what
/// the demo asks it about.
///
/// Reading order: [Ticket][io.sparkllama4.examples.tickets.Ticket] (the result),
/// [Facts][io.sparkllama4.examples.tickets.Facts] (what a ticket is about),
/// [Templates][io.sparkllama4.examples.tickets.Templates] (the wordings, split into training and
/// held-out), [Wording][io.sparkllama4.examples.tickets.Wording] (one wording with choices),
/// [TicketComposer][io.sparkllama4.examples.tickets.TicketComposer] (facts to text),
/// [TicketGenerator][io.sparkllama4.examples.tickets.TicketGenerator] (seed to tickets) and
/// [GenerateTickets][io.sparkllama4.examples.tickets.GenerateTickets] (the command).
///
/// Everything follows from a seed: no clock, no hash order, no source of randomness but
/// [Dice][io.sparkllama4.examples.tickets.Dice]. This package knows nothing of the rest of the
/// project, and no Spark.
@NullMarked
package io.sparkllama4.examples.tickets;

import org.jspecify.annotations.NullMarked;
