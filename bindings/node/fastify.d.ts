// SPDX-License-Identifier: Apache-2.0
import type { Client, Engine } from './index';
import type { Options } from './middleware';

export type { Declared, Options, Permit } from './middleware';

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
