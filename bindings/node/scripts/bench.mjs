// SPDX-License-Identifier: Apache-2.0
/*
 * Measures, interleaved, so that what disturbs the machine disturbs all alike:
 *
 *   empty native call   a native method that does nothing, with the same argument
 *   prepared check      session.check(name) with a prepared name
 *   check by text       the same with a text
 *   check_many of 16    session.checkMany of 16 prepared names, the whole call
 */
import { createRequire } from 'node:module';
import { open } from 'nrbac';

const ROUNDS = 301; // many short ones: what disturbs the machine then spoils few
const CALLS = 16_000;
const require = createRequire(import.meta.resolve('nrbac'));
const { nothing } = require('./build/nrbac.node');

const engine = await open(`dir:${process.argv[2]}`);
const session = engine.session({
    subject: { type: 'healthcare-worker', properties: { profile: { id: '1', role: 'R8000', organisation: 'RBA' } } },
});
const texts = ['B0820', 'B0825', 'B0572', 'B8029'];
const names = texts.map((text) => engine.prepare(text));
const sixteen = Array.from({ length: 16 }, (_, i) => names[i % 4]);

class Empty {}
Empty.prototype.nothing = nothing;
const empty = new Empty();

// Each has a loop of its own, so that none is compiled for another's calls; what comes is used.
const measured = {
    'empty native call': (calls) => {
        let yes = 0;
        for (let i = 0; i < calls; i++) if (empty.nothing(names[i & 3])) yes++;
        return yes;
    },
    'prepared check': (calls) => {
        let yes = 0;
        for (let i = 0; i < calls; i++) if (session.check(names[i & 3])) yes++;
        return yes;
    },
    'check by text': (calls) => {
        let yes = 0;
        for (let i = 0; i < calls; i++) if (session.check(texts[i & 3])) yes++;
        return yes;
    },
    'check_many of 16': (calls) => {
        let yes = 0;
        for (let i = 0; i < calls; i += 16) yes += session.checkMany(sixteen).filter(Boolean).length;
        return yes;
    },
};
const granted = texts.filter((text) => session.check(text)).length;
const expected = {
    'empty native call': 0,
    'prepared check': (CALLS * granted) / 4,
    'check by text': (CALLS * granted) / 4,
    'check_many of 16': (CALLS * granted) / 4,
};
const callsOf = (what) => (what === 'check_many of 16' ? CALLS / 16 : CALLS);

const times = Object.fromEntries(Object.keys(measured).map((what) => [what, []]));
for (let round = -100; round < ROUNDS; round++)
    // the first ones warm up
    for (const [what, loop] of Object.entries(measured)) {
        const started = process.hrtime.bigint();
        const yes = loop(CALLS);
        const ns = Number(process.hrtime.bigint() - started) / callsOf(what);
        if (yes !== expected[what]) throw new Error(`${what}: ${yes} permits, where ${expected[what]} are expected`);
        if (round >= 0) times[what].push(ns);
    }
for (const [what, list] of Object.entries(times)) {
    list.sort((a, b) => a - b);
    console.log(
        ['node', what, ...[list[ROUNDS >> 1], list[0], list[ROUNDS - 1]].map((ns) => ns.toFixed(1))].join('\t'),
    );
}
engine.close();
