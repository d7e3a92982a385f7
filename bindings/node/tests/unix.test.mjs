// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PolicyError, RefusedError, open } from 'nrbac';
import { questions } from './questions.mjs';
import {
    Daemon,
    NATIONAL,
    ROOT,
    assertFlat,
    memory,
    newPolicy,
    ofProfile,
    rewrite,
    smallPolicy,
    soak,
    until,
} from './support.mjs';

questions('unix');

const require = createRequire(new URL('../node_modules/nrbac/package.json', import.meta.url));
const { FrameReader, encodeRequest } = require('./lib/frames.js');

async function asking(t, options, policy = newPolicy(t)) {
    const daemon = await Daemon.start(t, policy, options);
    const client = await open(`unix:${path.dirname(daemon.socket)}`); // its folder will do
    t.after(() => client.close());
    await client.policy(); // connected
    return { daemon, client };
}

test('health and metrics are told, and any method can be called', async (t) => {
    const { client } = await asking(t);
    assert.equal((await client.health()).status, 'ok');
    assert.ok((await client.metrics()).requests.health >= 1);
    assert.equal((await client.call('hello')).server, 'nrbacd');
    await assert.rejects(
        client.call('no.such'),
        (error) => error instanceof RefusedError && error.slug === 'unknown-method',
    );
    await assert.rejects(client.call('check', ['x']), { slug: 'bad-params', code: 'NRBAC_REFUSED' });
});

test('a policy is reloaded: sessions follow, and one with mistakes changes nothing', async (t) => {
    const { daemon, client } = await asking(t);
    const session = await client.session(ofProfile());
    const names = [client.prepare('B0820'), client.prepare('B0572'), 'B0572'];
    assert.deepEqual(await session.checkMany(names), [true, false, false]);
    rewrite(daemon.policy, smallPolicy({ grants: ['B0572'] }));
    assert.equal((await client.reload()).generation, 2);
    assert.deepEqual(await session.checkMany(names), [false, true, true]);
    assert.equal(client.generation, 2);
    rewrite(daemon.policy, 'nrbac: 1\nnonsense: true\n');
    await assert.rejects(
        client.reload(),
        (error) =>
            error instanceof PolicyError && error.diagnostics.some((its) => its.code === 'P007' && its.line === 2),
    );
    assert.deepEqual(await session.checkMany(names), [false, true, true]);
});

test('a name that only a later policy has is asked by its text, until the next connection tells its number', async (t) => {
    const { daemon, client } = await asking(t);
    const session = await client.session(ofProfile());
    const later = client.prepare('later');
    assert.equal((await session.decide(later)).reason, 'unknown-function');
    rewrite(daemon.policy, `${smallPolicy().replace('functions:', 'functions:\n  later: { require: B0825 }')}`);
    await client.reload();
    assert.equal(await session.check(later), true);
    await daemon.restart();
    assert.equal(await session.check(later), true);
});

test('generations are watched', async (t) => {
    const { client } = await asking(t);
    const watching = client.watch({ interval: 20 });
    const next = watching.next();
    await sleep(100);
    await client.reload();
    assert.deepEqual(await next, { value: 2, done: false });
    const last = watching.next();
    client.close();
    assert.deepEqual(await last, { value: undefined, done: true });
});

test('many calls at once are answered each by its own answer', async (t) => {
    const { client } = await asking(t);
    const sessions = [await client.session(ofProfile()), await client.session(ofProfile({ role: 'R8001' }))];
    for (let round = 0; round < 20; round++) {
        const answers = await Promise.all(
            Array.from({ length: 1000 }, (_, i) => sessions[i % 2].check(i % 3 === 0 ? 'B0572' : 'B0820')),
        );
        assert.ok(answers.every((answer, i) => answer === (i % 2 === 0 && i % 3 !== 0)));
    }
});

test('more calls than the queue holds are refused at once, and the others answered', async (t) => {
    const daemon = await Daemon.start(t, newPolicy(t));
    const client = await open(`unix:${daemon.socket}`, { queueLimit: 10 });
    t.after(() => client.close());
    const calls = await Promise.allSettled(Array.from({ length: 25 }, () => client.health()));
    assert.equal(calls.filter((its) => its.status === 'fulfilled').length, 10);
    for (const { reason } of calls.filter((its) => its.status === 'rejected'))
        assert.equal(reason.code, 'NRBAC_QUEUE_FULL');
    assert.equal((await client.health()).status, 'ok');
});

test('a message that is too large for the daemon is refused, and nothing else suffers', async (t) => {
    const { client } = await asking(t, { config: { max_message_bytes: 4096, max_batch: 16 } });
    const session = await client.session(ofProfile());
    const [small, large] = await Promise.allSettled([
        session.check('B0820'),
        client.evaluate(ofProfile({}, { context: { note: 'x'.repeat(5000) } })),
    ]);
    assert.equal(small.value, true);
    assert.equal(large.reason.slug, 'over-limit');
    // Too deep is seen by the daemon alone, which closes the connection behind its error.
    let deep = {};
    for (let i = 0; i < 40; i++) deep = { deep };
    const [before, bad, behind] = await Promise.allSettled([
        session.check('B0820'),
        client.evaluate(deep),
        session.check('B0825'),
    ]);
    assert.equal(before.value, true);
    assert.equal(bad.reason.slug, 'over-limit');
    assert.equal(behind.value, true);
    // A list beyond the daemon's batch is asked in parts.
    const names = Array.from({ length: 100 }, (_, i) => (i % 2 ? 'B0820' : 'B0572'));
    assert.deepEqual(
        await session.checkMany(names),
        names.map((name) => name === 'B0820'),
    );
});

test('sessions beyond the limit of a connection are refused', async (t) => {
    const { client } = await asking(t, { config: { max_sessions: 3 } });
    const sessions = await Promise.all([1, 2, 3].map((id) => client.session(ofProfile({ id: `${id}` }))));
    await assert.rejects(client.session(ofProfile()), { slug: 'over-limit' });
    sessions[0].close();
    assert.equal(await (await client.session(ofProfile())).check('B0820'), true);
});

test('an idle connection that the daemon closes is made again, and so are its sessions', async (t) => {
    const { client } = await asking(t, { config: { idle_seconds: 1 } });
    const session = await client.session(ofProfile());
    const first = client.connection;
    await until(() => client.connection !== first, 'the daemon closes it');
    assert.deepEqual(
        await Promise.all([session.check('B0820'), session.check('B0572'), session.checkMany(['B0820'])]),
        [true, false, [true]],
    );
});

test('a session that was revoked stays so, whatever the connection', async (t) => {
    const { daemon, client } = await asking(t);
    const session = await client.session(ofProfile({ id: '1' }));
    assert.equal(await client.revoke({ role_profile: '1' }), 1);
    assert.equal((await session.decide('B0820')).reason, 'session-revoked');
    await daemon.restart();
    assert.equal((await session.decide('B0820')).reason, 'session-revoked');
    assert.deepEqual(await session.checkMany(['B0820', 'B0825']), [false, false]);
});

test('a session that the next daemon does not open is denied, with its reason', async (t) => {
    const { daemon, client } = await asking(t);
    const exp = Math.floor(Date.now() / 1000) + 2;
    const userinfo = {
        sub: '1',
        nhsid_nrbac_roles: [{ person_roleid: '5', org_code: 'RBA', role_code: 'S8000:G8000:R8000' }],
    };
    const session = await client.session({
        subject: { type: 'healthcare-worker', properties: { userinfo, id_token: { sub: '1', exp } } },
    });
    assert.equal(await session.check('B0820'), true);
    await daemon.kill();
    await until(() => Date.now() > exp * 1000 + 100, 'the evidence expires');
    await daemon.start();
    const decisions = await session.decideMany(['B0820', 'B0825']);
    assert.deepEqual(
        decisions.map((its) => [its.effect, its.reason]),
        [
            ['deny', 'evidence-expired'],
            ['deny', 'evidence-expired'],
        ],
    );
    assert.equal(await session.check('B0820'), false);
});

test('a daemon that is killed and started again under load: every answer is right, or there is none', async (t) => {
    const { daemon, client } = await asking(t, undefined, NATIONAL);
    const sessions = await Promise.all(Array.from({ length: 20 }, (_, i) => client.session(ofProfile({ id: `${i}` }))));
    let running = true,
        right = 0,
        away = 0;
    const load = sessions.map(async (session) => {
        while (running)
            for (const [name, expected] of [
                ['B0820', true],
                ['B0825', true],
                ['B0572', false],
                ['no.such', false],
            ])
                try {
                    assert.equal(await session.check(name, { timeout: 2000 }), expected);
                    right++;
                } catch (error) {
                    if (error.code !== 'NRBAC_UNAVAILABLE') throw error;
                    away++;
                }
    });
    for (let i = 0; i < 6; i++) {
        await sleep(200);
        await daemon.kill(i % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
        await sleep(i * 30);
        await daemon.start();
    }
    await sleep(300);
    running = false;
    await Promise.all(load);
    assert.ok(right > 1000, `only ${right} answers`);
    assert.equal(away, 0, 'two seconds are enough to find the next daemon');
});

test('what must not be asked twice is not asked again', async (t) => {
    const { daemon, client } = await asking(t);
    daemon.process.kill('SIGSTOP');
    const calls = Promise.allSettled([client.reload(), client.revoke({ sub: 'x' }), client.call('health')]);
    const repeated = client.health();
    await sleep(50);
    await daemon.kill();
    for (const { reason } of await calls) assert.equal(reason.code, 'NRBAC_UNAVAILABLE');
    await daemon.start();
    assert.equal((await repeated).status, 'ok');
});

test('sessions opened and closed, and those that nobody closes, leave nothing behind', async (t) => {
    const { client } = await asking(t, { config: { max_sessions: 1 << 20 } });
    const turn = async (count) => {
        for (let i = 0; i < count; i += 500)
            await Promise.all(
                Array.from({ length: 500 }, async (_, k) => {
                    const session = await client.session(ofProfile());
                    if (!(await session.check('B0820'))) throw new Error('denied');
                    if (k % 2 === 0) session.close();
                }),
            );
        return memory();
    };
    await turn(30_000);
    const before = await turn(10_000);
    const after = await turn(30_000);
    assertFlat(before, after);
    await until(async () => {
        globalThis.gc();
        return (await client.health()).sessions < 10;
    }, 'the daemon knows of none any more');
});

test('a client that is idle does not keep the process alive', async (t) => {
    const { daemon } = await asking(t);
    const { execFileSync } = await import('node:child_process');
    const program = `const { open } = require('nrbac');
    open('unix:${daemon.socket}').then(async (client) => console.log((await client.policy()).name));`;
    const started = Date.now();
    assert.equal(
        execFileSync(process.execPath, ['-e', program], {
            cwd: import.meta.dirname,
            encoding: 'utf8',
            timeout: 4000,
        }).trim(),
        'small',
    );
    assert.ok(Date.now() - started < 3000);
});

// ---- The frames of the protocol ----

const KINDS = { '<text>': 'string', '<integer>': 'number', '<map>': 'map', '<list>': 'list' };

function kindOf(value) {
    return Array.isArray(value) ? 'list' : value !== null && typeof value === 'object' ? 'map' : typeof value;
}

/** Where an answer is not what is expected; undefined: nowhere. */
function differs(want, got, at = 'answer') {
    if (KINDS[want] !== undefined)
        return kindOf(got) === KINDS[want] ? undefined : `${at}: ${JSON.stringify(got)} is no ${want}`;
    if (kindOf(want) !== kindOf(got) || want === null)
        return want === got ? undefined : `${at}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`;
    if (kindOf(want) === 'map') {
        const wrong = Object.keys(want).filter((key) => key !== '...' && !(key in got));
        if (!('...' in want)) wrong.push(...Object.keys(got).filter((key) => !(key in want)));
        if (wrong.length > 0) return `${at}: without or with ${wrong}`;
        return Object.keys(want)
            .filter((key) => key !== '...')
            .map((key) => differs(want[key], got[key], `${at}.${key}`))
            .find(Boolean);
    }
    if (kindOf(want) === 'list')
        return want.length !== got.length
            ? `${at}: ${got.length} items`
            : want.map((its, i) => differs(its, got[i], `${at}[${i}]`)).find(Boolean);
    return want === got ? undefined : `${at}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`;
}

test('a difference of answers is seen', () => {
    for (const [want, got] of [
        ['<text>', 1],
        [{ a: 1 }, { a: 1, b: 2 }],
        [{ a: 1, '...': '...' }, { b: 1 }],
        [[1], [1, 2]],
        [true, 1],
        [null, false],
        [[{ a: '<list>' }], [{ a: {} }]],
    ])
        assert.notEqual(differs(want, got), undefined, JSON.stringify(want));
});

const GOLDEN = path.join(ROOT, 'tests/wire/golden');
for (const file of fs.readdirSync(GOLDEN).filter((name) => name.endsWith('.json')))
    test(`tests/wire/golden/${file}: what is sent is encoded so, and what comes is read`, async (t) => {
        const daemon = await Daemon.start(t, path.join(GOLDEN, 'policy'), { config: { allow_example: false } });
        const socket = net.connect(daemon.socket);
        t.after(() => socket.destroy());
        const reader = new FrameReader();
        const got = [];
        let closed = false;
        socket.on('error', () => {});
        socket.on('close', () => (closed = true));
        // One byte at a time, which is how a frame may come.
        socket.on('data', (chunk) => {
            for (const byte of chunk) got.push(...reader.read(Buffer.from([byte])));
        });
        for (const { send, send_hex: hex, expect } of JSON.parse(fs.readFileSync(path.join(GOLDEN, file), 'utf8'))) {
            if (send !== undefined && send[0] === 0) {
                const [, id, method, params] = send;
                assert.equal(Buffer.from(encodeRequest(id, method, params)).toString('hex'), hex);
            }
            if (hex !== undefined) socket.write(Buffer.from(hex, 'hex'));
            if (expect === 'closed') await until(() => closed, 'the daemon closes');
            else if (expect !== 'nothing') {
                await until(() => got.length > 0, `no answer to ${JSON.stringify(send ?? hex)}`);
                assert.equal(differs(expect, got.shift()), undefined);
            }
        }
        assert.deepEqual(got, []);
    });

test('a hundred thousand sessions opened and closed, eight at a time, leave nothing behind', async (t) => {
    const { daemon, client } = await asking(t);
    await soak(client, 100_000, { daemon, together: 8 });
    assert.equal((await client.health()).sessions, 0);
});
