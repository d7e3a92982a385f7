# SPDX-License-Identifier: Apache-2.0
"""Helpers of the black-box suite. They know the contract, and nothing of the code behind it."""
