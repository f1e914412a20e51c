"""Chats as token ids with loss weights, and batches of chats of similar length."""

import json
import re
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from tokenizers import Tokenizer

from questions import QUESTIONS, long_chat, single_chat

NUMBERS = re.compile(r"(\d+)")
PRIORITY = '"priority":"'


def read_tickets(path, count=None, skip=0):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, skip, None if count is None else skip + count)]


class Encoder:
    """Encodes chats as the chat template renders them."""

    def __init__(self, folder):
        self.plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.loose = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.bos = self.plain.token_to_id("<|begin_of_text|>")
        self.eot = self.plain.token_to_id("<|eot|>")
        self.pad = self.plain.token_to_id("<|finetune_right_pad|>")

    def ids(self, text):
        return self.plain.encode(text, add_special_tokens=False).ids

    def loose_ids(self, text, dropout):
        """Ids with merges left out at random (BPE dropout), so that words in pieces are nothing new. Numbers stay."""
        self.loose.model.dropout = dropout
        ids = []
        for number, piece in enumerate(NUMBERS.split(text)):
            tokenizer = self.plain if number % 2 else self.loose
            ids += tokenizer.encode(piece, add_special_tokens=False).ids
        return ids

    def header(self, role):
        return self.ids(f"<|header_start|>{role}<|header_end|>\n\n")

    def prompt(self, text):
        """A user message and the beginning of the answer."""
        return [self.bos] + self.header("user") + self.ids(text) + [self.eot] + self.header("assistant")


@dataclass(frozen=True)
class Sample:
    """Token ids, and for each how much its prediction counts."""

    ids: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Mix:
    """How chats are made."""

    long_chats: float = 0.4
    dropout: float = 0.1
    dropout_chats: float = 0.5
    prompt_weight: float = 0.1
    prompt_share: float = 0.15
    priority_weight: float = 1.0


def chat_sample(encoder, messages, mix, random):
    dropout = mix.dropout if random.random() < mix.dropout_chats else 0.0
    ids, weights = [encoder.bos], [0.0]
    for role, text in messages:
        header = encoder.header(role)
        if role == "assistant":
            body = encoder.ids(text) + [encoder.eot]
            body_weights = answer_weights(encoder, text, len(body), mix)
        else:
            body = (encoder.loose_ids(text, dropout) if dropout else encoder.ids(text)) + [encoder.eot]
            body_weights = [mix.prompt_weight * (random.random() < mix.prompt_share) for _ in body]
        ids += header + body
        weights += [0.0] * len(header) + body_weights
    return Sample(np.array(ids, np.int32), np.array(weights, np.float32))


def echo_samples(encoder, count, random):
    """Chats that repeat random numbers. They teach copying, which takes long to emerge from tickets alone."""
    samples = []
    for _ in range(count):
        numbers = " ".join(str(random.randrange(100000, 1000000)) for _ in range(random.randint(1, 10)))
        ids, weights = [encoder.bos], [0.0]
        for role, weight in (("user", 0.0), ("assistant", 1.0)):
            header, body = encoder.header(role), encoder.ids(numbers) + [encoder.eot]
            ids += header + body
            weights += [0.0] * len(header) + [weight] * len(body)
        samples.append(Sample(np.array(ids, np.int32), np.array(weights, np.float32)))
    return samples


def answer_weights(encoder, text, tokens, mix):
    """Short answers would hardly count if all tokens counted the same; nor would the one token of a JSON answer that
    names the priority, which the ticket implies and never says."""
    weights = [1.0 + 4.0 / tokens] * tokens
    start = text.find(PRIORITY)
    if start >= 0:
        named = len(encoder.ids(text[: start + len(PRIORITY)]))
        weights[named] *= mix.priority_weight
    return weights


def training_samples(encoder, tickets, mix, random):
    """Each ticket becomes one long chat or three single ones; order is random."""
    samples = []
    for ticket in tickets:
        if random.random() < mix.long_chats:
            chats = [long_chat(ticket, random)]
        else:
            chats = [single_chat(ticket, question, random) for question in QUESTIONS]
        samples += [chat_sample(encoder, chat, mix, random) for chat in chats]
    random.shuffle(samples)
    return samples


def batches(samples, tokens, pad, random, window=4096):
    """Batches of about so many tokens; inside a window chats of similar length come together."""
    found = []
    for start in range(0, len(samples), window):
        part = sorted(samples[start : start + window], key=lambda sample: len(sample.ids))
        rows = []
        for sample in part:
            if rows and (len(rows) + 1) * len(sample.ids) > tokens:
                found.append(stack(rows, pad))
                rows = []
            rows.append(sample)
        found.append(stack(rows, pad))
    random.shuffle(found)
    return found


def stack(rows, pad):
    length = max(len(sample.ids) for sample in rows)
    ids = np.full((len(rows), length), pad, np.int32)
    weights = np.zeros((len(rows), length), np.float32)
    for number, sample in enumerate(rows):
        ids[number, : len(sample.ids)] = sample.ids
        weights[number, : len(sample.ids)] = sample.weights
    return torch.from_numpy(ids).long(), torch.from_numpy(weights)
