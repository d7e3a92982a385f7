/* SPDX-License-Identifier: Apache-2.0 */
#include "base/socket.h"

#include <stdio.h>
#include <sys/stat.h>

bool nr_socket_address(struct sockaddr_un *address, const char *path)
{
    struct stat about;
    bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int size = snprintf(address->sun_path, sizeof(address->sun_path), "%s%s", path,
                        folder ? "/" NR_SOCKET_NAME : "");
    return size >= 0 && (size_t)size < sizeof(address->sun_path);
}
