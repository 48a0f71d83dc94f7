"""What the keys of a run's JSON files mean: class and field of ``runner/store/run_schemas.py``."""

from __future__ import annotations

MEANINGS: dict[str, dict[str, str]] = {
    "Status": {
        "state": "One of running, finished, interrupted, failed and diverged.",
        "error": "What went wrong, in one line; null where nothing did.",
        "step": "Gradient steps done.",
        "steps": "Gradient steps that the run is to have.",
        "seconds": "Seconds of training and evaluation, over all processes that worked on it.",
        "host": "The machine of the process that wrote the file.",
        "pid": "The number of that process.",
        "versions": "Package → its version, Python and vaerun among them.",
        "git_revision": "The commit of vaerun's source tree, with a ``+`` if it had changes; null "
        "outside of one.",
        "train_images": "Images that are trained on.",
        "validation_images": "Training images that are set aside for validation.",
        "images_digest": "Digest of your own images, by which changed ones are noticed.",
        "stopped_early": "Why training ended before its last step; null where it did not.",
        "device": "What the run is computed on, in words.",
        "images_per_second": "Speed of training, of the last record.",
    },
    "Summary": {
        "step": "The gradient step of the model.",
        "elbo": "Evidence lower bound, nats per image; null for a deterministic code.",
        "rate": "E KL(q(z|x) ‖ p(z)), nats per image; null for a deterministic code.",
        "images": "Images that the figures are means over.",
        "encodings": "Encodings that make up q(z).",
        "split": "The images that these are from: test, or all where there is no test split.",
        "terms": "The five terms, whose sum is the negative ELBO, nats per image.",
        "information": "``variable``: I(x; z_v); ``rate``: that of each variable; ``group``: "
        "I(x; z_g); ``factor``: I(factor; z_g), a lower bound, by group. Nats. Of a "
        "deterministic code only where its variables take few values, each a group.",
        "scores": "Cluster purity of Concrete variables, and the Hoyer sparsity of the means.",
        "classification": "Errors of a variable that is trained with labels: of its posterior, and "
        "by importance weights.",
        "distances": "Distances of q(z) from the prior, those that penalties use.",
        "standard_errors": "The standard error of each of these figures that is a mean over "
        "samples, under the same names; null where there is a single one.",
        "training_estimate": "What the estimate of training says of the final model; not of a "
        "deterministic code.",
        "warnings": "A sentence on each estimate that cannot be true, or that training has "
        "otherwise by more than a nat; of a deterministic code, one on the variables that are the "
        "same for every image.",
        "validation": "The last figures of the validation, by name.",
    },
    "TrainingEstimate": {
        "terms": "The five terms, nats per image.",
        "encodings": "Encodings of a minibatch and its memory bank, of the final model.",
        "minibatches": "Minibatches of evaluated images that the terms are the mean of.",
        "images": "N in the weights of the encodings: the training images.",
        "in_loss": "Whether the loss depends on the estimate.",
        "standard_errors": "``terms``: the standard errors of the means over minibatches.",
    },
    "Scores": {
        "of": "What was scored: the step of the run, or the digest of the file of codes.",
        "scores": "Which codes and which score, such as ``mean/mig`` → its entry.",
    },
    "ScoreEntry": {
        "scores": "Its numbers by name.",
        "standard_errors": "Those of these numbers that have one: means over samples, and scores "
        "of codes with ``metrics.repeats``.",
        "settings": "The settings that it was computed with, as in ``conf/metrics/``.",
        "seed": "The seed of its random numbers.",
        "images": "``metrics.images``: the most images that were encoded for it; null: all.",
        "repeats": "``metrics.repeats``: how often it was computed for its standard errors.",
        "seconds": "How long that took.",
        "refused": "Why it is not defined for this model or these codes; null where it is.",
        "reference": "Of ``topic_coherence``: the digest of the texts of its reference.",
        "runs": "Of ``udr``: the runs that it was compared with.",
        "plugin": "Of a score of your own: the file or package that it is from.",
        "title": "Of a score of your own: its title.",
        "better": "Of a score of your own: higher or lower, the better direction.",
    },
    "Commit": {
        "state": "Where the run stands.",
        "files": "What a file holds, such as ``model`` and ``optimizer`` → the file.",
    },
    "CheckpointState": {
        "step": "The gradient step.",
        "wandb_id": "The W&B run, which a resumed run goes on with.",
        "value": "Of the best checkpoint: the value of that figure.",
    },
    "CheckpointFile": {
        "name": "The file in ``checkpoint/``.",
        "sha256": "Its digest, which is checked when it is read.",
    },
    "TrainedOn": {
        "classes": "Classes of the dataset; 0: it has none.",
        "kind": "What the examples are: images or points.",
    },
}
"""Of fields that the schemas do not explain themselves; a field without a meaning fails a test."""
