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
OPEN_ITEMS = Counter("exchange_open_items_total", "Things put before the operator", ["kind"])
WEBHOOK_MESSAGES = Counter("exchange_webhook_messages_total", "Messages that the log gave")
WEBHOOK_ATTEMPTS = Counter("exchange_webhook_attempts_total", "Attempts to deliver a message", ["outcome"])
WEBHOOK_SECONDS = Histogram(
    "exchange_webhook_seconds", "Time of one attempt", buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
)
WEBHOOK_BEHIND = Gauge("exchange_webhook_log_behind", "Leaves of the log that were not read for webhooks yet")
WEBHOOK_DUE = Gauge("exchange_webhook_due", "Attempts that are due now")
WEBHOOK_FAILING = Gauge("exchange_webhook_endpoints_failing", "Endpoints that fail, or were disabled for it")
REQUESTS = Counter("exchange_requests_total", "HTTP answers", ["app", "status"])


def exposition() -> bytes:
    """Every figure, as a scraper reads it."""
    return generate_latest(REGISTRY)
