// SPDX-License-Identifier: Apache-2.0
// Results, words and documents: nothing that decides.
#include "kit.hpp"

using nrbac::errc;
using nrbac::result;

namespace
{

// A result of a yes or no is never taken for one: no yes, no true.
static_assert(!std::is_convertible_v<result<bool>, bool>);
static_assert(!std::is_copy_constructible_v<nrbac::engine>);
static_assert(!std::is_copy_constructible_v<nrbac::session>);
static_assert(!std::is_copy_constructible_v<nrbac::client>);
static_assert(!std::is_copy_constructible_v<nrbac::client_session>);
static_assert(!std::is_copy_constructible_v<nrbac::pending>);
static_assert(!std::is_copy_constructible_v<nrbac::document>);
static_assert(std::is_nothrow_move_constructible_v<nrbac::engine>);
static_assert(std::is_nothrow_move_constructible_v<nrbac::session>);
static_assert(std::is_nothrow_move_constructible_v<nrbac::client_session>);
static_assert(std::is_nothrow_move_constructible_v<nrbac::document>);
static_assert(noexcept(std::declval<nrbac::session &>().check(nrbac::name())));

nrbac::error some(errc code = errc::timeout)
{
    return nrbac::error(code, nrbac::status::E_TIMEOUT, "too late");
}

void results_hold_one_of_two()
{
    result<int> one = 7;
    const result<int> none = some();
    CHECK(one.has_value() && *one == 7 && one.value() == 7);
    CHECK(!none.has_value());
    CHECK_SAME(none.error().what(), std::string("too late"));
    CHECK_SAME(none.error().status(), nrbac::status::E_TIMEOUT);
    CHECK_SAME(none.value_or(3), 3);
    CHECK_SAME(one.value_or(3), 7);
    CHECK(static_cast<bool>(result<int>(0)));  // a number is no answer
    *one = 8;
    CHECK_SAME(*one, 8);

    result<std::unique_ptr<int>> owned = std::make_unique<int>(5);
    CHECK_SAME(*std::move(owned).value_or(nullptr), 5);
    CHECK(result<void>().has_value() && static_cast<bool>(result<void>()));
    CHECK(!static_cast<bool>(result<void>(some())));
    CHECK_SAME(result<void>(some()).error().code(), errc::timeout);
}

void a_yes_or_no_is_true_for_a_yes_alone()
{
    CHECK(static_cast<bool>(result<bool>(true)));
    CHECK(!static_cast<bool>(result<bool>(false)));
    CHECK(!static_cast<bool>(result<bool>(some())));
    nrbac_decision raw = {};
    CHECK(!static_cast<bool>(result<nrbac::decision>(nrbac::decision(raw))));
    raw.effect = NRBAC_PERMIT;
    CHECK(static_cast<bool>(result<nrbac::decision>(nrbac::decision(raw))));
    raw.obligation_count = 1;
    raw.obligations[0] = "notify-access";
    CHECK(!static_cast<bool>(result<nrbac::decision>(nrbac::decision(raw))));
    CHECK(nrbac::decision(raw).permitted());
    CHECK_SAME(nrbac::decision().effect(), nrbac::effect::DENY);
    CHECK_SAME(nrbac::decision().reason(), nrbac::reason::NOT_EVALUATED);
    nrbac::document whole;
    CHECK(!static_cast<bool>(result<nrbac::answer>(nrbac::answer(std::move(whole)))));
    auto bare = nrbac::document::from_json(R"({"decision": true})");
    CHECK(!static_cast<bool>(nrbac::answer(std::move(*bare))));  // obligations unknown
}

void results_are_chained()
{
    const auto twice = [](int it) { return 2 * it; };
    const auto odd = [](int it) -> result<int> {
        if (it % 2 == 0)
            return some(errc::argument);
        return it;
    };
    CHECK_SAME(result<int>(4).transform(twice).value(), 8);
    CHECK_SAME(result<int>(3).and_then(odd).transform(twice).value(), 6);
    CHECK_SAME(result<int>(4).and_then(odd).transform(twice).error().code(),
               errc::argument);
    CHECK_SAME(result<int>(some()).and_then(odd).error().code(), errc::timeout);
    const result<int> kept = 5;
    CHECK_SAME(kept.and_then(odd).value(), 5);
    CHECK_SAME(kept.transform(twice).value(), 10);
    CHECK_SAME(result<int>(some())
                   .or_else([](const nrbac::error &) { return result<int>(1); })
                   .value(),
               1);
    CHECK_SAME(result<int>(2)
                   .or_else([](const nrbac::error &) { return result<int>(1); })
                   .value(),
               2);
}

void words_are_those_of_the_tables()
{
    CHECK_SAME(slug(nrbac::effect::NOT_APPLICABLE), "not-applicable");
    CHECK_SAME(slug(nrbac::reason::GRANTED_BY_BASELINE), "granted-by-baseline");
    CHECK(!doc(nrbac::reason::SESSION_REVOKED).empty());
    CHECK_SAME(effect_of(nrbac::reason::OPENED), nrbac::effect::PERMIT);
    CHECK_SAME(text(nrbac::status::E_MEMORY), "out of memory");
    CHECK_SAME(nrbac::reason_of("no-such"), nrbac::reason::NOT_EVALUATED);
    CHECK_SAME(nrbac::effect_of("no-such"), nrbac::effect::DENY);
    CHECK(!nrbac::version().empty());
    std::size_t count = 0;
#define NRBAC_REASON(number, name, text, effect, message, doc) \
    count++;                                                   \
    CHECK_SAME(nrbac::reason_of(text), nrbac::reason::name);   \
    CHECK_SAME(slug(nrbac::reason::name), std::string_view(text));
#include <nrbac/reason.def>
#undef NRBAC_REASON
    CHECK(count > 40);
}

void documents_are_built()
{
    nrbac::document it;
    it["text"] = "one";
    it["string"] = std::string("two");
    it["view"] = std::string_view("three");
    it["yes"] = true;
    it["integer"] = -5;
    it["large"] = std::int64_t{ 1 } << 40;
    it["real"] = 0.5;
    it["nothing"] = nullptr;
    it["one"] = { "a" };
    it["two"] = { "a", "b" };
    it["texts"] = std::vector<std::string>{ "c", "d" };
    it["deep"]["deeper"]["deepest"] = "here";
    it["deep"]["deeper"]["other"] = "there";
    it["list"].append("x");
    it["list"].append(it.root()["deep"]["deeper"]["other"]);
    it["copy"] = it.root()["two"];
    CHECK_SAME(it.mistake(), "");
    CHECK_SAME(it.root().json(),
               R"({"text":"one","string":"two","view":"three","yes":true,"integer":-5,)"
               R"("large":1099511627776,"real":0.5,"nothing":null,"one":["a"],)"
               R"("two":["a","b"],"texts":["c","d"],)"
               R"("deep":{"deeper":{"deepest":"here","other":"there"}},)"
               R"("list":["x","there"],"copy":["a","b"]})");
}

void what_cannot_be_meant_is_a_mistake()
{
    const auto mistake = [](auto build) {
        nrbac::document it;
        it["a"] = "first";
        it["map"]["b"] = 1;
        build(it);
        return std::string(it.mistake());
    };
    using doc = nrbac::document;
    CHECK_SAME(mistake([](doc &it) { it["c"] = 1; }), "");
    CHECK(!mistake([](doc &it) { it["a"] = "second"; }).empty());
    CHECK(!mistake([](doc &it) { it["a"]["under"] = "a text"; }).empty());
    CHECK(!mistake([](doc &it) { it["a"].append("to a text"); }).empty());
    CHECK(!mistake([](doc &it) { it["map"] = { "x" }; }).empty());
    CHECK(!mistake([](doc &it) { it["map"]["b"] = nullptr; }).empty());
    CHECK(!mistake([](doc &it) { it["n"] = std::string_view("B0820\0x", 7); }).empty());
    auto read = nrbac::document::from_json(R"({"a": 1})");
    (*read)["b"] = 2;
    CHECK(!read->mistake().empty());
    CHECK(!mistake([](doc &it) { it[std::string_view("a\0b", 3)] = 1; }).empty());
    nrbac::document gone;
    gone["a"] = 1;
    nrbac::document taken = std::move(gone);
    gone["x"]["y"] = 1;  // says so, and crashes nobody
    CHECK(!gone.mistake().empty());
    CHECK(taken.mistake().empty());
}

void documents_are_read()
{
    const auto read = nrbac::document::from_json(
        R"({"a": [1, "zwei", 3.5, true, null, {"k": "v"}], "b": {"c": "d"}})");
    if (!CHECK_HAS(read))
        return;
    const nrbac::value root = read->root();
    CHECK_SAME(root.kind(), nrbac::kind::map);
    CHECK_SAME(root.size(), 2u);
    CHECK_SAME(root.key(1), "b");
    CHECK_SAME(root["a"][0].integer(), 1);
    CHECK_SAME(root["a"][1].text(), "zwei");
    CHECK_SAME(root["a"][2].real(), 3.5);
    CHECK(root["a"][3].boolean());
    CHECK(root["a"][4].exists() && root["a"][4].kind() == nrbac::kind::null);
    CHECK_SAME(root["a"][5]["k"].text(), "v");
    CHECK_SAME(root[std::string_view("b")]["c"].text(), "d");
    CHECK(!root["none"]["at"]["all"].exists());
    CHECK_SAME(root["none"].text(), "");
    CHECK_SAME(root["none"].integer(), 0);
    CHECK(!root["a"][0].boolean());
    CHECK(!root["a"][99].exists());
    CHECK(!root["a"]["k"].exists());
    int items = 0;
    for (nrbac::value one : root["a"])
        items += one.exists();
    CHECK_SAME(items, 6);
    CHECK_SAME(root["b"].json(), R"({"c":"d"})");
    CHECK(root["b"].json(true).find('\n') != std::string::npos);
    CHECK_ERROR(nrbac::document::from_json(R"({"a": 1, "a": 2})"), argument);
    CHECK_ERROR(nrbac::document::from_json("{"), argument);
    CHECK_ERROR(nrbac::document::from_json(""), argument);
}

}  // namespace

int main()
{
    kit::on("in-process");
    results_hold_one_of_two();
    a_yes_or_no_is_true_for_a_yes_alone();
    results_are_chained();
    words_are_those_of_the_tables();
    documents_are_built();
    what_cannot_be_meant_is_a_mistake();
    documents_are_read();
    return kit::report({ "in-process" });
}
