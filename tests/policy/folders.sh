#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The policies of this repository, one folder a line: a policy is where a policy.yaml is.
set -eu
cd "$(dirname "$0")/../.."
find policy -name policy.yaml | sed 's,/policy.yaml$,,' | LC_ALL=C sort
