// SPDX-License-Identifier: Apache-2.0
// Daemons that misbehave, and calls that are given up: every call ends, and none of them with a permit.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Encoder } from '../node_modules/@msgpack/msgpack/dist.cjs/index.cjs';
import { open } from 'nrbac';
import { Daemon, fakeDaemon, newFolder, newPolicy, ofProfile, until } from './support.mjs';

const require = createRequire(new URL('../node_modules/nrbac/package.json', import.meta.url));
const { FrameReader } = require('./lib/frames.js');
const encoder = new Encoder();
const encode = (frame) => Buffer.from(encoder.encode(frame));
const HELLO = { server: 'nrbacd', version: '0', policy: { generation: 1 }, limits: {}, numbers: {} };

/** A daemon that answers `hello`, `policy` and `open`, and all else by `answer(id, method, params, socket)`. */
function answering(t, answer) {
    return fakeDaemon(t, (socket) => {
        const reader = new FrameReader();
        socket.on('data', (chunk) => {
            for (const [, id, method, params] of reader.read(chunk)) {
                if (method === 'hello') socket.write(encode([1, id, null, HELLO]));
                else if (method === 'policy') socket.write(encode([1, id, null, { name: 'fake', generation: 1 }]));
                else if (method === 'open')
                    socket.write(
                        encode([1, id, null, { session: 1, effect: 'permit', reason: 'opened', valid_until: null }]),
                    );
                else answer(id, method, params, socket);
            }
        });
    });
}

/** A client of a fake daemon. */
async function clientOf(t, fake, options) {
    const client = await open(`unix:${fake.path}`, options);
    t.after(() => client.close());
    return client;
}

/** How long something takes, in ms, and what came of it. */
async function timed(promise) {
    const started = performance.now();
    const [{ status, value, reason }] = await Promise.allSettled([promise]);
    assert.ok(status === 'rejected' || value !== true, 'no permit');
    return { ms: performance.now() - started, value, error: reason };
}

/** What a client says of a daemon with its first call. */
async function firstCall(source, options) {
    const client = await open(source, options);
    try {
        return await client.policy();
    } finally {
        client.close();
    }
}

test('without a daemon, the first call fails at its deadline and says why', async (t) => {
    const { ms, error } = await timed(firstCall(`unix:${newFolder(t)}/none.sock`, { timeout: 300 }));
    assert.equal(error.code, 'NRBAC_UNAVAILABLE');
    assert.match(error.message, /none\.sock/);
    assert.equal(error.cause.code, 'ENOENT');
    assert.ok(ms > 250 && ms < 1500, `${ms} ms`);
});

test('a daemon that comes a little later is found', async (t) => {
    const daemon = new Daemon(t, newPolicy(t));
    const asked = firstCall(`unix:${daemon.socket}`);
    await sleep(300);
    await daemon.start();
    assert.equal((await asked).name, 'small');
});

for (const [what, bytes] of Object.entries({
    'text of another protocol': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    'a type that is none': Buffer.from([0xc1]),
    binary: Buffer.from([0xc4, 1, 0]),
    'an extension': Buffer.from([0xd4, 1, 1]),
    'a map': encode({ a: 1 }),
    'a request': encode([0, 1, 'hello', []]),
    'a notification': encode([2, 'hello', []]),
    'an answer to nothing': encode([1, 4711, null, true]),
    'an error without a code': encode([1, 1, 'no', null]),
    'a list that never ends': Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
    'a text that never ends': Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff]),
    'random bytes': Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919 + 0xc1) & 0xff)),
}))
    test(`garbage instead of a greeting is a ProtocolError at once: ${what}`, async (t) => {
        const fake = await fakeDaemon(t, (socket) => socket.write(bytes));
        const { ms, error } = await timed(firstCall(`unix:${fake.path}`, { timeout: 3000 }));
        assert.equal(error.code, 'NRBAC_PROTOCOL', error.stack);
        assert.ok(ms < 1000, `${ms} ms`);
    });

test('a greeting that is none is a ProtocolError', async (t) => {
    for (const result of [null, 1, [], {}, { limits: 1 }]) {
        const fake = await fakeDaemon(t, (socket) =>
            socket.once('data', () => socket.write(encode([1, 1, null, result]))),
        );
        assert.equal((await timed(firstCall(`unix:${fake.path}`))).error.code, 'NRBAC_PROTOCOL');
    }
});

test('garbage instead of answers is a ProtocolError for all who wait, and never a permit', async (t) => {
    const fake = await answering(t, (id, method, params, socket) => socket.write(Buffer.from([0xc1])));
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    const calls = await Promise.all([session.check('x'), client.evaluate({}), session.checkMany(['x'])].map(timed));
    for (const { ms, error } of calls) {
        assert.equal(error.code, 'NRBAC_PROTOCOL');
        assert.ok(ms < 1000, `${ms} ms`);
    }
});

test('decisions and answers of any other shape are ProtocolErrors, and never permits', async (t) => {
    let result;
    const fake = await answering(t, (id, method, params, socket) => socket.write(encode([1, id, null, result])));
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    const decisions = [
        null,
        true,
        1,
        'true',
        [],
        [true],
        [1, 'opened', 1, []],
        ['true', 'opened', 1, []],
        [true, 'opened', 1],
        [true, 'opened', '1', []],
        [true, 'opened', 1, [1]],
        [true, 'opened', 1, null],
        [true, 'not-granted', 1, []],
        [false, 'opened', 1, []],
        [true, 1, 1, []],
        { 0: true },
    ];
    for (result of decisions)
        assert.equal((await timed(session.check('x'))).error?.code, 'NRBAC_PROTOCOL', JSON.stringify(result));
    for (const one of decisions) {
        result = [one];
        assert.equal((await timed(session.checkMany(['x']))).error?.code, 'NRBAC_PROTOCOL', JSON.stringify(one));
    }
    const good = [true, 'granted-by-baseline', 1, []];
    for (result of [[], [good, good], { 0: good, length: 1 }, good])
        assert.equal((await timed(session.checkMany(['x']))).error?.code, 'NRBAC_PROTOCOL');
    for (result of [
        null,
        true,
        [],
        {},
        { decision: 1, context: {} },
        { decision: 'true', context: {} },
        { decision: true },
        { decision: true, context: [] },
        { decision: true, context: { effect: 'deny' } },
        { decision: false, context: { effect: 'permit' } },
    ])
        for (const ask of ['evaluate', 'explain', 'evaluations'])
            assert.equal((await timed(client[ask]({}))).error?.code, 'NRBAC_PROTOCOL', JSON.stringify(result));
    for (result of [null, 7, [1]])
        for (const ask of ['health', 'reload'])
            assert.equal((await timed(client[ask]())).error?.code, 'NRBAC_PROTOCOL');
    result = good;
    assert.equal(await session.check('x'), true, 'and goes on');
    result = [true, 'a-reason-of-tomorrow', 1, []];
    assert.equal(await session.check('x'), true, 'a reason that only a newer daemon has');
    result = [true, 'requirement-met', 1, ['notify']];
    assert.equal(await session.check('x'), false, 'obligations are for decide');
});

test('a daemon that never answers: calls end at their deadlines, and process and queue recover', async (t) => {
    let silent = true;
    const fake = await answering(t, (id, method, params, socket) => {
        if (!silent) socket.write(encode([1, id, null, [true, 'granted-by-baseline', 1, []]]));
    });
    const client = await clientOf(t, fake, { timeout: 400, queueLimit: 8 });
    const session = await client.session(ofProfile());
    const { ms, error } = await timed(session.check('x', { timeout: 50 }));
    assert.equal(error.code, 'NRBAC_TIMEOUT');
    assert.ok(ms > 40 && ms < 300, `${ms} ms`);
    const accepted = fake.server.accepted;
    await Promise.all(
        Array.from({ length: 7 }, async () =>
            assert.equal((await timed(session.check('x', { timeout: 100 }))).error.code, 'NRBAC_TIMEOUT'),
        ),
    );
    assert.equal((await timed(session.check('x'))).error.code, 'NRBAC_QUEUE_FULL', 'they are still unanswered there');
    assert.equal(fake.server.accepted, accepted, 'a short deadline is no reason to give the connection up');
    await sleep(400);
    silent = false;
    // The next to be late finds that nothing was heard for 400 ms.
    const other = await clientOf(t, fake, { timeout: 400, queueLimit: 8 });
    assert.equal(await (await other.session(ofProfile())).check('x'), true);
});

test('a connection on which nothing is heard any more is given up, and the session moves', async (t) => {
    let silent = true;
    const fake = await answering(t, (id, method, params, socket) => {
        if (!silent) socket.write(encode([1, id, null, [true, 'granted-by-baseline', 1, []]]));
    });
    const client = await clientOf(t, fake, { timeout: 200 });
    const session = await client.session(ofProfile());
    const accepted = fake.server.accepted;
    const long = session.check('x', { timeout: 5000 });
    assert.equal((await timed(session.check('x'))).error.code, 'NRBAC_TIMEOUT');
    silent = false;
    assert.equal(await long, true, 'the one with more time is asked again on a new connection');
    assert.equal(fake.server.accepted, accepted + 1);
});

test('a daemon that accepts and says nothing: deadline, not hang', async (t) => {
    const fake = await fakeDaemon(t, () => {});
    const { ms, error } = await timed(firstCall(`unix:${fake.path}`, { timeout: 300 }));
    assert.equal(error.code, 'NRBAC_UNAVAILABLE');
    assert.ok(ms < 1500, `${ms} ms`);
});

test('a daemon that closes in mid-frame: tried again with pauses, until the deadline', async (t) => {
    const fake = await answering(t, (id, method, params, socket) => {
        socket.end(encode([1, id, null, [true, 'granted-by-baseline', 1, []]]).subarray(0, 9));
    });
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    const before = fake.server.accepted;
    const [check, evaluate, once] = await Promise.all(
        [session.check('x', { timeout: 1000 }), client.evaluate({}, { timeout: 1000 }), client.call('x')].map(timed),
    );
    assert.equal(check.error.code, 'NRBAC_UNAVAILABLE', check.error.stack);
    assert.equal(evaluate.error.code, 'NRBAC_UNAVAILABLE');
    assert.equal(once.error.code, 'NRBAC_UNAVAILABLE');
    assert.ok(once.ms < 500, 'what is asked once fails at once');
    assert.ok(check.ms < 2500 && evaluate.ms < 2500);
    const attempts = fake.server.accepted - before;
    assert.ok(attempts >= 3 && attempts <= 12, `${attempts} attempts in a second: pauses grow`);
});

test('a daemon that refuses the connection, being full, is tried again', async (t) => {
    const daemon = await Daemon.start(t, newPolicy(t), { config: { max_connections: 1 } });
    const first = await open(`unix:${daemon.socket}`);
    await first.policy();
    const second = firstCall(`unix:${daemon.socket}`);
    const third = await timed(firstCall(`unix:${daemon.socket}`, { timeout: 200 }));
    assert.equal(third.error.code, 'NRBAC_UNAVAILABLE');
    assert.match(third.error.message, /over-limit|EPIPE|ECONNRESET/);
    first.close();
    assert.equal((await second).name, 'small');
});

test('an error about nobody is about the oldest call, and ends the connection', async (t) => {
    let turns = 0;
    const fake = await answering(t, (id, method, [, name], socket) => {
        if (name === 'bad' || turns++ === 0)
            socket.write(encode([1, null, { code: 'bad-message', message: 'not read' }, null]));
        else socket.write(encode([1, id, null, [true, 'granted-by-baseline', 1, []]]));
    });
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    const accepted = fake.server.accepted;
    const [bad, good] = await Promise.allSettled([session.check('bad'), session.check('good')]);
    assert.equal(bad.reason.slug, 'bad-message');
    assert.equal(good.value, true);
    assert.equal(fake.server.accepted, accepted + 1);
});

test('answers may come one byte at a time, and many in one piece', async (t) => {
    const waiting = [];
    const fake = await answering(t, async (id, method, params, socket) => {
        const bytes = encode([
            1,
            id,
            null,
            [params[1] === 'yes', params[1] === 'yes' ? 'granted-by-baseline' : 'not-granted', 1, []],
        ]);
        if (params[1] !== 'slow') return socket.write(bytes);
        for (const byte of bytes) {
            waiting.push(byte);
            socket.write(Buffer.from([byte]));
            await sleep(1);
        }
    });
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    assert.equal(await session.check('slow'), false);
    assert.ok(waiting.length > 5);
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => session.check(i % 2 ? 'yes' : 'no')));
    assert.ok(answers.every((answer, i) => answer === (i % 2 === 1)));
});

test('a very large answer in small pieces is read, and in time', async (t) => {
    const large = {
        decision: false,
        context: { effect: 'deny', rows: Array.from({ length: 200_000 }, (_, i) => `row ${i}`) },
    };
    const fake = await answering(t, (id, method, params, socket) => {
        const bytes = encode([1, id, null, large]);
        for (let i = 0; i < bytes.length; i += 1000) socket.write(bytes.subarray(i, i + 1000));
    });
    const client = await clientOf(t, fake);
    const { ms, value } = await timed(client.evaluate({}));
    assert.equal(value.context.rows.length, 200_000);
    assert.ok(ms < 3000, `${ms} ms`);
});

test('a call is given up by its signal, and an answer that comes later disturbs nobody', async (t) => {
    const held = [];
    const fake = await answering(t, (id, method, [, name], socket) => {
        const bytes = encode([
            1,
            id,
            null,
            [name === 'yes', name === 'yes' ? 'granted-by-baseline' : 'not-granted', 1, []],
        ]);
        if (name === 'held') held.push(() => socket.write(bytes));
        else socket.write(bytes);
    });
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    const stop = new AbortController();
    const given = session.check('held', { signal: stop.signal });
    await until(() => held.length === 1, 'it is asked');
    stop.abort(new Error('changed my mind'));
    await assert.rejects(given, /changed my mind/);
    assert.equal(await session.check('yes'), true);
    held[0]();
    assert.equal(await session.check('no'), false);
    assert.equal(await session.check('yes'), true);
    await assert.rejects(session.check('yes', { signal: stop.signal }), /changed my mind/);
    const nothing = session.check('held', { signal: AbortSignal.any([stop.signal]) }).catch((reason) => reason);
    assert.match(String(await nothing), /changed my mind/);
    const silent = new AbortController();
    const dropped = session.check('held', { signal: silent.signal }).then(
        () => 'answered',
        (reason) => reason,
    );
    silent.abort(null);
    assert.equal(await dropped, null, 'whatever the reason is');
    await assert.rejects(client.evaluate({}, { signal: AbortSignal.abort() }), { name: 'AbortError' });
    await assert.rejects(client.session({}, { signal: AbortSignal.abort() }), { name: 'AbortError' });
    assert.equal(fake.server.accepted, 1);
});

test('a call is given up also while there is no daemon', async (t) => {
    const daemon = await Daemon.start(t, newPolicy(t));
    const client = await clientOf(t, { path: daemon.socket });
    const session = await client.session(ofProfile());
    await daemon.kill();
    const { ms, error } = await timed(session.check('B0820', { signal: AbortSignal.timeout(100) }));
    assert.equal(error.name, 'TimeoutError');
    assert.equal(error.code, DOMException.TIMEOUT_ERR);
    assert.ok(ms < 1000, `${ms} ms`);
    const late = await timed(session.check('B0820', { timeout: 150 }));
    assert.equal(late.error.code, 'NRBAC_UNAVAILABLE');
    assert.ok(late.ms < 1000, `${late.ms} ms`);
});

test('checks that wait for their session are counted too', async (t) => {
    const daemon = await Daemon.start(t, newPolicy(t));
    const client = await clientOf(t, { path: daemon.socket }, { queueLimit: 10 });
    const sessions = [await client.session(ofProfile()), await client.session(ofProfile())];
    await daemon.kill();
    await until(() => client.connection === undefined, 'it is seen');
    const calls = await Promise.all(
        Array.from({ length: 25 }, (_, i) => timed(sessions[i % 2].check('B0820', { timeout: 400 }))),
    );
    const codes = calls.map(({ error }) => error.code);
    assert.ok(codes.filter((code) => code === 'NRBAC_UNAVAILABLE').length <= 10);
    assert.ok(codes.filter((code) => code === 'NRBAC_QUEUE_FULL').length >= 15);
    await daemon.start();
    assert.equal(await sessions[0].check('B0820'), true);
});

test('limits that make no sense are not taken', async (t) => {
    for (const limits of [
        { batch: 0, message_bytes: 0 },
        { batch: -1, message_bytes: 'x' },
        { batch: NaN },
        { batch: 0.5 },
    ]) {
        const fake = await fakeDaemon(t, (socket) => {
            const reader = new FrameReader();
            socket.on('data', (chunk) => {
                for (const [, id, method, params] of reader.read(chunk)) {
                    if (method === 'hello') socket.write(encode([1, id, null, { ...HELLO, limits }]));
                    else if (method === 'open')
                        socket.write(encode([1, id, null, { session: 1, effect: 'permit', reason: 'opened' }]));
                    else socket.write(encode([1, id, null, params[1].map(() => [false, 'not-granted', 1, []])]));
                }
            });
        });
        const client = await clientOf(t, fake);
        assert.deepEqual(await (await client.session({})).checkMany(['a', 'b']), [false, false]);
    }
});

test('parts of a set that come in other sizes are ProtocolErrors, and never shifted', async (t) => {
    const good = [true, 'granted-by-baseline', 1, []];
    let part = 0;
    const fake = await answering(t, (id, method, params, socket) =>
        socket.write(encode([1, id, null, part++ === 0 ? [...Array(1025).fill(good)] : []])),
    );
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    assert.equal((await timed(session.checkMany(Array(1025).fill('x')))).error.code, 'NRBAC_PROTOCOL');
});

test('close ends whoever waits, for an answer or for a daemon', async (t) => {
    const fake = await answering(t, () => {});
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    const calls = [session.check('x'), client.evaluate({}), session.checkMany(['x'])].map(timed);
    await sleep(20);
    client.close();
    for (const { error } of await Promise.all(calls)) assert.equal(error.code, 'NRBAC_CLOSED');

    const folder = newFolder(t);
    const daemon = await Daemon.start(t, newPolicy(t), { folder });
    const other = await clientOf(t, { path: daemon.socket });
    const kept = await other.session(ofProfile());
    await daemon.kill();
    const waiting = [kept.check('B0820'), other.health()].map(timed);
    await sleep(50);
    other.close();
    for (const { error } of await Promise.all(waiting)) assert.equal(error.code, 'NRBAC_CLOSED');
});

test('an unknown session is opened again, once', async (t) => {
    let opened = 0,
        known = false;
    const fake = await fakeDaemon(t, (socket) => {
        const reader = new FrameReader();
        socket.on('data', (chunk) => {
            for (const [, id, method] of reader.read(chunk)) {
                if (method === 'open') opened++;
                if (method === 'hello') socket.write(encode([1, id, null, HELLO]));
                else if (method === 'open')
                    socket.write(encode([1, id, null, { session: opened, effect: 'permit', reason: 'opened' }]));
                else if (method === 'check' && known && opened > 1)
                    socket.write(encode([1, id, null, [true, 'granted-by-baseline', 1, []]]));
                else if (method === 'check')
                    socket.write(encode([1, id, { code: 'unknown-session', message: 'no such session' }, null]));
                else socket.write(encode([1, id, null, {}]));
            }
        });
    });
    const client = await clientOf(t, fake);
    const session = await client.session(ofProfile());
    await assert.rejects(session.check('x'), { slug: 'unknown-session' });
    assert.equal(opened, 2);
    known = true;
    assert.equal(await session.check('x'), true);
});

test('options that are none are errors', async (t) => {
    const daemon = await Daemon.start(t, newPolicy(t));
    for (const options of [
        { timeout: 0 },
        { timeout: -1 },
        { timeout: Infinity },
        { timeout: '5' },
        { timeout: NaN },
        { queueLimit: 0 },
    ])
        await assert.rejects(open(`unix:${daemon.socket}`, options), TypeError);
    const client = await clientOf(t, { path: daemon.socket });
    await assert.rejects(client.health({ timeout: 0 }), TypeError);
});
