// SPDX-License-Identifier: Apache-2.0
// The package as it is packed: what it holds, its types, its README, and what it does without nrbac.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import * as nrbac from 'nrbac';
import { Daemon, NATIONAL, NRBAC, ROOT, newFolder, newPolicy } from './support.mjs';

const require = createRequire(import.meta.url);
const APP = path.join(import.meta.dirname, '..');
const PACKAGE = path.join(APP, 'node_modules/nrbac');
const PACKED = path.resolve(
    APP,
    JSON.parse(fs.readFileSync(path.join(APP, 'package.json'))).dependencies.nrbac.replace('file:', ''),
);
const SOURCE = path.join(ROOT, 'bindings/node');

function rows(file, macro) {
    return fs.readFileSync(path.join(ROOT, 'schema/nrbac', file), 'utf8').match(new RegExp(`^${macro}\\(.*`, 'gm'));
}

test('reasons, effects, statuses, faults and warnings are those of the schema', () => {
    const reasons = rows('reason.def', 'NRBAC_REASON');
    assert.equal(Object.keys(nrbac.reasons).length, reasons.length);
    for (const row of reasons) {
        const [, number, slug, effect] = /\((\d+), \w+, "([^"]+)", (\w+)/.exec(row);
        assert.equal(nrbac.reasons[slug].number, Number(number), slug);
        assert.equal(nrbac.reasons[slug].effect, effect.toLowerCase().replace('_', '-'));
        assert.match(nrbac.reasons[slug].doc, /\.$/);
    }
    for (const [list, file, macro] of [
        ['effects', 'effect.def', 'NRBAC_EFFECT'],
        ['faults', 'fault.def', 'NRBAC_FAULT'],
        ['warnings', 'warning.def', 'NRBAC_WARNING'],
    ])
        assert.deepEqual(
            nrbac[list],
            rows(file, macro).map((row) => /"([^"]+)"/.exec(row)[1]),
        );
    for (const row of rows('status.def', 'NRBAC_STATUS')) {
        const [, number, name] = /\((\d+), (\w+),/.exec(row);
        assert.equal(nrbac.statuses[Number(number)], name);
    }
});

test('`import` and `require` give the same module, with everything that the types name', () => {
    const required = require('nrbac');
    assert.deepEqual(
        Object.keys(nrbac)
            .filter((name) => name !== 'default')
            .sort(),
        Object.keys(required).sort(),
    );
    for (const name of Object.keys(required)) assert.equal(nrbac[name], required[name], name);
    const types = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
    const named = new Set([...types.matchAll(/^export (?:class|function|const) (\w+)/gm)].map((match) => match[1]));
    assert.deepEqual([...named].sort(), Object.keys(required).sort());
    for (const name of ['Engine', 'Session', 'Client', 'ClientSession', 'Decision']) {
        const body = new RegExp(`^export class ${name} \\{(.*?)^\\}`, 'ms').exec(types)[1];
        const typed = [...body.matchAll(/^ {4}(?:get )?(\w+)\(/gm)]
            .map((match) => match[1])
            .filter((its) => its !== 'constructor');
        for (const member of typed) assert.ok(member in required[name].prototype, `${name}.${member}`);
    }
    assert.equal(
        require('nrbac/package.json').version,
        /nrbac VERSION ([\d.]+)/.exec(fs.readFileSync(path.join(ROOT, 'CMakeLists.txt'), 'utf8'))[1],
    );
});

test('every public member of the types says what it is', () => {
    const lines = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8').split('\n');
    const bare = lines.filter(
        (line, i) =>
            /^(export (class|function|const)| {4}(get |readonly )?\w+\()/.test(line) &&
            !/private constructor/.test(line) &&
            !/(\*\/|;)$/.test(lines[i - 1] ?? ''),
    );
    assert.deepEqual(bare, []);
});

test('the types compile, also where a mistake is expected', () => {
    fs.writeFileSync(
        path.join(APP, 'tsconfig.json'),
        JSON.stringify({
            compilerOptions: {
                strict: true,
                noEmit: true,
                target: 'es2022',
                lib: ['es2022'],
                module: 'nodenext',
                types: ['node'],
                skipLibCheck: false,
            },
            files: ['examples/ward.ts'],
        }),
    );
    const done = spawnSync(process.execPath, [path.join(APP, 'node_modules/typescript/bin/tsc'), '-p', APP], {
        encoding: 'utf8',
    });
    assert.equal(done.status, 0, done.stdout);
});

test('the package holds what is needed, and nothing else', () => {
    const held = execFileSync('tar', ['tzf', PACKED], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map((name) => name.replace('package/', ''));
    assert.ok(
        held.every((name) =>
            /^(index|express|fastify|middleware)\.|^lib\/\w+\.(js|d\.ts)$|^src\/\w+\.[ch]$|^scripts\/install\.js$|^(package\.json|README\.md|LICENSE)$/.test(
                name,
            ),
        ),
        held.join('\n'),
    );
    for (const name of ['LICENSE', 'README.md', 'index.d.ts', 'lib/tables.js', 'lib/tables.d.ts', 'src/addon.c'])
        assert.ok(held.includes(name), name);
    assert.ok(
        !fs.existsSync(path.join(SOURCE, 'lib/tables.js')) && !fs.existsSync(path.join(SOURCE, 'node_modules')),
        'the source tree stays as it is',
    );
});

/** Installs the packed file into an empty folder. */
function install(t, env = {}) {
    const folder = newFolder(t);
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "allowScripts": { "nrbac": true } }');
    const said = execFileSync(
        'npm',
        ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--foreground-scripts', PACKED],
        { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return { folder, said };
}

test('the README fits on a screen, and its example runs in an empty folder', (t) => {
    const readme = fs.readFileSync(path.join(SOURCE, 'README.md'), 'utf8');
    assert.ok(readme.split('\n').length <= 80, 'longer than a screen');
    const { folder } = install(t, { PKG_CONFIG_PATH: path.join(APP, '../prefix/lib/pkgconfig') });
    const [, example] = /```js\n([^]*?)```/.exec(readme);
    execFileSync(NRBAC, ['compile', NATIONAL, '-o', path.join(folder, 'policy.nrb')], { stdio: 'ignore' });
    fs.writeFileSync(path.join(folder, 'example.mjs'), example);
    const said = execFileSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' });
    const [, expected] = /```text\n([^]*?)```/.exec(readme);
    assert.equal(said, expected);
});

test('without nrbac the socket works, and the rest says what to do', async (t) => {
    const { folder, said } = install(t, { PKG_CONFIG_PATH: '', PKG_CONFIG_LIBDIR: '/nowhere' });
    assert.match(said, /only `unix:` will work/);
    const daemon = await Daemon.start(t, newPolicy(t));
    fs.writeFileSync(
        path.join(folder, 'example.mjs'),
        `import { open } from 'nrbac';
    const client = await open('unix:${daemon.socket}');
    console.log((await client.policy()).name);
    await open('dir:${NATIONAL}').catch((error) => console.log(error.code, error.status, error.message));`,
    );
    const lines = execFileSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' }).split('\n');
    assert.equal(lines[0], 'small');
    assert.match(lines[1], /^NRBAC_ENGINE E_UNSUPPORTED the addon cannot be loaded: .*npm rebuild nrbac/);
});

test('an addon that does not compile is a failed install', (t) => {
    assert.throws(
        () =>
            install(t, {
                PKG_CONFIG_PATH: path.join(APP, '../prefix/lib/pkgconfig'),
                CFLAGS: '-include no-such-header.h',
            }),
        /Command failed/,
    );
});
