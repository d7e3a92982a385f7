#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * Lays out the program of a user who has the package: the tests, beside a package.json that depends on what `pack` made
 * and on what the tests need.
 *
 *   scripts/app.js SOURCE APP
 */
const fs = require('node:fs');
const path = require('node:path');

const [source, app] = process.argv.slice(2);
const { devDependencies } = JSON.parse(fs.readFileSync(path.join(source, 'package.json')));
const packed = fs.readdirSync(path.join(app, '..')).find((name) => /^nrbac-.*\.tgz$/.test(name));

fs.mkdirSync(app, { recursive: true });
for (const folder of ['tests', 'examples']) {
    fs.rmSync(path.join(app, folder), { recursive: true, force: true });
    fs.cpSync(path.join(source, folder), path.join(app, folder), { recursive: true });
}
// The packed file keeps its name when its content changes, which npm would not notice.
fs.rmSync(path.join(app, 'node_modules/nrbac'), { recursive: true, force: true });
fs.rmSync(path.join(app, 'node_modules/.package-lock.json'), { force: true });
fs.writeFileSync(
    path.join(app, 'package.json'),
    JSON.stringify(
        {
            private: true,
            dependencies: { nrbac: `file:../${packed}` },
            devDependencies,
            allowScripts: { nrbac: true },
        },
        null,
        2,
    ),
);
fs.writeFileSync(path.join(app, '.npmrc'), 'package-lock=false\n');
