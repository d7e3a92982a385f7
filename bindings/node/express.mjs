// SPDX-License-Identifier: Apache-2.0
import express from './express.js';

export const { authorisation } = express;
