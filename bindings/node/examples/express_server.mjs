// SPDX-License-Identifier: Apache-2.0
// A practice's service with Express. nrbacd decides; without it nobody gets in.
//
//   node express_server.mjs unix:/run/nrbac PORT
import express from 'express';
import { open } from 'nrbac';
import { authorisation } from 'nrbac/express';

const policy = await open(process.argv[2], { timeout: 500 });

// Whoever signs users in keeps what CIS2 said of them; here a header stands for that session.
const users = {
    anna: { profile: { id: '555254240100', role: 'R8000', organisation: 'RBA' } },
    mark: { profile: { id: '555254240101', role: 'R8010', organisation: 'RBA' } },
};
const authorise = authorisation(policy, {
    subject: (request) => {
        const properties = users[request.get('x-user')];
        return properties && { type: 'healthcare-worker', properties };
    },
});

const app = express();
app.get('/patients/:id', authorise('B0820'), (request, response) => {
    response.json({ id: request.params.id, name: 'Octavia Chislett' });
});
// A permit for this one obliges to tell the privacy officer, so the handler says that it does.
app.post('/emergency/:id', authorise({ name: 'guarded', meets: ['notify'] }), (request, response) => {
    response.json({ id: request.params.id, did: request.nrbac.obligations });
});
// This one forgot, and is refused.
app.post('/forgetful/:id', authorise('guarded'), (request, response) => {
    response.json({ id: request.params.id });
});
// From here on only what is open to everybody, or says what it asks for.
app.use(authorise((request) => (request.path === '/health' ? false : undefined)));
app.get('/health', (request, response) => {
    response.json({ status: 'ok' });
});
app.get('/undeclared', (request, response) => {
    response.json({ secret: true });
});

const server = app.listen(process.argv[3] ?? 3000, '127.0.0.1', () =>
    console.log(`listening on ${server.address().port}`),
);
