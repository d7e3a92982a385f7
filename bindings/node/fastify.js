// SPDX-License-Identifier: Apache-2.0
'use strict';
const { makeJudge } = require('./lib/guard');

/**
 * A Fastify hook for all routes, `app.addHook('preHandler', authorisation(policy, options))`: each declares in its
 * `config.nrbac` a name, {name, meets}, or false (open to everybody); one that declares nothing is refused. What the
 * policy permits is let through, with `request.nrbac` ({obligations, answer}); everything else is answered here: 401
 * without a subject, 403 for a refusal, 503 when there is no decision to be had.
 *
 * @param policy an engine or a client
 * @param options `subject(request)`, `context(request)` and `resource(request)` where they matter, and `unavailable(error,
 *     request)`, which is told why there is no decision
 */
function authorisation(policy, options) {
    const judge = makeJudge(policy, options);
    return async (request, reply) => {
        if (request.is404) return undefined; // there is no route, and so it says
        const { refusal, permit } = await judge(request, request.routeOptions.config.nrbac);
        if (refusal !== undefined) return reply.code(refusal.status).send(refusal.body);
        request.nrbac = permit;
        return undefined;
    };
}

module.exports = { authorisation };
