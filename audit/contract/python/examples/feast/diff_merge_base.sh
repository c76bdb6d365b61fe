#!/usr/bin/env bash
# What a branch changes in Feast's registry, where the registry is not kept in git: the definitions of the branch and
# those of the commit where it left BASE are applied to a registry file of their own, and the two files are compared.
#
#   diff_merge_base.sh BASE [REPO] [FLAG...]      e.g. origin/main feature_repo --out markdown=comment.md
#
# Run it anywhere in the clone (CI fetches with fetch-depth: 0), with feast and featureaudit on the PATH, or FEAST and
# FEATUREAUDIT naming them. No server is written to: the registry and the online store of feature_store.yaml are replaced.
# What is not committed is not compared.
set -euo pipefail

base_ref=${1:?usage: diff_merge_base.sh BASE [REPO] [FLAG...]}
repo=${2:-.}
shift $(($# < 2 ? $# : 2))
feast=${FEAST:-feast}
featureaudit=${FEATUREAUDIT:-featureaudit}

cd "$repo"
top=$(git rev-parse --show-toplevel)
below=$(git rev-parse --show-prefix)
base=$(git merge-base "$base_ref" HEAD)
work=$(mktemp -d)
cleanup() {
  for side in base head; do git -C "$top" worktree remove --force "$work/$side" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

for side in base head; do
  commit=HEAD
  if [ "$side" = base ]; then commit=$base; fi
  git -C "$top" worktree add --quiet --detach "$work/$side" "$commit"
  if [ ! -e "$work/$side/$below/feature_store.yaml" ]; then
    echo "commit $commit has no ${below}feature_store.yaml: there is nothing to compare with" >&2
    exit 2
  fi
  # The definitions and the project, and nothing of the deployment.
  (cd "$work/$side/$below" && {
    printf 'registry: %s\nprovider: local\nonline_store: null\n' "$work/$side.db"
    awk '/^[^[:space:]#]/ { kept = 1 } /^(registry|provider|online_store|batch_engine|auth|feature_server|materialization)[[:space:]]*:/ { kept = 0 } kept' feature_store.yaml
  } > "$work/$side.yaml")
  "$feast" --chdir "$work/$side/$below" --feature-store-yaml "$work/$side.yaml" apply --skip-source-validation >&2
done
"$featureaudit" diff "$work/base.db" "$work/head.db" "$@"
