// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { open } from 'nrbac';
import { questions } from './questions.mjs';
import { Daemon, newFolder, newPolicy, ofProfile, rewrite, smallPolicy, until } from './support.mjs';

questions('shm');

async function following(t, options) {
    const daemon = await Daemon.start(t, newPolicy(t), options);
    const engine = await open(`shm:${path.dirname(daemon.socket)}`); // its folder will do
    t.after(() => engine.close());
    return { daemon, engine };
}

test('a new policy of the daemon is taken, and revocations with it', async (t) => {
    const { daemon, engine } = await following(t);
    const [session, other] = [engine.session(ofProfile({ id: '1' })), engine.session(ofProfile({ id: '2' }))];
    const client = await open(`unix:${daemon.socket}`);
    t.after(() => client.close());
    const next = engine.watch().next();
    rewrite(daemon.policy, smallPolicy({ grants: ['B0572'] }));
    assert.equal((await client.reload()).generation, 2);
    assert.equal((await next).value, 2);
    assert.deepEqual(session.checkMany(['B0820', 'B0572']), [false, true]);
    await client.revoke({ role_profile: '1' });
    await until(() => !session.check('B0572'), 'the session is revoked');
    assert.equal(session.decide('B0572').reason, 'session-revoked');
    assert.equal(other.check('B0572'), true);
    assert.deepEqual(await engine.reload(), { generation: 2 });
});

test('a daemon that is gone makes everything stale, and its successor makes it good', async (t) => {
    const { daemon, engine } = await following(t, { config: { stale_seconds: 1 } });
    const session = engine.session(ofProfile());
    assert.equal(session.check('B0820'), true);
    await daemon.kill();
    await until(() => !session.check('B0820'), 'it is stale');
    assert.equal(session.decide('B0820').reason, 'policy-stale');
    assert.equal(engine.evaluate(ofProfile({}, { action: { name: 'B0820' } })).context.reason, 'policy-stale');
    await daemon.start();
    await until(() => session.check('B0820'), 'it goes on');
});

test('the folder in which a daemon publishes is followed', async (t) => {
    const table = newFolder(t);
    const daemon = await Daemon.start(t, newPolicy(t), { config: { publish_to: table } });
    const engine = await open(`file:${table}`);
    t.after(() => engine.close());
    const session = engine.session(ofProfile());
    assert.equal(session.check('B0820'), true);
    rewrite(daemon.policy, smallPolicy({ grants: ['B0572'] }));
    daemon.process.kill('SIGHUP');
    await until(() => !session.check('B0820'), 'the new policy is taken');
    assert.equal(engine.generation, 2);
});
