// SPDX-License-Identifier: Apache-2.0
// What a check costs beside an empty call of the library, in turns, so that what disturbs
// the machine disturbs all alike.
//   bench POLICY.nrb
#include <nrbac/engine.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace
{

constexpr std::size_t MANY = 16;
constexpr int ROUNDS = 21;
constexpr int CALLS = 500000;

using clock = std::chrono::steady_clock;

/// The least that the library can be asked, in the same way: a call that does nothing.
bool empty_call(const nrbac::name &)
{
    nrbac_session_close(nullptr);
    return true;
}

struct measure {
    const char *what;
    std::vector<double> rounds;
};

/// Calls it for one name after the other; how long a call took, in nanoseconds.
template <class Names, class Call>
double timed(const Names &names, int calls, std::size_t &yes, Call call)
{
    const auto began = clock::now();
    for (int i = 0; i < calls; i++)
        yes += call(names[static_cast<std::size_t>(i) % MANY]);
    const std::chrono::duration<double, std::nano> took = clock::now() - began;
    return took.count() / calls;
}

nrbac::document somebody()
{
    nrbac::document made;
    made["subject"]["type"] = "healthcare-worker";
    made["subject"]["properties"]["profile"]["role"] = "R8000";
    made["subject"]["properties"]["profile"]["organisation"] = "RBA";
    return made;
}

std::vector<std::string> permitted(const nrbac::engine &engine,
                                   const nrbac::document &request)
{
    std::vector<std::string> codes;
    const auto can = engine.what_can(request);
    for (nrbac::value one : can.value().root()["activities"])
        if (codes.size() < MANY)
            codes.emplace_back(one["code"].text());
    return codes;
}

}  // namespace

int main(int, char **arguments)
{
    auto engine = nrbac::engine::open(std::string("file:") + arguments[1]);
    if (!engine) {
        std::fprintf(stderr, "%s\n", engine.error().what());
        return 1;
    }
    const nrbac::document request = somebody();
    const auto session = engine->session(request);
    const std::vector<std::string> codes = permitted(*engine, request);
    std::vector<nrbac::name> names;
    for (const std::string &code : codes)
        names.push_back(engine->prepare(code));
    if (!session || codes.size() != MANY)
        return 1;

    measure all[] = { { "empty native call", {} },
                      { "prepared check", {} },
                      { "check by text", {} },
                      { "check_many of 16", {} } };
    std::size_t yes = 0;
    bool answers[MANY];
    for (int round = 0; round <= ROUNDS; round++) {
        const double took[] = {
            timed(names, CALLS, yes, empty_call),
            timed(names, CALLS, yes,
                  [&](const nrbac::name &one) { return session->check(one); }),
            timed(codes, CALLS, yes,
                  [&](const std::string &one) { return session->check(one); }),
            timed(names, CALLS / 16, yes,
                  [&](const nrbac::name &) {
                      session->check_many(names.begin(), names.end(), answers);
                      return std::all_of(std::begin(answers), std::end(answers),
                                         [](bool one) { return one; });
                  }),
        };
        for (std::size_t i = 0; round > 0 && i < std::size(all);
             i++)  // the first warms up
            all[i].rounds.push_back(took[i]);
    }
    const std::size_t asked = std::size_t{ ROUNDS + 1 } * (3 * CALLS + CALLS / 16);
    if (yes != asked) {
        std::fprintf(stderr, "%zu of %zu were permitted\n", yes, asked);
        return 1;
    }
    for (measure &one : all) {
        std::sort(one.rounds.begin(), one.rounds.end());
        std::printf("cpp\t%s\t%.2f\t%.2f\t%.2f\n", one.what, one.rounds[ROUNDS / 2],
                    one.rounds.front(), one.rounds.back());
    }
}
