"""What other libraries and people call the keys and words of a config."""

from __future__ import annotations

SYNONYMS = {
    # losses
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "categorical_cross_entropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "crossentropyloss": "cross_entropy",
    "ce": "cross_entropy",
    "nll": "cross_entropy",
    "nllloss": "cross_entropy",
    "log_loss": "cross_entropy",
    "logloss": "cross_entropy",
    "mean_squared_error": "mse",
    "squared_error": "mse",
    "mseloss": "mse",
    "l2": "mse",
    "mean_absolute_error": "mae",
    "absolute_error": "mae",
    "l1": "mae",
    "l1loss": "mae",
    "smooth_l1": "huber",
    # metrics
    "acc": "accuracy",
    "f1": "macro_f1",
    "f1_score": "macro_f1",
    "r2_score": "r2",
    "r_squared": "r2",
    "root_mean_squared_error": "rmse",
    "top3": "top_3_accuracy",
    # keys of data
    "file": "path",
    "filename": "path",
    "csv": "path",
    "sep": "separator",
    "delimiter": "separator",
    "label": "target",
    "y": "target",
    "x": "features",
    "columns": "features",
    "drop": "exclude",
    "ignore": "exclude",
    "categorical": "categories",
    "parse_dates": "dates",
    "na_values": "missing_values",
    "imputation": "missing",
    "handle_unknown": "unknown",
    "normalize": "scaling",
    "normalization": "scaling",
    "standardize": "scaling",
    "data_format": "layout",
    # keys of layers and training
    "filters": "channels",
    "out_channels": "channels",
    "neurons": "units",
    "out_features": "units",
    "pool_size": "kernel_size",
    "strides": "stride",
    "p": "rate",
    "batchsize": "batch_size",
    "batch": "batch_size",
    "n_epochs": "epochs",
    "max_iter": "epochs",
    "clip": "gradient_clip",
    "hidden_layer_sizes": "hidden",
    "hidden_layers": "hidden",
    # scalers
    "standardscaler": "standard",
    "zscore": "standard",
    "minmaxscaler": "minmax",
    "most_frequent": "mean",
}
"""A word in small letters to ours; where ours does not fit the place, it is not proposed."""


def meant(word: str, known: list[str]) -> str | None:
    """Return which of the known words another library's word stands for."""
    own = SYNONYMS.get(word.casefold())
    return own if own in known else None
