"""The three questions, their wordings and the chats that are made of them."""

QUESTIONS = ("queue", "fields", "summary")

# What the demo asks. Training uses these wordings in half of the chats.
CANONICAL = {
    "queue": "Name the queue for this ticket: billing, shipping, returns, technical, account, orders or sales.",
    "fields": "Extract product, order and priority from this ticket as JSON.",
    "summary": "Summarize this ticket in one short English sentence.",
}

# Other wordings of the same questions, seen in training only.
PARAPHRASES = {
    "queue": (
        "Which queue should handle this ticket?",
        "Which team is responsible for this message? Answer with one word.",
        "Classify the support ticket. Give the queue only.",
        "To which queue does this request belong?",
        "Read the ticket and name the right queue.",
        "Queue?",
    ),
    "fields": (
        "Give me the fields of this ticket as a JSON object with the keys product, order and priority.",
        "Return JSON with product, order and priority.",
        "Which product, order number and priority does the customer mention? Answer in JSON.",
        "Extract the fields as JSON.",
        "Fill in the JSON fields for this support ticket.",
        "Fields as JSON?",
    ),
    "summary": (
        "Write a one-line summary of this ticket in English.",
        "What does the customer want? Answer with one sentence in English.",
        "Sum up the message in a single line.",
        "Give a short English summary of the ticket.",
        "In one sentence: what is this ticket about?",
        "Summary?",
    ),
}


def answer(ticket, question):
    """The right answer of a ticket (a line of the generator's JSONL) to a question."""
    return ticket[question]


def user_message(instruction, ticket):
    """The first message of a chat: what to do, an empty line, the ticket."""
    return instruction + "\n\n" + ticket["text"]


def draw_instruction(question, random):
    """The canonical wording in half of the cases, else one of the others."""
    if random.random() < 0.5:
        return CANONICAL[question]
    return random.choice(PARAPHRASES[question])


def single_chat(ticket, question, random):
    """One question about a ticket with its answer, as in the demo."""
    return [
        ("user", user_message(draw_instruction(question, random), ticket)),
        ("assistant", answer(ticket, question)),
    ]


def long_chat(ticket, random):
    """All three questions about a ticket, one after the other."""
    questions = random.sample(QUESTIONS, len(QUESTIONS))
    messages = single_chat(ticket, questions[0], random)
    for question in questions[1:]:
        messages.append(("user", draw_instruction(question, random)))
        messages.append(("assistant", answer(ticket, question)))
    return messages
