// SPDX-License-Identifier: Apache-2.0
'use strict';
const { setTimeout: sleep } = require('node:timers/promises');

/**
 * Each new generation, by looking every `ms` milliseconds: an async iterator that ends when `look` gives undefined and
 * throws an AbortError when `signal` is aborted.
 */
async function* watchGeneration(look, ms, signal) {
    let last = await look();
    while (last !== undefined) {
        await sleep(ms, undefined, { signal });
        const now = await look();
        if (now === undefined) return;
        if (now === last) continue;
        last = now;
        yield now;
    }
}

module.exports = { watchGeneration };
