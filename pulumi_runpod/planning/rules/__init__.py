"""Every rule, in the order of its id. A rule is one function in the file of its subject."""

from __future__ import annotations

from pulumi_runpod.planning.advice import Rule
from pulumi_runpod.planning.rules import fit, gpu, image, placement, timeouts, workers

RULES: tuple[Rule, ...] = (
    Rule("RP001", "GPU larger than needed", "warning", gpu.oversize),
    Rule("RP002", "callers give up before a stuck job fails", "error", timeouts.execution_not_below_endpoint),
    Rule("RP003", "execution timeout below the worst case", "warning", timeouts.execution_below_worst_case),
    Rule("RP004", "idle timeout short for bursty traffic", "warning", workers.short_idle_timeout),
    Rule("RP005", "workers kept warm in dev", "warning", workers.warm_in_dev),
    Rule("RP006", "no warm worker in prod with a latency target", "warning", workers.cold_in_prod),
    Rule("RP007", "what FlashBoot does and does not", "info", workers.flashboot),
    Rule("RP008", "image tag that moves", "warning", image.mutable_tag),
    Rule("RP009", "volume and GPUs in different data centers", "warning", placement.volume_elsewhere),
    Rule("RP010", "no stock where the workers must run", "warning", placement.no_stock),
    Rule("RP011", "latency target against cold starts", "warning", fit.real_time),
    Rule("RP012", "steady load above the crossover", "warning", fit.above_crossover),
    Rule("RP013", "queue backs up at max workers", "warning", fit.queue_backup),
    Rule("RP014", "more traffic than serverless is good for", "warning", fit.heavy_traffic),
    Rule("RP015", "a cheaper pool fits", "info", gpu.cheaper),
    Rule("RP016", "GPU too small", "error", gpu.too_small),
    Rule("RP017", "pool that the catalog does not know", "warning", gpu.unknown),
)
RULE_IDS = tuple(rule.id for rule in RULES)
