// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { DaemonUnavailableError, NotOpenedError, RefusedError, open } from 'nrbac';
import { questions } from './questions.mjs';
import { Daemon, NRBAC, newFolder, newPolicy, ofProfile, rewrite, smallPolicy, soak, until } from './support.mjs';

questions('shm');

async function following(t, { recorded, ...options } = {}) {
    const daemon = await Daemon.start(t, newPolicy(t), options);
    const engine = await open(`shm:${path.dirname(daemon.socket)}`, { recorded }); // its folder will do
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

test('many requests in one are answered as the daemon answers them', async (t) => {
    const { daemon, engine } = await following(t);
    const client = await open(`unix:${daemon.socket}`);
    t.after(() => client.close());
    const evaluations = ['B0820', 'B0572', 'guarded', 'no.such'].map((name) => ({ action: { name } }));
    const asked = { action: { name: 'B0820' } };
    for (const request of [
        ofProfile({}, { evaluations: [...evaluations, null, 7, 'B0820', [], {}, undefined, { action: null }] }),
        ofProfile({}, { ...asked, evaluations: [{}, ofProfile({ role: 'R9' }), { context: { organisation: 'Y51' } }] }),
        ofProfile({}, { ...asked, evaluations: [] }),
        {},
    ])
        assert.deepEqual(engine.evaluations(request), await client.evaluations(request));
    for (const bad of [
        { evaluations: null },
        { evaluations: {} },
        { evaluations, options: null },
        { evaluations, options: { evaluations_semantic: 'all' } },
        { evaluations, options: { evaluations_semantic: null } },
    ]) {
        assert.throws(() => engine.evaluations(ofProfile({}, bad)), TypeError);
        await assert.rejects(client.evaluations(ofProfile({}, bad)), RefusedError);
    }
});

// ---- Recorded ----

const NURSE = {
    subject: {
        type: 'healthcare-worker',
        id: '910000000001',
        properties: {
            userinfo: {
                sub: '910000000001',
                nhsid_nrbac_roles: [{ person_roleid: '501', org_code: 'RBA', role_code: 'R8000' }],
            },
        },
    },
};

/** What this process decided, as the command lists it. */
function recordsOf(daemon) {
    const listed = execFileSync(NRBAC, ['audit', 'list', '--format', 'json', daemon.trail], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
    });
    const rows = listed.split('\n').filter(Boolean).map(JSON.parse);
    return rows
        .filter((row) => row.peer?.pid === process.pid)
        .map(({ event, user, action, reason }) => [event, user, action, reason].join(' '));
}

test('every decision is in the trail, a denied one too', async (t) => {
    const { daemon, engine } = await following(t, { trail: true, recorded: true });
    const session = engine.session(NURSE);
    const [view, local] = [engine.prepare('B0820'), engine.prepare('B0572')];
    assert.deepEqual([session.check(view), session.check(local), session.check('B0825')], [true, false, true]);
    assert.deepEqual(session.checkMany([local, 'patient.amend', 'guarded', 'no.such']), [false, true, false, false]);
    assert.equal(session.decide('guarded').permitted, true);
    assert.deepEqual(
        session.decideMany([view, 'B0572']).map((its) => its.permitted),
        [true, false],
    );
    const asked = (name) => ({ ...NURSE, action: { name } });
    assert.equal(engine.evaluate(asked('B0825')).decision, true);
    assert.equal(engine.explain(asked('B0572')).decision, false);
    assert.equal(engine.evaluations({ ...NURSE, evaluations: [{ action: { name: 'B0820' } }] })[0].decision, true);
    const expected = [
        'open 910000000001  opened',
        'recorded 910000000001 B0820 granted-by-baseline',
        'recorded 910000000001 B0572 not-granted',
        'recorded 910000000001 B0825 granted-by-baseline',
        'recorded 910000000001 B0572 not-granted',
        'recorded 910000000001 patient.amend requirement-met',
        'recorded 910000000001 guarded obligations-apply',
        'recorded 910000000001 no.such unknown-function',
        'check 910000000001 guarded requirement-met',
        'check 910000000001 B0820 granted-by-baseline',
        'check 910000000001 B0572 not-granted',
        'evaluate 910000000001 B0825 granted-by-baseline',
        'evaluate 910000000001 B0572 not-granted',
        'evaluate 910000000001 B0820 granted-by-baseline',
    ];
    await until(() => recordsOf(daemon).length === expected.length, 'all is in the trail');
    assert.deepEqual(recordsOf(daemon), expected);
});

test('what cannot be recorded is denied, and what was permitted is in the trail when the daemon is back', async (t) => {
    const { daemon, engine } = await following(t, { trail: true, recorded: true });
    const [session, view] = [engine.session(NURSE), engine.prepare('B0820')];
    await daemon.kill('SIGTERM');
    let permitted = 0;
    while (session.check(view)) permitted++;
    assert.ok(permitted > 50);
    const began = performance.now();
    assert.deepEqual(session.checkMany([view, 'B0825', view]), [false, false, false]);
    const { effect, reason } = session.decide('B0825');
    assert.deepEqual([effect, reason, session.check('B0825')], ['deny', 'not-recorded', false]);
    const answer = engine.evaluate({ ...NURSE, action: { name: 'B0820' } });
    assert.deepEqual([answer.decision, answer.context.reason], [false, 'not-recorded']);
    assert.throws(
        () => engine.session(NURSE),
        (error) => error instanceof NotOpenedError && error.answer.reason === 'not-recorded',
    );
    assert.ok(performance.now() - began < 45, 'it is known that there is no room, and nothing waits again');
    await daemon.start();
    await until(() => session.check(view), 'it goes on');
    await until(() => recordsOf(daemon).length === 1 + permitted + 1, 'what was permitted is there, and nothing else');
});

test('who cannot be recorded does not open', async (t) => {
    const { daemon } = await following(t);
    await assert.rejects(
        open(`shm:${daemon.socket}`, { recorded: true }),
        (error) => error instanceof RefusedError && error.slug === 'not-allowed' && /audit trail/.test(error.message),
    );
    for (const source of [`dir:${daemon.policy}`, `file:${daemon.policy}`, `unix:${daemon.socket}`])
        await assert.rejects(open(source, { recorded: true }), TypeError);
    await daemon.kill();
    await assert.rejects(open(`shm:${daemon.socket}`, { recorded: true }), DaemonUnavailableError);
});

test('a million sessions on the table of a daemon leave nothing behind', async (t) => {
    const { daemon, engine } = await following(t);
    await soak(engine, 1_000_000, { daemon });
});
