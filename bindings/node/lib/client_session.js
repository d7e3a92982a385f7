// SPDX-License-Identifier: Apache-2.0
'use strict';
const { Decision, decisionOfAnswer } = require('./decision');
const { ClosedError, ProtocolError } = require('./errors');

/** Never seen outside: what was to be asked on one connection cannot be asked there any more. */
class MovedError extends Error {}

// Reasons that end a session for good.
const ENDED = new Set(['session-revoked', 'evidence-expired']);

// For whoever forgets close().
const forgotten = new FinalizationRegistry((place) => closePlace(place));

function closePlace({ connection, number }) {
    connection?.notify('close', [number]);
}

/**
 * A session that the daemon keeps. It belongs to a connection there; here it is kept by its request, and opened again
 * where the connection or the daemon is another one.
 */
class ClientSession {
    #client;
    #request;
    #place; // {connection, number}
    #opening; // a promise, while it is being opened again
    #refusal; // the Decision of a session that has ended: no new connection revives it
    #closed = false;
    #answer;

    /** Use client.session(). */
    constructor(client, request, answer, place) {
        this.#client = client;
        this.#request = request;
        this.#settle(answer, place);
    }

    /** May the user do this? True only for a permit without obligations. */
    async check(name, options) {
        return mayDo(await this.decide(name, options));
    }

    /** The decision with its reason and obligations. */
    async decide(name, options) {
        const [text, known] = [this.#client.names.text(name), typeof name === 'number'];
        const ask = ({ connection, number }, left) => {
            const asked = this.#client.ask('check', [number, onWire(text, known, connection)], left, {
                on: connection,
            });
            return asked.then((answer) => [answer]);
        };
        return (await this.#ask(ask, 1, options))[0];
    }

    /** check() of each name, asked together. */
    async checkMany(names, options) {
        return (await this.decideMany(names, options)).map(mayDo);
    }

    /** decide() of each name, asked together. */
    async decideMany(names, options) {
        const asked = Array.prototype.map.call(names, (name) => [
            this.#client.names.text(name),
            typeof name === 'number',
        ]);
        const ask = async ({ connection, number }, left) => {
            const most = connection.limits.batch;
            const parts = [];
            for (let i = 0; i < asked.length; i += most) {
                const part = asked.slice(i, i + most).map(([text, known]) => onWire(text, known, connection));
                const answers = this.#client.ask('check_many', [number, part], left, { on: connection });
                parts.push(answers.then((got) => several(got, part.length)));
            }
            return (await Promise.all(parts)).flat();
        };
        return this.#ask(ask, asked.length, options);
    }

    /** When the evidence expires; null: it does not say. */
    get validUntil() {
        const until = this.#answer.valid_until;
        return typeof until === 'string' ? new Date(until) : null;
    }

    /** What opening it was answered, the last time: the profile, all activities and functions, and more. */
    get answer() {
        return structuredClone(this.#answer);
    }

    /** Ends the session, there too; again is fine. */
    close() {
        if (this.#closed) return;
        this.#closed = true;
        forgotten.unregister(this);
        closePlace(this.#place);
    }

    #settle(answer, place) {
        this.#answer = answer;
        this.#place = place;
        forgotten.unregister(this);
        if (this.#closed) closePlace(place);
        else forgotten.register(this, place, this);
    }

    /** Asks where the session is, opening it again first if it is nowhere. */
    async #ask(ask, count, options) {
        const deadline = this.#client.deadline(options);
        let renewed = false;
        for (;;) {
            options?.signal?.throwIfAborted();
            if (this.#closed) throw new ClosedError('session');
            if (this.#place.connection === undefined || this.#place.connection !== this.#client.connection) {
                const refusal = await this.#client.waitFor(() => this.#reopen(), deadline, options?.signal);
                if (refusal !== undefined) return new Array(count).fill(refusal);
            }
            const place = this.#place;
            try {
                const left = { signal: options?.signal, timeout: Math.max(1, deadline - performance.now()) };
                return this.#read(await ask(place, left));
            } catch (error) {
                const unknown = error?.slug === 'unknown-session' && !renewed;
                if (!unknown && !(error instanceof MovedError)) throw error;
                if (performance.now() > deadline) throw this.#client.lateError('check');
                renewed ||= unknown;
                place.connection = undefined;
            }
        }
    }

    #read(answers) {
        const decisions = answers.map(decisionOfAnswer);
        for (const decision of decisions) {
            if (decision === undefined) throw new ProtocolError('a decision that is none');
            if (ENDED.has(decision.reason)) this.#refusal = decision;
        }
        if (decisions.length > 0) this.#client.noteGeneration(decisions.at(-1).generation);
        return decisions;
    }

    /** Once for all who wait; resolves to the decision that there is no session, if so. */
    #reopen() {
        this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
        return this.#opening;
    }

    async #open() {
        if (this.#refusal !== undefined) return this.#refusal;
        const { answer, place } = await this.#client.openSession(this.#request, undefined, { admitted: true });
        if (place === undefined) return new Decision(answer.effect, answer.reason, undefined, this.#client.generation);
        this.#settle(answer, place);
        return undefined;
    }
}

/** A list of so many answers. */
function several(answers, count) {
    if (!Array.isArray(answers) || answers.length !== count)
        throw new ProtocolError('not as many decisions as were asked for');
    return answers;
}

function mayDo(decision) {
    return decision.permitted && decision.obligations.length === 0;
}

/** A prepared name goes by its number on this connection, if the daemon has told one; another by its text. */
function onWire(text, prepared, connection) {
    return prepared ? (connection.numbers.get(text) ?? text) : text;
}

if (Symbol.dispose) ClientSession.prototype[Symbol.dispose] = ClientSession.prototype.close;

module.exports = { ClientSession, MovedError };
