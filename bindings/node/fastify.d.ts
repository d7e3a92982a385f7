// SPDX-License-Identifier: Apache-2.0
import type { Answer, Client, Engine, Request } from './index';

/** What a handler finds in `request.nrbac`: a permit, and what it has to do for it. */
export interface Permit {
    obligations: string[];
    /** The whole answer; null where everybody may. */
    answer: Answer | null;
}

/** What a handler declares: a name, with the obligations that it meets, or false: it is open to everybody. */
export type Declared = string | { name: string; meets?: readonly string[] } | false;

export interface Options<R> {
    /** The request's subject (AuthZEN); nothing: 401. */
    subject(request: R): Request['subject'] | null | undefined | Promise<Request['subject'] | null | undefined>;
    /** Its context, such as the organisation that the user acts for. */
    context?(request: R): Request['context'] | Promise<Request['context']>;
    /** What is asked for, such as the patient's record. */
    resource?(request: R): Request['resource'] | Promise<Request['resource']>;
}

interface Reply {
    code(status: number): { send(body: unknown): unknown };
}

/**
 * A Fastify hook for all routes, `app.addHook('preHandler', authorisation(policy, options))`: each declares in its
 * `config.nrbac` what it asks for, and one that declares nothing is refused. What the policy permits is let through, with
 * `request.nrbac`; everything else is answered here: 401 without a subject, 403 for a refusal, 503 when there is no
 * decision to be had.
 */
export function authorisation<R = any>(
    policy: Engine | Client,
    options: Options<R>,
): (request: R, reply: Reply) => Promise<unknown>;
