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
