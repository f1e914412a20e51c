"""Trains the byte-level BPE tokenizer on training tickets and writes tokenizer.json and tokenizer_config.json.

Layout and split expression are those of the Llama 4 tokenizer; the vocabulary is small. Every group of one
to three digits is one token, so that a number of six digits is copied in two steps.
"""

import argparse
import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from questions import CANONICAL, PARAPHRASES, QUESTIONS, answer

SPLIT = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPECIAL_TOKENS = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|header_start|>",
    "<|header_end|>",
    "<|eom|>",
    "<|eot|>",
    "<|step|>",
    "<|finetune_right_pad|>",
)

CHAT_TEMPLATE = (
    "{{- bos_token }}{%- for message in messages %}"
    "{{- '<|header_start|>' + message['role'] + '<|header_end|>\n\n' + message['content'] + '<|eot|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|header_start|>assistant<|header_end|>\n\n' }}{%- endif %}"
)

# How often each number is shown to the BPE trainer: more often than any word, so digits are merged first.
DIGIT_WEIGHT = 200


def corpus(tickets):
    for ticket in tickets:
        yield ticket["text"]
        for question in QUESTIONS:
            yield answer(ticket, question)
    for question in QUESTIONS:
        for instruction in (CANONICAL[question], *PARAPHRASES[question]):
            for _ in range(len(tickets) // 10):
                yield instruction
    for _ in range(DIGIT_WEIGHT):
        for number in range(100):
            yield f"{number:02d} " * 10
        for number in range(1000):
            yield f"{number:03d}"
    yield from ("user assistant system",) * len(tickets)


def train(tickets, vocab_size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(tickets), trainer)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL_TOKENS])
    bos = SPECIAL_TOKENS[0]
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single=f"{bos} $A",
                pair=f"{bos} $A {bos} $B:0",
                special_tokens=[(bos, tokenizer.token_to_id(bos))],
            ),
        ]
    )
    return tokenizer


def check(tokenizer, vocab_size):
    assert tokenizer.get_vocab_size() == vocab_size, tokenizer.get_vocab_size()
    for number in range(1000):
        assert len(tokenizer.encode(f"{number:03d}", add_special_tokens=False).ids) == 1, number


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=Path, required=True, help="JSONL of training tickets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the tokenizer")
    parser.add_argument("--sample", type=int, default=20000, help="how many tickets to look at")
    parser.add_argument("--vocab-size", type=int, default=4096)
    parser.add_argument("--max-length", type=int, default=2048)
    options = parser.parse_args()

    with options.tickets.open(encoding="utf-8") as lines:
        tickets = [json.loads(line) for line, _ in zip(lines, range(options.sample))]
    tokenizer = train(tickets, options.vocab_size)
    check(tokenizer, options.vocab_size)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.out / "tokenizer.json"))
    config = {
        "bos_token": "<|begin_of_text|>",
        "eos_token": "<|eot|>",
        "pad_token": "<|finetune_right_pad|>",
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "model_max_length": options.max_length,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (options.out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
