// SPDX-License-Identifier: Apache-2.0
// Deciding in this process, by each way of opening a policy.
//   engine_test NRBACD
#include "shared.hpp"

#include <new>

namespace
{

using namespace std::chrono_literals;

const char policy[] = NRBAC_SOURCE_DIR "/tests/wire/golden/policy";
std::atomic<long> allocations{ 0 };

void write_image(const std::string &path)
{
    nrbac_build *build = nullptr;
    std::size_t size = 0;
    CHECK(nrbac_compile(policy, nullptr, &build) == NRBAC_OK);
    const void *image = nrbac_build_image(build, &size);
    std::ofstream(path, std::ios::binary)
        .write(static_cast<const char *>(image), static_cast<std::streamsize>(size));
    nrbac_build_destroy(build);
}

void everything_holds_on(const std::string &source, int rounds)
{
    auto engine = nrbac::engine::open(source);
    if (CHECK_HAS(engine))
        shared::all(*engine, rounds);
}

void a_check_allocates_nothing(const std::string &source)
{
    auto engine = nrbac::engine::open(source);
    auto session = engine->session(kit::request());
    const auto view = engine->prepare("B0820");
    const nrbac::name names[] = { view, view, engine->prepare("B0572") };
    bool answers[3];
    const long before = allocations;
    int good = 0;
    for (int i = 0; i < 1000; i++) {
        good += session->check(view) && session->check("B0825") &&
                session->decide(view).permitted();
        session->check_many(std::begin(names), std::end(names), answers);
        good += answers[0] && answers[1] && !answers[2];
    }
    const long after = allocations;
    CHECK_SAME(after, before);
    CHECK_SAME(good, 2000);
}

void names_belong_to_their_engine(const std::string &source)
{
    auto one = nrbac::engine::open(source);
    auto other = nrbac::engine::open(source);
    auto session = one->session(kit::request());
    const auto mine = one->prepare("B0820");
    const auto theirs = other->prepare("B0820");
    CHECK_SAME(mine.number(), theirs.number());  // told apart by nothing else
    CHECK(session->check(mine));
    CHECK(!session->check(theirs));
    CHECK(!session->decide(theirs).permitted());
    CHECK(!session->check(nrbac::name()));
    CHECK(!nrbac::session().check(mine));
    CHECK(!nrbac::session().check(nrbac::name()));
    CHECK(!nrbac::session().decide("B0820").permitted());
    CHECK(!nrbac::name() && mine);
    const std::string_view longer("B0820\0x", 7);
    CHECK(!one->prepare(longer));
    CHECK(!session->check(longer));
    CHECK(!session->check(one->prepare(longer)));
}

void sessions_outlive_their_engine(const std::string &source)
{
    nrbac::session session;
    nrbac::name view;
    {
        auto engine = nrbac::engine::open(source);
        view = engine->prepare("B0820");
        session = std::move(*engine->session(kit::request()));
    }
    CHECK(session.check(view));
    const nrbac::decision made = session.decide("scr.emergency");
    CHECK_SAME(made.obligations()[0], "notify-access");
}

void a_request_may_be_a_struct(const std::string &source)
{
    auto engine = nrbac::engine::open(source);
    nrbac_profile profile = {};
    profile.role = "R8000";
    nrbac_request request = {};
    request.subject.type = NRBAC_HEALTHCARE_WORKER;
    request.subject.profiles = &profile;
    request.subject.profile_count = 1;
    request.subject.expires_at = std::time(nullptr) + 2;
    auto session = engine->session(request);
    if (!CHECK_HAS(session))
        return;
    CHECK(session->check("B0820"));
    CHECK(session->valid_until() ==
          std::chrono::system_clock::from_time_t(request.subject.expires_at));
    CHECK(kit::until([&] { return !session->check("B0820"); }));
    CHECK_SAME(session->decide("B0820").reason(), nrbac::reason::EVIDENCE_EXPIRED);
    profile.role = nullptr;
    const auto none = engine->session(request);
    if (CHECK_ERROR(none, not_opened))
        CHECK(none.error().reason() != nrbac::reason::NOT_EVALUATED);
}

void the_clock_counts_unless_it_is_said(const std::string &source)
{
    auto engine = nrbac::engine::open(source);
    auto request = nrbac::document::from_json(R"({
        "subject": { "type": "healthcare-worker", "properties": {
            "userinfo": { "sub": "1", "nhsid_nrbac_roles": [ { "person_roleid": "5",
                "org_code": "RBA", "role_code": "S8000:G8000:R8000" } ] },
            "id_token": { "sub": "1", "exp": 1000000000 } } },
        "action": { "name": "B0820" },
        "context": { "time": "2001-01-01T00:00:00Z" } })");
    CHECK_SAME(engine->evaluate(*request)->reason(), nrbac::reason::EVIDENCE_EXPIRED);
    nrbac::asking then;
    then.request_time = true;
    CHECK(static_cast<bool>(engine->evaluate(*request, then)));
    CHECK(static_cast<bool>(engine->explain(*request, then)));
    CHECK_SAME(engine->session(*request).error().reason(),
               nrbac::reason::EVIDENCE_EXPIRED);
    CHECK(engine->session(*request, then).has_value());
    CHECK_SAME(engine->what_can(*request, then)->root()["activities"].size(), 2u);
    CHECK_SAME(engine->who_can("B0820")->root()["name"].text(), "B0820");
}

void what_cannot_be_opened_says_so(const kit::folder &here)
{
    using nrbac::engine;
    const auto broken = engine::open("dir:" NRBAC_SOURCE_DIR
                                     "/tests/broken/bad-code/policy");
    if (CHECK_ERROR(broken, policy)) {
        const nrbac::error &why = broken.error();
        CHECK(why.diagnostic_count() > 0);
        const nrbac::diagnostic first = why.diagnostic(0);
        CHECK(first.code.size() == 4 && first.code[0] == 'P');
        CHECK(first.line > 0 && first.column > 0 && !first.message.empty());
        CHECK(std::string(why.what()).find(first.message) != std::string::npos);
    }
    std::ofstream(here / "garbage.nrb") << "this is not a compiled policy";
    CHECK_ERROR(engine::open("file:" + (here / "garbage.nrb")), source);
    CHECK_ERROR(engine::open("file:" + (here / "nowhere.nrb")), source);
    CHECK_ERROR(engine::open("file:" + here.path()), source);
    CHECK_ERROR(engine::open("shm:" + (here / "nobody.sock")), source);
    CHECK_ERROR(engine::open("shm:" + std::string(300, 'x')), argument);
    CHECK_ERROR(engine::open("dir:" + (here / "nowhere")), source);
    CHECK_ERROR(engine::open("unix:" + here.path()), argument);
    CHECK_ERROR(engine::open(""), source);
}

/// A policy that cannot be loaded changes nothing; one that can takes the old one's
/// place under sessions and names, and is noticed by who watches.
void policies_are_replaced(const kit::folder &here, const std::string &source)
{
    auto engine = nrbac::engine::create();
    if (!CHECK_HAS(engine))
        return;
    CHECK_SAME(engine->generation(), 0u);
    CHECK_SAME(engine->evaluate(kit::request("R8000", "B0820"))->reason(),
               nrbac::reason::NO_POLICY);
    const auto added = engine->prepare("B0572");
    std::atomic<std::uint32_t> told{ 0 };
    nrbac::watch watching(
        *engine, [&](std::uint32_t now) { told = now; }, 5ms);
    CHECK_HAS(engine->load(source));
    CHECK(kit::until([&] { return told == 1; }));
    auto session = engine->session(kit::request());
    CHECK(session->check("B0820") && !session->check(added));
    CHECK_ERROR(engine->load("file:" + (here / "nowhere.nrb")), source);
    CHECK(session->check("B0820"));

    std::ofstream(here / "policy.yaml")
        << "nrbac: 1\npolicy: { name: other, version: '1' }\n"
           "activities: { B0572: { name: Manage } }\n"
           "job_roles: { R8000: { name: Role } }\n"
           "baseline: [{ roles: [R8000], activities: [B0572] }]\n";
    CHECK_HAS(engine->load("dir:" + here.path()));
    CHECK(!session->check("B0820") && session->check(added));
    CHECK_SAME(engine->generation(), 2u);
    CHECK(kit::until([&] { return told == 2; }));
    std::ofstream(here / "policy.yaml") << "nrbac: 1\nno-such: 1\n";
    CHECK_ERROR(engine->compile(here.path()), policy);
    CHECK(session->check(added));
    CHECK_ERROR(engine->reload(), policy);
    std::ofstream(here / "policy.yaml")
        << "nrbac: 1\npolicy: { name: empty, version: '1' }\n";
    CHECK_HAS(engine->reload());
    CHECK(!session->check(added));
    CHECK_SAME(engine->policy()->root()["name"].text(), "empty");
    CHECK_HAS(engine->load(source));
    CHECK_HAS(engine->reload());
    CHECK(session->check("B0820"));
    CHECK_SAME(engine->generation(), 5u);
}

/// The daemon's table: its reloads, revocations and end are seen here.
void a_daemon_is_followed(const std::string &program, const kit::folder &here,
                          const std::string &source)
{
    std::optional<kit::daemon> daemon;
    daemon.emplace(program, policy, here / "nrbacd.sock",
                   std::vector<std::string>{ "--publish-to", here / "table",
                                             "--stale-seconds", "1" });
    auto engine = nrbac::engine::open(source);
    auto client = nrbac::client::open("unix:" + here.path());
    if (!CHECK_HAS(engine) || !CHECK_HAS(client))
        return;
    auto session = engine->session(kit::request());
    const auto view = engine->prepare("B0820");
    CHECK(session->check(view));
    CHECK_ERROR(engine->load("file:any.nrb"), argument);  // it keeps to its daemon
    CHECK_ERROR(engine->reload(), argument);
    CHECK(client->reload()->root()["ok"].boolean());
    CHECK(kit::until([&] { return engine->generation() == 2; }));
    CHECK(session->check(view));
    nrbac::revocation which;
    which.role_profile = "1001";
    CHECK_HAS(client->revoke(which));
    CHECK(kit::until([&] { return !session->check(view); }));
    CHECK_SAME(session->decide(view).reason(), nrbac::reason::SESSION_REVOKED);
    auto another = engine->session(kit::request());
    CHECK(another->check(view));
    daemon->end(SIGKILL);
    CHECK(kit::until([&] { return !another->check(view); }));
    CHECK_SAME(another->decide(view).reason(), nrbac::reason::POLICY_STALE);
    daemon.emplace(program, policy, here / "nrbacd.sock",
                   std::vector<std::string>{ "--publish-to", here / "table" });
    CHECK(kit::until([&] { return another->check(view); }));
    CHECK(!session->check(view));
}

}  // namespace

#if !KIT_SANITIZED
// What is counted, for a_check_allocates_nothing.
[[gnu::noinline]] void *operator new(std::size_t size)
{
    allocations++;
    if (void *made = std::malloc(size))
        return made;
    std::abort();
}
[[gnu::noinline]] void operator delete(void *what) noexcept
{
    std::free(what);
}
[[gnu::noinline]] void operator delete(void *what, std::size_t) noexcept
{
    std::free(what);
}

#endif

int main(int, char **arguments)
{
    const std::string program = arguments[1];
    const kit::folder here;
    const std::string file = "file:" + (here / "frames.nrb");
    const int rounds = 300;
    kit::on("in-process");
    write_image(here / "frames.nrb");
    everything_holds_on(file, rounds);
    everything_holds_on(here / "frames.nrb", rounds);
    everything_holds_on(std::string("dir:") + policy, rounds);
    a_check_allocates_nothing(file);
    names_belong_to_their_engine(file);
    sessions_outlive_their_engine(file);
    a_request_may_be_a_struct(file);
    the_clock_counts_unless_it_is_said(file);
    what_cannot_be_opened_says_so(here);
    {
        const kit::folder other;
        policies_are_replaced(other, file);
    }
    kit::on("shm");
    {
        kit::daemon daemon(program, policy, here / "nrbacd.sock",
                           { "--publish-to", here / "table" });
        everything_holds_on("shm:" + here.path(), rounds);
        everything_holds_on("shm:" + (here / "nrbacd.sock"), rounds);
        everything_holds_on("file:" + (here / "table"), rounds);
        a_check_allocates_nothing("shm:" + here.path());
        sessions_outlive_their_engine("shm:" + here.path());
    }
    a_daemon_is_followed(program, here, "shm:" + here.path());
    a_daemon_is_followed(program, here, "file:" + (here / "table"));
    return kit::report({ "in-process", "shm" });
}
