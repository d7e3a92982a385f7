// SPDX-License-Identifier: Apache-2.0
'use strict';
const { makeJudge } = require('./lib/guard');

/**
 * Express middleware: `authorise(declared)` before a handler lets through what the policy permits, as `request.nrbac`
 * ({obligations, answer}), and answers everything else itself: 401 without a subject, 403 for a refusal, 503 when there
 * is no decision to be had.
 *
 * What is declared is a name, {name, meets}, false (open to everybody), or a function from the request to one of these:
 * with a function `app.use(authorise(…))` guards all that follows, and what it gives nothing for is refused.
 *
 * @param policy an engine or a client
 * @param options `subject(request)`, `context(request)` and `resource(request)` where they matter, and `unavailable(error,
 *     request)`, which is told why there is no decision
 */
function authorisation(policy, options) {
    const judge = makeJudge(policy, options);
    return (declared) => async (request, response, next) => {
        try {
            const { refusal, permit } = await judge(
                request,
                typeof declared === 'function' ? await declared(request) : declared,
            );
            if (refusal !== undefined) return response.status(refusal.status).json(refusal.body);
            request.nrbac = permit;
        } catch (error) {
            return next(error);
        }
        next();
    };
}

module.exports = { authorisation };
