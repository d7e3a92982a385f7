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
  const server = spawn(process.execPath, [path.join(import.meta.dirname, '../examples', program), source, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill());
  let said = '';
  server.stdout.on('data', (text) => (said += text));
  await until(() => /listening on \d+/.test(said), 'the server does not listen');
  const port = /listening on (\d+)/.exec(said)[1];
  return async (method, url, user) => {
    const response = await fetch(`http://127.0.0.1:${port}${url}`, { method, headers: user === undefined ? {} : { 'x-user': user } });
    return { status: response.status, body: await response.json() };
  };
}

for (const program of ['express_server.mjs', 'fastify_server.mjs'])
  test(`${program}: permits, refuses, and fails closed`, async (t) => {
    const daemon = await Daemon.start(t, newPolicy(t));
    const ask = await serve(t, program, `unix:${daemon.socket}`);
    assert.deepEqual(await ask('GET', '/patients/9912003071', 'anna'), { status: 200, body: { id: '9912003071', name: 'Octavia Chislett' } });
    const denied = await ask('GET', '/patients/9912003071', 'mark');
    assert.equal(denied.status, 403);
    assert.equal(denied.body.reason, 'not-granted');
    assert.match(denied.body.message, /may not/);
    for (const user of [undefined, 'eve']) assert.deepEqual(await ask('GET', '/patients/1', user), { status: 401, body: { reason: 'not-signed-in', message: 'Sign in first.' } });
    assert.deepEqual(await ask('POST', '/emergency/1', 'anna'), { status: 200, body: { id: '1', did: ['notify'] } });
    const forgetful = await ask('POST', '/forgetful/1', 'anna');
    assert.equal(forgetful.status, 403);
    assert.equal(forgetful.body.reason, 'obligations-apply');

    await daemon.kill();
    for (const [method, url] of [['GET', '/patients/1'], ['POST', '/emergency/1']])
      assert.deepEqual(await ask(method, url, 'anna'), { status: 503, body: { reason: 'decision-unavailable', message: 'Access cannot be decided at the moment.' } });
    assert.equal((await ask('GET', '/patients/1', undefined)).status, 401);
    await daemon.start();
    await until(async () => (await ask('GET', '/patients/1', 'anna')).status === 200, 'it goes on');
  });

/** What a middleware does with one request: the status it answers with, `next`, or the error that it hands on. */
async function outcome(authorise, name, needs) {
  const request = {};
  return new Promise((resolve) => {
    const response = { status: (status) => ({ json: (body) => resolve({ status, body, request }) }) };
    authorise(name, needs)(request, response, (error) => resolve({ next: true, error, request }));
  });
}

test('in process, context and resource are asked with, and functions may be asynchronous', async (t) => {
  const engine = await open(`dir:${newPolicy(t)}`);
  t.after(() => engine.close());
  const { subject } = ofProfile();
  const asked = [];
  const spy = { evaluate: (request) => (asked.push(request), engine.evaluate(request)) };
  const authorise = express(spy, { subject: async () => subject, context: async () => ({ organisation: 'RBA' }), resource: () => ({ type: 'record', id: '1' }) });
  const let1 = await outcome(authorise, 'patient.amend');
  assert.equal(let1.next, true);
  assert.equal(let1.request.nrbac.answer.context.reason, 'requirement-met');
  assert.deepEqual(asked[0], { subject, action: { name: 'patient.amend' }, context: { organisation: 'RBA' }, resource: { type: 'record', id: '1' } });
  const elsewhere = await outcome(express(engine, { subject: () => subject, context: () => ({ organisation: 'Y51' }) }), 'B0820');
  assert.equal(elsewhere.body.reason, 'organisation-mismatch');
});

test('nothing but a permit lets through: a fault of the application, a closed engine, an answer that is none', async (t) => {
  const engine = await open(`dir:${newPolicy(t)}`);
  const { subject } = ofProfile();
  const fault = await outcome(express(engine, { subject: () => { throw new Error('our fault'); } }), 'B0820');
  assert.equal(fault.error.message, 'our fault');
  assert.equal(fault.request.nrbac, undefined);
  await assert.rejects(fastify(engine, { subject: () => { throw new Error('our fault'); } })('B0820')({}, {}), /our fault/);
  engine.close();
  assert.equal((await outcome(express(engine, { subject: () => subject }), 'B0820')).status, 503);
  for (const decision of [1, 'true', {}, null, undefined]) {
    const odd = { evaluate: async () => ({ decision, context: { reason: 'x', message: 'y' } }) };
    assert.equal((await outcome(express(odd, { subject: () => subject }), 'B0820')).status, 403);
  }
  assert.throws(() => express(engine, {}), TypeError);
  assert.throws(() => fastify(engine, {}), TypeError);
});
