"""Asks a checkpoint the three questions about held-out tickets and counts right answers."""

import argparse
import json
from pathlib import Path

import torch

from questions import CANONICAL, QUESTIONS, user_message
from samples import Encoder, read_tickets

MAX_ANSWER_TOKENS = 64


def batched_greedy(next_logits, prompts, stop, pad, rows=64):
    """Greedy continuations of token lists. `next_logits(ids, ends)` yields the logits [B, vocabulary] at `ends`."""
    answers = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    for start in range(0, len(order), rows):
        alive = order[start : start + rows]
        while alive:
            texts = [prompts[number] + answers[number] for number in alive]
            length = max(map(len, texts))
            ids = torch.tensor([text + [pad] * (length - len(text)) for text in texts])
            ends = torch.tensor([len(text) - 1 for text in texts])
            chosen = next_logits(ids, ends).argmax(-1).tolist()
            for number, token in zip(alive, chosen):
                answers[number].append(token)
            alive = [
                number
                for number in alive
                if answers[number][-1] != stop and len(answers[number]) < MAX_ANSWER_TOKENS
            ]
    return answers


def prompts_of(encoder, tickets):
    """Canonical prompts, ticket by ticket, question by question."""
    return [
        encoder.prompt(user_message(CANONICAL[question], ticket)) for ticket in tickets for question in QUESTIONS
    ]


def texts_of(encoder, answers):
    """Answers as text, one dictionary per ticket. An answer that does not stop keeps its whole text."""
    texts = [encoder.plain.decode([t for t in answer if t != encoder.eot]) for answer in answers]
    size = len(QUESTIONS)
    return [dict(zip(QUESTIONS, texts[start : start + size])) for start in range(0, len(texts), size)]


@torch.no_grad()
def answers_of_decoder(model, encoder, tickets):
    """Answers of the training-time model."""

    def next_logits(ids, ends):
        hidden = model(ids)
        return model.logits(hidden[torch.arange(len(ends)), ends])

    return texts_of(encoder, batched_greedy(next_logits, prompts_of(encoder, tickets), encoder.eot, encoder.pad))


def judge(ticket, answers):
    """Four marks for one ticket."""
    try:
        fields = json.loads(answers["fields"])
    except json.JSONDecodeError:
        fields = None
    return {
        "queue": answers["queue"] == ticket["queue"],
        "valid_json": isinstance(fields, dict),
        "fields": fields == json.loads(ticket["fields"]),
        "summary": answers["summary"] == ticket["summary"],
    }


def report(tickets, answers):
    """Shares of right answers, overall and per language."""
    marks = [judge(ticket, answer) for ticket, answer in zip(tickets, answers)]

    def shares(chosen):
        return {name: round(sum(mark[name] for mark in chosen) / len(chosen), 4) for name in marks[0]}

    languages = sorted({ticket["language"] for ticket in tickets})
    groups = {
        language: [mark for mark, ticket in zip(marks, tickets) if ticket["language"] == language]
        for language in languages
    }
    return {
        "tickets": len(tickets),
        "overall": shares(marks),
        **{language: {"tickets": len(group), **shares(group)} for language, group in groups.items()},
    }


@torch.no_grad()
def reference_answers(folder, encoder, prompts):
    """Greedy ids by transformers: float32 on the stored weights, no cache, right padding."""
    from transformers import Llama4ForCausalLM

    model = Llama4ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    def next_logits(ids, ends):
        hidden = model.model(ids, use_cache=False).last_hidden_state
        return model.lm_head(hidden[torch.arange(len(ends)), ends])

    return batched_greedy(next_logits, prompts, encoder.eot, encoder.pad)


def check_template(folder, encoder, ticket):
    """The prompt that the chat template renders is the prompt that training used."""
    from transformers import AutoTokenizer

    text = user_message(CANONICAL["queue"], ticket)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": text}]
    rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert tokenizer(rendered, add_special_tokens=False)["input_ids"] == encoder.prompt(text), rendered


def write_reference(path, tickets, prompts, answers):
    """Prompt and completion ids, for comparison with other engines."""
    cases = [
        {"id": ticket["id"], "question": question, "input_ids": prompt, "greedy_ids": answer}
        for (ticket, question), prompt, answer in zip(
            ((ticket, question) for ticket in tickets for question in QUESTIONS), prompts, answers
        )
    ]
    path.write_text(json.dumps({"canonical": CANONICAL, "cases": cases}) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tickets", type=Path, required=True, help="JSONL of held-out tickets")
    parser.add_argument("--report", type=Path, help="file for the figures")
    parser.add_argument("--errors", type=Path, help="file for wrong answers, one JSON line each")
    parser.add_argument("--reference", type=Path, help="file for prompt and greedy ids of the first 20 tickets")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    tickets = read_tickets(options.tickets)
    encoder = Encoder(options.checkpoint)
    check_template(options.checkpoint, encoder, tickets[0])
    prompts = prompts_of(encoder, tickets)
    ids = reference_answers(options.checkpoint, encoder, prompts)
    answers = texts_of(encoder, ids)
    figures = json.dumps(report(tickets, answers), indent=2)
    print(figures)
    if options.report:
        options.report.write_text(figures + "\n", encoding="utf-8")
    if options.reference:
        write_reference(options.reference, tickets[:20], prompts, ids)
    if options.errors:
        with options.errors.open("w", encoding="utf-8") as lines:
            for ticket, answer in zip(tickets, answers):
                if not all(judge(ticket, answer).values()):
                    lines.write(json.dumps({"ticket": ticket, "answers": answer}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
