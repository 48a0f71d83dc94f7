"""Reference implementations of scores that fit models: loops, on one core."""

from __future__ import annotations

import numpy as np
from scipy.stats import entropy, spearmanr
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import Lasso, LassoCV, LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler


class Grid:
    """Codes of a full grid of factors, looked up by the factors' values."""

    def __init__(self, codes, factors):
        self.row = {tuple(values): row for row, values in enumerate(factors.tolist())}
        self.codes = codes
        self.sizes = factors.max(0) + 1

    def draw_factors(self, count, source):
        return np.stack([source.integers(size, size=count) for size in self.sizes], axis=1)

    def encode(self, factors):
        return np.stack([self.codes[self.row[tuple(values)]] for values in factors.tolist()])


def beta_vae(codes, factors, *, train, test, batch, seed):
    """Return the accuracy of predicting the factor that pairs share from their mean difference."""
    grid, source = Grid(codes, factors), np.random.default_rng(seed)

    def votes(count):
        inputs, labels = [], []
        for _ in range(count):
            k = source.integers(len(grid.sizes))
            first, second = grid.draw_factors(batch, source), grid.draw_factors(batch, source)
            second[:, k] = first[:, k]
            inputs.append(np.mean(np.abs(grid.encode(first) - grid.encode(second)), axis=0))
            labels.append(k)
        return np.array(inputs), np.array(labels)

    model = LogisticRegression(random_state=seed).fit(*votes(train))
    return model.score(*votes(test))


def factor_vae(codes, factors, *, train, test, batch, variance_samples, least_spread, seed):
    """Return the accuracy of the majority vote of the dimension that varies least."""
    grid, source = Grid(codes, factors), np.random.default_rng(seed)
    everywhere = grid.encode(grid.draw_factors(variance_samples, source)).var(0, ddof=1)
    active = np.sqrt(everywhere) >= least_spread
    if not active.any():
        return 0.0

    def votes(count):
        table = np.zeros((len(grid.sizes), active.sum()), dtype=int)
        for _ in range(count):
            k = source.integers(len(grid.sizes))
            held = grid.draw_factors(batch, source)
            held[:, k] = held[0, k]
            local = grid.encode(held).var(0, ddof=1)
            table[k, np.argmin(local[active] / everywhere[active])] += 1
        return table

    predicted_factor = votes(train).argmax(0)
    test_votes = votes(test)
    right = test_votes[predicted_factor, np.arange(active.sum())].sum()
    return right / test_votes.sum()


def concentration(importances, shares):
    """Return 1 - entropy of each column, with the number of its entries as base."""
    return np.array(
        [1 - entropy(importances[:, i] + 1e-11, base=shares) for i in range(importances.shape[1])]
    )


def dci(train, test, seeds):
    """Return disentanglement, completeness and mean test accuracy of boosted trees."""
    importances, scores = [], []
    for k, seed in enumerate(seeds):
        model = GradientBoostingClassifier(random_state=seed)
        model.fit(train.codes_MD, train.factors_MF[:, k])
        importances.append(np.abs(model.feature_importances_))
        scores.append(model.score(test.codes_MD, test.factors_MF[:, k]))
    r = np.stack(importances, axis=1)
    codes, factors = r.shape
    weights = r if r.sum() else np.ones_like(r)
    disentanglement = concentration(r.T, factors) @ weights.sum(1) / weights.sum()
    completeness = concentration(r, codes) @ weights.sum(0) / weights.sum()
    return disentanglement, completeness, np.mean(scores)


def eastwood_williams(train, test):
    """Return disentanglement, completeness and normalised error of a lasso."""
    scale_codes = StandardScaler().fit(train.codes_MD)
    importances, errors = [], []
    for k in range(train.factors_MF.shape[1]):
        scale = StandardScaler().fit(train.factors_MF[:, [k]])
        target = scale.transform(train.factors_MF[:, [k]])[:, 0]
        truth = scale.transform(test.factors_MF[:, [k]])[:, 0]
        model = LassoCV(cv=KFold(5)).fit(scale_codes.transform(train.codes_MD), target)
        predicted = model.predict(scale_codes.transform(test.codes_MD))
        importances.append(np.abs(model.coef_))
        errors.append(np.sqrt(np.mean((predicted - truth) ** 2)) / np.std(truth))
    r = np.stack(importances, axis=1)
    codes, factors = r.shape
    disentanglement = concentration(r.T, factors) @ r.sum(1) / r.sum()
    return disentanglement, concentration(r, codes).mean(), np.mean(errors)


def downstream_logistic(train, test):
    """Return train and test accuracy of each factor, by cross-validated logistic regression."""
    scores = []
    for k in range(train.factors_MF.shape[1]):
        model = LogisticRegressionCV(
            Cs=10,
            cv=KFold(5),
            scoring="accuracy",
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        ).fit(train.codes_MD, train.factors_MF[:, k])
        parts = (train, test)
        scores.append([model.score(part.codes_MD, part.factors_MF[:, k]) for part in parts])
    return np.array(scores)


def udr(models, *, least_rate, lasso, spearman):
    """Return for each model the median of its pair scores with the others."""
    medians = []
    for j, (own, own_rate) in enumerate(models):
        scores = []
        for i, (other, other_rate) in enumerate(models):
            if i == j:
                continue
            x = StandardScaler().fit_transform(other) * (other_rate > least_rate)
            y = StandardScaler().fit_transform(own) * (own_rate > least_rate)
            if spearman:
                relation = np.zeros((x.shape[1], y.shape[1]))
                for a in np.flatnonzero(other_rate > least_rate):
                    for b in np.flatnonzero(own_rate > least_rate):
                        relation[a, b] = abs(spearmanr(x[:, a], y[:, b]).statistic)
            else:
                relation = np.abs(Lasso(alpha=lasso).fit(x, y).coef_).T
            relation = relation[other_rate > least_rate][:, own_rate > least_rate]
            halves = [
                np.mean([line.max() ** 2 / line.sum() if line.sum() else 0.0 for line in lines])
                for lines in (relation, relation.T)
            ]
            scores.append(sum(halves) / 2)
        medians.append(np.median(scores))
    return medians


def purity(assignment, classes):
    """Return the share of images whose class is the most frequent one of their cluster."""
    right = 0
    for cluster in set(assignment):
        members = [c for a, c in zip(assignment, classes, strict=True) if a == cluster]
        right += max(members.count(c) for c in members)
    return right / len(classes)
