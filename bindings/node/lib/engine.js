// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * Deciding in this process. What is asked often crosses into the addon without
 * arguments: session and name are left in `cell`, words that both sides see, since to
 * pass an argument costs more than to check.
 */
const { readEvaluations } = require('./evaluations');
const { plain } = require('./frames');
const { decisionOfNumbers } = require('./decision');
const {
    ClosedError,
    DaemonUnavailableError,
    EngineError,
    ForeignNameError,
    NotOpenedError,
    PolicyError,
    ProtocolError,
    RefusedError,
    TimeoutError,
} = require('./errors');
const { checkName } = require('./names');
const { addon, needAddon } = require('./native');
const { STATUSES } = require('./tables');
const { watchGeneration } = require('./watch');

// As in src/addon.h: the words of the cell, where its name is in bytes, the places of a batch, and answers.
const [SESSION, EFFECT, REASON, GENERATION] = [0, 1, 2, 3];
const NAME_AT = 16;
const [BATCH_SESSION, BATCH_COUNT, BATCH_NAMES] = [0, 1, 2];
const PLACES_OF_DECISION = 3;
const [ANSWER_NO, ANSWER_YES, ANSWER_CLOSED] = [0, 1, 2];
// nrbac_ask_flags
const [ASK_EXPLAIN, ASK_REQUEST_TIME] = [1, 2];
const LOOK_MS = 50;

// Constants, so that the compiler knows them. Where there is no addon nothing gets this far.
const cell = addon && new Uint32Array(addon.cell, 0, 4);
const cellName = addon && new Float64Array(addon.cell, NAME_AT, 1);
const nativeCheck = addon?.check;
let batch = new Float64Array(0);

// For whoever forgets close().
const forgottenEngines = new FinalizationRegistry((slot) => addon.closeEngine(slot));
const forgottenSessions = new FinalizationRegistry((slot) => addon.closeSession(slot));

// What a status is of a daemon's table; of anything else it is an EngineError.
const ERRORS_OF_DAEMON = {
    E_IO: (text) => new DaemonUnavailableError(text),
    E_TIMEOUT: (text) => new TimeoutError(text),
    E_FORMAT: (text) => new ProtocolError(text),
    E_REFUSED: (text) => new RefusedError('not-allowed', text),
};

/** The error of a failed load. */
function loadError({ status, text, diagnostics }, { follows }) {
    const name = STATUSES[status] ?? `status-${status}`;
    if (follows && name in ERRORS_OF_DAEMON) return ERRORS_OF_DAEMON[name](text);
    const mistakes = diagnostics.filter((its) => its.severity === 'error');
    if (mistakes.length === 0) return new EngineError(name, text);
    const { file, line, message } = mistakes[0];
    const more = mistakes.length > 1 ? `, and ${mistakes.length - 1} more` : '';
    return new PolicyError(`${file}${line > 0 ? `:${line}` : ''}: ${message}${more}`, diagnostics);
}

/** Calls the addon about a request; what cannot be read as one is refused as the daemon would. */
function askAbout(call, slot, request, flags) {
    const text = JSON.stringify(request);
    if (text === undefined) throw new TypeError('a request is an object');
    return ask(call, slot, text, flags);
}

function ask(call, slot, text, flags) {
    try {
        return call(slot, text, flags);
    } catch (error) {
        if (STATUSES[error.status] === 'E_FORMAT') throw new RefusedError('bad-message', error.message);
        throw error.status === undefined ? error : new EngineError(STATUSES[error.status], error.message);
    }
}

/** Answers questions in this process, on a policy of its own or on a daemon's table. */
class Engine {
    #slot;
    #source;
    #flags;

    /** Use open(). */
    constructor(slot, source, options) {
        this.#slot = slot;
        this.#source = source;
        this.#flags = options.trustRequestTime ? ASK_REQUEST_TIME : 0;
        forgottenEngines.register(this, slot, this);
    }

    /** @internal */
    static async open(source, options) {
        needAddon();
        const slot = await addon.openEngine(source.manner, source.path);
        if (typeof slot !== 'number') throw loadError(slot, source);
        return new Engine(slot, source, options);
    }

    #open() {
        if (this.#slot === 0) throw new ClosedError('engine');
        return this.#slot;
    }

    /** Opens a session for the request's subject; throws NotOpenedError where the answer is not a permit. */
    session(request) {
        const answer = askAbout(addon.openSession, this.#open(), request, this.#flags);
        const slot = cell[SESSION];
        if (slot === 0) throw new NotOpenedError(JSON.parse(answer));
        return new Session(this, slot, answer);
    }

    /** Decides a whole request; the answer is that of `nrbac check --format json`. */
    evaluate(request) {
        return JSON.parse(askAbout(addon.evaluate, this.#open(), request, this.#flags));
    }

    /** The same, with everything that led to it. */
    explain(request) {
        return JSON.parse(askAbout(addon.evaluate, this.#open(), request, this.#flags | ASK_EXPLAIN));
    }

    /** Many requests, one after the other, as OpenID AuthZEN has them and as the daemon answers them. */
    evaluations(request) {
        const { items, isLast } = readEvaluations(plain(request));
        const answers = [];
        for (const item of items) {
            answers.push(this.evaluate(item));
            if (isLast(answers.at(-1))) break;
        }
        return answers;
    }

    /** Gives a name the number that stands for it at this engine; prepare once and keep it. */
    prepare(name) {
        return ask(addon.prepare, this.#open(), checkName(name));
    }

    /** The number of the policy's last publication. */
    get generation() {
        return addon.generation(this.#open());
    }

    /** The policy in force: name, version, digest, generation, counts and more. */
    policy() {
        return JSON.parse(addon.policy(this.#open()));
    }

    /** Each new generation as it comes, until the engine is closed or `signal` says so. */
    watch({ signal } = {}) {
        return watchGeneration(() => (this.#slot === 0 ? undefined : this.generation), LOOK_MS, signal);
    }

    /**
     * Reads the policy again and puts it in force if it is sound; else it throws, and the last one stays. An engine
     * that follows a daemon takes each new policy by itself.
     */
    async reload() {
        this.#open();
        if (!this.#source.follows) {
            const failure = await addon.reload(this.#slot, this.#source.manner, this.#source.path);
            if (typeof failure !== 'number') throw loadError(failure, this.#source);
        }
        return { generation: this.generation };
    }

    /** Ends the sessions that match all of `sid`, `sub` and `role_profile` given; how many there were. */
    revoke({ sid, sub, role_profile: profile } = {}) {
        return addon.revoke(this.#open(), sid, sub, profile);
    }

    /** Stops all deciding with `policy-stale`, or lets it go on again. */
    stop(stopped) {
        if (typeof stopped !== 'boolean') throw new TypeError('`stopped` is a boolean');
        addon.stop(this.#open(), stopped);
    }

    /** Ends the engine and its sessions; again is fine. */
    close() {
        if (this.#slot === 0) return;
        forgottenEngines.unregister(this);
        addon.closeEngine(this.#slot);
        this.#slot = 0;
    }
}

/** Room for so many names in the batch. */
function makeRoom(count) {
    if (batch.length < BATCH_NAMES + count * (1 + PLACES_OF_DECISION)) {
        let room = 256;
        while (room < count) room *= 2;
        batch = new Float64Array(ask(addon.batch, room));
    }
}

/** Throws for an answer that is neither yes nor no. */
function refuse(answer) {
    throw answer === ANSWER_CLOSED ? new ClosedError('session') : new ForeignNameError();
}

/** A name as number; 0: it is a text. */
function numberOf(name) {
    if (typeof name === 'number') return name;
    if (typeof name === 'string') return 0;
    throw new TypeError('a name is a text, or what prepare() gave');
}

/** A user's role profile in force, of which many names are asked. */
class Session {
    #slot;
    #answer;
    // Not used, but kept: an engine that nobody keeps is closed, and its sessions with it.
    #engine;

    /** Use engine.session(). */
    constructor(engine, slot, answer) {
        this.#engine = engine;
        this.#slot = slot;
        this.#answer = answer;
        forgottenSessions.register(this, slot, this);
    }

    /** May the user do this? True only for a permit without obligations. */
    check(name) {
        let answer;
        if (typeof name === 'number') {
            cell[SESSION] = this.#slot;
            cellName[0] = name;
            cell[EFFECT] = ANSWER_NO;
            nativeCheck();
            answer = cell[EFFECT];
        } else {
            numberOf(name);
            answer = addon.checkText(this.#slot, name);
        }
        if (answer > ANSWER_YES) refuse(answer);
        return answer === ANSWER_YES;
    }

    /** The decision with its reason and obligations. */
    decide(name) {
        if (this.#slot === 0) throw new ClosedError('session');
        const number = numberOf(name);
        cell[SESSION] = this.#slot;
        cellName[0] = number;
        const obligations = this.#cross(addon.decide, name);
        return decisionOfNumbers(cell[EFFECT], cell[REASON], cell[GENERATION], obligations);
    }

    /** check() of each name, in one crossing. */
    checkMany(names) {
        const count = this.#fill(names, addon.checkMany);
        const answers = new Array(count);
        for (let i = 0; i < count; i++) {
            const answer = batch[BATCH_NAMES + count + i];
            if (answer > ANSWER_YES) refuse(answer);
            answers[i] = answer === ANSWER_YES;
        }
        return answers;
    }

    /** decide() of each name, in one crossing. */
    decideMany(names) {
        let obligations;
        const count = this.#fill(names, (texts) => (obligations = addon.decideMany(texts)));
        const answers = new Array(count);
        for (let i = 0, at = BATCH_NAMES + count; i < count; i++, at += PLACES_OF_DECISION)
            answers[i] = decisionOfNumbers(batch[at], batch[at + 1], batch[at + 2], obligations?.[i]);
        return answers;
    }

    /** Lays the names out, and crosses once; texts go along as they are. How many there are. */
    #fill(names, call) {
        const all = Array.prototype.slice.call(names); // a copy: no code of the caller runs between here and the answers
        const count = all.length;
        if (this.#slot === 0) throw new ClosedError('session');
        makeRoom(count);
        for (let i = 0; i < count; i++) batch[BATCH_NAMES + i] = numberOf(all[i]);
        batch[BATCH_SESSION] = this.#slot;
        batch[BATCH_COUNT] = count;
        this.#cross(call, all);
        return count;
    }

    /** Calls; what the addon throws of is a foreign name, or a session that its engine's close() has ended. */
    #cross(call, texts) {
        try {
            return call(texts);
        } catch (error) {
            if (STATUSES[error.status] === 'E_ARGUMENT') throw new ClosedError('session');
            throw STATUSES[error.status] === 'E_UNSUPPORTED' ? new ForeignNameError() : error;
        }
    }

    /** What opening it was answered: the profile, all activities and functions, and more. */
    get answer() {
        return JSON.parse(this.#answer);
    }

    /** When the evidence expires; null: it does not say. */
    get validUntil() {
        const seconds = addon.validUntil(this.#slot);
        return seconds === 0 ? null : new Date(seconds * 1000);
    }

    /** Ends the session; again is fine. */
    close() {
        if (this.#slot === 0) return;
        forgottenSessions.unregister(this);
        addon.closeSession(this.#slot);
        this.#slot = 0;
    }
}

for (const its of [Engine, Session]) if (Symbol.dispose) its.prototype[Symbol.dispose] = its.prototype.close;

module.exports = { Engine, Session };
