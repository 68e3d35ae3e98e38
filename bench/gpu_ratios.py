#!/usr/bin/env python3
"""Times PyTorch on the shapes of `bitscarp gpu-check --only bench`, on the same card. Needs PyTorch with CUDA.

    python bench/gpu_ratios.py [TABLE.md]

With the Markdown table that gpu-check printed, adds the ratio PyTorch / Bitscarp for each line. Optional: a judge from
outside that no build or test runs.
"""
import re
import sys

import torch

WARM_UPS, RUNS = 3, 15  # as KernelBenchmark has them


def median(work):
    times = []
    for run in range(WARM_UPS + RUNS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        end.synchronize()
        if run >= WARM_UPS:
            times.append(begin.elapsed_time(end))
    return sorted(times)[RUNS // 2]


def measured():
    """Yields (pattern of our kernel names, shape as our table has it, what, milliseconds)."""
    torch.backends.cuda.matmul.allow_tf32 = False
    for n, k in ((8192, 8192), (8192, 28672)):
        weights = torch.randn(n, k, device="cuda", dtype=torch.bfloat16)
        for m in (1, 16, 32, 2048):
            x = torch.randn(m, k, device="cuda", dtype=torch.bfloat16)
            yield r"mat(vec|mul) .*", f"{m} × {n} × {k}", "linear bf16", median(lambda: x @ weights.T)
    x = torch.randn(2048, 8192, device="cuda")
    sums = torch.zeros(8192, 8192, device="cuda")
    yield r"Hessian update, .*", "2048 × 8192 × 8192, half", "addmm fp32, whole", median(lambda: sums.addmm_(x.T, x))


def main():
    if not torch.cuda.is_available():
        sys.exit("gpu_ratios: PyTorch finds no CUDA device")
    lines = []
    if len(sys.argv) > 1:
        with open(sys.argv[1], encoding="utf-8") as table:
            rows = (re.match(r"\| ([^|]+) \| ([^|]+) \| ([0-9.]+) \|", line) for line in table)
            lines = [(row[1], row[2], float(row[3])) for row in rows if row]
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}\n")
    print("| PyTorch | rows × outputs × inputs | ms | kernel of ours | its ms | ratio |\n|---|---|---|---|---|---|")
    for pattern, shape, what, time in measured():
        ours = [(kernel, ms) for kernel, other, ms in lines if other == shape and re.fullmatch(pattern, kernel)]
        for kernel, ms in ours or [("–", None)]:
            print(f"| {what} | {shape} | {time:.4f} | {kernel} | {ms or '–'} | {f'{time / ms:.2f}' if ms else '–'} |")


if __name__ == "__main__":
    main()
