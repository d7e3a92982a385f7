// SPDX-License-Identifier: Apache-2.0
'use strict';
const { makeJudge } = require('./lib/guard');

/**
 * Express middleware: `authorise(name, {meets})` before a handler lets through what the policy permits, as
 * `request.nrbac` ({obligations, answer}), and answers everything else itself: 401 without a subject, 403 for a
 * refusal, 503 when there is no decision to be had.
 *
 * @param policy an engine or a client
 * @param options `subject(request)`, and `context(request)`, `resource(request)` where they matter
 */
function authorisation(policy, options) {
  const judge = makeJudge(policy, options);
  return (name, needs) => (request, response, next) => {
    judge(request, name, needs).then((judged) => {
      if (judged.refusal !== undefined) return response.status(judged.refusal.status).json(judged.refusal.body);
      request.nrbac = judged.permit;
      next();
    }).catch(next);
  };
}

module.exports = { authorisation };
