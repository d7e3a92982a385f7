/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three steps of a program that checks: load a policy, open a session for a
 * user, check. Needs libnrbac alone.
 *
 *   nrbac compile policy/national -o national.nrb
 *   example-check national.nrb R8000
 *
 * or, on the policy of a daemon that runs, in this process:
 *
 *   example-check shm:/run/nrbac/nrbacd.sock R8000
 */
#include <nrbac/nrbac.h>

#include <stdio.h>

/* Who the user is: here the role of the command line, at an organisation. */
static nrbac_session *open_session(nrbac_engine *engine, const char *role)
{
    nrbac_profile profile = { .role = role, .organisation = "RBA" };
    nrbac_request request = {
        .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                     .profiles = &profile,
                     .profile_count = 1,
                     .aal = NRBAC_LEVEL(3) },
        .organisation = "RBA",
    };
    nrbac_session *session;
    nrbac_decision opened = nrbac_session_open(engine, &request, &session);
    if (session == NULL)
        fprintf(stderr, "no session: %s\n", nrbac_reason_doc(opened.reason));
    return session;
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "B0820", "B0825", "B0570", "patient.amend" };
    nrbac_engine *engine;
    nrbac_error error;
    if (argc < 2) {
        fputs("usage: example-check POLICY.nrb|shm:SOCKET|file:FOLDER [ROLE]\n",
              stderr);
        return 2;
    }
    if (nrbac_engine_create(0, &engine) != NRBAC_OK)
        return 3;
    if (nrbac_engine_open(engine, argv[1], &error) != NRBAC_OK) {
        fprintf(stderr, "%s\n", error.text);
        nrbac_engine_destroy(engine);
        return 3;
    }

    nrbac_session *session = open_session(engine, argc > 2 ? argv[2] : "R8000");
    for (size_t i = 0; session != NULL && i < sizeof names / sizeof names[0]; i++) {
        nrbac_name name = nrbac_prepare(engine, names[i]); /* once in a program */
        bool may = nrbac_check(session, name);             /* as often as you like */
        nrbac_decision why = nrbac_decide(session, name);
        printf("%s %s %s\n", may ? "yes" : "no ", names[i],
               nrbac_reason_slug(why.reason));
    }
    bool answered = session != NULL;
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    return answered ? 0 : 1;
}
