"""Llama 4's text decoder for training: the mathematics of transformers' Llama4ForCausalLM, computed with less work.

Only the chosen expert of a token is evaluated, chunked layers attend inside their chunk alone, and logits are
computed where they are needed. `export.py` checks the result against transformers. Right padding only.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """Sizes and switches; names as in config.json where they exist there."""

    vocab_size: int = 4096
    hidden_size: int = 192
    intermediate_size: int = 128
    num_hidden_layers: int = 6
    num_attention_heads: int = 6
    num_key_value_heads: int = 2
    head_dim: int = 32
    num_local_experts: int = 8
    no_rope_layer_interval: int = 3
    attention_chunk_size: int = 64
    floor_scale: int = 64
    attn_scale: float = 0.1
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5
    max_position_embeddings: int = 2048

    def uses_rope(self, layer):
        return (layer + 1) % self.no_rope_layer_interval != 0


def rms(x, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


def rotary_table(shape):
    """Cosine and sine per position and pair, [positions, head_dim / 2] each."""
    pairs = torch.arange(0, shape.head_dim, 2, dtype=torch.float32)
    frequencies = shape.rope_theta ** (-pairs / shape.head_dim)
    angles = torch.arange(shape.max_position_embeddings).float()[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Rotates adjacent pairs. x is [B, heads, T, head_dim]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Attention(nn.Module):
    def __init__(self, shape, layer):
        super().__init__()
        self.shape = shape
        self.rope = shape.uses_rope(layer)
        hidden, size = shape.hidden_size, shape.head_dim
        self.q_proj = nn.Linear(hidden, shape.num_attention_heads * size, bias=False)
        self.k_proj = nn.Linear(hidden, shape.num_key_value_heads * size, bias=False)
        self.v_proj = nn.Linear(hidden, shape.num_key_value_heads * size, bias=False)
        self.o_proj = nn.Linear(shape.num_attention_heads * size, hidden, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        shape = self.shape
        q = self.q_proj(x).view(batch, length, shape.num_attention_heads, shape.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, shape.num_key_value_heads, shape.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, shape.num_key_value_heads, shape.head_dim).transpose(1, 2)
        group = shape.num_attention_heads // shape.num_key_value_heads
        if self.rope:
            q = rms(rotate(q, cos[:length], sin[:length]), shape.rms_norm_eps)
            k = rms(rotate(k, cos[:length], sin[:length]), shape.rms_norm_eps)
            mixed = self._within_chunks(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1))
        else:
            position = torch.arange(length)
            temperature = torch.log1p(torch.floor((position + 1.0) / shape.floor_scale)) * shape.attn_scale + 1.0
            q = q * temperature[:, None]
            k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))

    def _within_chunks(self, q, k, v):
        batch, heads, length, size = q.shape
        chunk = min(self.shape.attention_chunk_size, length)
        padding = -length % chunk
        blocks = [
            F.pad(x, (0, 0, 0, padding)).view(batch, heads, -1, chunk, size).transpose(1, 2).flatten(0, 1)
            for x in (q, k, v)
        ]
        mixed = F.scaled_dot_product_attention(*blocks, is_causal=True)
        mixed = mixed.view(batch, -1, heads, chunk, size).transpose(1, 2).flatten(2, 3)
        return mixed[:, :, :length]


class Mixture(nn.Module):
    """A shared expert and the best routed expert, whose score multiplies its input."""

    def __init__(self, shape):
        super().__init__()
        hidden, inner, experts = shape.hidden_size, shape.intermediate_size, shape.num_local_experts
        self.router = nn.Linear(hidden, experts, bias=False)
        self.gate_up = nn.Parameter(torch.empty(experts, hidden, 2 * inner))
        self.down = nn.Parameter(torch.empty(experts, inner, hidden))
        self.shared_gate = nn.Linear(hidden, inner, bias=False)
        self.shared_up = nn.Linear(hidden, inner, bias=False)
        self.shared_down = nn.Linear(inner, hidden, bias=False)
        self.histogram = torch.zeros(experts)
        self.imbalance = torch.zeros(())

    def forward(self, x):
        flat = x.flatten(0, 1)
        logits = self.router(flat)
        best, expert = logits.max(-1)
        counts = torch.bincount(expert, minlength=logits.shape[1])
        self.histogram = counts.detach().float()
        share = self.histogram / counts.sum()
        # Switch Transformer's balance loss: 1 when all experts are used equally.
        self.imbalance = logits.shape[1] * (logits.softmax(-1).mean(0) * share).sum()

        order = expert.argsort()
        routed_in = (flat * torch.sigmoid(best)[:, None]).index_select(0, order)
        pieces = []
        for number, rows in enumerate(routed_in.split(counts.tolist())):
            gate, up = (rows @ self.gate_up[number]).chunk(2, -1)
            pieces.append((F.silu(gate) * up) @ self.down[number])
        routed = torch.cat(pieces).index_select(0, order.argsort())
        shared = self.shared_down(F.silu(self.shared_gate(flat)) * self.shared_up(flat))
        return (shared + routed).view_as(x)


class Block(nn.Module):
    def __init__(self, shape, layer):
        super().__init__()
        self.attention_norm = RmsNorm(shape.hidden_size, shape.rms_norm_eps)
        self.attention = Attention(shape, layer)
        self.mixture_norm = RmsNorm(shape.hidden_size, shape.rms_norm_eps)
        self.mixture = Mixture(shape)

    def forward(self, x, cos, sin):
        x = x + self.attention(self.attention_norm(x), cos, sin)
        return x + self.mixture(self.mixture_norm(x))


class Decoder(nn.Module):
    def __init__(self, shape, seed=0):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.blocks = nn.ModuleList(Block(shape, layer) for layer in range(shape.num_hidden_layers))
        self.norm = RmsNorm(shape.hidden_size, shape.rms_norm_eps)
        cos, sin = rotary_table(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator):
        """Blocks add nothing at first, so the token itself is what later layers see: this speeds up learning to copy."""
        for name, weight in self.named_parameters():
            if weight.dim() < 2:
                continue
            if "o_proj" in name or "down" in name:
                nn.init.zeros_(weight)
            elif "embedding" in name:
                nn.init.normal_(weight, std=0.05, generator=generator)
            elif "router" in name:
                nn.init.normal_(weight, std=0.02, generator=generator)
            else:
                nn.init.normal_(weight, std=0.6 * self.shape.hidden_size**-0.5, generator=generator)

    def forward(self, ids):
        """Normed hidden states, [B, T, hidden]."""
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return self.norm(x)

    def logits(self, hidden):
        return hidden @ self.embedding.weight.T

    def imbalance(self):
        return torch.stack([block.mixture.imbalance for block in self.blocks]).mean()

    def histogram(self):
        """Tokens per layer and expert of the last forward pass, [layers, experts]."""
        return torch.stack([block.mixture.histogram for block in self.blocks])
