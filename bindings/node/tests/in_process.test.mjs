// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonUnavailableError, EngineError, PolicyError, open, statuses } from 'nrbac';
import { questions } from './questions.mjs';
import {
    NATIONAL,
    NRBAC,
    assertFlat,
    memory,
    newFolder,
    newPolicy,
    ofProfile,
    rewrite,
    smallPolicy,
    soak,
} from './support.mjs';

questions('in-process');

test('a compiled policy is loaded, and decides as its folder does', async (t) => {
    const file = path.join(newFolder(t), 'national.nrb');
    execFileSync(NRBAC, ['compile', NATIONAL, '-o', file], { stdio: 'ignore' });
    const [compiled, folder] = [await open(`file:${file}`), await open(`dir:${NATIONAL}`)];
    assert.equal(compiled.policy().digest, folder.policy().digest);
    assert.equal(compiled.session(ofProfile()).check('B0820'), true);
    compiled.close();
    folder.close();
});

test('mistakes of a policy are told, all at once and with their places', async (t) => {
    const policy = newPolicy(
        t,
        smallPolicy().replace('[R8000]', '[R8999]').replace('require: B0825', 'requires: B0825'),
    );
    await assert.rejects(open(`dir:${policy}`), (error) => {
        assert.ok(error instanceof PolicyError);
        assert.equal(error.code, 'NRBAC_POLICY');
        const codes = error.diagnostics.map((its) => its.code);
        assert.ok(codes.includes('P012') && codes.includes('P007'), codes.join());
        const unknown = error.diagnostics.find((its) => its.code === 'P012');
        assert.equal(unknown.severity, 'error');
        assert.equal(unknown.slug, 'unknown-code');
        assert.equal(unknown.line, 12);
        assert.match(unknown.sourceLine, /R8999/);
        assert.match(unknown.file, /policy\.yaml$/);
        assert.match(error.message, /policy\.yaml:\d+: .*, and \d+ more$/);
        return true;
    });
});

test('a second definition tells of the first', async (t) => {
    const policy = newPolicy(t);
    fs.writeFileSync(path.join(policy, 'more.yaml'), 'nrbac: 1\nactivities: { B0572: { name: Another } }\n');
    const error = await open(`dir:${policy}`).catch((its) => its);
    assert.equal(error.diagnostics[0].code, 'P015');
    assert.match(error.diagnostics[0].related.file, /\.yaml$/);
    assert.ok(error.diagnostics[0].related.line > 0);
});

test('what cannot be loaded says why', async (t) => {
    const folder = newFolder(t);
    const damaged = path.join(folder, 'damaged.nrb');
    fs.writeFileSync(damaged, 'not a policy');
    await assert.rejects(
        open(`file:${damaged}`),
        (error) => error instanceof EngineError && error.status === 'E_IMAGE',
    );
    await assert.rejects(
        open(`file:${folder}/none.nrb`),
        (error) => error instanceof EngineError && error.status === 'E_IO',
    );
    for (const source of [`file:${folder}`, `shm:${folder}`, `shm:${folder}/none.sock`])
        await assert.rejects(open(source), DaemonUnavailableError);
    await assert.rejects(
        open(`dir:${folder}/none`),
        (error) => error instanceof PolicyError && error.diagnostics.length === 1,
    );
    await assert.rejects(open(`dir:${folder}`), PolicyError);
    for (const source of ['', 'policy', 'http://x', 'dir:', 'unix:', 7, undefined])
        await assert.rejects(open(source), TypeError);
    assert.ok(statuses.includes('E_IMAGE'));
});

test('a policy is read again: sessions follow, and one with mistakes changes nothing', async (t) => {
    const policy = newPolicy(t);
    const engine = await open(`dir:${policy}`);
    t.after(() => engine.close());
    const session = engine.session(ofProfile());
    const [view, local] = [engine.prepare('B0820'), engine.prepare('B0572')];
    assert.deepEqual(session.checkMany([view, local]), [true, false]);
    rewrite(policy, smallPolicy({ grants: ['B0572'] }));
    assert.deepEqual(await engine.reload(), { generation: 2 });
    assert.deepEqual(session.checkMany([view, local]), [false, true]);
    rewrite(policy, 'nrbac: 1\nnonsense: true\n');
    await assert.rejects(engine.reload(), PolicyError);
    assert.deepEqual(session.checkMany([view, local]), [false, true]);
    assert.equal(engine.generation, 2);
});

test('generations are watched, and watching ends', async (t) => {
    const engine = await open(`dir:${newPolicy(t)}`);
    const seen = [];
    const watching = (async () => {
        for await (const generation of engine.watch()) {
            seen.push(generation);
            if (generation === 2) void engine.reload();
            else break;
        }
    })();
    await engine.reload();
    await watching;
    assert.deepEqual(seen, [2, 3]);

    const stop = new AbortController();
    const next = engine.watch({ signal: stop.signal }).next();
    stop.abort();
    await assert.rejects(next, { name: 'AbortError' });
    const last = engine.watch().next();
    await sleep(10);
    engine.close();
    assert.deepEqual(await last, { value: undefined, done: true });
});

test('an engine may be closed while it is being reloaded', async (t) => {
    const engine = await open(`dir:${NATIONAL}`);
    const session = engine.session(ofProfile());
    const reloading = engine.reload();
    engine.close();
    assert.throws(() => session.check('B0820'), { code: 'NRBAC_CLOSED' });
    await assert.rejects(reloading, { code: 'NRBAC_CLOSED' });
});

test('a session that outlives its engine never speaks for another one', async (t) => {
    const engine = await open(`dir:${newPolicy(t)}`);
    const kept = engine.session(ofProfile({ role: 'R8001' })); // holds nothing
    const name = engine.prepare('B0820');
    engine.close();
    const other = await open(`dir:${newPolicy(t)}`);
    t.after(() => other.close());
    const sessions = Array.from({ length: 100 }, () => other.session(ofProfile()));
    assert.ok(sessions.every((session) => session.check('B0820')));
    assert.throws(() => kept.check(name), { code: 'NRBAC_CLOSED' });
    assert.throws(() => kept.check('B0820'), { code: 'NRBAC_CLOSED' });
    kept.close();
    assert.ok(sessions.every((session) => session.check('B0820')));
});

test('a session keeps its engine', async (t) => {
    const policy = newPolicy(t);
    const opened = async () => (await open(`dir:${policy}`)).session(ofProfile());
    const session = await opened();
    for (let i = 0; i < 5; i++) await memory();
    assert.equal(session.check('B0820'), true);
    session.close();
});

test('code of the caller that runs while names are read changes no answer', async (t) => {
    const engine = await open(`dir:${newPolicy(t)}`);
    t.after(() => engine.close());
    const session = engine.session(ofProfile());
    const [granted, refused] = [engine.prepare('B0820'), engine.prepare('B0572')];
    const sly = {
        length: 2,
        0: refused,
        get 1() {
            assert.deepEqual(session.checkMany([granted, granted, granted]), [true, true, true]);
            return granted;
        },
    };
    assert.deepEqual(session.checkMany(sly), [false, true]);
    assert.deepEqual(
        session.decideMany(sly).map((its) => its.permitted),
        [false, true],
    );
});

test('a million sessions opened and closed leave nothing behind', async (t) => {
    const engine = await open(`dir:${newPolicy(t)}`);
    t.after(() => engine.close());
    await soak(engine, 1_000_000);
});

test('policies compiled again and again, good and bad, leave nothing behind', async (t) => {
    const engine = await open(`dir:${NATIONAL}`);
    t.after(() => engine.close());
    const bad = newPolicy(t, 'nrbac: 1\nnonsense: true\n');
    const turns = async (count) => {
        for (let i = 0; i < count; i++) {
            await engine.reload();
            await assert.rejects(open(`dir:${bad}`), PolicyError);
        }
        return memory();
    };
    const before = await turns(50);
    assertFlat(before, await turns(150));
});

test('sessions and engines that nobody closes go with the garbage', async (t) => {
    const engine = await open(`dir:${newPolicy(t)}`);
    t.after(() => engine.close());
    const file = path.join(newFolder(t), 'national.nrb');
    execFileSync(NRBAC, ['compile', NATIONAL, '-o', file], { stdio: 'ignore' });
    const turns = async (count) => {
        for (let turn = 0; turn < count; turn++) {
            for (let i = 0; i < 20_000; i++) engine.session(ofProfile());
            for (let i = 0; i < 50; i++) (await open(`file:${file}`)).session(ofProfile());
            await memory();
        }
        return memory();
    };
    const before = await turns(15); // until the heap has found its size
    const after = await turns(10);
    assertFlat(before, after);
});
