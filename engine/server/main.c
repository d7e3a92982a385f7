/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nrbacd: answers National RBAC questions on a socket.
 */
#include "server/log.h"
#include "server/server.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    nr_options options;
    int status = NR_DAEMON_OK;
    if (nr_options_read(&options, argc, argv, &status)) {
        nr_server *server = calloc(1, sizeof(*server));
        if (server == NULL)
            nr_log("%s", nrbac_status_text(NRBAC_E_MEMORY));
        status = server == NULL ? NR_DAEMON_FAILED : nr_server_run(server, &options);
        free(server);
    }
    nr_options_finish(&options);
    return status;
}
