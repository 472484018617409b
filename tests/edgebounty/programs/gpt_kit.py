"""A small character GPT (Radford et al. 2019): its forward pass and its first weights."""

import numpy as np
from tinygrad import Tensor

HEADS = 4


def gpt(x, weights):
    tokens, wide = weights["positions"].shape
    layers = sum(name.endswith(".qkv") for name in weights)
    vocabulary = weights["tokens"].shape[0]
    h = (x.unsqueeze(-1) == Tensor.arange(vocabulary)).float() @ weights["tokens"] + weights["positions"]
    for layer in range(layers):
        w = {name.split(".", 1)[1]: value for name, value in weights.items() if name.startswith(f"{layer}.")}
        mixed = normalised(h, w["norm1"], w["norm1b"]) @ w["qkv"] + w["qkvb"]
        q, k, v = mixed.reshape(-1, tokens, 3, HEADS, wide // HEADS).permute(2, 0, 3, 1, 4).chunk(3)
        seen = q[0].scaled_dot_product_attention(k[0], v[0], is_causal=True)
        h = h + seen.permute(0, 2, 1, 3).reshape(-1, tokens, wide) @ w["out"] + w["outb"]
        h = h + (normalised(h, w["norm2"], w["norm2b"]) @ w["up"] + w["upb"]).gelu() @ w["down"] + w["downb"]
    return normalised(h, weights["norm"], weights["normb"]) @ weights["head"] + weights["headb"]


def normalised(x, weight, bias):
    return x.layernorm(axis=-1, eps=1e-5) * weight + bias


def first_weights(vocabulary=96, tokens=64, wide=128, layers=4, seed=0):
    generator = np.random.default_rng(seed)
    shapes = {"tokens": (vocabulary, wide), "positions": (tokens, wide)}
    for layer in range(layers):
        block = {"qkv": (wide, 3 * wide), "out": (wide, wide), "up": (wide, 4 * wide), "down": (4 * wide, wide)}
        shapes |= {f"{layer}.{name}": shape for name, shape in block.items()}
        shapes |= {f"{layer}.{name}b": (shape[1],) for name, shape in block.items()}
        shapes |= {f"{layer}.{name}": (wide,) for name in ("norm1", "norm1b", "norm2", "norm2b")}
    shapes |= {"norm": (wide,), "normb": (wide,), "head": (wide, vocabulary), "headb": (vocabulary,)}
    weights = {}
    for name, shape in shapes.items():
        if len(shape) == 2:
            weights[name] = (generator.normal(size=shape) * 0.05).astype(np.float32)
        else:
            weights[name] = np.full(shape, 0.0 if name.endswith("b") else 1.0, np.float32)
    return weights
