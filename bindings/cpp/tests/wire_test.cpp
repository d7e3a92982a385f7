// SPDX-License-Identifier: Apache-2.0
// The frames of tests/wire/golden: what this client sends for them, byte by byte, and
// what it makes of a daemon's answers. Frames that no client would send are left out.
//   wire_test NRBACD
#include "kit.hpp"

#include <mutex>

namespace
{

const std::string golden = NRBAC_SOURCE_DIR "/tests/wire/golden/";
const char *const files[] = { "errors",  "evaluate", "evaluations",   "hello",
                              "numbers", "session",  "notifications", "shared" };

nrbac::document frames(const std::string &name)
{
    std::ifstream in(golden + name + ".json");
    std::stringstream text;
    text << in.rdbuf();
    auto read = nrbac::document::from_json(text.str());
    CHECK_HAS(read);
    return std::move(*read);
}

/// [0, id, method, [parameters]], which is what can be asked.
bool is_request(nrbac::value send)
{
    return send.size() == 4 && send[0].integer() == 0 &&
           send[2].kind() == nrbac::kind::text && send[3].kind() == nrbac::kind::list;
}

nrbac::result<nrbac::pending> sent(nrbac::client &client, nrbac::value frame)
{
    const nrbac::value list = frame[3];
    CHECK(list.size() <= 2);
    if (list.size() == 0)
        return client.send(frame[2].text());
    if (list.size() == 1)
        return client.send(frame[2].text(), { list[0] });
    return client.send(frame[2].text(), { list[0], list[1] });
}

std::string hex(const std::string &bytes)
{
    std::string made;
    char digits[3];
    for (char one : bytes) {
        std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(one));
        made += digits;
    }
    return made;
}

/// All but the number, which is the client's own.
std::string unnumbered(std::string digits)
{
    return digits.replace(4, 2, "--");
}

int what_is_sent_is_what_is_shown(const std::string &name)
{
    int count = 0;
    const kit::folder here;
    std::mutex lock;
    std::vector<std::string> came;
    kit::fake daemon(here / "nrbacd.sock", [&](const kit::frame &got) {
        const std::lock_guard guard(lock);
        came.push_back(hex(got.bytes));
        return got.result("\xc0");
    });
    auto client = nrbac::client::open("unix:" + here.path());
    const nrbac::document all = frames(name);
    for (nrbac::value one : all.root()) {
        if (!is_request(one["send"]))
            continue;
        count++;
        auto call = sent(*client, one["send"]);
        if (!CHECK_HAS(call) || !CHECK_HAS(call->get()))
            continue;
        const std::lock_guard guard(lock);
        CHECK_SAME(unnumbered(came.back()),
                   unnumbered(std::string(one["send_hex"].text())));
    }
    return count;
}

/// Where an answer is not what the golden file expects; empty: nowhere.
std::string differs(nrbac::value want, nrbac::value got, const std::string &at)
{
    static const std::map<std::string_view, nrbac::kind> kinds = {
        { "<text>", nrbac::kind::text },
        { "<integer>", nrbac::kind::integer },
        { "<map>", nrbac::kind::map },
        { "<list>", nrbac::kind::list },
    };
    const auto any = kinds.find(want.text());
    if (any != kinds.end())
        return got.kind() == any->second ? "" : at + ": " + got.json();
    if (want.kind() != got.kind())
        return at + ": want " + want.json() + ", got " + got.json();
    if (want.kind() != nrbac::kind::map && want.kind() != nrbac::kind::list)
        return want.json() == got.json() ? "" : at + ": got " + got.json();
    const bool others = want["..."].exists();
    if (others ? want.size() > got.size() + 1 : want.size() != got.size())
        return at + ": want " + want.json() + ", got " + got.json();
    for (std::size_t i = 0; i < want.size(); i++) {
        const std::string key(want.key(i));
        if (key == "...")
            continue;
        const bool map = want.kind() == nrbac::kind::map;
        const std::string found = differs(
            want[i], map ? got[std::string_view(key)] : got[i],
            at + (map ? "." + key : "[" + std::to_string(i) + "]"));
        if (!found.empty())
            return found;
    }
    return "";
}

int what_is_answered_is_what_is_shown(const std::string &program,
                                      const std::string &name)
{
    int count = 0;
    const kit::folder here;
    const kit::daemon daemon(program, golden + "policy", here / "nrbacd.sock");
    auto client = nrbac::client::open("unix:" + here.path());
    const nrbac::document all = frames(name);
    for (nrbac::value one : all.root()) {
        const nrbac::value want = one["expect"];
        // The client says hello before anything else, so what is counted is not the
        // same, and numbers are known from the start.
        if (!is_request(one["send"]) || one["send"][2].text() == "metrics")
            continue;
        count++;
        auto call = sent(*client, one["send"]);
        if (!CHECK_HAS(call))
            continue;
        const auto got = call->get();
        const std::string at = name + " " + std::to_string(count);
        if (want[2].kind() == nrbac::kind::map) {
            if (CHECK_ERROR(got, refused))
                CHECK_SAME(got.error().fault(), want[2]["code"].text());
        } else if (CHECK_HAS(got)) {
            CHECK_SAME(differs(want[3], got->root(), at), "");
        }
    }
    return count;
}

void a_difference_is_seen()
{
    const char *const pairs[][2] = {
        { "\"<text>\"", "1" },
        { R"({"a":1})", R"({"a":1,"b":2})" },
        { R"({"a":1,"...":""})", "{}" },
        { "[1]", "[1,2]" },
        { "true", "1" },
        { R"([{"a":"<list>"}])", R"([{"a":{}}])" },
        { "1", "2" },
    };
    for (const auto &one : pairs) {
        const auto want = nrbac::document::from_json(one[0]);
        const auto got = nrbac::document::from_json(one[1]);
        CHECK(!differs(want->root(), got->root(), "here").empty());
    }
}

}  // namespace

int main(int, char **arguments)
{
    kit::on("unix");
    a_difference_is_seen();
    int sent = 0, answered = 0;
    for (const char *name : files) {
        sent += what_is_sent_is_what_is_shown(name);
        answered += what_is_answered_is_what_is_shown(arguments[1], name);
    }
    CHECK(sent >= 45);
    CHECK(answered >= 44);
    std::printf("%d frames sent, %d answered\n", sent, answered);
    return kit::report({ "unix" });
}
