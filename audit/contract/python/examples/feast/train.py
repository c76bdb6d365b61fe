"""A training job that refuses: get_historical_features runs only if the audit proves the features fresh and sound.

    train.py REPO        train on the Feast repo, by the flag file in FEATUREAUDIT_FLAGS

Feast itself does not refuse: it joins rows of any age within the ttl, and a view without a ttl without any limit.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import pandas as pd
from feast import FeatureStore

from featureaudit_contract import ContractViolation, guard


@guard("clicks", project="growth", max_age="1d")
def train(repo: str) -> float:
    """The guard asks before the first line of this function runs."""
    labels = pd.DataFrame({"user_id": range(10), "event_timestamp": datetime.now(timezone.utc)})
    features = FeatureStore(repo_path=repo).get_historical_features(entity_df=labels, features=["clicks:clicks_7d"])
    return float(features.to_df()["clicks_7d"].mean())


def main(repo: str) -> int:
    try:
        print(f"trained: the mean of clicks_7d is {train(repo):.1f}")
    except ContractViolation as refused:
        print(f"refused ({refused.reason}): {refused}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
