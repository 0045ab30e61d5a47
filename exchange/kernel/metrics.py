"""What this process counts, in Prometheus' form."""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

BATCH_ITEMS = Histogram(
    "exchange_batch_items", "Commands in one committed batch", ["flow"], buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500)
)
BATCH_SECONDS = Histogram("exchange_batch_seconds", "Time of one batch's transaction", ["flow"])
JOBS = Counter("exchange_jobs_total", "Jobs that ended an attempt", ["kind", "outcome"])
LOG_SIZE = Gauge("exchange_log_size", "Leaves under the newest checkpoint")
LOG_AGE = Gauge(
    "exchange_log_age_seconds", "Age of the oldest audit entry that is not under a signed checkpoint, 0 if none"
)
WITNESSED_SIZE = Gauge(
    "exchange_log_witnessed_size", "Size of the newest checkpoint that the witness cosigned", ["witness"]
)
WITNESS_FAULTS = Counter(
    "exchange_witness_faults_total", "Exchanges with a witness that gave no cosignature", ["witness", "fault"]
)
REQUESTS = Counter("exchange_requests_total", "HTTP answers", ["app", "status"])


def exposition() -> bytes:
    """Every figure, as a scraper reads it."""
    return generate_latest(REGISTRY)
