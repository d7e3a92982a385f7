// SPDX-License-Identifier: Apache-2.0
import type { Effect, Fault, Reason, Status, Warning } from './lib/tables';

export type { Effect, Fault, Reason, Status, Warning };

/** A newer engine may have words that these types lack. */
export type Newer<Words extends string> = Words | (string & {});

/** A request of the OpenID AuthZEN Authorization API 1.0, as `nrbac check` reads it. */
export interface Request {
    subject?: { type: string; id?: string; properties?: Record<string, unknown> };
    action?: { name: string };
    resource?: { type: string; id?: string; properties?: Record<string, unknown> };
    context?: Record<string, unknown>;
    [member: string]: unknown;
}

/** Many requests in one: what an item does not say, the defaults beside `evaluations` do. Without items it is one request. */
export interface Requests extends Request {
    evaluations?: Request[];
    options?: { evaluations_semantic?: 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit' };
}

/** A whole answer; schema/protocol.md and nrbac-protocol(7) describe it. */
export interface Answer {
    /** True only for a permit; act only if every obligation in `context.obligations` can be met. */
    decision: boolean;
    context: {
        effect: Effect;
        reason: Newer<Reason>;
        /** One sentence for the person at the screen. */
        message: string;
        obligations: string[];
        warnings: { code: Newer<Warning>; value: string }[];
        valid_until: string | null;
        [member: string]: unknown;
    };
}

/** What the opening of a session is answered. */
export interface Opened {
    effect: Effect;
    reason: Newer<Reason>;
    [member: string]: unknown;
}

/** What is known of the policy in force. */
export interface PolicyInfo {
    name: string;
    version: string;
    digest: string;
    generation: number;
    [member: string]: unknown;
}

/** Which sessions to end: those that match all members given. */
export interface Revocation {
    /** The login session. */
    sid?: string;
    /** The person. */
    sub?: string;
    /** The role profile in force. */
    role_profile?: string;
}

/** A mistake in a policy, and its place. */
export interface Diagnostic {
    /** Stable, such as `P012`; `nrbac help P012` explains it. */
    code: string;
    file: string;
    /** From 1; 0: the whole file or folder. */
    line: number;
    message: string;
    /** These are told by compiling here (`dir:`), not by a daemon. */
    slug?: string;
    severity?: 'error' | 'warning';
    column?: number;
    width?: number;
    sourceLine?: string | null;
    help?: string | null;
    related?: { file: string; line: number; column: number; message: string };
}

/** How long to wait, and what ends the waiting. */
export interface CallOptions {
    /** Milliseconds until the call fails; the client's own if it is left out. */
    timeout?: number;
    /** Ends the waiting with its reason; an answer that still comes is dropped. */
    signal?: AbortSignal;
}

export interface EngineOptions {
    /** `context.time` of a request counts, instead of the clock: for tests and replay. */
    trustRequestTime?: boolean;
}

export interface TableOptions extends EngineOptions {
    /**
     * Whatever is decided, checks too, is in the daemon's audit trail. What finds no room on the way there within 50 ms,
     * during which the thread waits, is denied `not-recorded`, and so is at once what follows, until there is room.
     */
    recorded?: boolean;
}

export interface ClientOptions {
    /** Milliseconds for each call, unless it says otherwise; 5000. */
    timeout?: number;
    /** How many calls may be unanswered at once; one more is a QueueFullError; 1024. */
    queueLimit?: number;
}

declare const prepared: unique symbol;
/**
 * An activity code or a function's name, prepared: a number that stands for it at one engine or client. Anywhere else,
 * also in another thread or after a restart, it is an error.
 */
export type Name = number & { readonly [prepared]: true };

/** One name's decision on a session. */
export class Decision {
    private constructor();
    /** Only `permit` is access. */
    readonly effect: Effect;
    /** Why, as a slug. */
    readonly reason: Newer<Reason>;
    /** What whoever acts on a permit must do; who cannot must refuse. */
    readonly obligations: readonly string[];
    /** The publication of the policy that answered. */
    readonly generation: number;
    /** Whether it is a permit; one with obligations is one only for a caller that meets them all. */
    get permitted(): boolean;
}

/** A user's role profile in force, of which many names are asked, in this process. */
export class Session {
    private constructor();
    /** May the user do this? True only for a permit without obligations. */
    check(name: string | Name): boolean;
    /** check() of each name, in one crossing into the library. */
    checkMany(names: ArrayLike<string | Name>): boolean[];
    /** The decision with its reason and obligations. */
    decide(name: string | Name): Decision;
    /** decide() of each name, in one crossing into the library. */
    decideMany(names: ArrayLike<string | Name>): Decision[];
    /** When the evidence expires; null: it does not say. */
    get validUntil(): Date | null;
    /** What opening it was answered: the profile, all activities and functions, and more. */
    get answer(): Opened;
    /** Ends the session; again is fine. */
    close(): void;
    [Symbol.dispose](): void;
}

/** Answers questions in this process, on a policy of its own or on a daemon's table. */
export class Engine {
    private constructor();
    /** Opens a session for the request's subject; throws NotOpenedError where the answer is not a permit. */
    session(request: Request): Session;
    /** Decides a whole request. */
    evaluate(request: Request): Answer;
    /** The same, with everything that led to it. */
    explain(request: Request): Answer;
    /** Many requests, one after the other, as OpenID AuthZEN has them and as the daemon answers them. */
    evaluations(request: Requests): Answer[];
    /** Gives a name its number, for checks; prepare once and keep it. The policy need not know the name yet. */
    prepare(name: string): Name;
    /** The number of the policy's last publication. */
    get generation(): number;
    /** The policy in force. */
    policy(): PolicyInfo;
    /** Each new generation as it comes, until the engine is closed or `signal` is aborted. */
    watch(options?: { signal?: AbortSignal }): AsyncIterableIterator<number>;
    /** Reads the policy again and puts it in force if it is sound; else throws, and the last one stays. */
    reload(): Promise<{ generation: number }>;
    /** Ends the sessions that match; how many there were. */
    revoke(which: Revocation): number;
    /** Stops all deciding with `policy-stale`, or lets it go on again. */
    stop(stopped: boolean): void;
    /** Ends the engine and its sessions; again is fine. */
    close(): void;
    [Symbol.dispose](): void;
}

/** A session that a daemon keeps; opened again by itself where the connection or the daemon is another one. */
export class ClientSession {
    private constructor();
    /** May the user do this? True only for a permit without obligations. */
    check(name: string | Name, options?: CallOptions): Promise<boolean>;
    /** check() of each name, asked together. */
    checkMany(names: ArrayLike<string | Name>, options?: CallOptions): Promise<boolean[]>;
    /** The decision with its reason and obligations. */
    decide(name: string | Name, options?: CallOptions): Promise<Decision>;
    /** decide() of each name, asked together. */
    decideMany(names: ArrayLike<string | Name>, options?: CallOptions): Promise<Decision[]>;
    /** When the evidence expires; null: it does not say. */
    get validUntil(): Date | null;
    /** What opening it was answered: the profile, all activities and functions, and more. */
    get answer(): Opened;
    /** Ends the session, there too; again is fine. */
    close(): void;
    [Symbol.dispose](): void;
}

/** Asks a daemon over its socket; to be shared by all of a program. It connects with its first call, and again by itself. */
export class Client {
    private constructor();
    /** Opens a session for the request's subject; throws NotOpenedError where the answer is not a permit. */
    session(request: Request, options?: CallOptions): Promise<ClientSession>;
    /** Decides a whole request. */
    evaluate(request: Request, options?: CallOptions): Promise<Answer>;
    /** The same, with everything that led to it. */
    explain(request: Request, options?: CallOptions): Promise<Answer>;
    /** Many requests at once, as OpenID AuthZEN has them. */
    evaluations(request: Requests, options?: CallOptions): Promise<Answer[]>;
    /** Prepares a name: it is sent as a number where the daemon has one for it. */
    prepare(name: string): Name;
    /** The number of the policy's last publication, as the daemon last told it. */
    get generation(): number;
    /** The policy in force. */
    policy(options?: CallOptions): Promise<PolicyInfo>;
    /** Each new generation, by asking every `interval` (1000) milliseconds; while the daemon is away there is none. */
    watch(options?: { signal?: AbortSignal; interval?: number }): AsyncIterableIterator<number>;
    /** How the daemon is. */
    health(options?: CallOptions): Promise<Record<string, unknown>>;
    /** The daemon's counters. */
    metrics(options?: CallOptions): Promise<Record<string, unknown>>;
    /** Makes the daemon read its policy again; throws PolicyError if that has mistakes, and the last one stays. */
    reload(options?: CallOptions): Promise<{ generation: number }>;
    /** Ends the sessions that match, everywhere; how many there were. */
    revoke(which: Revocation, options?: CallOptions): Promise<number>;
    /** Stops all deciding of the daemon with `policy-stale`, or lets it go on again. */
    stop(stopped: boolean, options?: CallOptions): Promise<void>;
    /** Any other method of the protocol. */
    call(method: string, params?: unknown[], options?: CallOptions): Promise<unknown>;
    /** Ends the connection and its sessions; who waits gets a ClosedError. Again is fine. */
    close(): void;
    [Symbol.dispose](): void;
}

/**
 * Loads a policy, or connects to a daemon.
 *
 * - `file:POLICY.nrb`: a compiled policy; or the folder in which a daemon publishes its own
 * - `dir:FOLDER`: a policy folder, compiled in this process
 * - `shm:SOCKET`: a daemon's table, decided on in this process; with `recorded` what is decided is in its audit trail
 * - `unix:SOCKET`: a daemon, asked over its socket; the client connects with its first call
 *
 * A socket may be given by its folder, if it is called `nrbacd.sock` there.
 */
export function open(source: `file:${string}` | `dir:${string}`, options?: EngineOptions): Promise<Engine>;
export function open(source: `shm:${string}`, options?: TableOptions): Promise<Engine>;
export function open(source: `unix:${string}`, options?: ClientOptions): Promise<Client>;
export function open(source: string, options?: TableOptions & ClientOptions): Promise<Engine | Client>;

/** The base of every error of this package; `code` is stable, the message is for people. */
export class NrbacError extends Error {
    readonly code: string;
}
/** The daemon cannot be reached, or was lost before it answered. `code` is `NRBAC_UNAVAILABLE`. */
export class DaemonUnavailableError extends NrbacError {}
/** The daemon is there, and did not answer in time. `code` is `NRBAC_TIMEOUT`. */
export class TimeoutError extends NrbacError {}
/** What came over the socket is not the protocol. `code` is `NRBAC_PROTOCOL`. */
export class ProtocolError extends NrbacError {}
/** Too many calls are unanswered; this one was not sent. `code` is `NRBAC_QUEUE_FULL`. */
export class QueueFullError extends NrbacError {}
/** The question could not be read or may not be asked. `code` is `NRBAC_REFUSED`. */
export class RefusedError extends NrbacError {
    readonly slug: Newer<Fault>;
}
/** The policy has mistakes. `code` is `NRBAC_POLICY`. */
export class PolicyError extends NrbacError {
    readonly diagnostics: Diagnostic[];
}
/** A policy cannot be loaded for another reason. `code` is `NRBAC_ENGINE`. */
export class EngineError extends NrbacError {
    readonly status: Newer<Status>;
}
/** There is no session for this subject, and `answer` says why. `code` is `NRBAC_NOT_OPENED`. */
export class NotOpenedError extends NrbacError {
    readonly answer: Opened;
}
/** A prepared name was used at another engine or client. `code` is `NRBAC_FOREIGN_NAME`. */
export class ForeignNameError extends NrbacError {}
/** It was closed, and is used all the same. `code` is `NRBAC_CLOSED`. */
export class ClosedError extends NrbacError {}

/** All effects, by number. */
export const effects: readonly Effect[];
/** All reasons: what each is, by slug. */
export const reasons: Readonly<Record<Reason, { number: number; effect: Effect; message: string; doc: string }>>;
/** All statuses, by number. */
export const statuses: readonly Status[];
/** All faults. */
export const faults: readonly Fault[];
/** All warnings. */
export const warnings: readonly Warning[];
