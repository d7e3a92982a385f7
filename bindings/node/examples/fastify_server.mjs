// SPDX-License-Identifier: Apache-2.0
// A practice's service with Fastify. nrbacd decides; without it nobody gets in.
//
//   node fastify_server.mjs unix:/run/nrbac PORT
import fastify from 'fastify';
import { open } from 'nrbac';
import { authorisation } from 'nrbac/fastify';

const policy = await open(process.argv[2], { timeout: 500 });

// Whoever signs users in keeps what CIS2 said of them; here a header stands for that session.
const users = {
    anna: { profile: { id: '555254240100', role: 'R8000', organisation: 'RBA' } },
    mark: { profile: { id: '555254240101', role: 'R8010', organisation: 'RBA' } },
};
const app = fastify();
app.addHook(
    'preHandler',
    authorisation(policy, {
        subject: (request) => {
            const properties = users[request.headers['x-user']];
            return properties && { type: 'healthcare-worker', properties };
        },
    }),
);
app.get('/patients/:id', { config: { nrbac: 'B0820' } }, async (request) => ({
    id: request.params.id,
    name: 'Octavia Chislett',
}));
// A permit for this one obliges to tell the privacy officer, so the handler says that it does.
app.post('/emergency/:id', { config: { nrbac: { name: 'guarded', meets: ['notify'] } } }, async (request) => {
    return { id: request.params.id, did: request.nrbac.obligations };
});
// This one forgot, and is refused.
app.post('/forgetful/:id', { config: { nrbac: 'guarded' } }, async (request) => ({ id: request.params.id }));
app.get('/health', { config: { nrbac: false } }, async () => ({ status: 'ok' })); // open to everybody
app.get('/undeclared', async () => ({ secret: true })); // refused

await app.listen({ port: Number(process.argv[3] ?? 3000), host: '127.0.0.1' });
console.log(`listening on ${app.server.address().port}`);
