// SPDX-License-Identifier: Apache-2.0
'use strict';
const { stat } = require('node:fs/promises');
const path = require('node:path');

const [LOAD, COMPILE, FOLLOW, RECORD] = [0, 1, 2, 3]; // manners, as in src/engines.c
const DAEMON_SOCKET = 'nrbacd.sock';

async function isFolder(name) {
    return stat(name).then(
        (its) => its.isDirectory(),
        () => false,
    );
}

/** A socket's path; in a folder it is the daemon's usual name. */
async function socketPath(name) {
    return (await isFolder(name)) ? path.join(name, DAEMON_SOCKET) : name;
}

/**
 * What a source means: a socket ({socket}), or how an engine gets its policy ({manner, path, follows}).
 */
async function readSource(source, { recorded = false } = {}) {
    const [, scheme, name] = /^(file|dir|shm|unix):(.+)$/s.exec(source) ?? [];
    if (recorded && scheme !== undefined && scheme !== 'shm')
        throw new TypeError(`\`recorded\` is for shm:SOCKET: of \`${source}\` no daemon takes what is decided here`);
    switch (scheme) {
        case 'file':
            if (await isFolder(name)) return { manner: FOLLOW, path: `file:${name}`, follows: true };
            return { manner: LOAD, path: name, follows: false };
        case 'dir':
            return { manner: COMPILE, path: name, follows: false };
        case 'shm':
            return { manner: recorded ? RECORD : FOLLOW, path: `shm:${await socketPath(name)}`, follows: true };
        case 'unix':
            return { socket: await socketPath(name) };
        default:
            throw new TypeError(`\`${source}\` is not file:POLICY.nrb, dir:FOLDER, shm:SOCKET or unix:SOCKET`);
    }
}

module.exports = { readSource };
