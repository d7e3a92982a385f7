// SPDX-License-Identifier: Apache-2.0
// The questions that every transport answers alike. Each test file of a transport runs them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { NotOpenedError, RefusedError, effects, reasons } from 'nrbac';
import { NATIONAL, ROOT, newFolder, newPolicy, ofProfile, smallPolicy, transports } from './support.mjs';

const NAMES = ['B0820', 'B0825', 'B0572', 'patient.amend', 'guarded', 'no.such', 'B9999', ''];
const REASONS = [
    'granted-by-baseline',
    'granted-by-baseline',
    'not-granted',
    'requirement-met',
    'requirement-met',
    'unknown-function',
    'unknown-activity',
    'unknown-function',
];

export function questions(transport) {
    const opened = (t, text) => transports[transport](t, newPolicy(t, text));

    test('a session is checked by text, by prepared name, and many at once', async (t) => {
        const policy = await opened(t);
        const session = await policy.session(ofProfile());
        const names = NAMES.map((name) => policy.prepare(name));
        const expected = [true, true, false, true, false, false, false, false];
        for (const [i, name] of NAMES.entries()) {
            assert.equal(await session.check(name), expected[i], name);
            assert.equal(await session.check(names[i]), expected[i], `prepared ${name}`);
        }
        assert.deepEqual(await session.checkMany(NAMES), expected);
        assert.deepEqual(await session.checkMany(names), expected);
        assert.deepEqual(await session.checkMany([NAMES[0], names[2], names[1], NAMES[5]]), [true, false, true, false]);
        assert.deepEqual(await session.checkMany([]), []);
        assert.deepEqual(await session.checkMany({ length: 2, 0: 'B0820', 1: names[2] }), [true, false]);
    });

    test('a decision has its reason, its obligations and its generation', async (t) => {
        const policy = await opened(t);
        const session = await policy.session(ofProfile());
        for (const [i, name] of NAMES.entries())
            for (const asked of [name, policy.prepare(name)]) {
                const decision = await session.decide(asked);
                assert.equal(decision.reason, REASONS[i], name);
                assert.equal(decision.effect, reasons[REASONS[i]].effect);
                assert.ok(effects.includes(decision.effect));
                assert.equal(decision.permitted, decision.effect === 'permit');
                assert.deepEqual(decision.obligations, name === 'guarded' ? ['notify'] : []);
                assert.equal(decision.generation, policy.generation);
            }
        const many = await session.decideMany([...NAMES, policy.prepare('guarded')]);
        assert.deepEqual(
            many.map((decision) => decision.reason),
            [...REASONS, 'requirement-met'],
        );
        assert.deepEqual(many[4].obligations, ['notify']);
        assert.deepEqual(many[8].obligations, ['notify']);
        assert.deepEqual(many[0].obligations, []);
    });

    test('a very long list and a very long name are asked like others', async (t) => {
        const policy = await opened(t);
        const session = await policy.session(ofProfile());
        const many = Array.from({ length: 5000 }, (_, i) => NAMES[i % 3]);
        assert.deepEqual(
            await session.checkMany(many),
            many.map((name) => name !== 'B0572'),
        );
        const decisions = await session.decideMany(many);
        assert.ok(decisions.every((decision, i) => decision.reason === REASONS[i % 3]));
        for (const size of [255, 256, 4090, 4096, 4103, 4104, 4105, 10_000]) {
            // Whoever cuts a name finds another one, which is granted.
            assert.equal(await session.check(`B0820${' '.repeat(size - 5)}`), false, `${size} characters`);
            assert.equal(await session.check('é'.repeat(size)), false, `${size} characters`);
            assert.deepEqual(await session.checkMany([`B0820${'x'.repeat(size - 5)}`, 'B0820']), [false, true]);
        }
    });

    test('a whole request is decided, and explained', async (t) => {
        const policy = await opened(t);
        const answer = await policy.evaluate(ofProfile({}, { action: { name: 'B0820' } }));
        assert.equal(answer.decision, true);
        assert.equal(answer.context.reason, 'granted-by-baseline');
        assert.deepEqual(answer.context.path, ['B0825', 'B0820']);
        const denied = await policy.explain(ofProfile({}, { action: { name: 'B0572' } }));
        assert.equal(denied.decision, false);
        assert.deepEqual(denied.context.nearest, [['B0572']]);
        const malformed = await policy.evaluate(ofProfile());
        assert.equal(malformed.decision, false);
        assert.equal(malformed.context.reason, 'malformed-request');
    });

    test('a request is what JSON would carry of it', async (t) => {
        const policy = await opened(t);
        const request = ofProfile(
            {},
            { action: { name: 'B0820' }, resource: undefined, context: { time: new Date('2026-11-23T09:00:00Z') } },
        );
        assert.equal((await policy.evaluate(request)).decision, true);
        for (const size of [3500, 4000, 4090, 4100, 4110, 10_000, 300_000]) {
            const note = 'é'.repeat(size / 2);
            assert.equal((await policy.evaluate({ ...request, context: { note } })).decision, true, `${size} bytes`);
        }
        await assert.rejects(async () => policy.evaluate(undefined), TypeError);
        await assert.rejects(async () => policy.evaluate({ number: 1n }), TypeError);
        await assert.rejects(async () => policy.evaluate(ofProfile({}, { action: { name: 'B0820\0' } })), {
            name: 'RefusedError',
            slug: 'bad-message',
        });
        await assert.rejects(async () => policy.session({ subject: { type: 'a\0b' } }), RefusedError);
        let deep = {};
        for (let i = 0; i < 200; i++) deep = { deep };
        await assert.rejects(async () => policy.evaluate(deep), RefusedError);
        assert.equal((await policy.evaluate(request)).decision, true, 'and goes on');
    });

    test('no session is opened for a subject that may not have one, and the answer says why', async (t) => {
        const policy = await opened(t);
        await assert.rejects(
            async () => policy.session(ofProfile({ role: null })),
            (error) => {
                assert.ok(error instanceof NotOpenedError);
                assert.equal(error.code, 'NRBAC_NOT_OPENED');
                assert.equal(error.answer.effect, 'indeterminate');
                assert.equal(error.answer.reason, 'role-code-missing');
                assert.ok(!('session' in error.answer));
                return true;
            },
        );
    });

    test('a name of another policy is an error, and so is what is no name', async (t) => {
        const [policy, other] = [await opened(t), await opened(t)];
        const session = await policy.session(ofProfile());
        const foreign = other.prepare('B0820');
        assert.equal(policy.prepare('B0820'), policy.prepare('B0820'));
        const own = policy.prepare('B0572');
        const asks = (name) => [
            () => session.check(name),
            () => session.decide(name),
            () => session.checkMany(['B0820', name]),
            () => session.decideMany(['B0820', name]),
        ];
        for (const name of [foreign, 7, -1, NaN, Infinity, -Infinity, 1e300, own + 2 ** 22, own - 2 ** 22, -own])
            for (const ask of asks(name))
                await assert.rejects(async () => ask(), { code: 'NRBAC_FOREIGN_NAME' }, String(name));
        for (const name of [null, undefined, {}, ['B0820'], true, 1n])
            for (const ask of asks(name)) await assert.rejects(async () => ask(), TypeError, String(name));
        for (const ask of asks(0)) await assert.rejects(async () => ask());
        assert.throws(() => policy.prepare(7), TypeError);
        assert.throws(() => policy.prepare('B0820\0'), TypeError);
        assert.equal(await session.check('B0820'), true, 'and goes on');
    });

    test('evidence that expires says when, and ends the session', async (t) => {
        const policy = await opened(t);
        const exp = Math.floor(Date.now() / 1000) + 2;
        const userinfo = {
            sub: '1',
            nhsid_nrbac_roles: [{ person_roleid: '555254240100', org_code: 'RBA', role_code: 'S8000:G8000:R8000' }],
        };
        const session = await policy.session({
            subject: { type: 'healthcare-worker', properties: { userinfo, id_token: { sub: '1', exp } } },
        });
        assert.equal(session.validUntil.getTime(), exp * 1000);
        assert.equal((await policy.session(ofProfile())).validUntil, null);
        assert.equal(await session.check('B0820'), true);
        while (Date.now() < exp * 1000 + 200) await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(await session.check('B0820'), false);
        assert.equal((await session.decide('B0820')).reason, 'evidence-expired');
    });

    test('what opening was answered is kept', async (t) => {
        const policy = await opened(t);
        const { answer } = await policy.session(ofProfile());
        assert.equal(answer.effect, 'permit');
        assert.equal(answer.reason, 'opened');
        assert.equal(answer.profile.role, 'R8000');
        assert.deepEqual(answer.activities, ['B0820', 'B0825']);
        assert.ok(answer.functions.includes('patient.amend'));
        assert.ok(!('session' in answer));
    });

    test('all deciding is stopped, and goes on', async (t) => {
        const policy = await opened(t);
        const session = await policy.session(ofProfile());
        await policy.stop(true);
        assert.equal(await session.check('B0820'), false);
        assert.equal((await session.decide('B0820')).reason, 'policy-stale');
        await policy.stop(false);
        assert.equal(await session.check('B0820'), true);
        await assert.rejects(async () => policy.stop(), TypeError);
    });

    test('sessions are revoked, those that match alone', async (t) => {
        const policy = await opened(t);
        const gone = await policy.session(ofProfile({ id: '1' }));
        const kept = await policy.session(ofProfile({ id: '2' }));
        // Who follows a daemon revokes here what is open here.
        assert.equal(await policy.revoke({ role_profile: '3' }), 0);
        assert.equal(await policy.revoke({ role_profile: '1' }), 1);
        assert.equal(await gone.check('B0820'), false);
        assert.equal((await gone.decide('B0820')).reason, 'session-revoked');
        assert.equal(await kept.check('B0820'), true);
    });

    test('what is closed throws, and closing again is fine', async (t) => {
        const policy = await opened(t);
        const [session, other] = [await policy.session(ofProfile()), await policy.session(ofProfile())];
        const name = policy.prepare('B0820');
        session.close();
        session.close();
        const closed = { name: 'ClosedError', code: 'NRBAC_CLOSED' };
        const asks = (its) => [
            () => its.check(name),
            () => its.check('B0820'),
            () => its.decide(name),
            () => its.decide('B0820'),
            () => its.checkMany([name]),
            () => its.checkMany(['B0820']),
            () => its.decideMany([name]),
        ];
        for (const ask of asks(session)) await assert.rejects(async () => ask(), closed);
        assert.equal(await other.check(name), true);
        policy.close();
        policy.close();
        for (const ask of asks(other)) await assert.rejects(async () => ask(), closed);
        for (const ask of [
            () => policy.evaluate({}),
            () => policy.explain({}),
            () => policy.session({}),
            () => policy.policy(),
            () => policy.reload(),
        ])
            await assert.rejects(async () => ask(), closed);
    });

    test('the policy in force tells about itself', async (t) => {
        const policy = await opened(t, smallPolicy({ version: '7' }));
        const info = await policy.policy();
        assert.equal(info.name, 'small');
        assert.equal(info.version, '7');
        assert.equal(info.generation, policy.generation);
        assert.equal(policy.generation, 1);
    });

    test('`using` closes, where there is Symbol.dispose', { skip: Symbol.dispose === undefined }, async (t) => {
        const policy = await opened(t);
        const session = await policy.session(ofProfile());
        session[Symbol.dispose]();
        await assert.rejects(async () => session.check('B0820'), { code: 'NRBAC_CLOSED' });
        policy[Symbol.dispose]();
        await assert.rejects(async () => policy.evaluate({}), { code: 'NRBAC_CLOSED' });
    });

    for (const file of fs.readdirSync(path.join(ROOT, 'tests/cases')).filter((name) => name.endsWith('.jsonl')))
        test(`tests/cases/${file}`, async (t) => {
            const [{ policy: folder }, ...cases] = fs
                .readFileSync(path.join(ROOT, 'tests/cases', file), 'utf8')
                .trim()
                .split('\n')
                .map((line) => JSON.parse(line));
            const policy = await transports[transport](t, path.join(ROOT, folder));
            const answers = [];
            for (const { request } of cases) answers.push(await policy.evaluate(request));
            const here = newFolder(t);
            const write = (name, list) =>
                fs.writeFileSync(path.join(here, name), list.map((its) => `${JSON.stringify(its)}\n`).join(''));
            write(
                'expected',
                cases.map((its) => its.answer),
            );
            write('got', answers);
            const said = execFileSync(
                '/usr/bin/python3',
                [path.join(ROOT, 'bindings/conformance/compare.py'), 'expected', 'got'],
                { cwd: here, encoding: 'utf8' },
            );
            assert.equal(said.trim(), `${cases.length} passed, 0 failed`);
        });

    test('a session and a whole request decide alike, on the national policy', async (t) => {
        const policy = await transports[transport](t, NATIONAL);
        for (const role of ['R8000', 'R8001', 'R8010']) {
            const session = await policy.session(ofProfile({ role }));
            for (const name of ['B0820', 'B0825', 'B0572', 'B8029', 'B0278', 'B9999']) {
                const [decision, answer] = [
                    await session.decide(name),
                    await policy.evaluate(ofProfile({ role }, { action: { name } })),
                ];
                assert.equal(decision.reason, answer.context.reason, `${role} ${name}`);
                assert.equal(decision.permitted, answer.decision);
            }
            session.close();
        }
    });
    test('many requests are evaluated in one', async (t) => {
        const policy = await opened(t);
        const evaluations = ['B0820', 'B0572', 'B0825'].map((name) => ({ action: { name } }));
        const decisions = async (request) => (await policy.evaluations(request)).map((its) => its.decision);
        const asked = (how) => ofProfile({}, { evaluations, options: { evaluations_semantic: how } });
        assert.deepEqual(await decisions(ofProfile({}, { evaluations })), [true, false, true]);
        assert.deepEqual(await decisions(asked('deny_on_first_deny')), [true, false]);
        assert.deepEqual(await decisions(asked('permit_on_first_permit')), [true]);
        assert.deepEqual(await decisions(ofProfile({}, { action: { name: 'B0825' } })), [true]);
    });
}
