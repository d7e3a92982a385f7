// SPDX-License-Identifier: Apache-2.0
// Sessions opened and closed, very many of them, and no more memory at the end.
//   soak_test LABEL SOURCE COUNT [PID]    of a daemon, whose memory is looked at too
#include "shared.hpp"

namespace
{

template <class Source>
void open_and_close(Source &source, const nrbac::document &request, long count)
{
    const auto view = source.prepare("B0820");
    long good = 0;
    for (long i = 0; i < count; i++) {
        auto session = source.session(request);
        good += session && (i % 16 != 0 || shared::yes(session->check(view)));
    }
    CHECK_SAME(good, count);
}

template <class Source> void soak(Source &&source, long count, pid_t daemon)
{
    enum { ROOM_KIB = 1024 };
    if (!CHECK_HAS(source))
        return;
    const nrbac::document request = kit::request();
    open_and_close(*source, request, count / 10);
    const long here = kit::resident(), there = kit::resident(daemon);
    open_and_close(*source, request, count);
    std::printf("%ld sessions: %+ld KiB here, %+ld KiB there\n", count,
                kit::resident() - here, kit::resident(daemon) - there);
    CHECK(kit::resident() - here < ROOM_KIB);
    CHECK(kit::resident(daemon) - there < ROOM_KIB);
}

}  // namespace

int main(int count, char **arguments)
{
    const std::string source = arguments[2];
    const long sessions = std::stol(arguments[3]);
    const pid_t daemon = count > 4 ? std::stoi(arguments[4]) : ::getpid();
    kit::on(arguments[1]);
    if (source.rfind("unix:", 0) == 0)
        soak(nrbac::client::open(source), sessions, daemon);
    else
        soak(nrbac::engine::open(source), sessions, daemon);
    return kit::report({ arguments[1] });
}
