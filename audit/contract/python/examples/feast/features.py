"""One feature view over Parquet files, as Feast users write it."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Int64

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)

clicks_source = FileSource(
    name="clicks_source",
    path="data/clicks.parquet",
    timestamp_field="event_time",
    created_timestamp_column="ingested_at",
)

clicks = FeatureView(
    name="clicks",
    entities=[user],
    ttl=timedelta(days=2),
    source=clicks_source,
    schema=[Field(name="user_id", dtype=Int64), Field(name="clicks_7d", dtype=Int64)],
    online=False,
)
