// SPDX-License-Identifier: Apache-2.0
/// @file
/// Deciding in this process.
#ifndef NRBAC_ENGINE_HPP
#define NRBAC_ENGINE_HPP

#include <nrbac/decision.hpp>
#include <nrbac/fork.hpp>

#include <nrbac/policy.h>
#include <nrbac/recorder.h>

#include <iterator>
#include <vector>

namespace nrbac
{

/// An activity code or function that an engine has given a number, for checks. It
/// keeps its meaning for as long as the engine lives, whatever policy is published.
/// Asked of a session of another engine it is a mistake of the program, and denied.
class name
{
  public:
    /// No name: every check of it is a no.
    constexpr name() noexcept = default;
    /// Whether it is one that an engine knows.
    constexpr explicit operator bool() const noexcept
    {
        return number_ != 0;
    }
    /// Its number; 0: none.
    constexpr nrbac_name number() const noexcept
    {
        return number_;
    }

  private:
    friend class engine;
    friend class session;
    constexpr name(const nrbac_engine *engine, nrbac_name number) noexcept
        : engine_(engine), number_(number)
    {
    }

    const nrbac_engine *engine_ = nullptr;
    nrbac_name number_ = 0;
};

/// A user's session: the role profile in force. Any number of threads may check one
/// session; one closes it, when nobody else uses it. It keeps its engine. In a forked
/// child, as when it is closed, every check is a no.
class session
{
  public:
    /// Closed: every check is a no.
    session() noexcept = default;

    /// May the user do this? True only for a permit without obligations on a session
    /// that has neither expired nor been revoked. Never waits, allocates or fails, unless
    /// its engine is recorded.
    bool check(name asked) const noexcept
    {
        if (recorded_)
            return is_open() && nrbac_check_recorded(raw_.get(), number_of(asked));
        return is_open() && asked.engine_ == engine_.get() &&
               nrbac_check(raw_.get(), asked.number_);
    }
    /// The same by the name's text, which may come from anybody.
    bool check(std::string_view asked) const noexcept
    {
        const auto how = recorded_ ? nrbac_check_text_recorded : check_text;
        return is_open() && how(raw_.get(), asked.data(), asked.size());
    }
    /// Checks names or texts, and writes a bool for each.
    template <class Names, class Bools>
    void check_many(Names first, Names last, Bools answers) const noexcept
    {
        for (; first != last; ++first, ++answers)
            *answers = check(*first);
    }
    /// Checks a container of names or texts.
    template <class Names> std::vector<bool> check_many(const Names &asked) const
    {
        std::vector<bool> answers(std::size(asked));
        check_many(std::begin(asked), std::end(asked), answers.begin());
        return answers;
    }
    /// Checks a list of names or texts, as written in the call.
    template <class Name>
    std::vector<bool> check_many(std::initializer_list<Name> asked) const
    {
        return check_many<std::initializer_list<Name>>(asked);
    }

    /// The decision with its reason and obligations; what to ask for a name whose
    /// permit carries some. Never waits, allocates or fails.
    nrbac::decision decide(name asked) const noexcept
    {
        nrbac_decision made = {};
        if (is_open())
            nrbac_decide_into(raw_.get(), number_of(asked), &made);
        return nrbac::decision(made);
    }
    /// The same by the name's text.
    nrbac::decision decide(std::string_view asked) const noexcept
    {
        nrbac_decision made = {};
        if (is_open())
            nrbac_decide_text_into(raw_.get(), asked.data(), asked.size(), &made);
        return nrbac::decision(made);
    }
    /// Decides a container of names or texts.
    template <class Names>
    std::vector<nrbac::decision> decide_many(const Names &asked) const
    {
        std::vector<nrbac::decision> made;
        made.reserve(std::size(asked));
        for (const auto &one : asked)
            made.push_back(decide(one));
        return made;
    }
    /// Decides a list of names or texts, as written in the call.
    template <class Name>
    std::vector<nrbac::decision> decide_many(std::initializer_list<Name> asked) const
    {
        return decide_many<std::initializer_list<Name>>(asked);
    }

    /// When its evidence expires; nothing if that is not stated.
    std::optional<std::chrono::system_clock::time_point> valid_until() const noexcept
    {
        return detail::point_of(is_open() ? nrbac_session_valid_until(raw_.get()) : 0);
    }
    /// Ends it; every check is a no from here on.
    void close() noexcept
    {
        raw_.reset();
    }
    /// Whether it is open, if perhaps expired or revoked, and this process opened it.
    bool is_open() const noexcept
    {
        return raw_ != nullptr && raw_.get_deleter().home.is_here();
    }
    /// What the C library calls it; NULL: closed. Its nrbac_check() is not recorded.
    nrbac_session *raw() const noexcept
    {
        return raw_.get();
    }

  private:
    friend class engine;
    struct destroy {
        void operator()(nrbac_session *raw) const noexcept
        {
            if (home.is_here())  // a lock is needed, which in a child may be nobody's
                nrbac_session_close(raw);
        }
        detail::home home;
    };
    session(std::shared_ptr<nrbac_engine> engine, nrbac_session *raw,
            bool recorded) noexcept
        : engine_(std::move(engine)), raw_(raw), recorded_(recorded)
    {
    }
    /// A name of another engine stands for none.
    nrbac_name number_of(name asked) const noexcept
    {
        return asked.engine_ == engine_.get() ? asked.number_ : 0;
    }
    static bool check_text(nrbac_session *raw, const char *text,
                           std::size_t size) noexcept
    {
        return nrbac_check_text(raw, text, size);
    }

    std::shared_ptr<nrbac_engine> engine_;  // goes after the session
    std::unique_ptr<nrbac_session, destroy> raw_;
    bool recorded_ = false;
};

/// How an engine is opened.
struct engine_options {
    /// Whatever is decided, checks too, is in the audit trail of the daemon that is
    /// followed (`shm:`). What finds no room on the way there within 50 ms is denied
    /// NOT_RECORDED, and so is at once what follows, until there is room.
    bool recorded = false;
};

/// Whose sessions are to end: members that are not empty must all match.
struct revocation {
    std::string sid;           ///< the login session
    std::string sub;           ///< the person
    std::string role_profile;  ///< the profile in force
};

/// How a request is asked in process.
struct asking {
    bool request_time = false;  ///< context.time counts, instead of the clock
    bool unproven = false;  ///< the caller is not known to be the application it names
    bool stranger = false;  ///< the caller is known not to be it
    /// What nrbac_verify() found of the request's evidence; NULL: nobody looked.
    const nrbac_findings *findings = nullptr;

    /// The same for the C library.
    nrbac_ask raw(bool explain = false) const noexcept
    {
        nrbac_ask made = {};
        made.flags |= explain * unsigned{ NRBAC_ASK_EXPLAIN };
        made.flags |= request_time * unsigned{ NRBAC_ASK_REQUEST_TIME };
        made.flags |= unproven * unsigned{ NRBAC_ASK_UNPROVEN };
        made.flags |= stranger * unsigned{ NRBAC_ASK_STRANGER };
        made.findings = findings;
        return made;
    }
};

/// A policy in force, in this process. Any number of threads may use one engine, also
/// while a policy is published. Sessions and names stay good over a new policy. What
/// it gives out keeps what it needs, so it may go before its sessions do. A process that
/// forks opens engines afterwards: in a child, calls of its parent's are `forked`, and
/// its sessions say no.
class engine
{
  public:
    /// Opens a policy by where it is, and decides on it:
    ///
    ///     file:national.nrb     a compiled policy
    ///     file:/run/nrbac/table the folder in which a daemon publishes its table
    ///     shm:/run/nrbac        the table of the daemon that serves nrbacd.sock here
    ///     dir:policy/national   a policy folder, compiled in this process
    ///
    /// On a daemon's table the engine follows the daemon: it takes each new policy,
    /// ends what is revoked there, and denies with POLICY_STALE while the daemon is not
    /// heard of. `policy`: the folder has mistakes, which the error lists; `source`:
    /// what is there cannot be used, or nothing is. Of `shm:` also `daemon_unavailable`,
    /// `timeout`, `protocol`, and `refused`: the daemon does not give its table to this
    /// user, or keeps no trail that could record.
    static result<engine> open(std::string_view source,
                               const engine_options &options = {})
    {
        return create(options).and_then([source](engine &&made) -> result<engine> {
            const bool folder = source.substr(0, 4) == "dir:";
            auto done = folder ? made.compile(source.substr(4)) : made.load(source);
            if (!done)
                return done.error();
            return std::move(made);
        });
    }
    /// An engine without a policy, which denies everything until one is loaded.
    static result<engine> create(const engine_options &options = {})
    {
        nrbac_engine *raw = nullptr;
        const unsigned flags = options.recorded ? unsigned{ NRBAC_ENGINE_RECORDED } : 0;
        if (nrbac_engine_create(flags, &raw) != NRBAC_OK)
            return detail::out_of_memory();
        return engine(std::shared_ptr<nrbac_engine>(raw, nrbac_engine_destroy),
                      options.recorded);
    }

    engine(engine &&) noexcept = default;
    engine &operator=(engine &&) noexcept = default;

    /// Publishes another policy, of any source of open() but `dir:`; needs libnrbac
    /// alone. On failure the last one stays in force.
    result<void> load(std::string_view source)
    {
        nrbac_error why = {};
        const std::string text(source);
        if (!home_.is_here())
            return detail::forked();
        if (source.substr(0, 4) == "dir:")
            return compile(source.substr(4));
        if (source.substr(0, 5) == "unix:")
            return error(errc::argument, status::E_ARGUMENT,
                         "unix: is for nrbac::client");
        const nrbac_status done = nrbac_engine_open(raw(), text.c_str(), &why);
        if (done != NRBAC_OK)
            return source.substr(0, 4) == "shm:" ? detail::unfollowed(done, why.text)
                                                 : detail::failed(done, why.text);
        source_ = text;
        return {};
    }
    /// Reads the policy again from where it was opened or loaded last. What follows a
    /// daemon does so by itself: `argument`. On failure the last policy stays in force.
    result<void> reload()
    {
        return load(source_);
    }
    /// Compiles a policy folder and publishes it. On failure the last policy stays in
    /// force, and the error lists the mistakes.
    result<void> compile(std::string_view folder)
    {
        const std::string path(folder);
        nrbac_build *made = nullptr;
        if (!home_.is_here())
            return detail::forked();
        const nrbac_status done = nrbac_compile(path.c_str(), nullptr, &made);
        const std::shared_ptr<const nrbac_build> build(
            made, [](const nrbac_build *raw) {
                nrbac_build_destroy(const_cast<nrbac_build *>(raw));
            });
        if (done != NRBAC_OK)
            return mistaken(done, path, build);
        std::size_t size = 0;
        const void *image = nrbac_build_image(made, &size);
        nrbac_error why = {};
        const nrbac_status loaded = nrbac_engine_load_image(raw(), image, size, &why);
        if (loaded != NRBAC_OK)
            return detail::failed(loaded, why.text);
        source_ = "dir:" + path;
        return {};
    }

    /// Gives an activity code or function its number. It need not be in the policy yet;
    /// until it is, checks are a no.
    nrbac::name prepare(std::string_view text)
    {
        // It would be taken for another name; or there may be a lock that is nobody's.
        if (text.find('\0') != text.npos || !home_.is_here())
            return {};
        return nrbac::name(raw(), nrbac_prepare(raw(), std::string(text).c_str()));
    }

    /// Opens a session for the subject of a request, whose action is ignored.
    /// `not_opened`: the decision is not a permit; the error has the answer.
    result<nrbac::session> session(const document &request, asking how = {})
    {
        if (auto problem = unusable(request))
            return *std::move(problem);
        document said(nrbac_document_create());
        nrbac_value *root = nullptr;
        nrbac_session *made = nullptr;
        const nrbac_ask ask = how.raw();
        if (said.raw() == nullptr)
            return detail::out_of_memory();
        nrbac_session_open_document(raw(), request.root().raw(), &ask, said.raw(),
                                    &root, &made);
        said.root(root);
        if (made != nullptr)
            return nrbac::session(raw_, made, recorded_);
        return root == nullptr ? detail::out_of_memory()
                               : detail::not_opened(std::move(said));
    }
    /// The same for a request that the program made itself, without any document.
    result<nrbac::session> session(const nrbac_request &request)
    {
        nrbac_session *made = nullptr;
        if (!home_.is_here())
            return detail::forked();
        const nrbac_decision opened = nrbac_session_open(raw(), &request, &made);
        if (made != nullptr)
            return nrbac::session(raw_, made, recorded_);
        const auto why = static_cast<reason>(opened.reason);
        return error(errc::not_opened, status::OK, doc(why))
            .with_answer(why, value(), nullptr);
    }

    /// Answers a whole request.
    result<answer> evaluate(const document &request, asking how = {}) const
    {
        return ask(request, how.raw());
    }
    /// Answers it with everything that led to the decision.
    result<answer> explain(const document &request, asking how = {}) const
    {
        return ask(request, how.raw(true));
    }
    /// Answers several requests that share defaults, one after the other, as a daemon
    /// does (AuthZEN's `evaluations`): a map with a list `evaluations`. Without items it
    /// is one request, and the map its answer.
    result<document> evaluations(const document &requests, asking how = {}) const
    {
        const nrbac_ask ask = how.raw();
        if (auto problem = unusable(requests))
            return *std::move(problem);
        const auto last = last_of(requests.root());
        if (!last.has_value())
            return last.error();
        return told([&](nrbac_document *into) {
            return answer_each(requests.root(), ask, *last, into);
        });
    }
    /// Everything that the subject of a request may do.
    result<document> what_can(const document &request, asking how = {}) const
    {
        if (auto problem = unusable(request))
            return *std::move(problem);
        const nrbac_ask ask = how.raw();
        return told([&](nrbac_document *into) {
            return nrbac_what_can_document(raw(), request.root().raw(), &ask, into);
        });
    }
    /// Who may do this: roles, and the codes that could be added.
    result<document> who_can(std::string_view text) const
    {
        const std::string copy(text);
        return told([&](nrbac_document *into) {
            return nrbac_who_can(raw(), copy.c_str(), into);
        });
    }
    /// The policy in force: name, version, digest, generation, counts, loaded_at.
    result<document> policy() const
    {
        return told(
            [&](nrbac_document *into) { return nrbac_policy_info(raw(), into); });
    }
    /// The number of the policy in force; 0 before the first.
    std::uint32_t generation() const noexcept
    {
        return nrbac_engine_generation(raw());
    }

    /// Ends sessions of this engine; how many. A revocation without any member ends
    /// none.
    std::size_t revoke(const revocation &which) noexcept
    {
        const auto member = [](const std::string &text) {
            return text.empty() ? nullptr : text.c_str();
        };
        if (!home_.is_here())
            return 0;
        const nrbac_revocation asked = { member(which.sid), member(which.sub),
                                         member(which.role_profile) };
        return nrbac_revoke(raw(), &asked);
    }
    /// Stops all deciding with POLICY_STALE, or lets it go on again.
    void stop(bool stopped) noexcept
    {
        if (home_.is_here())
            nrbac_engine_stop(raw(), stopped);
    }

    /// What the C library calls it.
    nrbac_engine *raw() const noexcept
    {
        return raw_.get();
    }

  private:
    engine(std::shared_ptr<nrbac_engine> raw, bool recorded) noexcept
        : raw_(std::move(raw)), recorded_(recorded)
    {
    }

    std::optional<error> unusable(const document &request) const noexcept
    {
        if (!home_.is_here())
            return detail::forked();
        if (!request.mistake().empty())
            return error(errc::argument, status::E_ARGUMENT, request.mistake());
        return std::nullopt;
    }

    /// Which decision ends the answers to `evaluations`.
    enum class ending { none, deny, permit };

    static result<ending> last_of(value asked)
    {
        const value items = asked["evaluations"], options = asked["options"];
        const value how = options["evaluations_semantic"];
        const std::string_view word = how.exists() ? how.text() : "execute_all";
        const bool shaped = asked.kind() == kind::map &&
                            (!items.exists() || items.kind() == kind::list) &&
                            (!options.exists() || options.kind() == kind::map);
        if (shaped && word == "execute_all")
            return ending::none;
        if (shaped && word == "deny_on_first_deny")
            return ending::deny;
        if (shaped && word == "permit_on_first_permit")
            return ending::permit;
        return error(errc::argument, status::E_ARGUMENT,
                     "`evaluations` is a list, `options` a map, and "
                     "`evaluations_semantic` one that there is");
    }

    /// An item with the defaults for what it does not say. What is no map is no request,
    /// and is answered so.
    static const nrbac_value *merged(value defaults, value item, nrbac_document *into)
    {
        if (item.kind() != kind::map)
            return item.raw();
        nrbac_value *made = nrbac_new_map(into);
        for (const char *member : { "subject", "action", "resource", "context" }) {
            const value its = item[member].exists() ? item[member] : defaults[member];
            if (its.exists())
                nrbac_set(into, made, member, nrbac_value_copy(into, its.raw()));
        }
        return made;
    }

    nrbac_value *answer_each(value asked, const nrbac_ask &how, ending last,
                             nrbac_document *into) const
    {
        nrbac_value *answer = nullptr, *map = nrbac_new_map(into);
        nrbac_value *list = nrbac_set(into, map, "evaluations", nrbac_new_list(into));
        const document scratch(nrbac_document_create());
        if (scratch.raw() == nullptr)
            return nullptr;
        for (value item : asked["evaluations"]) {
            nrbac_document_reset(scratch.raw());
            const nrbac_decision made = nrbac_evaluate_document(
                raw(), merged(asked, item, scratch.raw()), &how, into, &answer);
            if (answer == nullptr)
                return nullptr;
            nrbac_append(into, list, answer);
            if (last == (made.effect == NRBAC_PERMIT ? ending::permit : ending::deny))
                break;
        }
        if (answer == nullptr)
            nrbac_evaluate_document(raw(), asked.raw(), &how, into, &map);
        return map;
    }

    /// The first mistake that is not a mere warning makes the line for people.
    static error mistaken(nrbac_status done, const std::string &path,
                          std::shared_ptr<const nrbac_build> build)
    {
        error made = detail::failed(done,
                                    (path + ": " + nrbac_status_text(done)).c_str());
        const std::size_t count = build == nullptr
                                      ? 0
                                      : nrbac_build_diagnostic_count(build.get());
        for (std::size_t i = 0; i < count; i++) {
            const nrbac_diagnostic *one = nrbac_build_diagnostic(build.get(), i);
            if (one->severity != NRBAC_SEVERITY_ERROR)
                continue;
            made = error(made.code(), made.status(),
                         std::string(one->file) + ":" + std::to_string(one->line) +
                             ": " + one->message);
            break;
        }
        return std::move(made).with_build(std::move(build));
    }

    template <class Make> result<document> told(Make make) const
    {
        if (!home_.is_here())
            return detail::forked();
        document made(nrbac_document_create());
        if (made.raw() == nullptr)
            return detail::out_of_memory();
        made.root(make(made.raw()));
        if (!made.root().exists())
            return detail::out_of_memory();
        return made;
    }

    result<answer> ask(const document &request, const nrbac_ask &how) const
    {
        if (auto problem = unusable(request))
            return *std::move(problem);
        return told([&](nrbac_document *into) {
                   nrbac_value *root = nullptr;
                   nrbac_evaluate_document(raw(), request.root().raw(), &how, into,
                                           &root);
                   return root;
               })
            .transform([](document &&whole) { return answer(std::move(whole)); });
    }

    std::shared_ptr<nrbac_engine> raw_;
    std::string source_;
    detail::home home_;
    bool recorded_ = false;
};

}  // namespace nrbac

#endif
