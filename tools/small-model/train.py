"""Trains the small model on training tickets and writes a PyTorch state with its shape."""

import argparse
import dataclasses
import random
import time
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F

from model import Decoder, Shape
from muon import Muon
from questions import CANONICAL, QUESTIONS, answer, user_message
from samples import Encoder, Mix, batches, echo_samples, read_tickets, training_samples

BALANCE_WEIGHT = 0.01
KEY_ROLES = ("statement", "request", "urgent", "relaxed")


def in_fold(template, folds):
    """Whether a wording is withheld for development. Only wordings that carry an answer count."""
    role = template.split("/")[2].split(".")[-1]
    return role in KEY_ROLES and zlib.crc32(template.encode()) % folds == 0


def withhold(tickets, folds):
    """(tickets without any withheld wording, tickets whose answers rest on withheld wordings alone)."""
    kept, withheld = [], []
    for ticket in tickets:
        keys = [t for t in ticket["templates"] if t.split("/")[2].split(".")[-1] in KEY_ROLES]
        inside = [in_fold(template, folds) for template in keys]
        if not any(inside):
            kept.append(ticket)
        elif all(inside):
            withheld.append(ticket)
    return kept, withheld


def parameter_groups(model, options):
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        hidden = parameter.dim() >= 2 and "embedding" not in name and "router" not in name
        (matrices if hidden else others).append(parameter)
    return [
        Muon(matrices, lr=options.matrix_lr, weight_decay=options.weight_decay),
        torch.optim.AdamW(others, lr=options.lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def schedule(step, steps, warmup=60, decay=0.6):
    """Share of the full learning rate: up, level, and down to zero in the last part."""
    rise = min(1.0, (step + 1) / warmup)
    return rise * min(1.0, (steps - step) / (decay * steps))


def loss_of(model, ids, weights):
    hidden = model(ids[:, :-1])
    targets, weights = ids[:, 1:], weights[:, 1:]
    wanted = weights > 0
    logits = model.logits(hidden[wanted])
    losses = F.cross_entropy(logits, targets[wanted], reduction="none")
    return (losses * weights[wanted]).sum() / weights.sum()


def train(model, options, plan, log):
    optimisers = parameter_groups(model, options)
    rates = [[group["lr"] for group in optimiser.param_groups] for optimiser in optimisers]
    began, seen, mean = time.time(), 0, None
    experts = torch.zeros(model.shape.num_hidden_layers, model.shape.num_local_experts)
    for step, (ids, weights) in enumerate(plan):
        loss = loss_of(model, ids, weights)
        (loss + BALANCE_WEIGHT * model.imbalance()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        share = schedule(step, len(plan))
        for optimiser, starts in zip(optimisers, rates):
            for group, rate in zip(optimiser.param_groups, starts):
                group["lr"] = rate * share
            optimiser.step()
            optimiser.zero_grad()
        seen += ids.numel()
        experts = 0.95 * experts + model.histogram()
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        if step % 50 == 0 or step == len(plan) - 1:
            least = (experts / experts.sum(1, keepdim=True)).min().item()
            seconds = time.time() - began
            log(
                f"step {step}/{len(plan)} loss {mean:.4f} tokens {seen / 1e6:.2f}M "
                f"{seen / seconds:.0f} tokens/s {seconds:.0f} s, rarest expert {least:.3f}"
            )
    return time.time() - began, seen


@torch.no_grad()
def development_figures(model, encoder, tickets):
    """Share of right answers per question. An answer is right if each of its tokens is the likeliest after the
    right ones before it, which is when greedy decoding yields it."""
    right = dict.fromkeys(QUESTIONS, 0)
    for ticket in tickets:
        for question in QUESTIONS:
            prompt = encoder.prompt(user_message(CANONICAL[question], ticket))
            wanted = encoder.ids(answer(ticket, question)) + [encoder.eot]
            hidden = model(torch.tensor([prompt + wanted]))[0, len(prompt) - 1 : -1]
            right[question] += model.logits(hidden).argmax(-1).tolist() == wanted
    return {question: round(count / len(tickets), 4) for question, count in right.items()}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=Path, required=True, help="JSONL of training tickets")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--out", type=Path, required=True, help="file for the trained state")
    parser.add_argument("--count", type=int, help="use only so many tickets")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many tickets before them")
    parser.add_argument("--start", type=Path, help="file of an earlier run, whose weights to go on from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--echoes", type=int, default=15000, help="chats that repeat numbers, at the beginning")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-tokens", type=int, default=8000)
    parser.add_argument("--lr", type=float, default=4e-3, help="for embedding, router and norms")
    parser.add_argument("--matrix-lr", type=float, default=2e-3, help="for all other matrices")
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--folds", type=int, default=0, help="withhold one of so many wordings for development")
    for field in dataclasses.fields(Mix):
        parser.add_argument("--" + field.name.replace("_", "-"), type=float, default=field.default)
    for name in ("intermediate_size", "num_local_experts", "attention_chunk_size", "no_rope_layer_interval"):
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=getattr(Shape, name))
    return parser.parse_args()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    chance = random.Random(options.seed)
    tickets = read_tickets(options.tickets, options.count, options.skip)
    withheld = []
    if options.folds:
        tickets, withheld = withhold(tickets, options.folds)
    encoder = Encoder(options.tokenizer)
    mix = Mix(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Mix)})
    echoes = echo_samples(encoder, options.echoes, chance)
    plan = batches(echoes, options.batch_tokens // 2, encoder.pad, chance) if echoes else []
    plan += batches(training_samples(encoder, tickets, mix, chance), options.batch_tokens, encoder.pad, chance)
    shape = Shape(
        vocab_size=encoder.plain.get_vocab_size(),
        intermediate_size=options.intermediate_size,
        num_local_experts=options.num_local_experts,
        attention_chunk_size=options.attention_chunk_size,
        no_rope_layer_interval=options.no_rope_layer_interval,
    )
    model = Decoder(shape, options.seed)
    if options.start:
        earlier = torch.load(options.start, weights_only=True)
        assert earlier["shape"] == dataclasses.asdict(shape), earlier["shape"]
        model.load_state_dict(earlier["state"])
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{len(tickets)} tickets, {len(withheld)} withheld, {len(plan)} steps, {count} parameters", flush=True)
    seconds, tokens = train(model, options, plan, lambda line: print(line, flush=True))
    facts = {"seconds": round(seconds), "tokens": tokens, "steps": len(plan), "tickets": len(tickets)}
    torch.save({"shape": dataclasses.asdict(shape), "state": model.state_dict(), "facts": facts}, options.out)
    if withheld:
        print(f"right answers to withheld wordings: {development_figures(model, encoder, withheld[:800])}")


if __name__ == "__main__":
    main()
