// SPDX-License-Identifier: Apache-2.0
import type { Client, Engine } from './index';
import type { Declared, Options } from './middleware';

export type { Declared, Options, Permit } from './middleware';

interface Response {
    status(code: number): { json(body: unknown): unknown };
}

/**
 * Express middleware: `authorise(declared)` before a handler lets through what the policy permits, as `request.nrbac`,
 * and answers everything else itself: 401 without a subject, 403 for a refusal, 503 when there is no decision to be had.
 * With a function `app.use(authorise(…))` guards all that follows, and what it gives nothing for is refused.
 */
export function authorisation<R = any>(
    policy: Engine | Client,
    options: Options<R>,
): (
    declared: Declared | ((request: R) => Declared | undefined),
) => (request: R, response: Response, next: (error?: unknown) => void) => void;
