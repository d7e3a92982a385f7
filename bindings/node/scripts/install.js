#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * Builds the addon when the package is installed: four small files of C, by the machine's own compiler, against the
 * nrbac that pkg-config finds and the headers of Node-API, which are the same for every Node.js.
 *
 * Without nrbac nothing is built, and that is no failure: the client of a daemon's socket is plain JavaScript.
 * CC, CFLAGS, LDFLAGS and PKG_CONFIG_PATH are heeded.
 */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const home = path.join(__dirname, '..');
const words = (text) => (text ?? '').split(/\s+/).filter(Boolean);

function pkgConfig(...options) {
    const said = execFileSync('pkg-config', [...options, 'nrbac-policy', 'nrbac'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    return words(said);
}

let found;
try {
    found = { cflags: pkgConfig('--cflags'), libs: pkgConfig('--libs'), libdir: pkgConfig('--variable=libdir')[0] };
} catch (error) {
    const why = error.code === 'ENOENT' ? 'there is no pkg-config' : String(error.stderr).trim().split('\n')[0];
    console.log(`nrbac: only \`unix:\` will work, since libnrbac was not found (${why})`);
    process.exit(0);
}

const sources = fs
    .readdirSync(path.join(home, 'src'))
    .filter((name) => name.endsWith('.c'))
    .sort();
fs.mkdirSync(path.join(home, 'build'), { recursive: true });
const [compiler, ...its] = words(process.env.CC ?? 'cc');
execFileSync(
    compiler,
    [
        ...its,
        '-std=c11',
        '-O2',
        '-Wall',
        '-Wextra',
        '-fPIC',
        '-shared',
        '-fvisibility=hidden',
        '-fno-plt',
        ...words(process.env.CFLAGS),
        '-isystem',
        require('node-api-headers').include_dir,
        ...found.cflags,
        ...sources.map((name) => path.join(home, 'src', name)),
        '-o',
        path.join(home, 'build/nrbac.node'),
        ...found.libs,
        `-Wl,-rpath,${found.libdir}`,
        '-Wl,-z,now',
        ...words(process.env.LDFLAGS),
    ],
    { stdio: 'inherit' },
);
