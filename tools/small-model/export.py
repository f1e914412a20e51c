"""Writes a trained state as a Hugging Face checkpoint in bfloat16 and checks it against transformers."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import Decoder, Shape
from samples import Encoder

# Largest difference of a logit that float32 rounding explains.
TOLERANCE = 2e-3


def config_of(shape, encoder):
    """config.json in the style of the published text-only Llama 4 checkpoints."""
    token = encoder.plain.token_to_id
    layers = range(shape.num_hidden_layers)
    return {
        "architectures": ["Llama4ForCausalLM"],
        "model_type": "llama4_text",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "intermediate_size_mlp": 2 * shape.intermediate_size,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_attention_heads": shape.num_attention_heads,
        "num_key_value_heads": shape.num_key_value_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "rms_norm_eps": shape.rms_norm_eps,
        "max_position_embeddings": shape.max_position_embeddings,
        "rope_theta": shape.rope_theta,
        "rope_scaling": None,
        "no_rope_layers": [int(shape.uses_rope(layer)) for layer in layers],
        "no_rope_layer_interval": shape.no_rope_layer_interval,
        "attention_chunk_size": shape.attention_chunk_size,
        "attn_temperature_tuning": True,
        "floor_scale": shape.floor_scale,
        "attn_scale": shape.attn_scale,
        "use_qk_norm": True,
        "num_local_experts": shape.num_local_experts,
        "num_experts_per_tok": 1,
        "interleave_moe_layer_step": 1,
        "moe_layers": list(layers),
        "attention_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "bos_token_id": encoder.bos,
        "eos_token_id": [token("<|end_of_text|>"), token("<|eom|>"), encoder.eot],
        "pad_token_id": encoder.pad,
        "initializer_range": 0.02,
        "router_aux_loss_coef": 0.001,
        "output_router_logits": False,
        "use_cache": True,
        "for_llm_compressor": False,
    }


def published_names(state):
    """Our parameter names to those of Llama4ForCausalLM."""
    renames = (
        ("embedding.", "model.embed_tokens."),
        ("blocks.", "model.layers."),
        (".attention_norm.", ".input_layernorm."),
        (".attention.", ".self_attn."),
        (".mixture_norm.", ".post_attention_layernorm."),
        (".mixture.gate_up", ".feed_forward.experts.gate_up_proj"),
        (".mixture.down", ".feed_forward.experts.down_proj"),
        (".mixture.router.", ".feed_forward.router."),
        (".mixture.shared_gate.", ".feed_forward.shared_expert.gate_proj."),
        (".mixture.shared_up.", ".feed_forward.shared_expert.up_proj."),
        (".mixture.shared_down.", ".feed_forward.shared_expert.down_proj."),
    )
    published = {}
    for name, tensor in state.items():
        for ours, theirs in renames:
            name = name.replace(ours, theirs)
        published["model.norm.weight" if name == "norm.weight" else name] = tensor.contiguous()
    return published


def write(folder, tokenizer, shape, state, encoder):
    folder.mkdir(parents=True, exist_ok=True)
    config = config_of(shape, encoder)
    generation = {
        "do_sample": False,
        "bos_token_id": config["bos_token_id"],
        "eos_token_id": config["eos_token_id"],
        "pad_token_id": config["pad_token_id"],
    }
    for name, content in (("config.json", config), ("generation_config.json", generation)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (tokenizer / name).resolve() != (folder / name).resolve():
            shutil.copyfile(tokenizer / name, folder / name)
    save_file(published_names(state), folder / "model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def check(folder, shape, state, encoder):
    """The stored checkpoint in transformers and the training-time model on the stored weights agree."""
    from transformers import Llama4ForCausalLM

    ours = Decoder(shape).eval()
    ours.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    theirs = Llama4ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(0, shape.vocab_size, (2, 5 * shape.attention_chunk_size + 3), generator=generator)
    difference = (ours.logits(ours(ids)) - theirs(ids, use_cache=False).logits).abs().max().item()
    print(f"largest difference to transformers: {difference:.2e}")
    assert difference < TOLERANCE, difference


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trained", type=Path, required=True, help="file of train.py")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of train_tokenizer.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    options = parser.parse_args()

    trained = torch.load(options.trained, weights_only=True)
    shape = Shape(**trained["shape"])
    state = {name: tensor.bfloat16() for name, tensor in trained["state"].items()}
    encoder = Encoder(options.tokenizer)
    write(options.out, options.tokenizer, shape, state, encoder)
    check(options.out, shape, state, encoder)
    size = sum(file.stat().st_size for file in options.out.iterdir())
    print(f"{size} bytes in {options.out}")


if __name__ == "__main__":
    main()
