// SPDX-License-Identifier: Apache-2.0
// Answers the requests of bindings/conformance over one transport, and asks sessions the same:
//   conformance.mjs TRANSPORT FOLDER
import fs from 'node:fs';
import path from 'node:path';
import { NotOpenedError, open } from 'nrbac';
import { ROOT, transports } from './support.mjs';

const [transport, folder] = process.argv.slice(2);
const ends = [];
const t = { after: (end) => ends.push(end) };
const compiled = async (here) => open(`file:${path.join(here, 'policy.nrb')}`, { trustRequestTime: true });
let passed = 0,
    failed = 0;

/** Where a session opens it decides as the whole request did; where none opens that was no permit. */
async function sessionAgrees(policy, { action, ...request }, { decision, context }) {
    let session;
    try {
        session = await policy.session(request);
    } catch (error) {
        if (!(error instanceof NotOpenedError)) throw error;
        return !decision && error.answer.effect !== 'permit';
    }
    const its = await session.decide(action.name);
    const may = await session.check(action.name);
    session.close();
    return (
        its.effect === context.effect &&
        its.reason === context.reason &&
        its.permitted === decision &&
        JSON.stringify(its.obligations) === JSON.stringify(context.obligations) &&
        may === (decision && context.obligations.length === 0)
    );
}

for (const name of fs.readFileSync(path.join(folder, 'policies'), 'utf8').trim().split('\n')) {
    const here = path.join(folder, name);
    const source = path.join(ROOT, fs.readFileSync(path.join(here, 'policy'), 'utf8').trim());
    const policy = transport === 'file' ? await compiled(here) : await transports[transport](t, source);
    const requests = fs
        .readFileSync(path.join(here, 'requests.jsonl'), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    const answers = [];
    for (let i = 0; i < requests.length; i += 500)
        // pipelined, where that means something
        answers.push(
            ...(await Promise.all(requests.slice(i, i + 500).map(async (request) => policy.evaluate(request)))),
        );
    fs.writeFileSync(
        path.join(here, `node-${transport}.jsonl`),
        answers.map((its) => `${JSON.stringify(its)}\n`).join(''),
    );

    const asked = requests
        .map((request, i) => [request, answers[i]])
        .filter(([request]) => request?.resource?.type !== 'api' && typeof request?.action?.name === 'string');
    for (let i = 0; i < asked.length; i += 250) {
        const agreed = await Promise.all(asked.slice(i, i + 250).map((pair) => sessionAgrees(policy, ...pair)));
        passed += agreed.filter(Boolean).length;
        failed += agreed.filter((its) => !its).length;
        const k = agreed.indexOf(false);
        if (k >= 0 && failed < 5) console.log(JSON.stringify(asked[i + k]));
    }
}
for (const end of ends.reverse()) await end();
console.log(`${passed} passed, ${failed} failed`);
