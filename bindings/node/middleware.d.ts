// SPDX-License-Identifier: Apache-2.0
// What the middleware of Express and of Fastify have in common.
import type { Answer, NrbacError, Request } from './index';

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
    /** Told why there is no decision, before the 503; left out, it is said by `console.error`. */
    unavailable?(error: NrbacError, request: R): void;
}
