// SPDX-License-Identifier: Apache-2.0
'use strict';
const { Client } = require('./lib/client');
const { ClientSession } = require('./lib/client_session');
const { Decision } = require('./lib/decision');
const { Engine, Session } = require('./lib/engine');
const errors = require('./lib/errors');
const { readSource } = require('./lib/source');
const tables = require('./lib/tables');

/**
 * Loads a policy, or connects to a daemon.
 *
 *   file:POLICY.nrb     a compiled policy; or the folder in which a daemon publishes its own
 *   dir:FOLDER          a policy folder, compiled in this process
 *   shm:SOCKET          a daemon's table, decided on in this process; with {recorded: true} what is decided is in its trail
 *   unix:SOCKET         a daemon, asked over its socket: a Client, which connects with its first call
 *
 * A socket may be given by its folder, if it is called nrbacd.sock there.
 */
async function open(source, options = {}) {
    const read = await readSource(source, options);
    return read.socket === undefined ? Engine.open(read, options) : new Client(read.socket, options);
}

module.exports = {
    open,
    Engine,
    Session,
    Client,
    ClientSession,
    Decision,
    ...errors,
    effects: tables.EFFECTS,
    reasons: tables.reasons,
    statuses: tables.STATUSES,
    faults: tables.FAULTS,
    warnings: tables.WARNINGS,
};
