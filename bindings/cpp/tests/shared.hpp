// SPDX-License-Identifier: Apache-2.0
/// @file
/// What holds for an engine and for a client alike, on the policy of the golden frames.
#ifndef SHARED_HPP
#define SHARED_HPP

#include "kit.hpp"

namespace shared
{

inline nrbac::decision made(nrbac::decision it)
{
    return it;
}
inline nrbac::decision made(nrbac::result<nrbac::decision> it)
{
    return it.value_or(nrbac::decision());
}
inline std::vector<nrbac::decision> made(std::vector<nrbac::decision> it)
{
    return it;
}
inline std::vector<nrbac::decision> made(nrbac::result<std::vector<nrbac::decision>> it)
{
    return it.value_or(std::vector<nrbac::decision>());
}
inline std::vector<bool> made(std::vector<bool> it)
{
    return it;
}
inline std::vector<bool> made(nrbac::result<std::vector<bool>> it)
{
    return it.value_or(std::vector<bool>());
}
inline std::uint32_t made(std::uint32_t it)
{
    return it;
}
inline std::uint32_t made(nrbac::result<std::uint32_t> it)
{
    return it.value_or(0);
}

/// A yes is asked as `if` asks.
template <class Answer> bool yes(const Answer &it)
{
    return it ? true : false;
}

template <class Source> void sessions_check(Source &source)
{
    auto session = source.session(kit::request());
    if (!CHECK_HAS(session))
        return;
    const auto view = source.prepare("B0820");
    const auto manage = source.prepare("B0572");
    const auto emergency = source.prepare("scr.emergency");
    for (int i = 0; i < 2; i++) {  // the second time also numbers are known
        CHECK(yes(session->check(view)));
        CHECK(!yes(session->check(manage)));
        CHECK(!yes(session->check(emergency)));  // obligations
    }
    CHECK(yes(session->check(std::string_view("B0825"))));
    CHECK(yes(session->check(std::string("patient.amend"))));
    CHECK(!yes(session->check(std::string_view("B0572"))));
    CHECK(!yes(session->check(std::string_view("no.such"))));
    CHECK(!yes(session->check(std::string_view("B0820 "))));
    CHECK(!yes(session->check(std::string_view(""))));
    CHECK(!yes(session->check(source.prepare("no.such"))));
    CHECK(!session->valid_until().has_value());

    const std::vector<bool> want = { true, false, false };
    CHECK(made(session->check_many({ view, manage, emergency })) == want);
    CHECK(made(session->check_many({ "B0820", "B0572", "scr.emergency" })) == want);
    const std::vector<std::string> texts = { "B0820", "B0572", "scr.emergency" };
    CHECK(made(session->check_many(texts)) == want);
    CHECK(made(session->check_many(std::vector<std::string>())).empty());
}

template <class Source> void decisions_say_why(Source &source)
{
    auto session = source.session(kit::request());
    if (!CHECK_HAS(session))
        return;
    const auto emergency = source.prepare("scr.emergency");
    const auto with = made(session->decide(emergency));
    CHECK(with.permitted());
    CHECK(!static_cast<bool>(with));
    CHECK_SAME(with.effect(), nrbac::effect::PERMIT);
    CHECK_SAME(with.reason(), nrbac::reason::REQUIREMENT_MET);
    CHECK_SAME(with.obligations().size(), 1u);
    CHECK_SAME(with.obligations()[0], "notify-access");
    for (std::string_view one : with.obligations())
        CHECK_SAME(one, "notify-access");
    CHECK_SAME(with.generation(), made(source.generation()));

    const struct {
        const char *name;
        nrbac::effect effect;
        nrbac::reason reason;
    } wants[] = {
        { "B0825", nrbac::effect::PERMIT, nrbac::reason::GRANTED_BY_BASELINE },
        { "B0572", nrbac::effect::DENY, nrbac::reason::NOT_GRANTED },
        { "B0999", nrbac::effect::INDETERMINATE, nrbac::reason::UNKNOWN_ACTIVITY },
        { "no.such", nrbac::effect::NOT_APPLICABLE, nrbac::reason::UNKNOWN_FUNCTION },
    };
    std::vector<std::string> names;
    for (const auto &want : wants) {
        const auto by_text = made(session->decide(std::string_view(want.name)));
        const auto by_name = made(session->decide(source.prepare(want.name)));
        CHECK_SAME(by_text.effect(), want.effect);
        CHECK_SAME(by_text.reason(), want.reason);
        CHECK_SAME(by_text.reason_slug(), slug(want.reason));
        CHECK_SAME(by_name.reason(), want.reason);
        CHECK_SAME(static_cast<bool>(by_text), want.effect == nrbac::effect::PERMIT);
        names.emplace_back(want.name);
    }
    const auto many = made(session->decide_many(names));
    CHECK_SAME(many.size(), names.size());
    for (std::size_t i = 0; i < many.size(); i++)
        CHECK_SAME(many[i].reason(), wants[i].reason);
    CHECK_SAME(made(session->decide_many({ emergency, emergency })).size(), 2u);
}

template <class Source> void whole_questions_are_answered(Source &source)
{
    const auto yes = source.evaluate(kit::request("R8000", "B0820"));
    if (!CHECK_HAS(yes))
        return;
    CHECK(static_cast<bool>(yes));
    CHECK(yes->permitted());
    CHECK_SAME(yes->effect(), nrbac::effect::PERMIT);
    CHECK_SAME(yes->reason(), nrbac::reason::GRANTED_BY_BASELINE);
    CHECK_SAME(yes->context()["path"].json(), R"(["B0825","B0820"])");
    CHECK(!yes->message().empty());
    CHECK_SAME(yes->generation(), made(source.generation()));

    const auto no = source.evaluate(kit::request("R8000", "B0572"));
    if (CHECK_HAS(no)) {
        CHECK(!static_cast<bool>(no));  // answered, and not permitted
        CHECK_SAME(no->reason(), nrbac::reason::NOT_GRANTED);
        CHECK(no->context()["nearest"].exists());
    }
    const auto with = source.evaluate(kit::request("R8000", "scr.emergency"));
    if (CHECK_HAS(with)) {
        CHECK(with->permitted());
        CHECK(!static_cast<bool>(with));
        CHECK_SAME(with->obligations().json(), R"(["notify-access"])");
    }
    const auto story = source.explain(kit::request("R8000", "B0820"));
    if (CHECK_HAS(story)) {
        CHECK(static_cast<bool>(story));
        CHECK(story->context()["steps"].size() > 0);
    }
    const auto nothing = source.evaluate(nrbac::document());
    if (CHECK_HAS(nothing)) {
        CHECK_SAME(nothing->reason(), nrbac::reason::MALFORMED_REQUEST);
        CHECK_SAME(nothing->effect(), nrbac::effect::INDETERMINATE);
        CHECK(!static_cast<bool>(nothing));
    }
    const auto about = source.policy();
    if (CHECK_HAS(about)) {
        CHECK_SAME(about->root()["name"].text(), "frames");
        CHECK_SAME(about->root()["counts"]["activities"].integer(), 3);
    }
}

template <class Source> void who_may_have_no_session_is_told_why(Source &source)
{
    const auto none = source.session(kit::request(""));
    if (CHECK_ERROR(none, not_opened)) {
        CHECK_SAME(none.error().reason(), nrbac::reason::ROLE_CODE_MISSING);
        CHECK_SAME(none.error().answer()["effect"].text(), "indeterminate");
        CHECK_SAME(none.error().answer()["reason"].text(), "role-code-missing");
    }
    const nrbac::error kept = none.error();  // an error can be kept
    CHECK_SAME(kept.answer()["reason"].text(), "role-code-missing");
    nrbac::document robot;
    robot["subject"]["type"] = 7;
    const auto malformed = source.session(robot);
    if (CHECK_ERROR(malformed, not_opened))
        CHECK_SAME(malformed.error().reason(), nrbac::reason::MALFORMED_REQUEST);
    auto twice = kit::request();
    twice["subject"]["type"] = "patient";
    CHECK_ERROR(source.session(twice), argument);
    CHECK_ERROR(source.evaluate(twice), argument);
    CHECK_ERROR(source.explain(twice), argument);
}

template <class Source> void sessions_end(Source &source)
{
    auto session = source.session(kit::request());
    auto other = source.session(kit::request());
    if (!CHECK_HAS(session) || !CHECK_HAS(other))
        return;
    const auto view = source.prepare("B0820");
    CHECK(yes(session->check(view)) && yes(other->check(view)));
    other->close();
    CHECK(!yes(other->check(view)));
    CHECK(!yes(other->check(std::string_view("B0820"))));
    other->close();
    auto moved = std::move(*session);
    CHECK(yes(moved.check(view)));
    CHECK(!yes(session->check(view)));
    *session = std::move(moved);
    CHECK(yes(session->check(view)));

    nrbac::revocation which;
    which.role_profile = "nobody's";
    (void)source.revoke(which);
    CHECK(yes(session->check(view)));
    which.role_profile = "1001";
    (void)source.revoke(which);
    CHECK(kit::until([&] { return !yes(session->check(view)); }));
    CHECK_SAME(made(session->decide(view)).reason(), nrbac::reason::SESSION_REVOKED);

    auto again = source.session(kit::request());
    if (!CHECK_HAS(again))
        return;
    (void)source.stop(true);
    CHECK(!yes(again->check(view)));
    CHECK_SAME(made(again->decide(view)).reason(), nrbac::reason::POLICY_STALE);
    (void)source.stop(false);
    CHECK(yes(again->check(view)));
}

/// Many threads on one session, while others open, close and prepare.
template <class Source> void threads_share_it(Source &source, int rounds)
{
    auto session = source.session(kit::request());
    if (!CHECK_HAS(session))
        return;
    const auto view = source.prepare("B0820");
    const auto manage = source.prepare("B0572");
    std::atomic<int> wrong{ 0 };
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            for (int i = 0; i < rounds; i++) {
                wrong += !yes(session->check(view)) || yes(session->check(manage));
                const auto many = made(session->check_many({ "B0825", "B0572" }));
                wrong += many.size() != 2 || !many[0] || many[1];
                if (i % 8 != t)
                    continue;
                auto own = source.session(kit::request());
                const auto amend = source.prepare("patient.amend");
                wrong += !own || !yes(own->check(amend));
                wrong += !static_cast<bool>(
                    source.evaluate(kit::request("R8000", "B0820")));
            }
        });
    for (std::thread &one : threads)
        one.join();
    CHECK_SAME(wrong.load(), 0);
}

template <class Source> void all(Source &source, int rounds)
{
    sessions_check(source);
    decisions_say_why(source);
    whole_questions_are_answered(source);
    who_may_have_no_session_is_told_why(source);
    sessions_end(source);
    threads_share_it(source, rounds);
}

}  // namespace shared

#endif
