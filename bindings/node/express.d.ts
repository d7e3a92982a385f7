// SPDX-License-Identifier: Apache-2.0
import type { Answer, Client, Engine, Request } from './index';

/** What a handler finds in `request.nrbac`: a permit, and what it has to do for it. */
export interface Permit {
  obligations: string[];
  answer: Answer;
}

export interface Options<R> {
  /** The request's subject (AuthZEN); nothing: 401. */
  subject(request: R): Request['subject'] | null | undefined | Promise<Request['subject'] | null | undefined>;
  /** Its context, such as the organisation that the user acts for. */
  context?(request: R): Request['context'] | Promise<Request['context']>;
  /** What is asked for, such as the patient's record. */
  resource?(request: R): Request['resource'] | Promise<Request['resource']>;
}

export interface Needs {
  /** The obligations that the handler meets; a permit with any other is refused. */
  meets?: readonly string[];
}

interface Response {
  status(code: number): { json(body: unknown): unknown };
}

/**
 * Express middleware: `authorise(name, {meets})` before a handler lets through what the policy permits, as
 * `request.nrbac`, and answers everything else itself: 401 without a subject, 403 for a refusal, 503 when there is no
 * decision to be had.
 */
export function authorisation<R = any>(
  policy: Engine | Client,
  options: Options<R>,
): (name: string, needs?: Needs) => (request: R, response: Response, next: (error?: unknown) => void) => void;
