// SPDX-License-Identifier: Apache-2.0
/// @file
/// Asking a daemon over its socket.
#ifndef NRBAC_CLIENT_HPP
#define NRBAC_CLIENT_HPP

#include <nrbac/engine.hpp>
#include <nrbac/link.hpp>

#include <atomic>
#include <ctime>

namespace nrbac
{

namespace detail
{

/// A name that was prepared: its text, and the number that a connection was told.
struct told_name {
    explicit told_name(std::string_view of) : text(of)
    {
    }
    /// The number on that connection; 0: none, ask by the text.
    std::uint32_t number(epoch of) const noexcept
    {
        const std::uint64_t both = told.load(std::memory_order_relaxed);
        return both >> 32 == of ? static_cast<std::uint32_t>(both) : 0;
    }
    bool was_asked(epoch of) const noexcept
    {
        return told.load(std::memory_order_relaxed) >> 32 == of;
    }
    void tell(epoch of, std::uint32_t number) noexcept
    {
        told.store(std::uint64_t{ of } << 32 | number, std::memory_order_relaxed);
    }

    const std::string text;
    std::atomic<std::uint64_t> told{ 0 };  // connection and number
};

/// A session as the client keeps it: by its request, so that it can be opened again.
struct kept_session {
    std::mutex lock;
    std::condition_variable changed;
    document params{ nullptr };  // of `open`
    bool opening = false;        // by one thread
    std::int64_t number = 0;     // on connection `of`; 0: to be opened
    epoch of = 0;
    std::int64_t valid_until = 0;
    reason ended = reason::NOT_EVALUATED;  // revoked or expired: never opened again
};

/// Where a session is open, or what is decided since it is not.
struct opening {
    std::int64_t number = 0;
    epoch of = 0;
    std::optional<nrbac_decision> instead;
    document answer{ nullptr };
};

/// Unix seconds of "2026-11-23T09:00:00Z", as daemons write them; 0: it is not one.
inline std::int64_t seconds_of(std::string_view text)
{
    std::tm when = {};
    if (std::sscanf(std::string(text).c_str(), "%d-%d-%dT%d:%d:%dZ", &when.tm_year,
                    &when.tm_mon, &when.tm_mday, &when.tm_hour, &when.tm_min,
                    &when.tm_sec) != 6)
        return 0;
    when.tm_year -= 1900;
    when.tm_mon -= 1;
    return ::timegm(&when);
}

inline nrbac_decision decision_of(effect effect, reason reason, std::int64_t generation)
{
    nrbac_decision made = {};
    made.effect = static_cast<nrbac_effect>(effect);
    made.reason = static_cast<nrbac_reason>(reason);
    made.generation = static_cast<std::uint32_t>(generation);
    return made;
}

/// A row of `check`. A reason that this release does not know is NOT_EVALUATED; one
/// that contradicts the decision, as everything else that is no row, is no decision.
inline bool read_row(value row, nrbac_decision &out)
{
    nrbac_client_answer raw;
    if (!nrbac_client_read_answer(row.raw(), &raw))
        return false;
    const reason why = reason_of(raw.reason);
    const bool known = why != reason::NOT_EVALUATED;
    if (known && (effect_of(why) == effect::PERMIT) != raw.permitted)
        return false;
    out = decision_of(raw.permitted ? effect::PERMIT : effect_of(why), why,
                      raw.generation);
    out.obligation_count = static_cast<std::uint32_t>(raw.obligation_count);
    std::copy_n(raw.obligations, raw.obligation_count, out.obligations);
    return true;
}

/// The daemon's questions, on a link, asked again where that is safe.
class asker
{
  public:
    asker(std::string path, const client_options &options)
        : line(std::move(path), options)
    {
    }

    /// One call; what came is its document's root.
    result<document> call(const char *method, const document &params,
                          steady::time_point deadline,
                          std::optional<epoch> only = std::nullopt)
    {
        if (!params.mistake().empty())
            return out_of_memory();
        auto sent = line.send(method, params.root(), deadline, only);
        if (!sent)
            return std::move(sent).error();
        if (auto problem = line.wait(**sent, deadline))
            return *std::move(problem);
        return std::move((*sent)->reply);
    }

    /// The same for a question, which may be asked again when the connection is lost.
    result<document> ask(const char *method, const document &params,
                         steady::time_point deadline)
    {
        for (;;) {
            auto got = call(method, params, deadline);
            if (got.has_value() || !may_ask_again(got.error(), deadline))
                return got;
        }
    }

    /// Names of one session, answered together: `fill` puts them behind the session.
    template <class Fill>
    result<std::vector<decision>> check(kept_session &session, const char *method,
                                        std::size_t count, Fill fill,
                                        steady::time_point deadline)
    {
        for (bool opened_again = false;;) {
            auto where = open(session, deadline);
            if (!where.has_value())
                return std::move(where).error();
            if (where->instead.has_value())
                return std::vector<decision>(count, decision(*where->instead));
            document params = params_of({});
            nrbac_value *list = const_cast<nrbac_value *>(params.root().raw());
            nrbac_append(params.raw(), list,
                         nrbac_new_integer(params.raw(), where->number));
            fill(params.raw(), list, where->of);
            auto got = call(method, params, deadline, where->of);
            if (got.has_value())
                return rows(session, std::move(*got), count, fill.many);
            if (got.error().fault() == "unknown-session" && !opened_again) {
                opened_again = true;
                lost(session, where->number);
            } else if (!may_ask_again(got.error(), deadline)) {
                return std::move(got).error();
            }
        }
    }

    /// Opens a session unless it is open on the present connection.
    result<opening> open(kept_session &session, steady::time_point deadline)
    {
        if (!line.is_here())
            return forked();
        std::unique_lock guard(session.lock);
        while (session.opening)
            if (session.changed.wait_until(guard, deadline) == std::cv_status::timeout)
                return error(errc::timeout, status::E_TIMEOUT, text(status::E_TIMEOUT));
        opening made;
        if (session.ended != reason::NOT_EVALUATED)
            made.instead = decision_of(effect::DENY, session.ended, 0);
        made.number = session.number;
        made.of = session.of;
        if (made.instead.has_value() ||
            (made.number != 0 && line.is_connected(made.of)))
            return made;
        session.opening = true;
        guard.unlock();
        auto got = open_anew(session, deadline);
        guard.lock();
        session.opening = false;
        session.changed.notify_all();
        return got;
    }

    /// The session is not there any more; it is opened again when it is asked.
    static void lost(kept_session &session, std::int64_t number)
    {
        const std::lock_guard guard(session.lock);
        if (session.number == number)
            session.number = 0;
    }

    /// A name that is asked by its number wherever the daemon has told one.
    std::shared_ptr<told_name> prepare(std::string_view text)
    {
        auto made = std::make_shared<told_name>(text);
        if (!line.is_here())
            return made;
        const std::lock_guard guard(names_lock_);
        names_.erase(std::remove_if(names_.begin(), names_.end(),
                                    [](const auto &one) { return one.expired(); }),
                     names_.end());
        names_.push_back(made);
        return made;
    }

    /// Asks for the numbers of all prepared names at once. Where that cannot be had they
    /// are asked by their texts, so nothing depends on it.
    void number_names(epoch of, steady::time_point deadline)
    {
        document about;
        about["client"] = "nrbac-cpp";
        about["version"] = version();
        about["numbers"] = true;
        const auto got = call("hello", params_of({ about.root() }), deadline, of);
        const value numbers = got.has_value() ? got->root()["numbers"] : value();
        const std::lock_guard guard(names_lock_);
        for (const auto &one : names_)
            if (const auto name = one.lock(); name != nullptr)
                name->tell(of, static_cast<std::uint32_t>(
                                   numbers[std::string_view(name->text)].integer()));
    }

    static error no_answer() noexcept
    {
        return error(errc::protocol, status::E_FORMAT,
                     "what the daemon sent is no answer");
    }
    static bool may_ask_again(const error &why, steady::time_point deadline) noexcept
    {
        return why.code() == errc::daemon_unavailable && steady::now() < deadline;
    }

    link line;

  private:
    result<opening> open_anew(kept_session &session, steady::time_point deadline)
    {
        for (;;) {
            auto sent = line.send("open", session.params.root(), deadline);
            auto problem = sent.has_value() ? line.wait(**sent, deadline)
                                            : std::optional(sent.error());
            if (problem.has_value() && may_ask_again(*problem, deadline))
                continue;
            if (problem.has_value())
                return *std::move(problem);
            return opened(session, (*sent)->of, std::move((*sent)->reply));
        }
    }

    /// There is a session if, and only if, it is permitted.
    static result<opening> opened(kept_session &session, epoch of, document &&said)
    {
        opening made;
        made.answer = std::move(said);
        const value root = made.answer.root();
        const std::string_view word = root["effect"].text();
        made.number = root["session"].integer();
        made.of = of;
        if (word.empty() || (made.number > 0) != (effect_of(word) == effect::PERMIT))
            return no_answer();
        if (made.number == 0)
            made.instead = decision_of(effect_of(word),
                                       reason_of(root["reason"].text()), 0);
        const std::lock_guard guard(session.lock);
        session.number = made.number;
        session.of = of;
        session.valid_until = seconds_of(root["valid_until"].text());
        return made;
    }

    static result<std::vector<decision>> rows(kept_session &session, document &&said,
                                              std::size_t count, bool many)
    {
        const auto kept = std::make_shared<const document>(std::move(said));
        const value root = kept->root();
        std::vector<decision> made;
        made.reserve(count);
        for (std::size_t i = 0; i < count; i++) {
            nrbac_decision one;
            const value row = many ? root[i] : root;
            if ((many && root.size() != count) || !read_row(row, one))
                return no_answer();
            const bool newer = one.reason == NRBAC_REASON_NOT_EVALUATED;
            const bool keeps = newer || one.obligation_count != 0;
            made.emplace_back(one, keeps ? kept : nullptr,
                              newer ? row[1].text().data() : nullptr);
            note(session, made.back().reason());
        }
        return made;
    }

    /// What has ended is not opened again, whatever becomes of the connection.
    static void note(kept_session &session, reason why)
    {
        if (why != reason::SESSION_REVOKED && why != reason::EVIDENCE_EXPIRED)
            return;
        const std::lock_guard guard(session.lock);
        session.ended = why;
    }

    std::mutex names_lock_;
    std::vector<std::weak_ptr<told_name>> names_;
};

/// Whoever waits on a condition is waited for when it goes, and in a forked child would
/// be for ever: there it stays.
struct let_go {
    void operator()(asker *raw) const noexcept
    {
        if (raw->line.is_here())
            delete raw;
        else
            raw->line.abandon();
    }
};

}  // namespace detail

/// A name that is asked of a daemon, by its number where the daemon has told one, else
/// by its text. Asked of a session of another client it is an error.
class client_name
{
  public:
    /// Its text.
    const std::string &text() const noexcept
    {
        return told_->text;
    }

  private:
    friend class client;
    friend class client_session;
    client_name(const detail::asker *of,
                std::shared_ptr<detail::told_name> told) noexcept
        : of_(of), told_(std::move(told))
    {
    }

    const detail::asker *of_;
    std::shared_ptr<detail::told_name> told_;
};

/// A user's session with a daemon. It is kept by its request: when the connection was
/// lost, or the daemon does not know it any more, it is opened again by the next check.
/// One that was revoked or has expired stays so. Any number of threads may check it.
class client_session
{
  public:
    client_session(client_session &&) noexcept = default;
    client_session &operator=(client_session &&other) noexcept
    {
        close();
        asker_ = std::move(other.asker_);
        kept_ = std::move(other.kept_);
        deadline_ = other.deadline_;
        return *this;
    }
    ~client_session()
    {
        close();
    }

    /// May the user do this? Converts to true only for a permit without obligations.
    /// An error is no answer: not access either.
    template <class Name> result<bool> check(const Name &asked)
    {
        return decide(asked).transform(
            [](const decision &made) { return static_cast<bool>(made); });
    }
    /// Checks a container of client_name or of texts in one call of the daemon.
    template <class Names> result<std::vector<bool>> check_many(const Names &asked)
    {
        return decide_many(asked).transform([](const std::vector<decision> &made) {
            std::vector<bool> answers(made.size());
            std::transform(made.begin(), made.end(), answers.begin(),
                           [](const decision &one) { return static_cast<bool>(one); });
            return answers;
        });
    }
    /// Checks a list of client_name or of texts, as written in the call.
    template <class Name>
    result<std::vector<bool>> check_many(std::initializer_list<Name> asked)
    {
        return check_many<std::initializer_list<Name>>(asked);
    }

    /// The decision with its reason and obligations.
    template <class Name> result<decision> decide(const Name &asked)
    {
        const Name *first = &asked;
        return ask("check", first, first + 1, 1, false)
            .transform([](std::vector<decision> &&made) { return std::move(made[0]); });
    }
    /// Decides a container of client_name or of texts in one call of the daemon.
    template <class Names> result<std::vector<decision>> decide_many(const Names &asked)
    {
        return ask("check_many", std::begin(asked), std::end(asked), std::size(asked),
                   true);
    }
    /// Decides a list of client_name or of texts, as written in the call.
    template <class Name>
    result<std::vector<decision>> decide_many(std::initializer_list<Name> asked)
    {
        return decide_many<std::initializer_list<Name>>(asked);
    }

    /// When its evidence expires; nothing if that is not stated.
    std::optional<std::chrono::system_clock::time_point> valid_until() const
    {
        if (kept_ == nullptr || !asker_->line.is_here())
            return std::nullopt;
        const std::lock_guard guard(kept_->lock);
        return detail::point_of(kept_->valid_until);
    }
    /// Ends it, without waiting for the daemon; every check is an error from here on.
    void close() noexcept
    {
        if (kept_ != nullptr && !asker_->line.is_here())
            (void)kept_.release();  // as detail::let_go
        if (kept_ != nullptr && kept_->number != 0)
            asker_->line.close_session(kept_->of, kept_->number);
        kept_.reset();
    }

  private:
    friend class client;
    client_session(std::shared_ptr<detail::asker> asker,
                   std::unique_ptr<detail::kept_session> kept,
                   std::chrono::milliseconds deadline) noexcept
        : asker_(std::move(asker)), kept_(std::move(kept)), deadline_(deadline)
    {
    }

    static bool is_foreign(const detail::asker *, std::string_view) noexcept
    {
        return false;
    }
    static bool is_foreign(const detail::asker *here, const client_name &asked) noexcept
    {
        return asked.of_ != here;
    }
    static bool wants_number(std::string_view, detail::epoch) noexcept
    {
        return false;
    }
    static bool wants_number(const client_name &asked, detail::epoch of) noexcept
    {
        return !asked.told_->was_asked(of);
    }
    static nrbac_value *written(nrbac_document *into, std::string_view asked,
                                detail::epoch)
    {
        return nrbac_new_text_of(into, asked.data(), asked.size());
    }
    static nrbac_value *written(nrbac_document *into, const client_name &asked,
                                detail::epoch of)
    {
        const std::uint32_t number = asked.told_->number(of);
        return number != 0 ? nrbac_new_integer(into, number)
                           : written(into, asked.text(), of);
    }

    /// Writes names behind the session: one as it is, many as a list.
    template <class It> struct writer {
        detail::asker &asker;
        It first, last;
        bool many;
        detail::steady::time_point deadline;

        void operator()(nrbac_document *into, nrbac_value *params, detail::epoch of)
        {
            for (It at = first; at != last; ++at) {
                if (!wants_number(*at, of))
                    continue;
                asker.number_names(of, deadline);
                break;
            }
            nrbac_value *list = many ? nrbac_append(into, params, nrbac_new_list(into))
                                     : params;
            for (It at = first; at != last; ++at)
                nrbac_append(into, list, written(into, *at, of));
        }
    };

    template <class It>
    result<std::vector<decision>> ask(const char *method, It first, It last,
                                      std::size_t count, bool many)
    {
        if (kept_ == nullptr)
            return error(errc::closed, status::E_ARGUMENT, "the session was closed");
        if (!asker_->line.is_here())
            return detail::forked();
        for (It at = first; at != last; ++at)
            if (is_foreign(asker_.get(), *at))
                return error(errc::foreign_name, status::E_ARGUMENT,
                             "a name of another client");
        const auto deadline = detail::steady::now() + deadline_;
        std::vector<decision> made;
        do {  // no more at once than the daemon takes
            const std::size_t here = std::min(count - made.size(),
                                              asker_->line.batch());
            const It until = std::next(first, static_cast<std::ptrdiff_t>(here));
            auto part = asker_->check(
                *kept_, method, here,
                writer<It>{ *asker_, first, until, many, deadline }, deadline);
            if (!part.has_value() || here == count)
                return part;
            std::move(part->begin(), part->end(), std::back_inserter(made));
            first = until;
        } while (made.size() < count);
        return made;
    }

    std::shared_ptr<detail::asker> asker_;
    std::unique_ptr<detail::kept_session> kept_;
    std::chrono::milliseconds deadline_;
};

/// A call under way. Letting it go cancels it: its answer is dropped when it comes.
class pending
{
  public:
    pending(pending &&) noexcept = default;
    pending &operator=(pending &&) noexcept = default;

    /// Waits for the answer, at most until the call's deadline; once.
    result<document> get()
    {
        if (call_ == nullptr)
            return error(errc::argument, status::E_ARGUMENT, "there is no such call");
        const auto call = std::move(call_);
        if (auto problem = asker_->line.wait(*call, deadline_))
            return *std::move(problem);
        return std::move(call->reply);
    }
    /// Cancels it: nobody waits for it any more. It counts as under way until its
    /// answer comes.
    void cancel() noexcept
    {
        call_.reset();
    }

  private:
    friend class client;
    pending(std::shared_ptr<detail::asker> asker, std::shared_ptr<detail::call> call,
            detail::steady::time_point deadline) noexcept
        : asker_(std::move(asker)), call_(std::move(call)), deadline_(deadline)
    {
    }

    std::shared_ptr<detail::asker> asker_;
    std::shared_ptr<detail::call> call_;
    detail::steady::time_point deadline_;
};

/// A daemon, asked over its socket. Any number of threads may use one client; their
/// calls share a connection and do not wait for each other. When the connection is lost
/// it is made again, with a growing delay between the tries; questions that were under
/// way are asked again, as long as their deadline allows. No call waits beyond its
/// deadline. Sessions keep the connection, so a client may go before them. A process that
/// forks opens clients afterwards: in a child, calls of its parent's are `forked`, and
/// its connection is left alone.
class client
{
  public:
    client(client &&) noexcept = default;
    client &operator=(client &&) noexcept = default;

    /// A client by `unix:SOCKET`, or `unix:FOLDER` for nrbacd.sock in it. It connects
    /// with its first call, so that a program may start before the daemon does.
    static result<client> open(std::string_view source,
                               const client_options &options = {})
    {
        if (source.substr(0, 5) != "unix:")
            return error(errc::argument, status::E_ARGUMENT,
                         "a client's source begins with unix:");
        return client(std::shared_ptr<detail::asker>(
                          new detail::asker(std::string(source.substr(5)), options),
                          detail::let_go()),
                      options.deadline);
    }

    /// The same client with another deadline for its calls and for sessions opened by
    /// it; the connection is shared.
    client within(std::chrono::milliseconds deadline) const
    {
        return client(asker_, deadline);
    }

    /// Opens a session for the subject of a request, whose action is ignored.
    /// `not_opened`: the decision is not a permit; the error has the answer.
    result<client_session> session(const document &request)
    {
        if (!request.mistake().empty())
            return unusable(request);
        auto kept = std::make_unique<detail::kept_session>();
        kept->params = detail::params_of({ request.root() });
        auto opened = asker_->open(*kept, deadline());
        if (!opened)
            return std::move(opened).error();
        if (opened->instead.has_value())
            return detail::not_opened(std::move(opened->answer));
        return client_session(asker_, std::move(kept), deadline_);
    }
    /// A name that is asked by its number wherever that can be had.
    client_name prepare(std::string_view text)
    {
        return client_name(asker_.get(), asker_->prepare(text));
    }

    /// Answers a whole request.
    result<answer> evaluate(const document &request) const
    {
        return answered("evaluate", request);
    }
    /// Answers it with everything that led to the decision.
    result<answer> explain(const document &request) const
    {
        return answered("explain", request);
    }
    /// Answers several requests that share defaults; a map with a list `evaluations`.
    result<document> evaluations(const document &requests) const
    {
        if (!requests.mistake().empty())
            return unusable(requests);
        return asked("evaluations", { requests.root() });
    }
    /// The policy in force: name, version, digest, generation, counts, loaded_at.
    result<document> policy() const
    {
        return asked("policy", {});
    }
    /// Whether the daemon is well, and how its last reload went.
    result<document> health() const
    {
        return asked("health", {});
    }
    /// Counters since the daemon's start.
    result<document> metrics() const
    {
        return asked("metrics", {});
    }
    /// The number of the policy in force.
    result<std::uint32_t> generation() const
    {
        return health().transform([](const document &said) {
            return static_cast<std::uint32_t>(said.root()["generation"].integer());
        });
    }

    /// Has the daemon load its policy again: a map whose `ok` says whether it did. Not
    /// asked again when the connection is lost.
    result<document> reload()
    {
        return call("reload");
    }
    /// Ends sessions, everywhere; how many there were on the daemon's connections. Not
    /// asked again when the connection is lost.
    result<std::uint64_t> revoke(const revocation &which)
    {
        document asked;
        if (!which.sid.empty())
            asked["sid"] = which.sid;
        if (!which.sub.empty())
            asked["sub"] = which.sub;
        if (!which.role_profile.empty())
            asked["role_profile"] = which.role_profile;
        if (asked.root().empty())
            return error(errc::argument, status::E_ARGUMENT,
                         "a revocation without any member");
        return call("revoke", { asked.root() }).transform([](const document &said) {
            return static_cast<std::uint64_t>(said.root().integer());
        });
    }
    /// Stops all deciding with POLICY_STALE, or lets it go on again.
    result<void> stop(bool stopped)
    {
        document asked;
        asked["stopped"] = stopped;
        const auto said = call("stop", { asked.root()["stopped"] });
        if (!said)
            return said.error();
        return {};
    }

    /// Any method of the protocol, once.
    result<document> call(std::string_view method,
                          std::initializer_list<value> params = {})
    {
        return send(method, params).and_then([](pending &&sent) { return sent.get(); });
    }
    /// The same without waiting for the answer, so that many can be under way.
    result<pending> send(std::string_view method,
                         std::initializer_list<value> params = {})
    {
        const auto until = deadline();
        const document written = detail::params_of(params);
        if (!written.mistake().empty())
            return detail::out_of_memory();
        auto sent = asker_->line.send(std::string(method).c_str(), written.root(),
                                      until);
        if (!sent)
            return std::move(sent).error();
        return pending(asker_, *std::move(sent), until);
    }

    /// Ends the connection for good. Calls under way, and later ones, are `closed`.
    void close()
    {
        asker_->line.close();
    }

  private:
    client(std::shared_ptr<detail::asker> asker,
           std::chrono::milliseconds deadline) noexcept
        : asker_(std::move(asker)), deadline_(deadline)
    {
    }

    static error unusable(const document &request) noexcept
    {
        return error(errc::argument, status::E_ARGUMENT, request.mistake());
    }

    detail::steady::time_point deadline() const noexcept
    {
        return detail::steady::now() + deadline_;
    }

    result<document> asked(const char *method,
                           std::initializer_list<value> params) const
    {
        return asker_->ask(method, detail::params_of(params), deadline());
    }

    result<answer> answered(const char *method, const document &request) const
    {
        if (!request.mistake().empty())
            return unusable(request);
        return asked(method, { request.root() })
            .and_then([](document &&whole) -> result<answer> {
                answer made(std::move(whole));
                if (made.root()["decision"].kind() != kind::boolean ||
                    made.context()["effect"].text().empty() ||
                    made.permitted() != (made.effect() == effect::PERMIT))
                    return detail::asker::no_answer();
                return made;
            });
    }

    std::shared_ptr<detail::asker> asker_;
    std::chrono::milliseconds deadline_;
};

}  // namespace nrbac

#endif
