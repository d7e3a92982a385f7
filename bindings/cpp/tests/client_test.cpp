// SPDX-License-Identifier: Apache-2.0
// Asking a daemon, a daemon that dies, and some that are none.
//   client_test NRBACD
#include "shared.hpp"

namespace
{

using namespace std::chrono_literals;
using kit::frame;
using nrbac::client;

const char policy[] = NRBAC_SOURCE_DIR "/tests/wire/golden/policy";

/// {"session": N, "effect": "permit", "reason": "opened"}
std::string opened(char session)
{
    return std::string("\x83\xa7session") + session +
           "\xa6"
           "effect\xa6permit\xa6reason\xa6opened";
}
/// [DECISION, REASON, 1, []]
std::string row(bool decision, const std::string &reason)
{
    return std::string("\x94") + (decision ? '\xc3' : '\xc2') +
           static_cast<char>(0xa0 | reason.size()) + reason + "\x01\x90";
}
const std::string yes = row(true, "opened");

/// [1, nil, {code, message}, nil]
std::string nobodys_fault(const std::string &code)
{
    return std::string("\x94\x01\xc0\x82\xa4") + "code" +
           static_cast<char>(0xa0 | code.size()) + code + "\xa7message\xa2no" + "\xc0";
}

/// Opens sessions, and answers everything else as it is told.
kit::fake::answerer after_open(kit::fake::answerer other)
{
    return [other](const frame &got) {
        return got.is("open") ? got.result(opened('\x01')) : other(got);
    };
}

nrbac::client_options quick()
{
    nrbac::client_options made;
    made.deadline = 500ms;
    return made;
}

std::chrono::milliseconds since(std::chrono::steady_clock::time_point began)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
}

// ---- A daemon that is well -------------------------------------------------------------

void the_daemon_is_asked(const std::string &source)
{
    auto it = client::open(source);
    if (!CHECK_HAS(it))
        return;
    shared::all(*it, 200);
    auto batch = nrbac::document::from_json(R"({
        "subject": { "type": "healthcare-worker", "properties": {
            "profile": { "id": "1001", "role": "R8000", "organisation": "RBA" } } },
        "evaluations": [ { "action": { "name": "B0820" } },
                         { "action": { "name": "B0572" } } ] })");
    const auto many = it->evaluations(*batch);
    if (CHECK_HAS(many)) {
        CHECK(many->root()["evaluations"][0]["decision"].boolean());
        CHECK(!many->root()["evaluations"][1]["decision"].boolean());
    }
    CHECK_SAME(it->health()->root()["status"].text(), "ok");
    CHECK(it->metrics()->root()["requests"]["check"].integer() > 0);
    CHECK_SAME(it->call("hello")->root()["server"].text(), "nrbacd");
    const auto refused = it->call("no.such");
    if (CHECK_ERROR(refused, refused)) {
        CHECK_SAME(refused.error().fault(), "unknown-method");
        CHECK_SAME(refused.error().status(), nrbac::status::E_REFUSED);
    }
    CHECK_ERROR(it->revoke({}), argument);
}

void names_belong_to_their_client(const std::string &source)
{
    auto one = client::open(source), other = client::open(source);
    auto session = one->session(kit::request());
    CHECK_ERROR(session->check(other->prepare("B0820")), foreign_name);
    CHECK_ERROR(session->check_many({ one->prepare("B0820"), other->prepare("B0820") }),
                foreign_name);
    CHECK_ERROR(session->decide(other->prepare("B0820")), foreign_name);
    CHECK_SAME(one->prepare("B0820").text(), "B0820");
    // A NUL is no way to ask for another name.
    const std::string_view longer("B0820\0x", 7);
    CHECK(!session->check(longer));
    CHECK(!session->check(one->prepare(longer)));
    CHECK(static_cast<bool>(session->check(one->prepare("B0820"))));
}

void calls_are_under_way_together(const std::string &source)
{
    auto it = client::open(source);
    const auto asked = kit::request("R8000", "B0820");
    std::vector<nrbac::pending> calls;
    for (int i = 0; i < 500; i++) {
        auto sent = it->send("evaluate", { asked.root() });
        if (CHECK_HAS(sent))
            calls.push_back(std::move(*sent));
    }
    for (std::size_t i = 0; i < calls.size(); i += 3)
        calls[i].cancel();
    int good = 0;
    for (std::size_t i = calls.size(); i-- > 0;)  // in any order
        if (i % 3 != 0) {
            const auto answer = calls[i].get();
            good += answer.has_value() && answer->root()["decision"].boolean();
        }
    CHECK_SAME(good, 333);
    CHECK_ERROR(calls[1].get(), argument);  // once
    CHECK_ERROR(calls[0].get(), argument);  // cancelled
    CHECK(static_cast<bool>(it->evaluate(asked)));
}

void a_session_says_when_it_ends(const std::string &source)
{
    auto it = client::open(source);
    auto request = kit::request();
    nrbac::document with = *nrbac::document::from_json(R"({
        "subject": { "type": "healthcare-worker", "properties": {
            "userinfo": { "sub": "1", "nhsid_nrbac_roles": [ { "person_roleid": "5",
                "org_code": "RBA", "role_code": "S8000:G8000:R8000" } ] },
            "id_token": { "sub": "1", "exp": 4102444800 } } } })");
    auto session = it->session(with);
    if (CHECK_HAS(session))
        CHECK(session->valid_until() ==
              std::chrono::system_clock::from_time_t(4102444800));
}

void a_new_policy_is_noticed(const std::string &source)
{
    auto it = client::open(source);
    auto session = it->session(kit::request());
    std::atomic<std::uint32_t> told{ 0 };
    const std::uint32_t before = *it->generation();
    {
        nrbac::watch watching(
            *it, [&](std::uint32_t now) { told = now; }, 10ms);
        const auto done = it->reload();
        if (CHECK_HAS(done))
            CHECK_SAME(done->root()["generation"].integer(), before + 1);
        CHECK(kit::until([&] { return told == before + 1; }));
    }
    CHECK_SAME(session->decide("B0820")->generation(), before + 1);
}

/// The daemon forgets a session that is let go, also without an answer to wait for.
void sessions_are_closed(const std::string &source)
{
    auto it = client::open(source);
    std::vector<nrbac::client_session> sessions;
    for (int i = 0; i < 20; i++)
        sessions.push_back(std::move(*it->session(kit::request())));
    CHECK_SAME(it->health()->root()["sessions"].integer(), 20);
    while (sessions.size() > 5)
        sessions.pop_back();
    CHECK_SAME(it->health()->root()["sessions"].integer(), 5);
    sessions.clear();
    CHECK_SAME(it->health()->root()["sessions"].integer(), 0);
}

// ---- A daemon that dies -----------------------------------------------------------------

/// Killed and started again under threads that check: no wrong answer, no hang, and the
/// same sessions and names go on.
void a_daemon_comes_back(const std::string &program, const kit::folder &here)
{
    std::optional<kit::daemon> daemon(std::in_place, program, policy,
                                      here / "nrbacd.sock");
    auto it = client::open("unix:" + here.path());
    auto session = it->session(kit::request());
    auto revoked = it->session(kit::request());
    const auto view = it->prepare("B0820");
    const auto manage = it->prepare("B0572");
    CHECK(static_cast<bool>(session->check(view)));
    nrbac::revocation which;
    which.role_profile = "1001";
    CHECK_SAME(it->revoke(which).value_or(0u), 2u);
    CHECK_SAME(revoked->decide(view)->reason(), nrbac::reason::SESSION_REVOKED);
    session = it->session(kit::request());

    std::atomic<bool> ending{ false };
    std::atomic<int> wrong{ 0 }, good{ 0 };
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            auto brief = it->within(2s);
            while (!ending) {
                const auto may = session->check(view);
                const auto many = session->check_many({ view, manage });
                const auto may_not = session->check(manage);
                good += static_cast<bool>(may);
                wrong += static_cast<bool>(may_not);
                wrong += may.has_value() && !*may;
                wrong += many.has_value() && (!(*many)[0] || (*many)[1]);
                const auto whole = brief.evaluate(kit::request("R8000", "B0572"));
                wrong += static_cast<bool>(whole);
            }
        });
    for (int i = 0; i < 5; i++) {
        CHECK(kit::until([&, before = good.load()] { return good > before + 20; }));
        daemon->end(i % 2 == 0 ? SIGKILL : SIGTERM);
        std::this_thread::sleep_for(20ms);
        daemon.emplace(program, policy, here / "nrbacd.sock");
    }
    CHECK(kit::until([&, before = good.load()] { return good > before + 20; }));
    ending = true;
    for (std::thread &one : threads)
        one.join();
    CHECK_SAME(wrong.load(), 0);
    CHECK(static_cast<bool>(session->check(view)));
    CHECK(static_cast<bool>(session->check(view)));  // by a number of the new daemon
    // What was revoked stays so, though its evidence would open it again.
    CHECK_SAME(revoked->decide(view)->reason(), nrbac::reason::SESSION_REVOKED);
}

void who_waits_is_told_when_nobody_comes(const std::string &program,
                                         const kit::folder &here)
{
    auto began = std::chrono::steady_clock::now();
    auto it = client::open("unix:" + here.path(), quick());
    if (!CHECK_HAS(it))
        return;
    CHECK_ERROR(it->health(), daemon_unavailable);
    CHECK(since(began) >= 490ms && since(began) < 5s);
    CHECK_ERROR(client::open("shm:" + here.path()), argument);
    auto longer = client::open("unix:" + std::string(300, 'x'), quick());
    CHECK_ERROR(longer->health(), daemon_unavailable);
    began = std::chrono::steady_clock::now();
    CHECK_ERROR(it->evaluate(kit::request("R8000", "B0820")), daemon_unavailable);
    CHECK_ERROR(it->session(kit::request()), daemon_unavailable);
    CHECK(since(began) >= 980ms && since(began) < 8s);

    // A call that waits while the daemon starts is answered.
    nrbac::result<nrbac::answer> answer = nrbac::error(
        nrbac::errc::closed, nrbac::status::OK, "nothing yet");
    std::thread waiting(
        [&] { answer = it->within(20s).evaluate(kit::request("R8000", "B0820")); });
    kit::daemon daemon(program, policy, here / "nrbacd.sock");
    waiting.join();
    CHECK(static_cast<bool>(answer));
    auto session = it->within(20s).session(kit::request());
    session = it->session(kit::request());
    daemon.end(SIGKILL);
    CHECK_ERROR(session->check("B0820"), daemon_unavailable);
    CHECK_ERROR(session->check_many({ "B0820" }), daemon_unavailable);
    CHECK_ERROR(session->decide("B0820"), daemon_unavailable);
    CHECK_ERROR(it->reload(), daemon_unavailable);
}

/// One that stands still costs each call its deadline, and no memory.
void a_daemon_that_hangs_costs_a_deadline(const std::string &program,
                                          const kit::folder &here)
{
    kit::daemon daemon(program, policy, here / "nrbacd.sock");
    auto options = quick();
    options.deadline = 20ms;
    auto it = client::open("unix:" + here.path());
    auto brief = it->within(20ms);
    auto session = it->session(kit::request());
    daemon.signal(SIGSTOP);
    nrbac::document large = kit::request("R8000", "B0820");
    large["padding"] = std::string(100000, 'x');
    const long before = kit::resident();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; i++)
        CHECK_ERROR(brief.evaluate(large), timeout);
    CHECK(since(began) < 5s);
    CHECK(kit::sanitized || kit::resident() - before < 4096);
    daemon.signal(SIGCONT);
    CHECK(static_cast<bool>(it->evaluate(kit::request("R8000", "B0820"))));
    CHECK(static_cast<bool>(session->check("B0820")));
}

// ---- Daemons that are none -----------------------------------------------------------------

void garbage_is_no_answer(const kit::folder &here)
{
    const std::string source = "unix:" + here.path();
    struct {
        const char *what;
        std::string bytes;
        nrbac::errc want;
    } const cases[] = {
        { "no MessagePack", "\xc1", nrbac::errc::protocol },
        { "no frame", "\x01", nrbac::errc::protocol },
        { "a request", std::string("\x94\x00\x01\xa5hello\x90", 10),
          nrbac::errc::protocol },
        { "four thousand million items", "\xdd\xff\xff\xff\xff",
          nrbac::errc::protocol },
        { "half an answer", "\x94\x01", nrbac::errc::timeout },
        { "nothing", "", nrbac::errc::timeout },
        { "the end", "!", nrbac::errc::daemon_unavailable },
    };
    for (const auto &one : cases) {
        kit::fake daemon(here / "nrbacd.sock",
                         after_open([&](const frame &) { return one.bytes; }));
        auto it = client::open(source, quick());
        auto session = it->session(kit::request());
        if (!CHECK_HAS(session))
            continue;
        const auto said = session->check("B0820");
        CHECK(!said);
        if (said.has_value())
            continue;
        // What is tried again until the deadline may end in the midst of a try.
        const nrbac::errc got = said.error().code();
        const bool late = one.want == nrbac::errc::daemon_unavailable &&
                          got == nrbac::errc::timeout;
        kit::note(got == one.want || late, __FILE__, __LINE__,
                  std::string(one.what) + ": " + said.error().what());
        CHECK(!it->evaluate(kit::request("R8000", "B0820")));
    }
}

void what_is_no_row_is_no_permit(const kit::folder &here)
{
    struct {
        std::string bytes;
        bool answered, permitted;
    } const cases[] = {
        { row(true, "granted-by-baseline"), true, true },
        { row(false, "not-granted"), true, false },
        { row(true, "not-granted"), false, false },  // contradicts itself
        { row(false, "granted-by-baseline"), false, false },
        { row(true, "of-the-future"), true, true },
        { row(false, "of-the-future"), true, false },
        { "\xc3", false, false },                        // true
        { "\x93\xc3\xa6opened\x01", false, false },      // without obligations
        { "\x94\x01\xa6opened\x01\x90", false, false },  // 1 is not true
        { "\x94\xc3\x01\x01\x90", false, false },        // no reason
        { "\x94\xc3\xa6opened\x01\x91\x01", false,
          false },  // an obligation that is none
        { "\xc0", false, false },
    };
    for (const auto &one : cases) {
        kit::fake daemon(here / "nrbacd.sock", after_open([&](const frame &got) {
                             return got.result(got.is("check") ? one.bytes
                                                               : "\x91" + one.bytes);
                         }));
        auto it = client::open("unix:" + here.path(), quick());
        auto session = it->session(kit::request());
        const auto said = session->check("B0820");
        CHECK_SAME(said.has_value(), one.answered);
        CHECK_SAME(static_cast<bool>(said), one.permitted);
        if (one.bytes == row(true, "of-the-future")) {
            const auto made = session->decide("B0820");
            CHECK_SAME(made->reason(), nrbac::reason::NOT_EVALUATED);
            CHECK_SAME(made->reason_slug(), "of-the-future");
            CHECK(made->permitted());
        }
        const auto many = session->check_many({ "B0820" });
        CHECK_SAME(many.has_value(), one.answered);
        CHECK(!many.has_value() || (*many)[0] == one.permitted);
        const auto fewer = session->check_many({ "B0820", "B0825" });
        CHECK(!fewer.has_value());  // one answer to two questions
    }
}

void a_session_that_is_not_known_is_opened_once_more(const kit::folder &here)
{
    std::atomic<int> checks{ 0 }, opens{ 0 };
    bool always = false;
    kit::fake daemon(here / "nrbacd.sock", [&](const frame &got) {
        if (got.is("open"))
            return got.result(opened(static_cast<char>(++opens)));
        if (got.is("close"))
            return got.result("\xc3");
        return ++checks == 1 || always ? got.fault("unknown-session") : got.result(yes);
    });
    auto it = client::open("unix:" + here.path(), quick());
    auto session = it->session(kit::request());
    CHECK(static_cast<bool>(session->check("B0820")));
    CHECK_SAME(opens.load(), 2);
    CHECK_SAME(checks.load(), 2);
    always = true;
    const auto said = session->check("B0820");
    if (CHECK_ERROR(said, refused))
        CHECK_SAME(said.error().fault(), "unknown-session");
    CHECK_SAME(opens.load(), 3);
}

/// A session that may not be opened again is denied for that reason, and asks again
/// later.
void reopening_can_be_denied(const kit::folder &here)
{
    std::atomic<int> opens{ 0 };
    kit::fake daemon(here / "nrbacd.sock", [&](const frame &got) {
        if (!got.is("open"))
            return got.is("check") && opens == 1 ? std::string("!") : got.result(yes);
        return ++opens == 2 ? got.result("\x82\xa6"
                                         "effect\xa4"
                                         "deny\xa6reason\xac"
                                         "policy-stale")
                            : got.result(opened('\x01'));
    });
    auto it = client::open("unix:" + here.path());
    auto session = it->session(kit::request());
    const auto said = session->decide("B0820");
    if (CHECK_HAS(said)) {
        CHECK_SAME(said->effect(), nrbac::effect::DENY);
        CHECK_SAME(said->reason(), nrbac::reason::POLICY_STALE);
    }
    CHECK(static_cast<bool>(session->check("B0820")));
}

void names_are_asked_by_the_number_of_this_connection(const kit::folder &here)
{
    std::atomic<int> hellos{ 0 }, by_number{ 0 }, by_text{ 0 };
    std::atomic<bool> hang_up{ false }, refuse{ false };
    kit::fake daemon(
        here / "nrbacd.sock", after_open([&](const frame &got) {
            if (hang_up.exchange(false))
                return std::string("!");
            if (got.is("hello") && refuse)
                return got.fault("over-limit");
            if (got.is("hello")) {
                const char number = static_cast<char>(0x10 + ++hellos);
                return got.result(std::string("\x81\xa7numbers\x81\xa5"
                                              "B0820") +
                                  number);
            }
            if (got.is("close"))
                return got.result("\xc3");
            const std::string asked = got.bytes.substr(9);  // behind "check"
            const bool number = asked[2] == static_cast<char>(0x10 + hellos);
            (number ? by_number : by_text)++;
            return got.result(yes);
        }));
    auto it = client::open("unix:" + here.path());
    auto session = it->session(kit::request());
    const auto view = it->prepare("B0820");
    const auto other = it->prepare("B0825");
    for (int i = 0; i < 3; i++) {
        CHECK(static_cast<bool>(session->check(view)));
        CHECK(static_cast<bool>(session->check(other)));  // has no number
    }
    CHECK_SAME(hellos.load(), 1);
    CHECK_SAME(by_number.load(), 3);
    CHECK_SAME(by_text.load(), 3);
    hang_up = true;
    for (int i = 0; i < 3; i++)
        CHECK(static_cast<bool>(session->check(view)));
    CHECK_SAME(daemon.connections(), 2);
    CHECK_SAME(hellos.load(), 2);  // told anew on the second connection
    CHECK_SAME(by_number.load(), 6);
    CHECK_SAME(by_text.load(), 3);
    hang_up = refuse = true;
    CHECK(static_cast<bool>(session->check(view)));  // a number of before means nothing
    CHECK_SAME(daemon.connections(), 3);
    CHECK_SAME(by_number.load(), 6);
    CHECK_SAME(by_text.load(), 4);
}

/// What is meant for one connection is not sent on the next.
void a_call_keeps_to_its_connection(const kit::folder &here)
{
    kit::fake daemon(here / "nrbacd.sock",
                     [](const frame &got) { return got.result("\x80"); });
    nrbac::detail::link line(here / "nrbacd.sock", {});
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    const auto params = nrbac::detail::params_of({});
    const auto first = line.send("health", params.root(), deadline);
    if (!CHECK_HAS(first))
        return;
    const nrbac::detail::epoch of = (*first)->of;
    CHECK(!line.wait(**first, deadline).has_value());
    CHECK(line.is_connected(of) && !line.is_connected(of + 1));
    CHECK_HAS(line.send("health", params.root(), deadline, of));
    CHECK_ERROR(line.send("health", params.root(), deadline, of + 1),
                daemon_unavailable);
}

/// Who has read for others and has its own answer leaves the reading to one of them.
void another_reads_when_the_reader_leaves(const kit::folder &here)
{
    kit::fake daemon(here / "nrbacd.sock", [](const frame &got) {
        std::this_thread::sleep_for(200ms);
        return got.result("\x80");
    });
    auto it = client::open("unix:" + here.path());
    CHECK_HAS(it->health());
    auto first = it->send("health"), second = it->send("health");
    const auto began = std::chrono::steady_clock::now();
    std::thread reader([&] { CHECK_HAS(first->get()); });
    std::this_thread::sleep_for(50ms);  // it reads by now
    CHECK_HAS(second->get());
    CHECK(since(began) < 3s);
    reader.join();
}

void the_queue_is_bounded(const kit::folder &here)
{
    std::string answers;
    int asked = 0;
    kit::fake daemon(here / "nrbacd.sock", [&](const frame &got) {
        answers += got.result("\xc3");
        if (++asked < 4)
            return std::string();
        std::this_thread::sleep_for(300ms);
        return answers;
    });
    nrbac::client_options options;
    options.in_flight = 4;
    auto it = client::open("unix:" + here.path(), options);
    std::vector<nrbac::pending> calls;
    for (int i = 0; i < 4; i++)
        calls.push_back(std::move(*it->send("health")));
    CHECK_ERROR(it->send("health"), queue_full);
    CHECK_ERROR(it->evaluate(kit::request()), queue_full);
    calls.pop_back();  // cancelled, and still under way
    CHECK_ERROR(it->send("health"), queue_full);
    for (nrbac::pending &one : calls)
        CHECK_HAS(one.get());
    CHECK_HAS(it->send("health"));
}

void a_late_answer_is_nobodys(const kit::folder &here)
{
    int asked = 0;
    kit::fake daemon(here / "nrbacd.sock", [&](const frame &got) {
        if (++asked == 1)
            std::this_thread::sleep_for(700ms);
        return got.result(std::string(1, static_cast<char>(asked)));
    });
    auto it = client::open("unix:" + here.path(), quick());
    CHECK_ERROR(it->call("health"), timeout);
    CHECK_SAME(it->call("health")->root().integer(), 2);
    {
        auto cancelled = it->send("health");
        CHECK_HAS(cancelled);
    }
    CHECK_SAME(it->call("health")->root().integer(), 4);
}

/// A daemon that has connections enough says so, and is tried again until the deadline.
void a_refused_connection_is_tried_again(const kit::folder &here)
{
    std::atomic<bool> full{ true };
    kit::fake daemon(
        here / "nrbacd.sock",
        [&](const frame &got) {
            return full ? nobodys_fault("over-limit")
                        : got.result("\x81\xa6status\xa2ok");
        },
        false);
    auto it = client::open("unix:" + here.path(), quick());
    const auto said = it->health();
    if (CHECK_ERROR(said, daemon_unavailable))
        CHECK(std::string(said.error().what()).find("over-limit") != std::string::npos);
    CHECK(daemon.connections() >= 3 && daemon.connections() < 20);  // it backs off
    full = false;
    CHECK_SAME(it->within(5s).health()->root()["status"].text(), "ok");
}

/// What ends the connection by being too much is told to who asked it; the others ask
/// again.
void too_much_is_refused(const kit::folder &here)
{
    kit::fake daemon(here / "nrbacd.sock", [&](const frame &got) {
        return got.is("reload") ? nobodys_fault("over-limit") : got.result("\x80");
    });
    auto it = client::open("unix:" + here.path());
    CHECK_HAS(it->health());
    const auto said = it->call("reload");
    if (CHECK_ERROR(said, refused))
        CHECK_SAME(said.error().fault(), "over-limit");
    CHECK_HAS(it->health());
    CHECK_SAME(daemon.connections(), 2);
}

/// Larger sets than the daemon takes are asked in parts, larger messages not at all.
void the_limits_of_the_daemon_are_kept(const std::string &source)
{
    auto it = client::open(source);
    auto session = it->session(kit::request());
    std::vector<std::string> names(2500, "B0572");
    names[1024] = names[2499] = "B0820";
    const auto many = session->check_many(names);
    if (CHECK_HAS(many)) {
        CHECK_SAME(many->size(), names.size());
        CHECK_SAME(std::count(many->begin(), many->end(), true), 2);
        CHECK((*many)[1024] && (*many)[2499]);
    }
    auto large = kit::request("R8000", "B0820");
    large["padding"] = std::string(2000000, 'x');
    const auto said = it->evaluate(large);
    if (CHECK_ERROR(said, refused))
        CHECK_SAME(said.error().status(), nrbac::status::E_LIMIT);
    CHECK(static_cast<bool>(session->check("B0820")));
    CHECK_SAME(it->metrics()->root()["errors"]["over-limit"].integer(), 0);
}

/// What changes something is not done twice.
void what_changes_something_is_asked_once(const kit::folder &here)
{
    std::atomic<int> reloads{ 0 }, healths{ 0 };
    kit::fake daemon(here / "nrbacd.sock", [&](const frame &got) {
        (got.is("reload") ? reloads : healths)++;
        if (got.is("reload") || healths == 1)
            return std::string("!");
        return got.result("\x80");
    });
    auto it = client::open("unix:" + here.path(), quick());
    CHECK_ERROR(it->reload(), daemon_unavailable);
    CHECK_SAME(reloads.load(), 1);
    CHECK_HAS(it->health());
    CHECK_SAME(healths.load(), 2);
}

void closing_ends_whoever_waits(const kit::folder &here)
{
    kit::fake daemon(here / "nrbacd.sock",
                     after_open([](const frame &) { return std::string(); }));
    auto it = client::open("unix:" + here.path());
    auto session = it->session(kit::request());
    std::vector<std::thread> threads;
    std::atomic<int> closed{ 0 };
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 3; i++)
        threads.emplace_back([&] {
            const auto said = session->check("B0820");
            closed += !said.has_value() && said.error().code() == nrbac::errc::closed;
        });
    std::this_thread::sleep_for(50ms);
    it->close();
    for (std::thread &one : threads)
        one.join();
    CHECK(since(began) < 2s);
    CHECK_SAME(closed.load(), 3);
    CHECK_ERROR(session->check("B0820"), closed);
    CHECK_ERROR(it->health(), closed);
}

/// Many threads, each with answers of its own, over one connection.
void answers_are_not_mixed_up(const std::string &source)
{
    auto it = client::open(source);
    std::atomic<int> wrong{ 0 };
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; t++)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; i++) {
                const std::string name = "no.such." + std::to_string(1000 * t + i);
                const auto said = it->evaluate(kit::request("R8000", name));
                wrong += !said.has_value() || said->context()["asked"].text() != name;
            }
        });
    for (std::thread &one : threads)
        one.join();
    CHECK_SAME(wrong.load(), 0);
}

/// Whatever locks its other threads hold at that moment, and whatever is half sent.
void children_leave_their_parents_connection_alone(const std::string &source)
{
    auto it = nrbac::client::open(source);
    auto session = it->session(kit::request());
    if (!CHECK_HAS(session))
        return;
    const auto view = it->prepare("B0820");
    std::atomic<bool> ending{ false };
    std::atomic<int> wrong{ 0 };
    std::vector<std::thread> threads;
    // A sanitizer has locks of its own, which a child may find held.
    for (int t = 0; t < (kit::sanitized ? 0 : 4); t++)
        threads.emplace_back([&, t] {
            auto own = it->session(kit::request());
            for (int i = 0; !ending; i++) {
                const std::string name = "no.such." + std::to_string(1000 * t + i);
                const auto said = it->evaluate(kit::request("R8000", name));
                wrong += !said.has_value() || said->context()["asked"].text() != name;
                wrong += !shared::yes(own->check(view)) ||
                         !shared::yes(session->check(view));
            }
        });
    const auto child = [&] {
        const auto is_forked = [](const auto &got) {
            return !got.has_value() && got.error().code() == nrbac::errc::forked;
        };
        bool good = is_forked(session->check(view)) &&
                    is_forked(session->check("B0820")) &&
                    is_forked(it->session(kit::request())) &&
                    is_forked(it->evaluate(kit::request("R8000", "B0820"))) &&
                    is_forked(it->health()) && is_forked(it->send("health")) &&
                    is_forked(it->reload()) && !session->valid_until().has_value() &&
                    it->prepare("B0825").text() == "B0825";
        {
            auto gone = std::move(*session);  // goes, and says nothing to the daemon
            const auto client = std::move(*it);
        }
        auto own = nrbac::client::open(source);
        return good && shared::yes(own->session(kit::request())->check("B0820"));
    };
    for (int i = 0; i < 10; i++) {
        CHECK(kit::ends_well_in_a_child(child));
        CHECK(shared::yes(session->check(view)));
    }
    ending = true;
    for (std::thread &one : threads)
        one.join();
    CHECK_SAME(wrong.load(), 0);
}

}  // namespace

int main(int, char **arguments)
{
    const std::string program = arguments[1];
    kit::on("unix");
    {
        const kit::folder here;
        kit::daemon daemon(program, policy, here / "nrbacd.sock");
        const std::string source = "unix:" + here.path();
        the_daemon_is_asked(source);
        the_daemon_is_asked("unix:" + (here / "nrbacd.sock"));
        names_belong_to_their_client(source);
        calls_are_under_way_together(source);
        a_session_says_when_it_ends(source);
        a_new_policy_is_noticed(source);
        sessions_are_closed(source);
        answers_are_not_mixed_up(source);
        the_limits_of_the_daemon_are_kept(source);
        children_leave_their_parents_connection_alone(source);
    }
    const kit::folder here;
    a_daemon_comes_back(program, here);
    const kit::folder there;
    who_waits_is_told_when_nobody_comes(program, there);
    a_daemon_that_hangs_costs_a_deadline(program, here);
    garbage_is_no_answer(here);
    what_is_no_row_is_no_permit(here);
    a_session_that_is_not_known_is_opened_once_more(here);
    reopening_can_be_denied(here);
    names_are_asked_by_the_number_of_this_connection(here);
    a_call_keeps_to_its_connection(here);
    another_reads_when_the_reader_leaves(here);
    the_queue_is_bounded(here);
    a_late_answer_is_nobodys(here);
    a_refused_connection_is_tried_again(here);
    what_changes_something_is_asked_once(here);
    too_much_is_refused(here);
    closing_ends_whoever_waits(here);
    return kit::report({ "unix" });
}
