#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * Writes lib/tables.js and lib/tables.d.ts of a package from schema/nrbac/*.def, where reasons, effects, statuses and
 * faults are said once for every language.
 *
 *   scripts/tables.js SCHEMA VERSION PACKAGE
 */
const fs = require('node:fs');
const path = require('node:path');

const TOKEN = /\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_0-9]+)|([(),]))/gy;
const ESCAPES = { n: '\n', t: '\t' };

/** The arguments of each `MACRO(...)` of a file: texts unescaped and joined, numbers as numbers. */
function rows(schema, file, macro) {
    const text = fs.readFileSync(path.join(schema, file), 'utf8').replace(/\/\*[^]*?\*\//g, '');
    return text
        .split(`${macro}(`)
        .slice(1)
        .map((row) => {
            const its = [];
            let value;
            TOKEN.lastIndex = 0;
            for (let match; (match = TOKEN.exec(row));) {
                const [, string, word, mark] = match;
                if (string !== undefined) value = (value ?? '') + string.replace(/\\(.)/g, (_, c) => ESCAPES[c] ?? c);
                else if (word !== undefined) value = /^\d+$/.test(word) ? Number(word) : word;
                else if (mark === '(') throw new Error(`${file}: \`${row.slice(0, 60)}\` has a bracket`);
                else (its.push(value), (value = undefined));
                if (mark === ')') return its;
            }
            throw new Error(`${file}: \`${row.slice(0, 60)}\` cannot be read`);
        });
}

function byNumber(pairs) {
    const list = [];
    for (const [number, text] of pairs) list[number] = text;
    return Array.from(list, (text) => text ?? null); // a number may be nobody's
}

const [schema, version, out] = process.argv.slice(2);
const effects = rows(schema, 'effect.def', 'NRBAC_EFFECT');
const slugOfEffect = new Map(effects.map(([, name, slug]) => [name, slug]));
const reasons = rows(schema, 'reason.def', 'NRBAC_REASON').map(([number, , slug, effect, message, doc]) => ({
    number,
    slug,
    effect: slugOfEffect.get(effect),
    message,
    doc,
}));
const statuses = rows(schema, 'status.def', 'NRBAC_STATUS');
const faults = rows(schema, 'fault.def', 'NRBAC_FAULT');
const warnings = rows(schema, 'warning.def', 'NRBAC_WARNING');

const constants = {
    VERSION: version,
    EFFECTS: byNumber(effects.map(([number, , slug]) => [number, slug])),
    REASONS: byNumber(reasons.map(({ number, slug }) => [number, slug])),
    STATUSES: byNumber(statuses),
    FAULTS: faults.map(([, slug]) => slug),
    WARNINGS: warnings.map(([, , slug]) => slug),
    reasons: Object.fromEntries(reasons.map(({ slug, ...its }) => [slug, its])),
};
const head = '// SPDX-License-Identifier: Apache-2.0\n// Written by scripts/tables.js from schema/nrbac/*.def.\n';
const lines = Object.entries(constants).map(([name, value]) => `exports.${name} = ${JSON.stringify(value, null, 2)};`);
lines.push(
    'exports.EFFECT_OF_REASON = new Map(Object.entries(exports.reasons).map(([slug, { effect }]) => [slug, effect]));',
);
fs.writeFileSync(path.join(out, 'lib/tables.js'), `${head}'use strict';\n${lines.join('\n')}\n`);

const union = (slugs) => slugs.map((slug) => `\n  | '${slug}'`).join('');
const documented = (list) => list.map(({ slug, doc }) => `\n  /** ${doc} */\n  | '${slug}'`).join('');
fs.writeFileSync(
    path.join(out, 'lib/tables.d.ts'),
    `${head}
/** The four outcomes; only \`permit\` is access. */
export type Effect =${union(constants.EFFECTS)};

/** Why a decision came out as it did. */
export type Reason =${documented(reasons)};

/** What a call may meet when the world is at fault. */
export type Status =${union(constants.STATUSES)};

/** What the daemon refuses a call for. */
export type Fault =${documented(faults.map(([, slug, doc]) => ({ slug, doc })))};

/** What an answer points out beside its decision. */
export type Warning =${documented(warnings.map(([, , slug, doc]) => ({ slug, doc })))};
`,
);
