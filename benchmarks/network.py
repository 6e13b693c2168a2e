"""
Speed, memory and share of the machine's matrix rate of the networks.

    python benchmarks/network.py [--sizes small paper nafnet unet] [--threads 1] [--compiled]
    python benchmarks/network.py --train 10 [--micro-batch 8] [--checkpointing]

The first form prints, for the small Restormer (dim 16, blocks 1, 1, 2, 2, one of refinement), the
paper's and the other architectures, images per second forward and forward + backward, counted
FLOPs and their share of the rate of torch's own 2048 x 2048 float32 product in the same run, and
the ratio to the targets: a step of the small Restormer with eight stamps in 0.26 s and a
restoration in 0.09 s on two cores that multiply at 193 GFLOP/s.  The second trains the paper's network on random stamps, 64 a
step by accumulation, and prints the peak memory of the process.

On a CPU times are processor times over the number of threads, and the least of many repeats
counts, so that others on the machine disturb little; on a GPU they are times of the clock.
"""

import argparse
import resource
import time
from functools import partial

import torch
from torch.nn.functional import l1_loss
from torch.utils.flop_counter import FlopCounterMode

from galrestore.networks.architectures import build
from galrestore.networks.arithmetic import reproducible

SIZES = {
    "small": ("restormer", {"dim": 16, "num_blocks": (1, 1, 2, 2), "num_refinement_blocks": 1}),
    "paper": ("restormer", {}),
    "nafnet": ("nafnet", {"width": 24}),
    "unet": ("unet", {"width": 24}),
}
# Seconds for eight stamps on cores that together multiply at this rate [GFLOP/s].
TARGETS, TARGET_RATE, TARGET_BATCH = {"forward": 0.09, "step": 0.26}, 193, 8
SIDE, BATCH = 64, 64


def main():
    """Print the comparison, or train for a few steps."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["small", "paper"])
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--bf16", action="store_true", help="mixed precision")
    parser.add_argument("--compiled", action="store_true", help="torch.compile as well")
    parser.add_argument("--repeats", type=int, default=20, help="least of these counts")
    parser.add_argument("--train", type=int, help="steps to train the paper's network")
    parser.add_argument("--micro-batch", type=int, default=8, help="stamps at once")
    parser.add_argument("--checkpointing", action="store_true", help="compute blocks twice")
    args = parser.parse_args()
    with reproducible(args.threads):
        if args.train:
            train(args)
        else:
            compare(args)


def compare(args):
    """Print rates of each size."""
    a, b = torch.rand(2, 2048, 2048, device=args.device)
    flops = 2 * 2048**3
    for name in args.sizes:
        network = build(*SIZES[name]).to(args.device)
        network.checkpointing = args.checkpointing
        parameters = sum(value.numel() for value in network.parameters())
        image = torch.rand(args.micro_batch, 1, SIDE, SIDE, device=args.device)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(image)
        forward = counter.get_total_flops()
        # The backward pass multiplies twice as much; torch overcounts its grouped convolutions.
        work = {"forward": forward, "step": 3 * forward}
        print(f"{name}: {parameters:,} parameters, {forward / len(image) / 1e9:.2f} GFLOP an image")
        variants = {"eager": network}
        if args.compiled:
            mode = "reduce-overhead" if args.device == "cuda" else "default"
            variants["compiled"] = torch.compile(network, mode=mode)
        jobs = {"product": partial(torch.mm, a, b)}
        for variant, function in variants.items():
            begin = time.perf_counter()
            jobs[variant, "forward"] = partial(restore, function, image, args)
            jobs[variant, "step"] = partial(step, function, image, args)
            for kind in work:
                jobs[variant, kind]()
            if variant == "compiled":
                print(f"  compilation {time.perf_counter() - begin:.0f} s")
        times = least_times(jobs, args)
        rate = flops / times.pop("product")
        print(f"  product of matrices: {rate / 1e9:.0f} GFLOP/s")
        for (variant, kind), seconds in times.items():
            text = f"  {variant:8s} {kind:8s} {len(image) / seconds:7.1f} images/s"
            text += f", {work[kind] / seconds / rate:4.2f} of the product's rate"
            if name == "small":
                target = TARGETS[kind] * TARGET_RATE * 1e9 / rate * len(image) / TARGET_BATCH
                text += f", {seconds:.3f} s, {seconds / target:.2f} of the target"
            print(text)
    print(f"peak memory {peak(args):.2f} GB")


def train(args):
    """Train the paper's network for some steps."""
    torch.manual_seed(0)
    network = build(*SIZES["paper"]).to(args.device)
    network.checkpointing = args.checkpointing
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-4)
    images = torch.rand(2, BATCH, 1, SIDE, SIDE, device=args.device)
    for number in range(args.train):
        begin, loss = time.perf_counter(), 0.0
        for lq, gt in zip(*(side.split(args.micro_batch) for side in images), strict=True):
            with torch.autocast(args.device, torch.bfloat16, enabled=args.bf16):
                restored = network(lq)
            part = l1_loss(restored, gt) * (len(lq) / BATCH)
            part.backward()
            loss += part.item()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.01)
        optimiser.step()
        optimiser.zero_grad()
        text = f"step {number + 1} of {BATCH} stamps by {args.micro_batch}: loss {loss:.4f}"
        text += f", {time.perf_counter() - begin:.0f} s, peak memory {peak(args):.2f} GB"
        print(text, flush=True)


def restore(network, image, args):
    """One forward pass without gradients."""
    with torch.no_grad(), torch.autocast(args.device, torch.bfloat16, enabled=args.bf16):
        network(image)


def step(network, image, args):
    """One forward and backward pass."""
    with torch.autocast(args.device, torch.bfloat16, enabled=args.bf16):
        restored = network(image)
    l1_loss(restored.float(), image).backward()
    network.zero_grad()


def least_times(jobs, args):
    """Least time of each job [s], taking turns."""
    times = dict.fromkeys(jobs, float("inf"))
    for _ in range(args.repeats):
        for name, job in jobs.items():
            begin = clock(args)
            job()
            times[name] = min(times[name], clock(args) - begin)
    return times


def clock(args):
    """Processor time over threads, or on a GPU the time of the clock [s]."""
    if args.device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time() / args.threads


def peak(args):
    """Largest memory so far [GB]."""
    if args.device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
