// SPDX-License-Identifier: Apache-2.0
'use strict';
/*
 * Frames of the protocol (schema/protocol.md) as bytes. MessagePack has no length in
 * front, so where a frame ends is found by counting: a value still to come is owed,
 * and a list or map owes more. That is kept between chunks, so that each byte is
 * looked at once however it is cut.
 */
const { Encoder, Decoder } = require('@msgpack/msgpack');
const { ProtocolError, RefusedError } = require('./errors');

const FRAME_BYTES_MAX = 64 * 1024 * 1024; // an answer may be larger than any question
const FRAME_VALUES_MAX = 4 * 1024 * 1024;
const DEPTH_MAX = 64; // of what is sent; the daemon's own limit is lower

const encoder = new Encoder({ maxDepth: DEPTH_MAX });
const decoder = new Decoder();

// By first byte: how long the value's head is, and where its length stands. Absent: not in the protocol.
const SCALARS = new Map([
    [0xc0, 1],
    [0xc2, 1],
    [0xc3, 1],
    [0xca, 5],
    [0xcb, 9],
    [0xcc, 2],
    [0xcd, 3],
    [0xce, 5],
    [0xcf, 9],
    [0xd0, 2],
    [0xd1, 3],
    [0xd2, 5],
    [0xd3, 9],
]);
const TEXTS = new Map([
    [0xd9, 1],
    [0xda, 2],
    [0xdb, 4],
]);
const LISTS = new Map([
    [0xdc, 2],
    [0xdd, 4],
]);
const MAPS = new Map([
    [0xde, 2],
    [0xdf, 4],
]);

/** Puts chunks in, takes whole frames out. */
class FrameReader {
    #room = Buffer.alloc(0); // where a frame that comes in pieces is put together
    #bytes = this.#room; // what is there, from the first byte of a frame
    #at = 0; // the next value's head
    #owed = 1; // values still to come of this frame

    /** The frames that are whole now, decoded; throws ProtocolError for bytes that are none. */
    *read(chunk) {
        this.#append(chunk);
        let start = 0;
        while (this.#scan()) {
            yield decodeFrame(this.#bytes.subarray(start, this.#at));
            start = this.#at;
            this.#owed = 1;
        }
        this.#bytes = this.#bytes.subarray(start);
        this.#at -= start;
        if (this.#bytes.length > FRAME_BYTES_MAX) throw new ProtocolError('a frame is longer than 64 MiB');
    }

    /** Mostly there is nothing to append to; else room doubles, so that a long frame is not copied again and again. */
    #append(chunk) {
        const had = this.#bytes.length;
        if (had === 0) {
            this.#bytes = chunk;
            return;
        }
        const size = had + chunk.length;
        const offset = this.#bytes.byteOffset - this.#room.byteOffset;
        if (this.#bytes.buffer !== this.#room.buffer || offset + size > this.#room.length) {
            const room = Buffer.allocUnsafeSlow(2 * size);
            this.#bytes.copy(room);
            this.#room = room;
            this.#bytes = room.subarray(0, had);
        }
        const from = this.#bytes.byteOffset - this.#room.byteOffset;
        chunk.copy(this.#room, from + had);
        this.#bytes = this.#room.subarray(from, from + size);
    }

    /** Whether the frame is there wholly; then it ends at #at. */
    #scan() {
        while (this.#owed > 0) {
            const size = this.#next();
            if (size === 0) return false;
            this.#at += size;
        }
        return true;
    }

    /** How many bytes the value at #at takes, without what it owes; 0: not to be seen yet. */
    #next() {
        const bytes = this.#bytes,
            at = this.#at;
        if (at >= bytes.length) return 0;
        const head = bytes[at];
        if (head < 0x80 || head >= 0xe0) return this.#pay(1, 0);
        if (head < 0x90) return this.#pay(1, 2 * (head & 0x0f));
        if (head < 0xa0) return this.#pay(1, head & 0x0f);
        if (head < 0xc0) return this.#text(1 + (head & 0x1f));
        const scalar = SCALARS.get(head);
        if (scalar !== undefined) return this.#text(scalar);
        const width = TEXTS.get(head) ?? LISTS.get(head) ?? MAPS.get(head);
        if (width === undefined) throw new ProtocolError(`0x${head.toString(16)} is no value of the protocol`);
        if (at + 1 + width > bytes.length) return 0;
        const length = bytes.readUIntBE(at + 1, width);
        if (TEXTS.has(head)) return this.#text(1 + width + length);
        return this.#pay(1 + width, MAPS.has(head) ? 2 * length : length);
    }

    /** A value without others in it. */
    #text(size) {
        if (size > FRAME_BYTES_MAX) throw new ProtocolError('a frame is longer than 64 MiB');
        return this.#at + size > this.#bytes.length ? 0 : this.#pay(size, 0);
    }

    /** It has come: one is owed less, and what it owes more. */
    #pay(size, more) {
        this.#owed += more - 1;
        if (this.#owed > FRAME_VALUES_MAX) throw new ProtocolError('a frame has too many values');
        return size;
    }
}

function decodeFrame(bytes) {
    try {
        return decoder.decode(bytes);
    } catch (error) {
        throw new ProtocolError(`a frame cannot be read: ${error.message}`, { cause: error });
    }
}

/** A request, as bytes of its own; throws RefusedError for what no daemon would read. */
function encodeRequest(id, method, params) {
    try {
        return encoder.encode([0, id, method, params]);
    } catch (error) {
        throw new RefusedError('bad-message', error.message);
    }
}

/** A notification, which is never answered. */
function encodeNotification(method, params) {
    return encoder.encode([2, method, params]);
}

/**
 * A copy of a request as JSON would carry it, so that a date, say, means the same here as in process, and what the
 * caller changes later does not.
 */
function plain(request) {
    const text = JSON.stringify(request);
    if (text === undefined) throw new TypeError('a request is an object');
    return JSON.parse(text);
}

module.exports = { FrameReader, encodeRequest, encodeNotification, plain };
