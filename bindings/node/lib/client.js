// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * The same questions, asked of a daemon over its socket. Every call ends: by its
 * answer, by its deadline, or by its signal. While there is no connection calls wait,
 * and what was asked on a connection that is lost is asked again on the next one,
 * unless asking twice would do something twice.
 */
const { Connection } = require('./connection');
const {
    ClosedError,
    DaemonUnavailableError,
    NotOpenedError,
    PolicyError,
    ProtocolError,
    QueueFullError,
    TimeoutError,
} = require('./errors');
const { plain } = require('./frames');
const { Names } = require('./names');
const { ClientSession, MovedError } = require('./client_session');
const { VERSION } = require('./tables');
const { watchGeneration } = require('./watch');

const DEFAULTS = { timeout: 5000, queueLimit: 1024 };
const BACK_OFF_MS = { first: 20, longest: 2000 };
const WATCH_MS = 1000;
const TIMER_EARLY_MS = 2; // timers count in whole milliseconds of a clock of their own
const TIMEOUT_MS_MAX = 0x7fffffff;

function positive(options, key, most) {
    const value = options?.[key] ?? DEFAULTS[key];
    if (typeof value !== 'number' || !(value > 0 && value <= most)) throw new TypeError(`${key} is a positive number`);
    return value;
}

/** The limits that matter here, as far as the daemon tells them. */
function readLimits({ batch, message_bytes: bytes }) {
    const limit = (value, other) => (Number.isSafeInteger(value) && value > 0 ? value : other);
    return { batch: limit(batch, 1024), messageBytes: limit(bytes, Infinity) };
}

function isMap(value) {
    return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** What came as an answer, if it is one; nothing else may pass for a decision. */
function answerOf(result) {
    const { decision, context } = isMap(result) ? result : {};
    if (typeof decision !== 'boolean' || !isMap(context) || decision !== (context.effect === 'permit'))
        throw new ProtocolError('an answer without a decision');
    return result;
}

/** Waits, but not beyond a moment and a signal: for what others wait for too, and which goes on. */
function within(promise, deadline, lateError, signal) {
    return new Promise((resolve, reject) => {
        const stop = () => end(reject)(signal.reason);
        const timer = setTimeout(() => end(reject)(lateError()), Math.max(0, deadline - performance.now()));
        const end = (settle) => (value) => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', stop);
            settle(value);
        };
        signal?.addEventListener('abort', stop, { once: true });
        promise.then(end(resolve), end(reject));
    });
}

/** Asks a daemon; made by open(), shared by all of a program, connecting with its first call and again by itself. */
class Client {
    #path;
    #timeout;
    #queueLimit;
    #connection; // the one that is ready
    #dialled; // the one that is not yet
    #retry; // the timer of the next attempt
    #failures = 0; // since the last answer
    #lastError;
    #waiting = new Set(); // calls, while there is no connection
    #reopening = 0; // checks that wait until their session is open again
    #closed = false;
    #generation = 0;

    /** Use open(). */
    constructor(path, options) {
        this.#path = path;
        this.#timeout = positive(options, 'timeout', TIMEOUT_MS_MAX);
        this.#queueLimit = positive(options, 'queueLimit', 1 << 20);
    }

    // ---- Questions ----

    /** Opens a session for the request's subject; throws NotOpenedError where the answer is not a permit. */
    async session(request, options) {
        const copy = plain(request);
        const { answer, place } = await this.openSession(copy, options);
        if (place === undefined) throw new NotOpenedError(answer);
        return new ClientSession(this, copy, answer, place);
    }

    /** Decides a whole request; the answer is that of `nrbac check --format json`. */
    async evaluate(request, options) {
        return answerOf(await this.ask('evaluate', [plain(request)], options));
    }

    /** The same, with everything that led to it. */
    async explain(request, options) {
        return answerOf(await this.ask('explain', [plain(request)], options));
    }

    /** Many requests at once, as OpenID AuthZEN has them: a list of answers. */
    async evaluations(request, options) {
        const result = await this.ask('evaluations', [plain(request)], options);
        if (isMap(result) && Array.isArray(result.evaluations)) return result.evaluations.map(answerOf);
        return [answerOf(result)]; // without `evaluations` it is one request
    }

    /** Prepares a name: it is sent as a number where the daemon has one for it. */
    prepare(name) {
        return this.names.prepare(name);
    }

    /** The number of the policy's last publication, as the daemon last told it. */
    get generation() {
        return this.#generation;
    }

    /** The policy in force: name, version, digest, generation, counts and more. */
    async policy(options) {
        return this.#told(await this.ask('policy', [], options));
    }

    /** Each new generation, by asking every `interval` milliseconds; while the daemon is away there is none. */
    watch({ signal, interval = WATCH_MS } = {}) {
        const look = async () => {
            if (this.#closed) return undefined;
            await this.health({ signal }).catch(() => signal?.throwIfAborted());
            return this.#closed ? undefined : this.#generation;
        };
        return watchGeneration(look, interval, signal);
    }

    /** How the daemon is. */
    async health(options) {
        return this.#told(await this.ask('health', [], options));
    }

    /** The daemon's counters. */
    async metrics(options) {
        return this.ask('metrics', [], options);
    }

    /** Makes the daemon read its policy again; throws PolicyError if that has mistakes, and the last one stays in force. */
    async reload(options) {
        const result = this.#told(await this.ask('reload', [], options, { once: true }));
        if (result.ok === false) throw new PolicyError(String(result.error), result.mistakes ?? []);
        return result;
    }

    /** Ends the sessions that match all of `sid`, `sub` and `role_profile` given, everywhere; how many there were. */
    async revoke(which, options) {
        return this.ask('revoke', [plain(which)], options, { once: true });
    }

    /** Stops all deciding of the daemon with `policy-stale`, or lets it go on again. */
    async stop(stopped, options) {
        if (typeof stopped !== 'boolean') throw new TypeError('`stopped` is a boolean');
        await this.ask('stop', [stopped], options, { once: true });
    }

    /** Any other method of the protocol, asked once. */
    async call(method, params = [], options) {
        return this.ask(method, plain(params), options, { once: true });
    }

    /** Ends the connection and its sessions; who waits is told. Again is fine. */
    close() {
        this.#closed = true;
        clearTimeout(this.#retry);
        const error = new ClosedError('client');
        this.#fail(this.#waiting, error);
        for (const connection of [this.#connection, this.#dialled]) {
            if (connection === undefined) continue;
            this.#fail(connection.pending.values(), error);
            connection.end();
        }
        this.#connection = this.#dialled = undefined;
    }

    // ---- For sessions ----

    /** @internal */
    names = new Names();

    /** @internal The connection that is ready, if there is one. */
    get connection() {
        return this.#connection;
    }

    /** @internal Opens a session: the answer, and where it is, if it is. */
    async openSession(request, options, manner) {
        const place = {};
        const answer = await this.ask('open', [request], options, { ...manner, place });
        if (!isMap(answer) || typeof answer.effect !== 'string' || typeof answer.reason !== 'string')
            throw new ProtocolError('an answer without an effect');
        const { session, ...rest } = answer;
        if ((answer.effect === 'permit') !== Number.isSafeInteger(session))
            throw new ProtocolError('a session without a permit, or the other way round');
        place.number = session;
        return { answer: rest, place: session === undefined ? undefined : place };
    }

    /** @internal When a call that is made now has to end. */
    deadline(options) {
        return performance.now() + positive({ timeout: options?.timeout ?? this.#timeout }, 'timeout', TIMEOUT_MS_MAX);
    }

    /** @internal Waits until a session is open again, as one of those who wait. */
    async waitFor(reopen, deadline, signal) {
        this.#admit();
        this.#reopening++;
        try {
            return await within(reopen(), deadline, () => this.lateError('open'), signal);
        } finally {
            this.#reopening--;
        }
    }

    #admit() {
        const waiting = this.#waiting.size + this.#reopening + (this.#connection?.pending.size ?? 0);
        if (waiting >= this.#queueLimit) throw new QueueFullError(this.#queueLimit);
    }

    /**
     * @internal Asks. `once`: never again on another connection; `on`: on this connection alone, else MovedError; `place`
     * is told on which it was; `admitted`: for those who wait already.
     */
    ask(method, params, options, { once = false, on, place, admitted = false } = {}) {
        const signal = options?.signal;
        return new Promise((resolve, reject) => {
            if (this.#closed) throw new ClosedError('client');
            signal?.throwIfAborted();
            const timeout = positive({ timeout: options?.timeout ?? this.#timeout }, 'timeout', TIMEOUT_MS_MAX);
            if (!admitted) this.#admit();
            const call = { method, params, once, on, settled: false };
            const stop = () => call.settle(signal.reason);
            const timer = setTimeout(() => this.#late(call), timeout);
            call.settle = (error, result, connection) => {
                if (connection !== undefined) this.#failures = 0;
                if (call.settled) return;
                call.settled = true;
                clearTimeout(timer);
                signal?.removeEventListener('abort', stop);
                this.#waiting.delete(call);
                if (place !== undefined) place.connection = connection;
                if (error === undefined) resolve(result);
                else reject(error);
            };
            signal?.addEventListener('abort', stop, { once: true });
            this.#place(call);
        });
    }

    #told(result) {
        if (!isMap(result)) throw new ProtocolError('an answer that is no map');
        this.noteGeneration(result.generation);
        return result;
    }

    /** @internal Why there was no answer in time: nobody was there, or nobody answered. */
    lateError(method) {
        if (this.#connection !== undefined) return new TimeoutError(`the daemon did not answer \`${method}\` in time`);
        const why = this.#lastError?.message ?? 'it does not answer';
        return new DaemonUnavailableError(`no daemon at \`${this.#path}\`: ${why}`, { cause: this.#lastError });
    }

    /** @internal */
    noteGeneration(generation) {
        if (Number.isSafeInteger(generation)) this.#generation = generation;
    }

    // ---- Calls and their ends ----

    #place(call) {
        if (call.on !== undefined && call.on !== this.#connection) return call.settle(new MovedError());
        if (this.#connection === undefined) {
            this.#waiting.add(call);
            return this.#connect();
        }
        try {
            this.#connection.send(call);
        } catch (error) {
            call.settle(error);
        }
    }

    #late(call) {
        call.settle(this.lateError(call.method));
        // Nothing at all for so long: what is still asked here is better asked elsewhere.
        const connection = this.#connection;
        if (connection !== undefined && performance.now() - connection.heardAt > this.#timeout - TIMER_EARLY_MS)
            connection.end(new TimeoutError('the daemon does not answer'));
    }

    #fail(calls, error) {
        for (const call of [...calls]) call.settle(error);
    }

    // ---- Connecting ----

    /** Connects, later after each failure, and at another moment than everybody else. */
    #connect() {
        if (this.#closed || this.#connection !== undefined || this.#dialled !== undefined || this.#retry !== undefined)
            return;
        if (this.#failures === 0) return this.#dial();
        const longest = Math.min(BACK_OFF_MS.longest, BACK_OFF_MS.first * 2 ** (this.#failures - 1));
        this.#retry = setTimeout(
            () => {
                this.#retry = undefined;
                if (this.#waiting.size > 0) this.#dial();
            },
            longest * (0.5 + Math.random() / 2),
        );
    }

    #dial() {
        const connection = new Connection(this.#path, (its, error) => this.#lost(its, error));
        const timer = setTimeout(
            () => connection.end(new TimeoutError('the daemon did not answer `hello` in time')),
            this.#timeout,
        );
        this.#dialled = connection;
        const settle = (error, result) => {
            clearTimeout(timer);
            if (this.#dialled !== connection) return;
            if (error !== undefined) return connection.end(error);
            if (!isMap(result) || !isMap(result.limits))
                return connection.end(new ProtocolError('`hello` was answered with something else'));
            connection.limits = readLimits(result.limits);
            if (isMap(result.numbers)) connection.numbers = new Map(Object.entries(result.numbers));
            this.noteGeneration(result.policy?.generation);
            this.#ready(connection);
        };
        connection.send({
            method: 'hello',
            params: [{ client: 'nrbac for Node.js', version: VERSION, numbers: true }],
            hello: true,
            settle,
        });
    }

    #ready(connection) {
        this.#dialled = undefined;
        this.#connection = connection;
        const waiting = [...this.#waiting];
        this.#waiting.clear();
        for (const call of waiting) this.#place(call);
    }

    /** A connection has ended; what was asked on it waits for the next one, or fails. */
    #lost(connection, error) {
        const calls = [...connection.pending.values()].filter((call) => !call.settled && !call.hello);
        for (const call of connection.pending.values())
            if (call.hello) call.settle(error ?? new Error('the connection was closed'));
        if (this.#dialled === connection) this.#dialled = undefined;
        if (this.#connection === connection) this.#connection = undefined;
        if (this.#closed) return;
        this.#failures++;
        this.#lastError = error ?? new Error('the daemon closed the connection');
        if (error instanceof ProtocolError) {
            this.#fail(calls, error);
            this.#fail(this.#waiting, error);
            return;
        }
        for (const call of calls) {
            if (call.on !== undefined) call.settle(new MovedError());
            else if (call.once)
                call.settle(
                    new DaemonUnavailableError(`the daemon was lost before it answered \`${call.method}\``, {
                        cause: error,
                    }),
                );
            else this.#waiting.add(call);
        }
        if (this.#waiting.size > 0) this.#connect();
    }
}

if (Symbol.dispose) Client.prototype[Symbol.dispose] = Client.prototype.close;

module.exports = { Client };
