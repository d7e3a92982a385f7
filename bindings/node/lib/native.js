// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * The addon. It is built when the package is installed where libnrbac is; without it
 * the client of a daemon's socket works, and what decides in this process says why not.
 */
const { EngineError } = require('./errors');

let loaded;

/** The addon's functions; throws EngineError where it was not built. */
function native() {
  if (loaded === undefined) {
    try {
      loaded = require('../build/nrbac.node');
    } catch (error) {
      const why = error.code === 'MODULE_NOT_FOUND' ? 'libnrbac was not there when the package was installed' : error.message;
      throw new EngineError('E_UNSUPPORTED', `the addon cannot be loaded: ${why}; install nrbac, then run \`npm rebuild nrbac\``);
    }
  }
  return loaded;
}

module.exports = { native };
