// SPDX-License-Identifier: Apache-2.0
'use strict';
const { randomInt } = require('node:crypto');
const { EngineError, ForeignNameError } = require('./errors');

const SPAN = 2 ** 21; // as in src/addon.h

/** What can be prepared: a text without NUL, where C would end it. */
function checkName(text) {
    if (typeof text !== 'string' || text.includes('\0')) throw new TypeError('a name is a text, without NUL');
    return text;
}

/** The names that a client has prepared: numbers of the same kind as an engine's, and the texts that they stand for. */
class Names {
    #base = 2 ** 52 + randomInt(2 ** 31) * SPAN;
    #texts = [];
    #numbers = new Map();

    prepare(text) {
        let number = this.#numbers.get(checkName(text));
        if (number === undefined) {
            if (this.#texts.length === SPAN / 2)
                throw new EngineError('E_LIMIT', 'more than 1,048,576 names are prepared');
            number = this.#base + this.#texts.push(text);
            this.#numbers.set(text, number);
        }
        return number;
    }

    /** The text of a name; throws for a name of another, and for what is no name. */
    text(name) {
        if (typeof name === 'string') return name;
        if (typeof name !== 'number') throw new TypeError('a name is a text, or what prepare() gave');
        const text = this.#texts[name - this.#base - 1];
        if (text === undefined) throw new ForeignNameError();
        return text;
    }
}

module.exports = { Names, checkName };
