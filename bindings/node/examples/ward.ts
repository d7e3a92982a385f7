// SPDX-License-Identifier: Apache-2.0
// What the types say of a program; the tests compile it.
import {
    DaemonUnavailableError,
    NotOpenedError,
    open,
    reasons,
    type Answer,
    type Client,
    type Decision,
    type Engine,
    type Reason,
} from 'nrbac';
import { authorisation as express } from 'nrbac/express';
import { authorisation as fastify } from 'nrbac/fastify';

const request = {
    subject: { type: 'healthcare-worker', properties: { profile: { role: 'R8000', organisation: 'RBA' } } },
};

export async function inProcess(): Promise<boolean[]> {
    const engine: Engine = await open('dir:policy/national', { trustRequestTime: true });
    const session = engine.session(request);
    const view = engine.prepare('B0820');
    const allowed: boolean = session.check(view);
    const decision: Decision = session.decide('B0825');
    if (decision.permitted && decision.obligations.length === 0 && allowed)
        console.log(decision.reason, session.validUntil?.toISOString());
    const answer: Answer = engine.evaluate({ ...request, action: { name: 'B0820' } });
    console.log(answer.context.message);
    for await (const generation of engine.watch({ signal: AbortSignal.timeout(10) })) console.log(generation.toFixed());
    return session.checkMany([view, 'B0825']);
}

export async function recorded(): Promise<boolean[]> {
    const engine: Engine = await open('shm:/run/nrbac', { recorded: true });
    const evaluations = ['B0820', 'B0825'].map((name) => ({ action: { name } }));
    const answers = engine.evaluations({
        ...request,
        evaluations,
        options: { evaluations_semantic: 'deny_on_first_deny' },
    });
    return answers.map((answer) => answer.decision);
}

export async function overTheSocket(): Promise<boolean> {
    const client: Client = await open('unix:/run/nrbac', { timeout: 1000, queueLimit: 100 });
    try {
        const session = await client.session(request, { signal: AbortSignal.timeout(500) });
        return await session.check('B0820', { timeout: 100 });
    } catch (error) {
        if (error instanceof NotOpenedError) console.log(error.answer.reason);
        else if (error instanceof DaemonUnavailableError) console.log(error.code);
        else throw error;
        return false;
    } finally {
        client.close();
    }
}

export function servers(policy: Engine | Client) {
    const options = {
        subject: (incoming: { headers: Record<string, string> }) =>
            incoming.headers['x-user'] ? request.subject : null,
    };
    return [express(policy, options)({ name: 'guarded', meets: ['notify'] }), fastify(policy, options)];
}

const reason: Reason = 'granted-by-baseline';
console.log(reasons[reason].doc);
// @ts-expect-error no such reason
const misspelt: Reason = 'granted-by-basline';
// @ts-expect-error a name is a text, or what prepare() gave
export const mistaken = async (engine: Engine) => engine.session(request).check(7);
