// SPDX-License-Identifier: Apache-2.0
// Worker threads: each has the addon to itself, and the daemon's table with all others.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { open } from 'nrbac';
import { Daemon, NATIONAL, assertFlat, memory, newFolder, newPolicy, ofProfile, rewrite, smallPolicy } from './support.mjs';

/** A worker that runs a function of `{open, source, request, parentPort}`. */
function newWorker(t, body, source) {
    const code = `const { parentPort } = require('node:worker_threads');
    const { open } = require(${JSON.stringify(new URL('../node_modules/nrbac', import.meta.url).pathname)});
    (${body})({ open, source: ${JSON.stringify(source)}, request: ${JSON.stringify(ofProfile())}, parentPort });`;
    const worker = new Worker(code, { eval: true });
    worker.on('error', (error) => (worker.failed = error));
    t.after(() => worker.terminate());
    return worker;
}

/** Checks until told to stop. Each policy grants either B0825 or B0572, and its generation says which. */
async function checkUntilTold({ open, source, request, parentPort }) {
    const policy = await open(source);
    const session = policy.session(request);
    const names = [policy.prepare('B0825'), policy.prepare('B0572'), policy.prepare('no.such')];
    let running = true,
        checks = 0,
        wrong = 0;
    const seen = new Set();
    parentPort.on('message', () => (running = false));
    parentPort.postMessage('ready');
    while (running) {
        for (let i = 0; i < 2000; i++) {
            const [amend, local, unknown] = session.decideMany(names);
            const generation = session.decide('B0820').generation;
            seen.add(amend.generation);
            checks += 3;
            // Odd generations grant B0825, even ones B0572.
            if (amend.permitted !== (amend.generation % 2 === 1)) wrong++;
            if (local.permitted !== (local.generation % 2 === 0)) wrong++;
            if (unknown.permitted || session.check(names[2]) || session.check('no.such')) wrong++;
            if (amend.generation !== local.generation || local.generation !== unknown.generation) wrong++;
            if (generation < amend.generation) wrong++;
        }
        await new Promise((resolve) => setImmediate(resolve));
    }
    session.close();
    policy.close();
    parentPort.postMessage({ checks, wrong, generations: seen.size });
}

test('workers check while the policy is replaced, and every answer is of one policy', async (t) => {
    const daemon = await Daemon.start(t, newPolicy(t));
    const client = await open(`unix:${daemon.socket}`);
    t.after(() => client.close());
    const workers = Array.from({ length: 4 }, () => newWorker(t, checkUntilTold, `shm:${daemon.socket}`));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    for (let i = 0; i < 40; i++) {
        rewrite(daemon.policy, smallPolicy({ grants: i % 2 === 0 ? ['B0572'] : ['B0825'] }));
        await client.reload();
        await sleep(40);
    }
    const results = workers.map(async (worker) => {
        const told = once(worker, 'message');
        worker.postMessage('stop');
        return (await told)[0];
    });
    for (const { checks, wrong, generations } of await Promise.all(results)) {
        assert.equal(wrong, 0);
        assert.ok(checks > 10_000, `only ${checks} checks`);
        assert.ok(generations > 5, `only ${generations} generations seen`);
    }
    assert.ok(workers.every((worker) => worker.failed === undefined));
});

test('a worker reloads its own engine beside others', async (t) => {
    const body = async function ({ open, source, request, parentPort }) {
        const policy = await open(source);
        const session = policy.session(request);
        for (let i = 0; i < 20; i++) {
            const reloading = policy.reload();
            for (let k = 0; k < 1000; k++) if (!session.check('B0820')) throw new Error('denied');
            await reloading;
        }
        parentPort.postMessage(policy.generation);
    };
    const source = `dir:${newPolicy(t)}`;
    const workers = Array.from({ length: 4 }, () => newWorker(t, body, source));
    for (const [generation] of await Promise.all(workers.map((worker) => once(worker, 'message'))))
        assert.equal(generation, 21);
});

test('a worker may end at any moment, also while it opens, and leaves nothing', async (t) => {
    const body = async function ({ open, source, request, parentPort }) {
        const kept = [];
        for (let opened = 0; ; opened++) {
            const policy = await open(source);
            for (let i = 0; i < 100; i++) kept.push(policy.session(request));
            if (opened === 10) parentPort.postMessage('ready');
            if (opened < 20) kept.push(policy);
        }
    };
    const turn = async (count) => {
        for (let i = 0; i < count; i++) {
            const worker = newWorker(t, body, `dir:${NATIONAL}`);
            await once(worker, 'message');
            await sleep(i % 12);
            await worker.terminate();
        }
        return memory();
    };
    const before = await turn(30);
    const after = await turn(40);
    assertFlat(before, after);
});

test('a process that is forked has nothing of its parent', async (t) => {
    // Node.js forks only to run another program: sockets and shared memory stay behind, and it opens its own.
    const daemon = await Daemon.start(t, newPolicy(t));
    const [engine, client] = [await open(`shm:${daemon.socket}`), await open(`unix:${daemon.socket}`)];
    t.after(() => [engine, client].forEach((its) => its.close()));
    const [session, its] = [engine.session(ofProfile()), await client.session(ofProfile())];
    const program = path.join(newFolder(t), 'child.cjs');
    fs.writeFileSync(
        program,
        `const fs = require('node:fs');
        const held = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
            try { return [fs.readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; }
        });
        const { open } = require(${JSON.stringify(new URL('../node_modules/nrbac', import.meta.url).pathname)});
        (async () => {
            const answers = [];
            for (const source of process.argv.slice(2)) {
                const policy = await open(source);
                answers.push(await (await policy.session(${JSON.stringify(ofProfile())})).checkMany(['B0820', 'B0572']));
                policy.close();
            }
            process.send({ held, answers }, () => process.disconnect());
        })();`,
    );
    const child = fork(program, [`shm:${daemon.socket}`, `unix:${daemon.socket}`], {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const [{ held, answers }] = await once(child, 'message');
    await once(child, 'exit');
    const own = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
        try {
            return [fs.readlinkSync(`/proc/self/fd/${fd}`)];
        } catch {
            return [];
        }
    });
    const shared = own.filter((it) => /^socket:|memfd/.test(it) && held.includes(it));
    assert.ok(own.some((it) => it.startsWith('socket:')));
    assert.deepEqual(shared, []);
    assert.deepEqual(answers, [
        [true, false],
        [true, false],
    ]);
    assert.deepEqual([session.check('B0820'), await its.check('B0820')], [true, true]);
});
