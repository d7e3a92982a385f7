// SPDX-License-Identifier: Apache-2.0
import fastify from './fastify.js';

export const { authorisation } = fastify;
