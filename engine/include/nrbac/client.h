/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of nrbacd: the same questions as <nrbac/nrbac.h>, asked over its
 * socket. nrbac-protocol(7) describes what is sent.
 *
 *   nrbac_client *client;
 *   nrbac_error error;
 *   if (nrbac_client_connect("/run/nrbac/nrbacd.sock", 1000, &client, &error))
 *       return complain(error.text);
 *   nrbac_client_answer answer;
 *   if (nrbac_client_check(client, session, "B0820", &answer, &error))
 *       return complain(error.text);
 *   if (answer.permitted && can_do_all(answer.obligations))
 *       show_the_record();
 *
 * Every call waits for its answer, at most as long as the client's timeout, except
 * those for many calls under way; no signal is raised when the daemon is gone. A client
 * is used by one thread at a time. Sessions end with the connection they were opened
 * on. A child of fork() has its parent's connections and may disconnect them, which
 * leaves the parent's as it is; every call on one is NRBAC_E_IO there.
 *
 * Only NRBAC_OK fills what is handed out; on any other status there is no answer,
 * and no access. In every function `error` may be NULL.
 */
#ifndef NRBAC_CLIENT_H
#define NRBAC_CLIENT_H

#include <nrbac/types.h>
#include <nrbac/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nrbac_client nrbac_client; /* opaque: one connection */

/* Connects to the daemon at `path`: its socket, or a folder, which means the socket
 * nrbacd.sock in it. timeout_ms bounds the connecting and each call afterwards; 0 or
 * less: 5000. NRBAC_E_IO: nobody serves the socket, or it may not be used;
 * NRBAC_E_TIMEOUT. The caller owns *out. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_connect(const char *path,
                                                           int timeout_ms,
                                                           nrbac_client **out,
                                                           nrbac_error *error);
/* Ends the connection and its sessions; NULL is fine. */
NRBAC_API void nrbac_client_disconnect(nrbac_client *client);

/* ---- Any method ------------------------------------------------------------ */

/* Calls a method with a list of parameters (NULL: none). The result is built into
 * the caller's document, which is not reset first; it may be the one that holds
 * the parameters.
 *
 * NRBAC_E_REFUSED   the daemon answered with an error: error->text says
 *                   "slug: text", nrbac_client_fault() gives the slug
 * NRBAC_E_TIMEOUT   no answer in time; should it still come, it is passed over
 * NRBAC_E_IO        the connection is gone; connect again
 * NRBAC_E_FORMAT    what came is not the protocol; the connection is given up
 * NRBAC_E_LIMIT     the message is larger than nrbac_client_limit() allows; nothing
 *                   was sent
 */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_call(
    nrbac_client *client, const char *method, const nrbac_value *params,
    nrbac_document *document, const nrbac_value **result, nrbac_error *error);

/* The largest message to send, as `hello` tells it in `limits`; 0, as at first: any. A
 * larger one would end the connection. */
NRBAC_API void nrbac_client_limit(nrbac_client *client, size_t message_bytes);

/* Why the last call was NRBAC_E_REFUSED ("unknown-session", "not-allowed", ...);
 * "" if it was not. Valid until the next call. */
NRBAC_API const char *nrbac_client_fault(const nrbac_client *client);

/* ---- Many calls under way ---------------------------------------------------- */
/* For event loops, and for whoever asks without waiting for each answer: none of
 * these waits. The timed calls below pass over answers to calls that were sent here,
 * so a connection is used in one of the two ways at a time. */

/* What to poll: until it is readable there is nothing to receive, and while there is
 * something unsent, whether it is writable. It is the client's, and stays open until
 * the client is disconnected, also when the connection is gone. */
NRBAC_API int nrbac_client_descriptor(const nrbac_client *client);

/* Sends a call; *call is its number, never 0. What the socket does not take now is kept
 * and goes with nrbac_client_flush() or the next call, so a caller that goes on sending
 * should look at nrbac_client_unsent(). As with nrbac_client_call(), other statuses
 * than NRBAC_OK, NRBAC_E_LIMIT apart, are the end of the connection. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_send(nrbac_client *client,
                                                        const char *method,
                                                        const nrbac_value *params,
                                                        uint32_t *call,
                                                        nrbac_error *error);
/* How many bytes the socket has not taken yet, and sending some more of them. */
NRBAC_API size_t nrbac_client_unsent(const nrbac_client *client);
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_flush(nrbac_client *client,
                                                         nrbac_error *error);

/* Takes the next answer, built into the caller's document; *call says which call it
 * is of. NRBAC_E_TIMEOUT: none has come whole; NRBAC_E_REFUSED: the daemon answered
 * that call with an error, as in nrbac_client_call(), or, if *call is 0, it refuses
 * the connection, which is gone. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_receive(nrbac_client *client,
                                                           nrbac_document *document,
                                                           uint32_t *call,
                                                           const nrbac_value **result,
                                                           nrbac_error *error);

/* ---- Questions ------------------------------------------------------------- */
/* What these hand out belongs to the client, and lives until its next call. */

/* A whole request, and the whole answer. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_evaluate(nrbac_client *client,
                                                            const nrbac_value *request,
                                                            const nrbac_value **answer,
                                                            nrbac_error *error);

/* Opens a session for the request's subject. *session is 0 if there is none, and
 * the answer's `effect` and `reason` say why. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_open(nrbac_client *client,
                                                        const nrbac_value *request,
                                                        int64_t *session,
                                                        const nrbac_value **answer,
                                                        nrbac_error *error);
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_close(nrbac_client *client,
                                                         int64_t session,
                                                         nrbac_error *error);

/* One decision on a session; zeroed, it denies. */
typedef struct nrbac_client_answer {
    bool permitted;      /* act only if every obligation below can be met */
    const char *reason;  /* a slug, such as "granted-by-baseline" */
    uint32_t generation; /* of the policy that answered */
    size_t obligation_count;
    const char *obligations[NRBAC_OBLIGATION_MAX];
} nrbac_client_answer;

/* Reads the result of `check`, or one of the list that `check_many` gives. False, and
 * no permit: it is not one, or has more obligations than there is room for. */
NRBAC_API bool nrbac_client_read_answer(const nrbac_value *row,
                                        nrbac_client_answer *answer);

NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_check(nrbac_client *client,
                                                         int64_t session,
                                                         const char *name,
                                                         nrbac_client_answer *answer,
                                                         nrbac_error *error);

/* The same by the name's number, as this connection was told it: by `hello`, called with
 * a map of `numbers`: true, or by `open`, for a request with such `options`. */
NRBAC_API NRBAC_MUST_USE nrbac_status
nrbac_client_check_number(nrbac_client *client, int64_t session, uint32_t number,
                          nrbac_client_answer *answer, nrbac_error *error);

/* Several names at once. `names` ends with NULL; `answers` has a place for each. */
NRBAC_API NRBAC_MUST_USE nrbac_status
nrbac_client_check_many(nrbac_client *client, int64_t session, const char *const *names,
                        nrbac_client_answer *answers, nrbac_error *error);

/* The policy in force: name, version, digest, generation, counts, loaded_at. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_client_policy(nrbac_client *client,
                                                          const nrbac_value **policy,
                                                          nrbac_error *error);

#ifdef __cplusplus
}
#endif

#endif
