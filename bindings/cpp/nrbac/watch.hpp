// SPDX-License-Identifier: Apache-2.0
/// @file
/// Noticing when another policy is in force.
#ifndef NRBAC_WATCH_HPP
#define NRBAC_WATCH_HPP

#include <nrbac/client.hpp>

#include <functional>
#include <thread>

namespace nrbac
{

/// Tells of each new generation of an engine's or a client's policy, from a thread of
/// its own, until it goes:
///
///     nrbac::watch watching(*engine, [](std::uint32_t generation) { ... });
///
/// The source lives at least as long. While a daemon cannot be asked nothing is told.
class watch
{
  public:
    /// Looks now, then every so often, and calls `told` when the generation has changed.
    template <class Source>
    watch(Source &source, std::function<void(std::uint32_t)> told,
          std::chrono::milliseconds every = std::chrono::milliseconds(100))
    {
        state_->thread = std::thread([this, &source, told = std::move(told), every,
                                      first = now(source.generation(), 0)] {
            look(source, told, every, first);
        });
    }
    watch(const watch &) = delete;
    watch &operator=(const watch &) = delete;
    /// Ends; a call of `told` that is under way is waited for. In a forked child there
    /// is no thread, and nothing to end.
    ~watch()
    {
        if (!home_.is_here()) {
            (void)state_.release();  // the condition would wait for who waits on it
            return;
        }
        {
            const std::lock_guard guard(state_->lock);
            state_->ending = true;
        }
        state_->changed.notify_all();
        state_->thread.join();
    }

  private:
    static std::uint32_t now(std::uint32_t generation, std::uint32_t) noexcept
    {
        return generation;
    }
    static std::uint32_t now(const result<std::uint32_t> &generation,
                             std::uint32_t last) noexcept
    {
        return generation.value_or(last);
    }

    template <class Source>
    void look(Source &source, const std::function<void(std::uint32_t)> &told,
              std::chrono::milliseconds every, std::uint32_t last)
    {
        std::unique_lock guard(state_->lock);
        while (!state_->changed.wait_for(guard, every,
                                         [this] { return state_->ending; })) {
            guard.unlock();
            const std::uint32_t found = now(source.generation(), last);
            if (found != last)
                told(found);
            last = found;
            guard.lock();
        }
    }

    struct state {
        std::mutex lock;
        std::condition_variable changed;
        bool ending = false;
        std::thread thread;
    };
    std::unique_ptr<state> state_ = std::make_unique<state>();
    detail::home home_;
};

}  // namespace nrbac

#endif
