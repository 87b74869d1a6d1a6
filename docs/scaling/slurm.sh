#!/bin/bash
# sbatch docs/scaling/slurm.sh CONFIG [KEY=VALUE]...   one process a node, with all GPUs of its node
#SBATCH --job-name=backprop
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

: "${1:?sbatch slurm.sh CONFIG [KEY=VALUE]...}"
run=${RUN:-runs/$SLURM_JOB_NAME}
hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
coordinator="${hosts%%$'\n'*}:$((20000 + SLURM_JOB_ID % 20000))"
# a job that was requeued, or a second one, goes on where the last stopped
resume=""
if compgen -G "$run/checkpoints/*" >/dev/null; then resume=--resume; fi
export coordinator run resume devices="${SLURM_GPUS_ON_NODE:-1}"

# all of them end where one does: --kill-on-bad-exit
exec srun --kill-on-bad-exit=1 bash -c 'exec backprop train "$@" "output.dir=$run" --engine jax \
  --devices "$devices" --process "$SLURM_PROCID/$SLURM_NTASKS" --coordinator "$coordinator" $resume' train "$@"
