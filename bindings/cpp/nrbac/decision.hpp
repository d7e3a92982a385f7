// SPDX-License-Identifier: Apache-2.0
/// @file
/// What is decided: one name, or a whole question.
#ifndef NRBAC_DECISION_HPP
#define NRBAC_DECISION_HPP

#include <nrbac/document.hpp>

#include <chrono>

namespace nrbac
{

/// One decision. A default one denies.
///
/// It converts to true only for a permit without obligations, as a check does. A
/// permit with obligations (permitted(), and obligations() is not empty) is access only
/// for a caller that meets all of them.
///
/// The obligations of a decision in process live as long as its engine; those of a
/// decision over the socket as long as the decision or a copy of it.
class [[nodiscard]] decision
{
  public:
    /// Denies: nothing has been evaluated.
    decision() noexcept = default;
    /// What the C library decided; `keep` keeps the texts of its obligations, and of
    /// `newer`, the slug of a reason that this release does not know.
    explicit decision(const nrbac_decision &raw,
                      std::shared_ptr<const void> keep = nullptr,
                      const char *newer = nullptr) noexcept
        : raw_(raw), newer_(newer), keep_(std::move(keep))
    {
    }

    /// The outcome.
    nrbac::effect effect() const noexcept
    {
        return static_cast<nrbac::effect>(raw_.effect);
    }
    /// Why; NOT_EVALUATED for the reason of a newer daemon.
    nrbac::reason reason() const noexcept
    {
        return static_cast<nrbac::reason>(raw_.reason);
    }
    /// Why, in the stable word for it, also of a newer daemon.
    std::string_view reason_slug() const noexcept
    {
        return newer_ == nullptr ? slug(reason()) : newer_;
    }
    /// The number of the policy that answered.
    std::uint32_t generation() const noexcept
    {
        return raw_.generation;
    }
    /// Whether it is a permit, with obligations or without.
    bool permitted() const noexcept
    {
        return raw_.effect == NRBAC_PERMIT;
    }
    /// Whether it is a permit that asks nothing of the caller.
    explicit operator bool() const noexcept
    {
        return permitted() && raw_.obligation_count == 0;
    }

    /// What the caller must do if it acts on the permit: ids, in byte order.
    class obligation_list
    {
      public:
        /// Of a decision, which keeps it.
        explicit obligation_list(const nrbac_decision &of) noexcept : of_(&of)
        {
        }
        /// How many there are.
        std::size_t size() const noexcept
        {
            return of_->obligation_count;
        }
        /// Whether there is none.
        bool empty() const noexcept
        {
            return size() == 0;
        }
        /// One of them; index below size().
        std::string_view operator[](std::size_t index) const noexcept
        {
            return of_->obligations[index];
        }
        /// The first, NUL-terminated.
        const char *const *begin() const noexcept
        {
            return of_->obligations;
        }
        /// Behind the last.
        const char *const *end() const noexcept
        {
            return of_->obligations + size();
        }

      private:
        const nrbac_decision *of_;
    };
    /// The obligations; belongs to this decision.
    obligation_list obligations() const &noexcept
    {
        return obligation_list(raw_);
    }
    obligation_list obligations() && = delete;

  private:
    nrbac_decision raw_ = {};
    const char *newer_ = nullptr;
    std::shared_ptr<const void> keep_;
};

/// The answer to a whole question, as nrbac-protocol(7) shows it.
///
/// It converts to true only for a permit without obligations; see decision.
class [[nodiscard]] answer
{
  public:
    /// The answer that is the root of a document.
    explicit answer(document whole) noexcept : whole_(std::move(whole))
    {
    }

    /// The whole of it, a map; belongs to this answer.
    value root() const noexcept
    {
        return whole_.root();
    }
    /// A member of the whole, such as "context".
    value operator[](std::string_view key) const noexcept
    {
        return root()[key];
    }
    /// Everything beside `decision`.
    value context() const noexcept
    {
        return root()["context"];
    }
    /// Whether it is a permit, with obligations or without.
    bool permitted() const noexcept
    {
        return root()["decision"].boolean();
    }
    /// Whether it is a permit that asks nothing of the caller.
    explicit operator bool() const noexcept
    {
        return permitted() && obligations().kind() == kind::list &&
               obligations().empty();
    }
    /// The outcome.
    nrbac::effect effect() const noexcept
    {
        return effect_of(context()["effect"].text());
    }
    /// Why.
    nrbac::reason reason() const noexcept
    {
        return reason_of(context()["reason"].text());
    }
    /// One sentence for the person at the screen.
    std::string_view message() const noexcept
    {
        return context()["message"].text();
    }
    /// What the caller must do if it acts on the permit: a list of texts.
    value obligations() const noexcept
    {
        return context()["obligations"];
    }
    /// The number of the policy that answered.
    std::uint32_t generation() const noexcept
    {
        return static_cast<std::uint32_t>(context()["policy"]["generation"].integer());
    }

  private:
    document whole_;
};

namespace detail
{

/// A session that was not permitted, with the answer that says so.
inline error not_opened(document &&said)
{
    auto kept = std::make_shared<const document>(std::move(said));
    const reason why = reason_of(kept->root()["reason"].text());
    return error(errc::not_opened, status::OK, doc(why))
        .with_answer(why, kept->root(), kept);
}

/// The point in time of Unix seconds; none for 0.
inline std::optional<std::chrono::system_clock::time_point> point_of(
    std::int64_t seconds) noexcept
{
    if (seconds == 0)
        return std::nullopt;
    return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

}  // namespace detail

}  // namespace nrbac

#endif
