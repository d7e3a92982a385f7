// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the tests share: checks that are counted by transport, daemons, fake daemons.
#ifndef KIT_HPP
#define KIT_HPP

#include <nrbac/nrbac.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include <spawn.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace kit
{

using namespace std::chrono_literals;

struct counts {
    std::atomic<int> passed{ 0 };
    std::atomic<int> failed{ 0 };
};

inline counts &counted(const std::string &transport)
{
    static std::map<std::string, counts> all;
    return all[transport];
}

inline std::string &transport()
{
    static std::string now = "in-process";
    return now;
}

/// From here on checks are counted for this transport.
inline void on(const std::string &name)
{
    transport() = name;
    counted(name);
}

template <class T> std::string shown(const T &it)
{
    std::ostringstream out;
    if constexpr (std::is_enum_v<T>)
        out << static_cast<long>(it);
    else
        out << it;
    return out.str();
}

inline bool note(bool good, const char *file, int line, const std::string &what)
{
    counts &now = counted(transport());
    (good ? now.passed : now.failed)++;
    if (!good)
        std::printf("%s:%d: %s\n", file, line, what.c_str());
    return good;
}

template <class Got, class Want>
bool same(const Got &got, const Want &want, const char *file, int line)
{
    return note(got == want, file, line, "got " + shown(got) + ", want " + shown(want));
}

template <class T> bool has(const nrbac::result<T> &it, const char *file, int line)
{
    return note(it.has_value(), file, line, it.has_value() ? "" : it.error().what());
}

/// There is an error of this kind, and it says something.
template <class T>
bool is_error(const nrbac::result<T> &it, nrbac::errc code, const char *file, int line)
{
    if (it.has_value())
        return note(false, file, line, "it has a value");
    return note(it.error().code() == code && it.error().what()[0] != '\0', file, line,
                it.error().what());
}

#define CHECK(condition)      kit::note((condition), __FILE__, __LINE__, #condition)
#define CHECK_SAME(got, want) kit::same((got), (want), __FILE__, __LINE__)
#define CHECK_HAS(result)     kit::has((result), __FILE__, __LINE__)
#define CHECK_ERROR(result, code) \
    kit::is_error((result), nrbac::errc::code, __FILE__, __LINE__)

/// Prints a line for each transport; main returns it.
inline int report(const std::vector<std::string> &transports)
{
    bool good = true;
    for (const std::string &name : transports) {
        const counts &now = counted(name);
        std::printf("%s: %d passed, %d failed\n", name.c_str(), now.passed.load(),
                    now.failed.load());
        good = good && now.failed == 0 && now.passed > 0;
    }
    return good ? 0 : 1;
}

/// A folder that goes with its contents.
class folder
{
  public:
    folder()
    {
        char made[] = "/tmp/nrbac-cpp-XXXXXX";
        path_ = ::mkdtemp(made);
    }
    ~folder()
    {
        (void)!std::system(("rm -rf " + path_).c_str());
    }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;
    std::string operator/(const std::string &name) const
    {
        return path_ + "/" + name;
    }
    const std::string &path() const
    {
        return path_;
    }

  private:
    std::string path_;
};

/// A running nrbacd.
class daemon
{
  public:
    daemon(const std::string &program, const std::string &policy,
           const std::string &socket, std::vector<std::string> more = {})
    {
        std::vector<std::string> words = { program,    "--policy", policy,
                                           "--socket", socket,     "--allow-example" };
        if (std::find(more.begin(), more.end(), "--audit") == more.end())
            words.push_back("--unsafe-no-audit");
        words.insert(words.end(), more.begin(), more.end());
        std::vector<char *> arguments;
        for (std::string &word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1 /* O_WRONLY */, 0);
        if (::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(),
                          environ) != 0)
            std::abort();
        posix_spawn_file_actions_destroy(&actions);
        nrbac::client_options patient;
        patient.deadline = 20s;
        const auto served = nrbac::client::open("unix:" + socket, patient)->health();
        if (!served.has_value()) {
            std::printf("no daemon: %s\n", served.error().what());
            std::abort();
        }
    }
    ~daemon()
    {
        end(SIGTERM);
    }
    daemon(const daemon &) = delete;
    daemon &operator=(const daemon &) = delete;
    void signal(int number) const
    {
        ::kill(pid_, number);
    }
    void end(int number)
    {
        if (pid_ <= 0)
            return;
        signal(number);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    pid_t pid() const
    {
        return pid_;
    }

  private:
    pid_t pid_ = -1;
};

/// Whether a forked child that does this ends well, and in time.
template <class What> bool ends_well_in_a_child(What what)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);
        const bool good = what();
        ::_exit(good ? 0 : 1);
    }
    int ended = -1;
    ::waitpid(child, &ended, 0);
    return ended == 0;
}

/// One request, as a fake daemon sees it; its number is below 128.
struct frame {
    std::string bytes;
    char number() const
    {
        return bytes.size() > 2 ? bytes[2] : 0;
    }
    /// [1, number, nil, RESULT]
    std::string result(const std::string &encoded) const
    {
        return std::string("\x94\x01") + number() + "\xc0" + encoded;
    }
    /// [1, number, {code, message}, nil]
    std::string fault(const std::string &code) const
    {
        return std::string("\x94\x01") + number() + "\x82\xa4" + "code" +
               static_cast<char>(0xa0 | code.size()) + code + "\xa7message\xa2no" +
               "\xc0";
    }
    bool is(const std::string &method) const
    {
        return bytes.substr(3, 1 + method.size()) ==
               static_cast<char>(0xa0 | method.size()) + method;
    }
};

/// How long the MessagePack value at `at` is, of the kinds that a client sends; 0: there
/// is more to come.
inline std::size_t size_of_value(const std::string &bytes, std::size_t at = 0)
{
    const auto byte = [&](std::size_t i) {
        return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
    };
    const unsigned head = byte(at);
    std::size_t size = 1, items = 0;
    if (at >= bytes.size())
        return 0;
    if (head >= 0x80 && head < 0xa0)
        items = head < 0x90 ? 2 * (head & 15) : head & 15;
    else if (head >= 0xa0 && head < 0xc0)
        size += head & 31;
    else if (head == 0xcc)
        size += 1;
    else if (head == 0xcd)
        size += 2;
    else if (head == 0xd9)
        size += 1 + byte(at + 1);
    else if (head == 0xda)
        size += 2 + 256 * byte(at + 1) + byte(at + 2);
    for (; items > 0; items--) {
        const std::size_t item = size_of_value(bytes, at + size);
        if (item == 0)
            return 0;
        size += item;
    }
    return at + size <= bytes.size() ? size : 0;
}

/// A daemon of the test's own, which answers each request with what `answer` gives; an
/// empty text is no answer, and "!" hangs up.
class fake
{
  public:
    using answerer = std::function<std::string(const frame &)>;

    fake(const std::string &path, answerer answer, bool greets = true)
        : answer_(std::move(answer)), greets_(greets)
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        ::unlink(path.c_str());
        listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(listening_, reinterpret_cast<sockaddr *>(&address),
                   sizeof(address)) != 0 ||
            ::listen(listening_, 16) != 0)
            std::abort();
        thread_ = std::thread([this] { serve(); });
    }
    ~fake()
    {
        ending_ = true;
        ::shutdown(listening_, SHUT_RDWR);
        thread_.join();
        ::close(listening_);
    }
    fake(const fake &) = delete;
    fake &operator=(const fake &) = delete;
    /// How often somebody connected.
    int connections() const
    {
        return connections_;
    }

  private:
    void serve()
    {
        while (!ending_) {
            pollfd waiting = { listening_, POLLIN, 0 };
            if (::poll(&waiting, 1, 50) <= 0)
                continue;
            const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0)
                continue;
            connections_++;
            talk(fd);
            ::close(fd);
        }
    }
    void talk(int fd)
    {
        std::string come;
        bool greeted = false;
        for (;;) {
            pollfd waiting = { fd, POLLIN, 0 };
            while (!ending_ && ::poll(&waiting, 1, 50) == 0)
                ;
            char bytes[65536];
            const ssize_t size = ending_ ? 0 : ::read(fd, bytes, sizeof(bytes));
            if (size <= 0)
                return;
            come.append(bytes, static_cast<std::size_t>(size));
            while (const std::size_t whole = size_of_value(come)) {
                const frame got = { come.substr(0, whole) };
                const bool greeting = greets_ && !greeted && got.is("hello");
                const std::string said = greeting ? got.result("\x80") : answer_(got);
                greeted = greeted || greeting;
                come.erase(0, whole);
                if (said == "!")
                    return;
                (void)::send(fd, said.data(), said.size(), MSG_NOSIGNAL);
            }
        }
    }

    answerer answer_;
    bool greets_;  // answers the first hello of a connection itself
    int listening_ = -1;
    std::atomic<bool> ending_{ false };
    std::atomic<int> connections_{ 0 };
    std::thread thread_;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KIT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KIT_SANITIZED 1
#endif
#endif
#ifndef KIT_SANITIZED
#define KIT_SANITIZED 0
#endif
/// A sanitizer keeps freed memory for a while, and counts allocations itself.
constexpr bool sanitized = KIT_SANITIZED;

/// What this process occupies, in KiB.
inline long resident(pid_t pid = ::getpid())
{
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("VmRSS:", 0) == 0)
            return std::stol(line.substr(6));
    return 0;
}

/// A request of somebody in this role; the policy of the golden frames gives R8000 what
/// there is.
inline nrbac::document request(std::string_view role = "R8000",
                               std::string_view action = "")
{
    nrbac::document made;
    made["subject"]["type"] = "healthcare-worker";
    made["subject"]["properties"]["profile"]["id"] = "1001";
    if (!role.empty())
        made["subject"]["properties"]["profile"]["role"] = role;
    made["subject"]["properties"]["profile"]["organisation"] = "RBA";
    if (!action.empty())
        made["action"]["name"] = action;
    return made;
}

/// Until it holds, at most this long.
template <class Holds>
bool until(Holds holds, std::chrono::milliseconds most = std::chrono::seconds(10))
{
    const auto end = std::chrono::steady_clock::now() + most;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

}  // namespace kit

#endif
