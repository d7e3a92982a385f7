// SPDX-License-Identifier: Apache-2.0
// Answers the requests of bindings/conformance over one transport: conformance.mjs TRANSPORT FOLDER
import fs from 'node:fs';
import path from 'node:path';
import { ROOT, transports } from './support.mjs';

const [transport, folder] = process.argv.slice(2);
const ends = [];
const t = { after: (end) => ends.push(end) };
for (const name of fs.readFileSync(path.join(folder, 'policies'), 'utf8').trim().split('\n')) {
  const here = path.join(folder, name);
  const policy = await transports[transport](t, path.join(ROOT, fs.readFileSync(path.join(here, 'policy'), 'utf8').trim()));
  const requests = fs.readFileSync(path.join(here, 'requests.jsonl'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const answers = [];
  for (let i = 0; i < requests.length; i += 500) // pipelined, where that means something
    answers.push(...(await Promise.all(requests.slice(i, i + 500).map(async (request) => policy.evaluate(request)))));
  fs.writeFileSync(path.join(here, `node-${transport}.jsonl`), answers.map((its) => `${JSON.stringify(its)}\n`).join(''));
}
for (const end of ends.reverse()) await end();
