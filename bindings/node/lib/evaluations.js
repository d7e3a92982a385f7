// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * Many requests in one, where there is no daemon to answer them: the same rules, which
 * are those of OpenID AuthZEN and stand in schema/protocol.md.
 */
const MEMBERS = ['subject', 'action', 'resource', 'context'];
// By the semantic that is asked for, the decision that ends the list.
const LAST = { execute_all: undefined, deny_on_first_deny: false, permit_on_first_permit: true };

function isMap(value) {
    return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** An item with the defaults for what it does not say; what is no map is no request, and is answered so. */
function merged(defaults, item) {
    if (!isMap(item)) return item;
    const request = {};
    for (const member of MEMBERS) {
        if (Object.hasOwn(item, member)) request[member] = item[member];
        else if (Object.hasOwn(defaults, member)) request[member] = defaults[member];
    }
    return request;
}

/** The single requests, and which answer is the last one; throws for what the daemon refuses. */
function readEvaluations(request) {
    if (!isMap(request)) throw new TypeError('a request is an object');
    const { evaluations = [], options = {} } = request;
    if (!Array.isArray(evaluations) || !isMap(options))
        throw new TypeError('`evaluations` is a list, and `options` an object');
    const { evaluations_semantic: semantic = 'execute_all' } = options;
    if (!Object.hasOwn(LAST, semantic)) throw new TypeError(`\`evaluations_semantic\` is ${Object.keys(LAST).join(', ')}`);
    const items = evaluations.length === 0 ? [request] : evaluations.map((item) => merged(request, item));
    return { items, isLast: (answer) => answer.decision === LAST[semantic] };
}

module.exports = { readEvaluations };
