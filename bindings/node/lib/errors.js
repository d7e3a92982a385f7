// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * What can go wrong. A denial is none of these, and none of these is ever a permit.
 */

/** The base of every error of this package; `code` is stable, the message is for people. */
class NrbacError extends Error {
    constructor(code, message, options) {
        super(message, options);
        this.name = new.target.name;
        this.code = code;
    }
}

/** The daemon cannot be reached, or was lost before it answered. */
class DaemonUnavailableError extends NrbacError {
    constructor(message, options) {
        super('NRBAC_UNAVAILABLE', message, options);
    }
}

/** The daemon is there, and did not answer in time. */
class TimeoutError extends NrbacError {
    constructor(message) {
        super('NRBAC_TIMEOUT', message);
    }
}

/** What came over the socket is not the protocol. */
class ProtocolError extends NrbacError {
    constructor(message, options) {
        super('NRBAC_PROTOCOL', message, options);
    }
}

/** As many calls as the client's `queueLimit` are unanswered; this one was not sent. */
class QueueFullError extends NrbacError {
    constructor(limit) {
        super('NRBAC_QUEUE_FULL', `${limit} calls are unanswered already`);
    }
}

/** The question could not be read or may not be asked; `slug` says which (schema/protocol.md). */
class RefusedError extends NrbacError {
    constructor(slug, message) {
        super('NRBAC_REFUSED', `${slug}: ${message}`);
        this.slug = slug;
    }
}

/** The policy has mistakes; `diagnostics` lists all of them, with their places. */
class PolicyError extends NrbacError {
    constructor(message, diagnostics) {
        super('NRBAC_POLICY', message);
        this.diagnostics = diagnostics;
    }
}

/** A policy cannot be loaded for another reason; `status` says which, such as `E_IO`. */
class EngineError extends NrbacError {
    constructor(status, message) {
        super('NRBAC_ENGINE', message);
        this.status = status;
    }
}

/** There is no session for this subject; `answer` is the whole answer, with effect and reason. */
class NotOpenedError extends NrbacError {
    constructor(answer) {
        super('NRBAC_NOT_OPENED', `no session was opened: ${answer.effect} ${answer.reason}`);
        this.answer = answer;
    }
}

/** A prepared name means something at the engine or client that prepared it, and was used at another. */
class ForeignNameError extends NrbacError {
    constructor() {
        super('NRBAC_FOREIGN_NAME', 'the name was prepared by another engine or client');
    }
}

/** It was closed, and is used all the same. */
class ClosedError extends NrbacError {
    constructor(what) {
        super('NRBAC_CLOSED', `the ${what} is closed`);
    }
}

module.exports = {
    NrbacError,
    DaemonUnavailableError,
    TimeoutError,
    ProtocolError,
    QueueFullError,
    RefusedError,
    PolicyError,
    EngineError,
    NotOpenedError,
    ForeignNameError,
    ClosedError,
};
