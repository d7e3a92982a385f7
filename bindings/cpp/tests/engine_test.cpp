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
    CHECK_ERROR(engine::open("shm:" + (here / "nobody.sock")), daemon_unavailable);
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

// ---- Several requests in one ---------------------------------------------------------

void several_are_answered_as_a_daemon_does(const std::string &folder)
{
    const auto engine = nrbac::engine::open("shm:" + folder);
    const auto client = nrbac::client::open("unix:" + folder);
    if (!CHECK_HAS(engine))
        return;
    const std::string subject =
        R"("subject": {"type": "healthcare-worker", "properties":
            {"profile": {"role": "R8000", "organisation": "RBA"}}})";
    const std::string names =
        R"({"action": {"name": "B0820"}}, {"action": {"name": "B0572"}},
           {"action": {"name": "scr.emergency"}}, {"action": {"name": "no.such"}})";
    const auto asked = [&](const std::string &rest) {
        return "{" + subject + rest + "}";
    };
    const auto semantic = [&](const std::string &how) {
        return asked(R"(, "evaluations": [)" + names + R"(],
                     "options": {"evaluations_semantic": )" +
                     how + "}");
    };
    for (const std::string &text : {
             asked(R"(, "evaluations": [)" + names + "]"),
             semantic(R"("execute_all")"),
             semantic(R"("deny_on_first_deny")"),
             semantic(R"("permit_on_first_permit")"),
             asked(R"(, "evaluations": [null, 7, "B0820", [], {}, {"action": null}])"),
             asked(R"(, "action": {"name": "B0820"}, "evaluations": [{},
                     {"subject": {"type": "robot"}}, {"context": {"organisation": "Y51"}}])"),
             asked(R"(, "action": {"name": "B0820"}, "evaluations": [])"),
             std::string("{}"),
         }) {
        const auto request = nrbac::document::from_json(text);
        const auto here = engine->evaluations(*request);
        const auto there = client->evaluations(*request);
        if (CHECK_HAS(here) && CHECK_HAS(there))
            CHECK_SAME(here->root().json(), there->root().json());
    }
    for (const std::string &text :
         { asked(R"(, "evaluations": null)"), asked(R"(, "evaluations": {})"),
           asked(R"(, "options": null)"), semantic("null"), semantic(R"("all")") }) {
        const auto request = nrbac::document::from_json(text);
        CHECK_ERROR(engine->evaluations(*request), argument);
        CHECK_ERROR(client->evaluations(*request), refused);
    }
}

// ---- Recorded ------------------------------------------------------------------------

nrbac::document nurse(std::string_view action = "")
{
    auto made = nrbac::document::from_json(R"({"subject": {"type": "healthcare-worker",
        "id": "910000000001", "properties": {"userinfo": {"sub": "910000000001",
        "nhsid_nrbac_roles": [{"person_roleid": "501", "org_code": "RBA",
                               "role_code": "R8000"}]}}}})");
    std::string text = made->root().json();
    if (!action.empty())
        text.insert(text.size() - 1,
                    R"(,"action":{"name":")" + std::string(action) + "\"}");
    return *nrbac::document::from_json(text);
}

/// What this process decided, as the command lists it.
std::vector<std::string> records(const std::string &trail)
{
    std::vector<std::string> found;
    const std::string command = std::string(std::getenv("NRBAC")) +
                                " audit list --format json " + trail;
    FILE *listed = ::popen(command.c_str(), "r");
    char *line = nullptr;
    std::size_t room = 0;
    while (::getline(&line, &room, listed) > 0) {
        const auto row = nrbac::document::from_json(line);
        const auto word = [&](const char *key) {
            return std::string(row->root()[key].text());
        };
        if (row->root()["peer"]["pid"].integer() == ::getpid())
            found.push_back(word("event") + " " + word("user") + " " + word("action") +
                            " " + word("reason"));
    }
    std::free(line);
    ::pclose(listed);
    return found;
}

template <class Holds> bool until(Holds holds)
{
    for (int i = 0; i < 1000; i++) {
        if (holds())
            return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

const nrbac::engine_options recorded = { true };

void every_decision_is_in_the_trail(const std::string &program, const kit::folder &here)
{
    const std::string trail = here / "trail.db";
    const kit::daemon daemon(program, policy, here / "nrbacd.sock",
                             { "--audit", trail });
    auto engine = nrbac::engine::open("shm:" + here.path(), recorded);
    if (!CHECK_HAS(engine))
        return;
    const auto session = engine->session(nurse());
    const auto view = engine->prepare("B0820"), manage = engine->prepare("B0572");
    CHECK(session->check(view) && session->check("B0825") && !session->check(manage));
    CHECK(!session->check(nrbac::name()));
    CHECK((
        session->check_many({ "B0572", "patient.amend", "scr.emergency", "no.such" }) ==
        std::vector<bool>{ false, true, false, false }));
    CHECK(session->decide("scr.emergency").permitted());
    CHECK(!session->decide_many({ view, manage })[1].permitted());
    CHECK(shared::yes(engine->evaluate(nurse("B0825"))));
    CHECK(!shared::yes(engine->explain(nurse("B0572"))));
    const std::string who = " 910000000001 ";
    const std::vector<std::string> expected = {
        "open" + who + " opened",
        "recorded" + who + "B0820 granted-by-baseline",
        "recorded" + who + "B0825 granted-by-baseline",
        "recorded" + who + "B0572 not-granted",
        "recorded" + who + " unknown-function",
        "recorded" + who + "B0572 not-granted",
        "recorded" + who + "patient.amend requirement-met",
        "recorded" + who + "scr.emergency obligations-apply",
        "recorded" + who + "no.such unknown-function",
        "check" + who + "scr.emergency requirement-met",
        "check" + who + "B0820 granted-by-baseline",
        "check" + who + "B0572 not-granted",
        "evaluate" + who + "B0825 granted-by-baseline",
        "evaluate" + who + "B0572 not-granted",
    };
    CHECK(until([&] { return records(trail).size() == expected.size(); }));
    const auto found = records(trail);
    for (std::size_t i = 0; i < found.size() && i < expected.size(); i++)
        CHECK_SAME(found[i], expected[i]);
}

void what_cannot_be_recorded_is_denied(const std::string &program,
                                       const kit::folder &here)
{
    const std::string trail = here / "trail.db";
    auto daemon = std::make_unique<kit::daemon>(
        program, policy, here / "nrbacd.sock",
        std::vector<std::string>{ "--audit", trail });
    auto engine = nrbac::engine::open("shm:" + here.path(), recorded);
    if (!CHECK_HAS(engine))
        return;
    const auto session = engine->session(nurse());
    const auto view = engine->prepare("B0820");
    daemon.reset();
    std::size_t permitted = 0;
    while (session->check(view))
        permitted++;
    CHECK(permitted > 50);
    CHECK(!session->check("B0820"));
    CHECK_SAME(session->decide(view).reason(), nrbac::reason::NOT_RECORDED);
    CHECK_SAME(session->decide("B0820").effect(), nrbac::effect::DENY);
    CHECK_SAME(engine->evaluate(nurse("B0820"))->reason(), nrbac::reason::NOT_RECORDED);
    const auto second = engine->session(nurse());
    if (CHECK_ERROR(second, not_opened))
        CHECK_SAME(second.error().reason(), nrbac::reason::NOT_RECORDED);
    daemon = std::make_unique<kit::daemon>(
        program, policy, here / "nrbacd.sock",
        std::vector<std::string>{ "--audit", trail });
    CHECK(until([&] { return session->check(view); }));
    CHECK(until([&] { return records(trail).size() == 1 + permitted + 1; }));
}

void who_cannot_be_recorded_does_not_open(const kit::folder &here)
{
    const auto refused = nrbac::engine::open("shm:" + here.path(), recorded);
    if (CHECK_ERROR(refused, refused))
        CHECK(std::string(refused.error().what()).find("audit trail") !=
              std::string::npos);
    CHECK_ERROR(nrbac::engine::open(std::string("dir:") + policy, recorded), argument);
    CHECK_ERROR(nrbac::engine::open("file:" + (here / "table"), recorded), argument);
}

// ---- Forked children -----------------------------------------------------------------

void an_engine_is_the_parents_alone(const std::string &source, const std::string &file)
{
    auto engine = nrbac::engine::open(source);
    if (!CHECK_HAS(engine))
        return;
    auto session = engine->session(kit::request());
    const auto view = engine->prepare("B0820");
    std::optional<nrbac::watch> watching(std::in_place, *engine, [](std::uint32_t) {});
    std::this_thread::sleep_for(50ms);  // its threads wait by now
    const auto child = [&] {
        const auto is_forked = [](const auto &it) {
            return !it.has_value() && it.error().code() == nrbac::errc::forked;
        };
        const bool denied = !session->check(view) && !session->check("B0820") &&
                            !session->is_open() && !session->decide(view).permitted() &&
                            !session->decide("B0820").permitted();
        const bool told = is_forked(engine->session(kit::request())) &&
                          is_forked(engine->evaluate(kit::request("R8000", "B0820"))) &&
                          is_forked(engine->evaluations(kit::request())) &&
                          is_forked(engine->what_can(kit::request())) &&
                          is_forked(engine->who_can("B0820")) &&
                          is_forked(engine->policy()) && is_forked(engine->reload()) &&
                          is_forked(engine->session(nrbac_request()));
        const bool inert = !engine->prepare("B0825") &&
                           engine->revoke({ "", "", "1" }) == 0;
        engine->stop(true);
        watching.reset();
        session->close();
        {
            const auto gone = std::move(*engine);
        }
        auto own = nrbac::engine::open(file);
        return denied && told && inert && own.has_value() &&
               own->session(kit::request())->check(own->prepare("B0820"));
    };
    CHECK(kit::ends_well_in_a_child(child));
    CHECK(session->check(view) &&
          shared::yes(engine->evaluate(kit::request("R8000", "B0820"))));
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
    an_engine_is_the_parents_alone(file, file);
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
        several_are_answered_as_a_daemon_does(here.path());
        who_cannot_be_recorded_does_not_open(here);
        an_engine_is_the_parents_alone("shm:" + here.path(), file);
    }
    {
        const kit::folder there, elsewhere;
        every_decision_is_in_the_trail(program, there);
        what_cannot_be_recorded_is_denied(program, elsewhere);
    }
    a_daemon_is_followed(program, here, "shm:" + here.path());
    a_daemon_is_followed(program, here, "file:" + (here / "table"));
    return kit::report({ "in-process", "shm" });
}
