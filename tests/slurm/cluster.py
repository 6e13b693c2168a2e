"""
A SLURM cluster of one node on the loopback interface, for as long as a test lasts.

Real daemons (munged, slurmctld, slurmd) run in the foreground below this process and die with
it; what they write is in one temporary folder.  Only ``/etc/slurm/slurm.conf`` is outside: a
link, because the steps of a job do not inherit ``SLURM_CONF``.  The node has more processors and
memory than the machine (``config_overrides``), and GPUs that are ``/dev/null`` and
``/dev/zero``: enough for the scheduler, which counts them and never opens them.
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

CONFIGURATION = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "setpriv")
PATIENCE = 60  # s, for daemons to come up

SLURM_CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A requeued job starts when its credentials have expired: after 120 s if not set.
AuthInfo=socket={folder}/munge/socket,cred_expire=5
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
# The memory of a job is looked at every second, and a job that has more than it asked for ends.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=3600
NodeName={host} NodeAddr=127.0.0.1 CPUs=5 RealMemory=256000 Gres=gpu:2 State=UNKNOWN
# What needs a GPU comes first, as all else waits for it.
PartitionName=work Nodes={host} Default=YES PriorityTier=1 PreemptMode=OFF
PartitionName=gpus Nodes={host} PriorityTier=2 PreemptMode=OFF
PartitionName=spare Nodes={host} PriorityTier=2 PreemptMode=REQUEUE GraceTime=0
PartitionName=urgent Nodes={host} PriorityTier=10 PreemptMode=OFF
"""
GRES_CONF = "NodeName={host} Name=gpu File=/dev/null\nNodeName={host} Name=gpu File=/dev/zero\n"


def missing():
    """Say why no cluster can be started here, or return None."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"no {', '.join(absent)} here (Debian: slurm-wlm, munge)"
    if os.geteuid() != 0:
        return "SLURM's daemons want to be started by root"
    if CONFIGURATION.exists() or CONFIGURATION.is_symlink():
        return f"{CONFIGURATION} belongs to another cluster"
    return None


def ask(*command):
    """Run one of SLURM's commands and return what it prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def jobs(folder=None):
    """Jobs submitted from a folder, or all, in order: what scontrol says of each."""
    text = ask("scontrol", "show", "job", "--oneliner")
    every = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in text.splitlines()]
    found = [job for job in every if folder is None or job.get("WorkDir") == str(folder)]
    return sorted((job for job in found if "JobId" in job), key=lambda job: int(job["JobId"]))


def rule(job):
    """Name of the rule, which the plugin writes into the comment of a job."""
    return re.sub(r"^rule_|_wildcards_.*", "", job.get("Comment", job["JobName"]))


def counts(jobs):
    """Number of jobs by rule, or by name of a group."""
    return Counter(map(rule, jobs))


def summary(job):
    """Say on one line what became of a job."""
    number = job["JobId"]
    if "ArrayTaskId" in job:
        number = f"{job['ArrayJobId']}_{job['ArrayTaskId']}"
    return (
        f"{number:>6} {rule(job):20} {job['JobState']:9} exit {job['ExitCode']:5}"
        f" {job.get('TresPerJob', '-'):10} {job.get('MinMemoryNode', '-'):>6}"
        f" {job['RunTime']} of {job['TimeLimit']} restarts {job['Restarts']}"
    )


@contextlib.contextmanager
def running():
    """Start a cluster; nothing of it is left at the end."""
    # Sockets have names of 107 characters at most, so not below pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    try:
        _configure(folder)
        with _daemons(folder) as (controller, _):
            _wait_until_idle(folder, controller)
            yield
            subprocess.run(["scancel", "--user", "root"], check=False)
            _wait(lambda: not ask("squeue", "--noheader"), "jobs are still running")
    finally:
        _end_strays(folder)
        if CONFIGURATION.is_symlink():
            CONFIGURATION.unlink()
        shutil.rmtree(folder)


def _end_strays(folder):
    """End what SLURM lost sight of: without cgroups it follows parents, which may be gone."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("SLURM_CONF") == str(folder / "slurm.conf"):
                process.kill()


def _configure(folder):
    """Write keys and settings, and put the link."""
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755)
    key = folder / "munge" / "key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    folder.chmod(0o755)
    with _free_port() as controller, _free_port() as node:
        ports = {"controller": controller, "node": node}
    host = socket.gethostname().split(".")[0]
    text = SLURM_CONF.format(folder=folder, host=host, **ports)
    (folder / "slurm.conf").write_text(text)
    (folder / "gres.conf").write_text(GRES_CONF.format(host=host))
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.symlink_to(folder / "slurm.conf")


@contextlib.contextmanager
def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


@contextlib.contextmanager
def _daemons(folder):
    """Run munged, slurmctld and slurmd; yield the two of SLURM."""
    munge, settings = folder / "munge", folder / "slurm.conf"
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            _daemon(
                *("munged", "--foreground", "--force", f"--key-file={munge}/key"),
                *(f"--socket={munge}/socket", f"--pid-file={munge}/pid"),
                *(f"--seed-file={munge}/seed", f"--log-file={munge}/log"),
                output=munge / "output",
            )
        )
        _wait((munge / "socket").exists, "munged has no socket")
        yield [
            stack.enter_context(
                _daemon(program, "-D", "-f", str(settings), output=folder / f"{program}.output")
            )
            for program in ("slurmctld", "slurmd")
        ]


@contextlib.contextmanager
def _daemon(*command, output):
    """Run a daemon in the foreground; it ends with this block, or with this process."""
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_until_idle(folder, controller):
    def idle():
        assert controller.poll() is None, (folder / "slurmctld.log").read_text()
        # sinfo fails until the controller listens.
        command = ["sinfo", "--noheader", "--format=%t", "--partition=work"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() == "idle"

    _wait(idle, "the node is not idle")


def _wait(condition, problem):
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > PATIENCE:
            raise TimeoutError(problem)
        time.sleep(0.1)
