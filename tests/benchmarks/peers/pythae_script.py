"""pythae's training script, as its documentation writes it, on Fashion-MNIST.

``pythae_script.py DATA_DIR OUTPUT OBJECTIVE EPOCHS SEEDS`` trains one model after the other, in
this process. The images are read once. With several seeds the first model is trained on one thread
and the second on all cores, and the others as the faster of the two. Prints a line of JSON for each
model.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from cases import Case
from pythae.pipelines import TrainingPipeline
from pythae_loop import model_of, training_of
from torchvision import datasets


def main() -> None:
    data_dir, output, objective, epochs, seeds = sys.argv[1:]
    images = datasets.FashionMNIST(data_dir, train=True, download=False).data
    array = images.reshape(-1, 1, 28, 28).numpy() / np.float32(255)
    case = Case("mlp", objective, 128, images=len(array))
    seconds: dict[int, float] = {}
    cores = len(os.sched_getaffinity(0))
    for seed in range(int(seeds)):
        if int(seeds) > 1:
            torch.set_num_threads(([1, cores][seed]) if seed < 2 else min(seconds, key=seconds.get))
        begun = time.perf_counter()
        torch.manual_seed(seed)
        model, _ = model_of(case)
        training = training_of(case, Path(output) / str(seed), int(epochs), seed)
        TrainingPipeline(model, training)(train_data=array)
        seconds[torch.get_num_threads()] = time.perf_counter() - begun
        line = {
            "seed": seed,
            "threads": torch.get_num_threads(),
            "wall": time.perf_counter() - begun,
        }
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
