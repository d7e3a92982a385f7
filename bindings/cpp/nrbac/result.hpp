// SPDX-License-Identifier: Apache-2.0
/// @file
/// Either a value, or why there is none.
#ifndef NRBAC_RESULT_HPP
#define NRBAC_RESULT_HPP

#include <nrbac/value.hpp>
#include <nrbac/words.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace nrbac
{

/// What went wrong, by what a program does about it. A denial is none of these, except
/// that a session which is not permitted does not exist.
enum class errc {
    not_opened,          ///< the user may not have a session: reason() and answer()
    policy,              ///< the policy has mistakes: diagnostics()
    source,              ///< the file, folder or table cannot be used
    daemon_unavailable,  ///< nobody serves the socket, or the connection was lost
    timeout,             ///< no answer within the deadline
    protocol,            ///< what the daemon sent is not the protocol
    refused,             ///< the daemon refused the call: fault()
    queue_full,          ///< too many calls under way: asked faster than answered
    foreign_name,        ///< a name of another client: its number means nothing here
    argument,            ///< the program's own mistake: what() says which
    closed,              ///< the client was closed
    forked,              ///< opened by the parent process: a child opens its own
    memory,              ///< out of memory
};

/// A mistake in a policy, and its place.
struct diagnostic {
    std::string_view code;     ///< "P012", stable; `nrbac help P012` explains it
    std::string_view slug;     ///< "unknown-code"
    bool warning;              ///< it does not hinder compiling
    std::string_view file;     ///< as reached from the folder
    unsigned line;             ///< from 1; 0: the whole file or folder
    unsigned column;           ///< from 1, in characters
    std::string_view message;  ///< one line
    std::string_view help;     ///< one line; may be empty
};

/// Why there is no value. It keeps what it shows.
class [[nodiscard]] error
{
  public:
    /// An error with a line for people.
    error(errc code, nrbac::status status, std::string_view what) noexcept
        : code_(code), status_(status)
    {
        put(what);
    }

    /// What a program tells errors apart by.
    errc code() const noexcept
    {
        return code_;
    }
    /// The status of the C library that is behind it.
    nrbac::status status() const noexcept
    {
        return status_;
    }
    /// What went wrong and where, as one line for people.
    const char *what() const noexcept
    {
        return what_.text;
    }
    /// Of `refused`, the daemon's slug, such as "not-allowed"; else empty.
    std::string_view fault() const noexcept
    {
        return fault_;
    }
    /// Of `not_opened`, why; else NOT_EVALUATED.
    nrbac::reason reason() const noexcept
    {
        return reason_;
    }
    /// Of `not_opened`, the whole answer; else no value.
    value answer() const noexcept
    {
        return answer_;
    }
    /// Of `policy`, how many mistakes there are.
    std::size_t diagnostic_count() const noexcept
    {
        return build_ == nullptr ? 0 : nrbac_build_diagnostic_count(build_.get());
    }
    /// Of `policy`, a mistake, in the order of files and lines; index below the count.
    nrbac::diagnostic diagnostic(std::size_t index) const noexcept
    {
        const nrbac_diagnostic *raw = nrbac_build_diagnostic(build_.get(), index);
        return { raw->code,
                 raw->slug,
                 raw->severity == NRBAC_SEVERITY_WARNING,
                 raw->file,
                 raw->line,
                 raw->column,
                 raw->message,
                 raw->help == nullptr ? "" : raw->help };
    }

    /// The same error with the daemon's slug.
    error &&with_fault(std::string_view fault) &&noexcept
    {
        std::snprintf(fault_, sizeof(fault_), "%.*s", static_cast<int>(fault.size()),
                      fault.data());
        return std::move(*this);
    }
    /// The same error with the mistakes of a policy, which it keeps.
    error &&with_build(std::shared_ptr<const nrbac_build> build) &&noexcept
    {
        build_ = std::move(build);
        return std::move(*this);
    }
    /// The same error with an answer and what keeps it.
    error &&with_answer(nrbac::reason reason, value answer,
                        std::shared_ptr<const void> keep) &&noexcept
    {
        reason_ = reason;
        answer_ = answer;
        keep_ = std::move(keep);
        return std::move(*this);
    }

  private:
    void put(std::string_view what) noexcept
    {
        std::snprintf(what_.text, sizeof(what_.text), "%.*s",
                      static_cast<int>(what.size()), what.data());
    }

    errc code_;
    nrbac::status status_;
    nrbac::reason reason_ = nrbac::reason::NOT_EVALUATED;
    nrbac_error what_;
    char fault_[64] = "";
    value answer_;
    std::shared_ptr<const nrbac_build> build_;
    std::shared_ptr<const void> keep_;
};

namespace detail
{

/// The error of a C call that is not about a daemon.
inline error failed(nrbac_status raw, const char *what) noexcept
{
    const status of = static_cast<status>(raw);
    const errc code = of == status::E_MEMORY     ? errc::memory
                      : of == status::E_POLICY   ? errc::policy
                      : of == status::E_ARGUMENT ? errc::argument
                                                 : errc::source;
    return error(code, of, what);
}

/// The error of opening a daemon's table.
inline error unfollowed(nrbac_status raw, const char *what) noexcept
{
    const status of = static_cast<status>(raw);
    switch (of) {
    case status::E_IO:
        return error(errc::daemon_unavailable, of, what);
    case status::E_TIMEOUT:
        return error(errc::timeout, of, what);
    case status::E_FORMAT:
        return error(errc::protocol, of, what);
    case status::E_REFUSED:
        return error(errc::refused, of, what).with_fault("not-allowed");
    default:
        return failed(raw, what);
    }
}

inline error out_of_memory() noexcept
{
    return error(errc::memory, status::E_MEMORY, text(status::E_MEMORY));
}

template <class T, class = void> struct is_answer : std::false_type {
};
template <class T>
struct is_answer<T, std::void_t<decltype(std::declval<const T &>().permitted())>>
    : std::true_type {
};

}  // namespace detail

template <class T> class result;

namespace detail
{
template <class T> struct is_result : std::false_type {
};
template <class T> struct is_result<result<T>> : std::true_type {
};
}  // namespace detail

/// A value or an error, after std::expected. Taking the value that is not there ends
/// the program; nothing is thrown.
///
/// One thing is stricter. A result that holds a yes or a no (a bool, a decision, an
/// answer) converts to true only for a yes, so that `if (result)` never takes "it was
/// answered" for "it is permitted". has_value() tells whether it was answered.
template <class T> class [[nodiscard]] result
{
    static_assert(!std::is_reference_v<T> && !std::is_same_v<T, nrbac::error>);

  public:
    /// What it holds.
    using value_type = T;

    /// A result with a value.
    result(T held) noexcept(std::is_nothrow_move_constructible_v<T>)
        : held_(std::in_place_index<0>, std::move(held))
    {
    }
    /// A result with an error.
    result(nrbac::error why) noexcept : held_(std::in_place_index<1>, std::move(why))
    {
    }

    /// Whether there is a value.
    bool has_value() const noexcept
    {
        return held_.index() == 0;
    }
    /// Whether there is a value and, of a yes or no, whether it is a yes.
    explicit operator bool() const noexcept
    {
        if constexpr (std::is_same_v<T, bool>)
            return has_value() && **this;
        else if constexpr (detail::is_answer<T>::value)
            return has_value() && static_cast<bool>(**this);
        else
            return has_value();
    }

    /// The value; there must be one.
    T &value() &noexcept
    {
        return take<0>(held_);
    }
    /// The value; there must be one.
    const T &value() const &noexcept
    {
        return take<0>(held_);
    }
    /// The value, to be moved from; there must be one.
    T &&value() &&noexcept
    {
        return std::move(take<0>(held_));
    }
    /// The value; there must be one.
    T &operator*() &noexcept
    {
        return take<0>(held_);
    }
    /// The value; there must be one.
    const T &operator*() const &noexcept
    {
        return take<0>(held_);
    }
    /// The value, to be moved from; there must be one.
    T &&operator*() &&noexcept
    {
        return std::move(take<0>(held_));
    }
    /// Into the value; there must be one.
    T *operator->() noexcept
    {
        return &take<0>(held_);
    }
    /// Into the value; there must be one.
    const T *operator->() const noexcept
    {
        return &take<0>(held_);
    }
    /// The error; there must be one.
    const nrbac::error &error() const &noexcept
    {
        return take<1>(held_);
    }
    /// The error, to be moved from; there must be one.
    nrbac::error &&error() &&noexcept
    {
        return std::move(take<1>(held_));
    }

    /// The value, or this instead.
    template <class U> T value_or(U &&instead) const &
    {
        return has_value() ? **this : static_cast<T>(std::forward<U>(instead));
    }
    /// The value, or this instead.
    template <class U> T value_or(U &&instead) &&
    {
        return has_value() ? std::move(take<0>(held_))
                           : static_cast<T>(std::forward<U>(instead));
    }

    /// What `next` makes of the value, itself a result; or this error.
    template <class F> auto and_then(F &&next) &&
    {
        using made = std::invoke_result_t<F, T &&>;
        static_assert(detail::is_result<made>::value, "and_then gives a result");
        if (has_value())
            return std::forward<F>(next)(std::move(take<0>(held_)));
        return made(std::move(take<1>(held_)));
    }
    /// What `next` makes of the value, itself a result; or this error.
    template <class F> auto and_then(F &&next) const &
    {
        using made = std::invoke_result_t<F, const T &>;
        static_assert(detail::is_result<made>::value, "and_then gives a result");
        if (has_value())
            return std::forward<F>(next)(take<0>(held_));
        return made(take<1>(held_));
    }
    /// What `made` makes of the value, as a result; or this error.
    template <class F> auto transform(F &&make) &&
    {
        using made = result<std::decay_t<std::invoke_result_t<F, T &&>>>;
        if (has_value())
            return made(std::forward<F>(make)(std::move(take<0>(held_))));
        return made(std::move(take<1>(held_)));
    }
    /// What `made` makes of the value, as a result; or this error.
    template <class F> auto transform(F &&make) const &
    {
        using made = result<std::decay_t<std::invoke_result_t<F, const T &>>>;
        if (has_value())
            return made(std::forward<F>(make)(take<0>(held_)));
        return made(take<1>(held_));
    }
    /// This value; or what `mend`, which gives such a result, makes of the error.
    template <class F> result or_else(F &&mend) &&
    {
        if (has_value())
            return std::move(*this);
        return std::forward<F>(mend)(std::move(take<1>(held_)));
    }

  private:
    /// What is not there is nobody's to take.
    template <std::size_t Which, class Held> static auto &take(Held &held) noexcept
    {
        auto *there = std::get_if<Which>(&held);
        if (there == nullptr)
            std::abort();
        return *there;
    }

    std::variant<T, nrbac::error> held_;
};

/// Done, or an error.
template <> class [[nodiscard]] result<void>
{
  public:
    /// What it holds.
    using value_type = void;

    /// It is done.
    result() noexcept = default;
    /// It is not done.
    result(nrbac::error why) noexcept : why_(std::move(why))
    {
    }
    /// Whether it is done.
    bool has_value() const noexcept
    {
        return !why_.has_value();
    }
    /// Whether it is done.
    explicit operator bool() const noexcept
    {
        return has_value();
    }
    /// The error; there must be one.
    const nrbac::error &error() const noexcept
    {
        if (!why_.has_value())
            std::abort();
        return *why_;
    }

  private:
    std::optional<nrbac::error> why_;
};

}  // namespace nrbac

#endif
