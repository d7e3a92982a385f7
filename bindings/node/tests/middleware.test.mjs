// SPDX-License-Identifier: Apache-2.0
// The example servers, over HTTP, and the middleware's own rules.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { open } from 'nrbac';
import { authorisation as express } from 'nrbac/express';
import { authorisation as fastify } from 'nrbac/fastify';
import { Daemon, newPolicy, ofProfile, until } from './support.mjs';

async function serve(t, program, source) {
    const server = spawn(process.execPath, [path.join(import.meta.dirname, '../examples', program), source, '0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => server.kill());
    let said = '';
    server.stdout.on('data', (text) => (said += text));
    await until(() => /listening on \d+/.test(said), 'the server does not listen');
    const port = /listening on (\d+)/.exec(said)[1];
    return async (method, url, user) => {
        const response = await fetch(`http://127.0.0.1:${port}${url}`, {
            method,
            headers: user === undefined ? {} : { 'x-user': user },
        });
        return { status: response.status, body: await response.json() };
    };
}

for (const program of ['express_server.mjs', 'fastify_server.mjs'])
    test(`${program}: permits, refuses, and fails closed`, async (t) => {
        const daemon = await Daemon.start(t, newPolicy(t));
        const ask = await serve(t, program, `unix:${daemon.socket}`);
        assert.deepEqual(await ask('GET', '/patients/9912003071', 'anna'), {
            status: 200,
            body: { id: '9912003071', name: 'Octavia Chislett' },
        });
        const denied = await ask('GET', '/patients/9912003071', 'mark');
        assert.equal(denied.status, 403);
        assert.equal(denied.body.reason, 'not-granted');
        assert.match(denied.body.message, /may not/);
        for (const user of [undefined, 'eve'])
            assert.deepEqual(await ask('GET', '/patients/1', user), {
                status: 401,
                body: { reason: 'not-signed-in', message: 'Sign in first.' },
            });
        assert.deepEqual(await ask('POST', '/emergency/1', 'anna'), {
            status: 200,
            body: { id: '1', did: ['notify'] },
        });
        const forgetful = await ask('POST', '/forgetful/1', 'anna');
        assert.equal(forgetful.status, 403);
        assert.equal(forgetful.body.reason, 'obligations-apply');
        assert.deepEqual(await ask('GET', '/health'), { status: 200, body: { status: 'ok' } });
        const undeclared = await ask('GET', '/undeclared', 'anna');
        assert.equal(undeclared.status, 403);
        assert.equal(undeclared.body.reason, 'not-declared');

        await daemon.kill();
        for (const [method, url] of [
            ['GET', '/patients/1'],
            ['POST', '/emergency/1'],
        ])
            assert.deepEqual(await ask(method, url, 'anna'), {
                status: 503,
                body: { reason: 'decision-unavailable', message: 'Access cannot be decided at the moment.' },
            });
        assert.equal((await ask('GET', '/patients/1', undefined)).status, 401);
        await daemon.start();
        await until(async () => (await ask('GET', '/patients/1', 'anna')).status === 200, 'it goes on');
    });

/** What each framework's middleware does with one request: what it answers with, or that it lets through, or its error. */
const outcomes = {
    express: (policy, options, declared) =>
        new Promise((resolve) => {
            const request = {};
            const response = { status: (status) => ({ json: (body) => resolve({ status, body, request }) }) };
            express(policy, options)(declared)(request, response, (error) =>
                resolve({ through: error === undefined, error, request }),
            );
        }),
    fastify: async (policy, options, declared) => {
        const request = { routeOptions: { config: { nrbac: declared } } };
        let answered = { through: true };
        const reply = { code: (status) => ({ send: (body) => (answered = { status, body }) }) };
        await fastify(policy, options)(request, reply).catch((error) => (answered = { error }));
        return { ...answered, request };
    },
};

for (const [framework, outcome] of Object.entries(outcomes)) {
    test(`${framework}: context and resource are asked with, and functions may be asynchronous`, async (t) => {
        const engine = await open(`dir:${newPolicy(t)}`);
        t.after(() => engine.close());
        const { subject } = ofProfile();
        const asked = [];
        const spy = { evaluate: (request) => (asked.push(request), engine.evaluate(request)) };
        const through = await outcome(
            spy,
            {
                subject: async () => subject,
                context: async () => ({ organisation: 'RBA' }),
                resource: () => ({ type: 'record', id: '1' }),
            },
            'patient.amend',
        );
        assert.equal(through.through, true);
        assert.equal(through.request.nrbac.answer.context.reason, 'requirement-met');
        assert.deepEqual(asked[0], {
            subject,
            action: { name: 'patient.amend' },
            context: { organisation: 'RBA' },
            resource: { type: 'record', id: '1' },
        });
        const elsewhere = await outcome(
            engine,
            { subject: () => subject, context: () => ({ organisation: 'Y51' }) },
            'B0820',
        );
        assert.equal(elsewhere.body.reason, 'organisation-mismatch');
    });

    test(`${framework}: nothing but a permit lets through`, async (t) => {
        const engine = await open(`dir:${newPolicy(t)}`);
        const { subject } = ofProfile();
        const options = { subject: () => subject };
        const fault = await outcome(
            engine,
            {
                subject: () => {
                    throw new Error('our fault');
                },
            },
            'B0820',
        );
        assert.equal(fault.error.message, 'our fault');
        assert.equal(fault.request.nrbac, undefined);
        for (const declared of [undefined, null, true, 7, {}, [], { name: 7 }, { meets: [] }])
            assert.equal((await outcome(engine, options, declared)).body.reason, 'not-declared', String(declared));
        assert.deepEqual((await outcome(engine, options, false)).request.nrbac, { obligations: [], answer: null });
        assert.equal(
            (await outcome(engine, options, { name: 'guarded', meets: ['others'] })).body.reason,
            'obligations-apply',
        );
        for (const decision of [1, 'true', {}, null, undefined]) {
            const odd = {
                evaluate: async () => ({ decision, context: { reason: 'x', message: 'y', obligations: [] } }),
            };
            assert.equal((await outcome(odd, options, 'B0820')).status, 403);
        }
        engine.close();
        const told = [];
        const telling = { ...options, unavailable: (error) => told.push(error.code) };
        assert.equal((await outcome(engine, telling, 'B0820')).status, 503);
        assert.deepEqual(told, ['NRBAC_CLOSED']);
    });
}

test('a middleware without a way to the subject is a mistake at once', () => {
    assert.throws(() => express({}, {}), TypeError);
    assert.throws(() => fastify({}, {}), TypeError);
});

test('a fault of an Express handler is not taken for one of the middleware', async (t) => {
    const engine = await open(`dir:${newPolicy(t)}`);
    t.after(() => engine.close());
    let calls = 0;
    const next = () => {
        calls++;
        throw new Error('a handler that fails');
    };
    await assert.rejects(
        express(engine, { subject: () => ofProfile().subject })('B0820')({}, {}, next),
        /a handler that fails/,
    );
    assert.equal(calls, 1);
});
