// SPDX-License-Identifier: Apache-2.0
// What the tests share: places, requests, policies, daemons, and daemons that misbehave.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The repository, and its programs. */
export const ROOT = process.env.NRBAC_ROOT;
export const NRBACD = path.join(ROOT, 'build/bin/nrbacd');
export const NRBAC = path.join(ROOT, 'build/bin/nrbac');
export const NATIONAL = path.join(ROOT, 'policy/national');

/** A request for a profile; members given replace its own. */
export function ofProfile(profile = {}, more = {}) {
    const its = { id: '555254240100', role: 'R8000', organisation: 'RBA', ...profile };
    return { subject: { type: 'healthcare-worker', properties: { profile: its } }, ...more };
}

/** A small policy: B0820 granted through B0825, B0572 not, B0428 with an obligation by `guarded`. */
export function smallPolicy({ version = '1', grants = ['B0825'] } = {}) {
    return `nrbac: 1
policy: { name: small, version: "${version}", provenance: local }
job_roles: { R8000: { name: Clinician } }
activities:
  B0820: { name: View Patient Demographics }
  B0825: { name: Amend Patient Demographics, includes: [B0820] }
  B0572: { name: Manage Local Services }
obligations: { notify: { name: Tell the privacy officer } }
functions:
  patient.amend: { name: Amend demographics, require: B0825 }
  guarded: { require: B0820, obligations: [notify] }
baseline: [{ roles: [R8000], activities: [${grants.join(', ')}] }]
`;
}

/** A folder that goes when the test ends. */
export function newFolder(t) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nrbac-'));
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
}

/** A policy folder with one file. */
export function newPolicy(t, text = smallPolicy()) {
    const folder = newFolder(t);
    fs.writeFileSync(path.join(folder, 'policy.yaml'), text);
    return folder;
}

export function rewrite(policy, text) {
    fs.writeFileSync(path.join(policy, 'policy.yaml'), text);
}

/** Waits for something to hold; throws if it does not within the time. */
export async function until(holds, what, ms = 10_000) {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(5)) if (await holds()) return;
    throw new Error(`after ${ms} ms: ${what}`);
}

/** A daemon of our own; ends with the test. */
export class Daemon {
    constructor(t, policy, { config = {}, folder = newFolder(t), trail = false } = {}) {
        this.socket = path.join(folder, 'nrbacd.sock');
        this.config = path.join(folder, 'nrbacd.yaml');
        this.policy = policy;
        this.trail = path.join(folder, 'trail.db');
        const audit = trail ? { audit: this.trail } : { unsafe_no_audit: true };
        fs.writeFileSync(this.config, JSON.stringify({ ...audit, allow_example: true, ...config }));
        t.after(() => this.kill());
    }

    static async start(t, policy, options) {
        const daemon = new Daemon(t, policy, options);
        await daemon.start();
        return daemon;
    }

    /** Starts it, and waits until it answers. */
    async start() {
        this.said = '';
        this.process = spawn(NRBACD, ['--policy', this.policy, '--socket', this.socket, '--config', this.config], {
            stdio: ['ignore', 'ignore', 'pipe'],
        });
        this.ended = new Promise((resolve) => this.process.once('exit', resolve));
        this.process.stderr.on('data', (text) => (this.said += text));
        await until(() => {
            if (this.process.exitCode !== null) throw new Error(`the daemon ended: ${this.said}`);
            return /\bready\b/.test(this.said);
        }, 'the daemon is not ready');
    }

    async kill(signal = 'SIGKILL') {
        if (this.process === undefined) return;
        this.process.kill(signal);
        await this.ended;
    }

    /** What it has in memory, in MiB. */
    resident() {
        const status = fs.readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
        return /^VmRSS:\s+(\d+)/m.exec(status)[1] / 1024;
    }

    async restart() {
        await this.kill();
        await this.start();
    }
}

/** A daemon that does with each connection what `behave(socket)` says. */
export async function fakeDaemon(t, behave) {
    const socketPath = path.join(newFolder(t), 'nrbacd.sock');
    const sockets = new Set();
    const server = net.createServer((socket) => {
        sockets.add(socket);
        server.accepted = (server.accepted ?? 0) + 1;
        socket.on('error', () => {});
        behave(socket);
    });
    await new Promise((resolve) => server.listen(socketPath, resolve));
    t.after(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
    });
    return { path: socketPath, server };
}

/** Which way a group of tests goes: each opens what decides on a policy folder. */
export const transports = {
    'in-process': async (t, policy) => {
        const { open } = await import('nrbac');
        const engine = await open(`dir:${policy}`, { trustRequestTime: true });
        t.after(() => engine.close());
        return engine;
    },
    shm: async (t, policy) => {
        const { open } = await import('nrbac');
        const daemon = await Daemon.start(t, policy);
        const engine = await open(`shm:${daemon.socket}`, { trustRequestTime: true });
        t.after(() => engine.close());
        return engine;
    },
    unix: async (t, policy) => {
        const { open } = await import('nrbac');
        const daemon = await Daemon.start(t, policy, {
            config: { trust_request_time: true, trust_applications: true },
        });
        const client = await open(`unix:${daemon.socket}`);
        t.after(() => client.close());
        return client;
    },
};

/** What is in use, in MiB, after what can be collected was: of JavaScript, and of everything else. */
export async function memory() {
    for (let i = 0; i < 3; i++) {
        globalThis.gc();
        await sleep(20); // finalizers run in turns of their own
    }
    const { rss, heapTotal, heapUsed } = process.memoryUsage();
    return { heap: heapUsed / 2 ** 20, native: (rss - heapTotal) / 2 ** 20 };
}

/**
 * Opens and closes so many sessions, and holds that neither this process nor the daemon grows by it. What answers at once is
 * not awaited, since a million turns of the loop would be most of the time.
 */
export async function soak(policy, count, { daemon, together } = {}) {
    const [name, request] = [policy.prepare('B0820'), ofProfile()];
    const sessions = function* (times) {
        for (let i = 0; i < times; i++) yield policy.session(request);
    };
    const use = (session, permitted) => {
        assert.equal(permitted, true);
        session.close();
    };
    const waiting = async (times) => {
        for (const opened of sessions(times)) {
            const session = await opened;
            use(session, await session.check(name));
        }
    };
    const run = async (times) => {
        if (together === undefined) for (const session of sessions(times)) use(session, session.check(name));
        else await Promise.all(Array.from({ length: together }, () => waiting(times / together)));
        return { here: await memory(), there: daemon?.resident() ?? 0 };
    };
    const before = await run(count / 10);
    const after = await run(count);
    assertFlat(before.here, after.here);
    assert.ok(after.there - before.there < 1, `the daemon grew from ${before.there} to ${after.there} MiB`);
}

/** Holds that nothing has grown; what the allocator keeps for later comes and goes. */
export function assertFlat(before, after, { heap = 2, native = 10 } = {}) {
    const grown = `from ${JSON.stringify(before)} to ${JSON.stringify(after)} MiB`;
    assert.ok(after.heap - before.heap < heap, `JavaScript's memory grew ${grown}`);
    assert.ok(after.native - before.native < native, `the library's memory grew ${grown}`);
}
