// SPDX-License-Identifier: Apache-2.0
// Answers the requests of bindings/conformance, a line each.
//   conformance answers SOURCE REQUESTS            prints an answer for each request
//   conformance sessions SOURCE REQUESTS ANSWERS   asks sessions, and holds their decisions
//                                                  against the answers
#include "shared.hpp"

#include <deque>
#include <iostream>

namespace
{

std::vector<nrbac::document> documents(const char *path)
{
    std::vector<nrbac::document> made;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        auto read = nrbac::document::from_json(line);
        if (CHECK_HAS(read))
            made.push_back(std::move(*read));
    }
    return made;
}

nrbac::asking at_its_time()
{
    nrbac::asking how;
    how.request_time = true;
    return how;
}

void answer(nrbac::engine &engine, const std::vector<nrbac::document> &requests)
{
    for (const nrbac::document &one : requests)
        std::cout << engine.evaluate(one, at_its_time())->root().json() << '\n';
}

/// Many under way at once, and answered in their order.
void answer(nrbac::client &client, const std::vector<nrbac::document> &requests)
{
    std::deque<nrbac::pending> calls;
    const auto print_first = [&] {
        std::cout << calls.front().get()->root().json() << '\n';
        calls.pop_front();
    };
    for (const nrbac::document &one : requests) {
        if (calls.size() == 256)
            print_first();
        calls.push_back(std::move(*client.send("evaluate", { one.root() })));
    }
    while (!calls.empty())
        print_first();
}

nrbac::result<nrbac::session> opened(nrbac::engine &engine,
                                     const nrbac::document &request)
{
    return engine.session(request, at_its_time());
}

nrbac::result<nrbac::client_session> opened(nrbac::client &client,
                                            const nrbac::document &request)
{
    return client.session(request);
}

std::string listed(const nrbac::decision &made)
{
    std::string list;
    for (const char *one : made.obligations())
        list += std::string(list.empty() ? "\"" : ",\"") + one + "\"";
    return "[" + list + "]";
}

/// A session decides as a whole question does; where none is opened, nothing is
/// permitted.
template <class Source>
void ask_sessions(Source &source, const std::vector<nrbac::document> &requests,
                  const std::vector<nrbac::document> &answers)
{
    CHECK_SAME(requests.size(), answers.size());
    for (std::size_t i = 0; i < std::min(requests.size(), answers.size()); i++) {
        const nrbac::value asked = requests[i].root(), want = answers[i].root();
        const std::string_view name = asked["action"]["name"].text();
        if (name.empty() || asked["resource"]["type"].text() == "api")
            continue;
        auto session = opened(source, requests[i]);
        if (!session.has_value()) {
            if (CHECK_ERROR(session, not_opened))
                CHECK(!want["decision"].boolean());
            continue;
        }
        const nrbac::decision made = shared::made(session->decide(name));
        const nrbac::value context = want["context"];
        CHECK_SAME(slug(made.effect()), context["effect"].text());
        CHECK_SAME(slug(made.reason()), context["reason"].text());
        CHECK_SAME(listed(made), context["obligations"].json());
        CHECK_SAME(made.permitted(), want["decision"].boolean());
        CHECK_SAME(shared::yes(session->check(name)),
                   want["decision"].boolean() && context["obligations"].empty());
    }
}

template <class Source> int run(Source &&source, char **arguments)
{
    if (!CHECK_HAS(source))
        return kit::report({ "in-process" });
    const auto requests = documents(arguments[3]);
    if (std::string(arguments[1]) == "answers") {
        answer(*source, requests);
        return 0;
    }
    ask_sessions(*source, requests, documents(arguments[4]));
    return kit::report({ "in-process" });
}

}  // namespace

int main(int, char **arguments)
{
    std::ios::sync_with_stdio(false);
    const std::string source = arguments[2];
    if (source.rfind("unix:", 0) == 0)
        return run(nrbac::client::open(source), arguments);
    return run(nrbac::engine::open(source), arguments);
}
