// SPDX-License-Identifier: Apache-2.0
/// @file
/// Knowing a forked child from its parent; not for use by itself.
#ifndef NRBAC_FORK_HPP
#define NRBAC_FORK_HPP

#include <nrbac/result.hpp>

#include <atomic>

#include <pthread.h>

namespace nrbac
{
namespace detail
{

/// How often fork() led here. Counted, since to ask the kernel who one is would cost more
/// than a check.
inline std::atomic<unsigned> forks{ 0 };

/// The process that something was made in, whose threads and locks it needs.
class home
{
  public:
    home() noexcept
    {
        static const int told = ::pthread_atfork(
            nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
        forks_ = told == 0 ? forks.load(std::memory_order_relaxed) : ~0u;
    }
    /// False in a forked child.
    bool is_here() const noexcept
    {
        return forks_ == forks.load(std::memory_order_relaxed);
    }

  private:
    unsigned forks_;
};

inline error forked() noexcept
{
    return error(errc::forked, status::E_ARGUMENT,
                 "opened before this process was forked: a child opens its own");
}

}  // namespace detail
}  // namespace nrbac

#endif
