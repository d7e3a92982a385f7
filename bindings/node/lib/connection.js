// SPDX-License-Identifier: Apache-2.0
'use strict';
const net = require('node:net');
const { FrameReader, encodeNotification, encodeRequest } = require('./frames');
const { ProtocolError, RefusedError } = require('./errors');

function isFault(error) {
    return error !== null && typeof error === 'object' && typeof error.code === 'string';
}

/**
 * One connection to a daemon: what is asked on it, and who waits for which answer. A call is anything with `method`,
 * `params` and `settle(error, result)`; one that nobody waits for any more stays here until its answer comes or the
 * connection ends.
 *
 * The socket never keeps the process alive: each call's own timer does.
 */
class Connection {
    #socket;
    #reader = new FrameReader();
    #lastId = 0;
    #corked = false;
    #onLost;
    #error;

    /** The calls without an answer, oldest first, by id. */
    pending = new Map();
    /** When the daemon was heard of last, and was first waited for since (performance.now()). */
    heardAt = performance.now();
    /** Numbers of names, and limits, as `hello` told them. */
    numbers = new Map();
    limits = { batch: 1, messageBytes: Infinity };

    constructor(path, onLost) {
        this.#onLost = onLost;
        this.#socket = net.connect(path);
        this.#socket.unref();
        this.#socket.on('data', (chunk) => this.#hear(chunk));
        this.#socket.on('error', (error) => (this.#error ??= error));
        this.#socket.on('close', () => this.#onLost(this, this.#error));
    }

    /** Asks; throws RefusedError for what is too large for the daemon, and then nothing was sent. */
    send(call) {
        const id = (this.#lastId + 1) >>> 0;
        const bytes = encodeRequest(id, call.method, call.params);
        if (bytes.length > this.limits.messageBytes)
            throw new RefusedError(
                'over-limit',
                `the message has ${bytes.length} bytes, the daemon reads ${this.limits.messageBytes}`,
            );
        this.#lastId = id;
        if (this.pending.size === 0) this.heardAt = performance.now();
        this.pending.set(id, call);
        this.#write(bytes);
    }

    /** Tells, and expects no answer. */
    notify(method, params) {
        if (!this.#socket.destroyed) this.#write(encodeNotification(method, params));
    }

    /** What is written in one turn goes out together. */
    #write(bytes) {
        if (!this.#corked) {
            this.#corked = true;
            this.#socket.cork();
            process.nextTick(() => {
                this.#corked = false;
                this.#socket.uncork();
            });
        }
        this.#socket.write(bytes);
    }

    #hear(chunk) {
        this.heardAt = performance.now();
        try {
            for (const frame of this.#reader.read(chunk)) {
                if (this.#socket.destroyed) return; // what follows an end counts no more
                this.#take(frame);
            }
        } catch (error) {
            this.end(error);
        }
    }

    #take(frame) {
        if (!Array.isArray(frame) || frame.length !== 4 || frame[0] !== 1)
            throw new ProtocolError('a frame is no response');
        const [, id, error, result] = frame;
        if (error !== null && !isFault(error)) throw new ProtocolError('an error without a code');
        // Answers come in order: an error about a request whose id could not be read is about the oldest one.
        const [key, call] = id === null ? (this.pending.entries().next().value ?? []) : [id, this.pending.get(id)];
        if (call === undefined)
            throw error === null ? new ProtocolError('an answer to nothing that was asked') : refused(error);
        this.pending.delete(key);
        if (error === null) call.settle(undefined, result, this);
        else call.settle(refused(error), undefined, this);
        if (id === null) this.end();
    }

    /** Ends it, for a reason if there is one; who waits is told by onLost. */
    end(error) {
        this.#error ??= error;
        this.#socket.destroy();
    }
}

function refused({ code, message }) {
    return new RefusedError(code, String(message ?? ''));
}

module.exports = { Connection };
