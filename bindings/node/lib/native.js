// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * The addon. It is built when the package is installed where libnrbac is; without it
 * the client of a daemon's socket works, and what decides in this process says why not.
 */
const { EngineError } = require('./errors');

let addon, failure;
try {
    addon = require('../build/nrbac.node');
} catch (error) {
    failure = error;
}

/** Throws EngineError where there is no addon. */
function needAddon() {
    if (failure === undefined) return;
    const why =
        failure.code === 'MODULE_NOT_FOUND' ? 'libnrbac was not there when the package was installed' : failure.message;
    throw new EngineError(
        'E_UNSUPPORTED',
        `the addon cannot be loaded: ${why}; install nrbac, then run \`npm rebuild nrbac\``,
    );
}

module.exports = { addon, needAddon };
