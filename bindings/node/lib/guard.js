// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * What the middleware of each framework shares: a request of a web server becomes a
 * question, and the answer becomes a permit or a refusal with its HTTP status.
 */
const { NrbacError } = require('./errors');

const UNAVAILABLE = {
    status: 503,
    body: { reason: 'decision-unavailable', message: 'Access cannot be decided at the moment.' },
};
const NOBODY = { status: 401, body: { reason: 'not-signed-in', message: 'Sign in first.' } };
const UNDECLARED = refusal('not-declared', 'It is not said who may do this.');
const UNMET = refusal('obligations-apply', 'This may be done only with obligations that this service does not meet.');

function refusal(reason, message) {
    return { status: 403, body: { reason, message } };
}

function complain(error) {
    console.error(`nrbac: a request is refused, since it cannot be decided: ${error.message}`);
}

/**
 * Makes `judge(request, declared)`, which resolves to {refusal: {status, body}} or {permit: {obligations, answer}}. Only
 * errors of the application's own functions are thrown. What a handler declares is a name, or {name, meets} with the
 * obligations that it meets, or false: it is open to everybody. One that declares nothing is refused.
 */
function makeJudge(policy, { subject, context, resource, unavailable = complain }) {
    if (typeof subject !== 'function') throw new TypeError('`subject` is a function from a request to its subject');
    return async function judge(request, declared) {
        if (declared === false) return { permit: { obligations: [], answer: null } };
        const { name, meets = [] } = typeof declared === 'string' ? { name: declared } : (declared ?? {});
        if (typeof name !== 'string') return { refusal: UNDECLARED };
        const who = await subject(request);
        if (who === undefined || who === null) return { refusal: NOBODY };
        const question = {
            subject: who,
            action: { name },
            context: await context?.(request),
            resource: await resource?.(request),
        };
        let answer;
        try {
            answer = await policy.evaluate(question);
        } catch (error) {
            if (!(error instanceof NrbacError)) throw error;
            unavailable(error, request);
            return { refusal: UNAVAILABLE };
        }
        const { reason, message, obligations } = answer.context;
        if (answer.decision !== true) return { refusal: refusal(reason, message) };
        if (!obligations.every((id) => meets.includes(id))) return { refusal: UNMET };
        return { permit: { obligations, answer } };
    };
}

module.exports = { makeJudge };
