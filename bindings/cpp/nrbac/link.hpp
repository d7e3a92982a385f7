// SPDX-License-Identifier: Apache-2.0
/// @file
/// The connection under nrbac::client; not for use by itself.
///
/// Any number of threads ask over one connection, each without waiting for the others'
/// answers. There is no thread behind it: of those that wait, one reads, hands each
/// answer to whom it belongs, and leaves the reading to another when its own has come.
/// One mutex guards everything, and is never held while anything is waited for.
#ifndef NRBAC_LINK_HPP
#define NRBAC_LINK_HPP

#include <nrbac/decision.hpp>
#include <nrbac/fork.hpp>

#include <nrbac/client.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace nrbac
{

/// What a client keeps to.
struct client_options {
    /// How long a call may take in all: connecting, reopening and the answer.
    std::chrono::milliseconds deadline{ 5000 };
    /// How many calls may be under way; one more is `queue_full`.
    std::size_t in_flight = 1024;
    /// How long to wait before a connection is tried again; doubled up to the most,
    /// and shortened at random by up to a half.
    std::chrono::milliseconds backoff_first{ 20 };
    std::chrono::milliseconds backoff_most{ 2000 };
};

namespace detail
{

using steady = std::chrono::steady_clock;

/// A list of parameters, with deep copies of these.
inline document params_of(std::initializer_list<value> given) noexcept
{
    document made(nrbac_document_create());
    if (made.raw() == nullptr)
        return made;
    nrbac_value *list = nrbac_new_list(made.raw());
    for (value one : given)
        nrbac_append(made.raw(), list, nrbac_value_copy(made.raw(), one.raw()));
    made.root(list);
    return made;
}

/// A connection by its number: sessions and names' numbers belong to one.
using epoch = std::uint32_t;

/// A call that was sent. Guarded by its link until it is done.
struct call {
    std::uint32_t number = 0;
    epoch of = 0;
    bool done = false;
    bool awaited = false;  // by a thread, which can read for all
    document reply{ nullptr };
    std::optional<error> failure;
    std::condition_variable changed;
};

class link
{
  public:
    link(std::string path, const client_options &options)
        : path_(std::move(path)), options_(options),
          chance_(static_cast<unsigned>(
              steady::now().time_since_epoch().count() ^
              static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(this))))
    {
    }
    ~link()
    {
        close();
    }
    /// False in a forked child, where locks may be held by nobody.
    bool is_here() const noexcept
    {
        return home_.is_here();
    }
    /// In a forked child: lets go of the parent's connection, which does not end it,
    /// unless that was being changed at the fork. Nothing else is touched from then on.
    void abandon() noexcept
    {
        if (lock_.try_lock())
            socket_.reset();
    }
    link(const link &) = delete;
    link &operator=(const link &) = delete;

    /// Whether that connection is the present one.
    bool is_connected(epoch of)
    {
        const std::lock_guard guard(lock_);
        return socket_ != nullptr && of == epoch_;
    }

    /// How many names the daemon takes in one `check_many`.
    std::size_t batch()
    {
        const std::lock_guard guard(lock_);
        return batch_;
    }

    /// Sends a call, on that connection alone if one is named.
    result<std::shared_ptr<call>> send(const char *method, value params,
                                       steady::time_point deadline,
                                       std::optional<epoch> only = std::nullopt)
    {
        if (!is_here())
            return forked();
        auto made = std::make_shared<call>();
        std::unique_lock guard(lock_);
        if (waiting_.size() + entering_ >= options_.in_flight)
            return error(errc::queue_full, status::E_LIMIT, "too many calls under way");
        entering_++;
        auto problem = ready(guard, deadline, only);
        entering_--;
        if (problem.has_value())
            return *std::move(problem);
        send_closings();
        nrbac_error why = {};
        const nrbac_status sent = nrbac_client_send(socket_.get(), method, params.raw(),
                                                    &made->number, &why);
        if (sent == NRBAC_E_LIMIT)
            return error(errc::refused, status::E_LIMIT, why.text);
        if (sent != NRBAC_OK) {
            drop(unavailable(why.text));
            return unavailable(why.text);
        }
        made->of = epoch_;
        waiting_.emplace(made->number, made);
        while (!made->done && nrbac_client_unsent(socket_.get()) != 0 &&
               steady::now() < deadline)
            look(guard, POLLIN | POLLOUT, deadline);
        return made;
    }

    /// Waits for the answer; nothing: it is in `asked.reply`.
    std::optional<error> wait(call &asked, steady::time_point deadline)
    {
        if (!is_here())
            return forked();
        std::unique_lock guard(lock_);
        asked.awaited = true;
        while (!asked.done && steady::now() < deadline) {
            if (reading_)
                asked.changed.wait_until(guard, deadline);
            else
                read(guard, deadline);
        }
        asked.awaited = false;
        if (!reading_)
            let_another_read();
        if (!asked.done)
            return error(errc::timeout, status::E_TIMEOUT, text(status::E_TIMEOUT));
        return std::move(asked.failure);
    }

    /// Ends a session, if its connection is still there, without waiting for anything.
    void close_session(epoch of, std::int64_t session) noexcept
    {
        const std::lock_guard guard(lock_);
        if (socket_ == nullptr || of != epoch_)
            return;
        closings_.push_back(session);
        send_closings();
    }

    /// Ends everything; calls that wait end with `closed`, and so do later ones.
    void close()
    {
        if (!is_here())
            return;
        const std::lock_guard guard(lock_);
        closed_ = true;
        drop(is_closed());
        connected_.notify_all();
    }

  private:
    static error is_closed() noexcept
    {
        return error(errc::closed, status::E_IO, "the client was closed");
    }
    error unavailable(const char *why) const
    {
        return error(errc::daemon_unavailable, status::E_IO, path_ + ": " + why);
    }

    // ---- Connecting ---------------------------------------------------------------

    /// Waits until there is a connection; one thread at a time makes it.
    std::optional<error> connected(std::unique_lock<std::mutex> &guard,
                                   steady::time_point deadline)
    {
        while (socket_ == nullptr) {
            const auto now = steady::now();
            if (closed_)
                return is_closed();
            if (now >= deadline)
                return unavailable(last_.empty() ? "no connection in time"
                                                 : last_.c_str());
            if (connecting_)
                connected_.wait_until(guard, deadline);
            else if (now < retry_at_)
                connected_.wait_until(guard, std::min(deadline, retry_at_));
            else if (auto problem = try_to_connect(guard, deadline))
                return problem;
        }
        if (closed_)
            return is_closed();
        return std::nullopt;
    }

    /// Who answers, but not as a daemon does, is told at once; other failures are tried
    /// again.
    std::optional<error> try_to_connect(std::unique_lock<std::mutex> &guard,
                                        steady::time_point deadline)
    {
        nrbac_error why = {};
        std::size_t batch = 0;
        std::shared_ptr<nrbac_client> made;
        connecting_ = true;
        guard.unlock();
        const nrbac_status done = greet(deadline, made, batch, why);
        guard.lock();
        connecting_ = false;
        if (done == NRBAC_OK) {
            socket_ = std::move(made);
            batch_ = batch;
            connected_at_ = steady::now();
            epoch_++;
        } else {
            last_ = why.text;
            back_off();
        }
        connected_.notify_all();
        if (done == NRBAC_E_FORMAT)
            return error(errc::protocol, status::E_FORMAT, path_ + ": " + why.text);
        return std::nullopt;
    }

    /// Connects and says hello, which tells what the daemon takes.
    nrbac_status greet(steady::time_point deadline, std::shared_ptr<nrbac_client> &made,
                       std::size_t &batch, nrbac_error &why) const
    {
        nrbac_client *raw = nullptr;
        const nrbac_status connected = nrbac_client_connect(
            path_.c_str(), milliseconds_to(deadline), &raw, &why);
        if (connected != NRBAC_OK)
            return connected;
        made = std::shared_ptr<nrbac_client>(raw, nrbac_client_disconnect);
        document about, said(nrbac_document_create());
        about["client"] = "nrbac-cpp";
        about["version"] = version();
        const document params = params_of({ about.root() });
        const nrbac_value *root = nullptr;
        if (said.raw() == nullptr || !params.mistake().empty())
            return NRBAC_E_MEMORY;
        const nrbac_status done = nrbac_client_call(raw, "hello", params.root().raw(),
                                                    said.raw(), &root, &why);
        const value limits = value(root)["limits"];
        const std::int64_t bytes = limits["message_bytes"].integer();
        const std::int64_t names = limits["batch"].integer();
        nrbac_client_limit(raw, bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
        batch = names > 0 ? static_cast<std::size_t>(names) : 1024;
        return done;
    }

    void back_off()
    {
        const auto first = options_.backoff_first, most = options_.backoff_most;
        delay_ = delay_.count() == 0 ? first : std::min(2 * delay_, most);
        std::uniform_int_distribution<std::int64_t> some(delay_.count() * 500,
                                                         delay_.count() * 1000);
        retry_at_ = steady::now() + std::chrono::microseconds(some(chance_));
    }

    /// The connection is over. Its descriptor goes when nobody polls it any more. One
    /// that did not last counts as a try that failed.
    void drop(const error &why)
    {
        if (socket_ != nullptr) {
            ::shutdown(nrbac_client_descriptor(socket_.get()), SHUT_RDWR);
            if (steady::now() - connected_at_ < options_.backoff_most)
                back_off();
            else
                delay_ = std::chrono::milliseconds(0);
        }
        last_ = why.what();
        socket_.reset();
        closings_.clear();
        for (auto &[number, asked] : waiting_) {
            asked->failure = why;
            asked->done = true;
            asked->changed.notify_all();
        }
        waiting_.clear();
    }

    // ---- Sending ------------------------------------------------------------------

    /// Waits until a call may be sent: connected, and nothing of another call unsent,
    /// so that whatever becomes of the daemon, no more than that waits to be sent.
    std::optional<error> ready(std::unique_lock<std::mutex> &guard,
                               steady::time_point deadline, std::optional<epoch> only)
    {
        for (;;) {
            if (auto problem = connected(guard, deadline))
                return problem;
            if (only.has_value() && *only != epoch_)
                return unavailable("the connection was lost");
            if (nrbac_client_unsent(socket_.get()) == 0)
                return std::nullopt;
            if (steady::now() >= deadline)
                return error(errc::timeout, status::E_TIMEOUT, text(status::E_TIMEOUT));
            look(guard, POLLIN | POLLOUT, deadline);
        }
    }

    /// As many as go without waiting. Their answers are nobody's.
    void send_closings()
    {
        while (!closings_.empty() && nrbac_client_unsent(socket_.get()) == 0) {
            std::uint32_t number = 0;
            document session;
            session["number"] = closings_.back();
            const document params = params_of({ session.root()["number"] });
            closings_.pop_back();
            (void)!nrbac_client_send(socket_.get(), "close", params.root().raw(),
                                     &number, nullptr);
        }
    }

    // ---- Receiving ----------------------------------------------------------------

    static int milliseconds_to(steady::time_point deadline) noexcept
    {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline -
                                                                       steady::now());
        return static_cast<int>(
            std::clamp<std::int64_t>(left.count(), 1, 24 * 3600 * 1000));
    }

    /// Waits for the socket, then takes what has come and sends what is left.
    void look(std::unique_lock<std::mutex> &guard, short events,
              steady::time_point deadline)
    {
        const std::shared_ptr<nrbac_client> socket = socket_;
        pollfd poller = { nrbac_client_descriptor(socket.get()), events, 0 };
        guard.unlock();
        (void)::poll(&poller, 1, milliseconds_to(deadline));
        guard.lock();
        if (socket != socket_)
            return;
        nrbac_error why = {};
        if (nrbac_client_unsent(socket.get()) != 0 &&
            nrbac_client_flush(socket.get(), &why) != NRBAC_OK)
            drop(unavailable(why.text));
        else
            receive();
    }

    void read(std::unique_lock<std::mutex> &guard, steady::time_point deadline)
    {
        reading_ = true;
        look(guard, POLLIN, deadline);
        reading_ = false;
    }

    void let_another_read()
    {
        for (auto &[number, asked] : waiting_) {
            if (!asked->awaited)
                continue;
            asked->changed.notify_all();
            return;
        }
    }

    /// Hands out all that has come.
    void receive()
    {
        for (;;) {
            std::uint32_t number = 0;
            const nrbac_value *root = nullptr;
            nrbac_error why = {};
            if (spare_.raw() == nullptr)
                spare_ = document(nrbac_document_create());
            if (spare_.raw() == nullptr)
                return drop(out_of_memory());
            const nrbac_status got = nrbac_client_receive(socket_.get(), spare_.raw(),
                                                          &number, &root, &why);
            if (got == NRBAC_E_TIMEOUT)
                return;
            if (got != NRBAC_OK && number == 0)
                return end(got, why);
            spare_.root(root);
            deliver(number, got, why);
        }
    }

    /// The connection has ended. A refusal of nobody's call by name is of the first that
    /// is not answered, since answers come in order; the others can be asked again.
    void end(nrbac_status got, const nrbac_error &why)
    {
        if (got == NRBAC_E_FORMAT)
            return drop(
                error(errc::protocol, status::E_FORMAT, path_ + ": " + why.text));
        const auto first = std::min_element(
            waiting_.begin(), waiting_.end(),
            [](const auto &a, const auto &b) { return a.first < b.first; });
        if (got == NRBAC_E_REFUSED && first != waiting_.end())
            finish(first, refused(why));
        drop(unavailable(why.text));
    }

    error refused(const nrbac_error &why) const
    {
        return error(errc::refused, status::E_REFUSED, why.text)
            .with_fault(nrbac_client_fault(socket_.get()));
    }

    using calls = std::unordered_map<std::uint32_t, std::shared_ptr<call>>;

    void finish(calls::iterator found, std::optional<error> failure)
    {
        call &asked = *found->second;
        asked.failure = std::move(failure);
        asked.done = true;
        asked.changed.notify_all();
        waiting_.erase(found);
    }

    /// Gives what was received to the call that it answers.
    void deliver(std::uint32_t number, nrbac_status got, const nrbac_error &why)
    {
        const auto found = waiting_.find(number);
        if (found == waiting_.end())  // of closing a session
            return nrbac_document_reset(spare_.raw());
        found->second->reply = std::move(spare_);
        finish(found, got == NRBAC_OK ? std::nullopt : std::optional(refused(why)));
    }

    const std::string path_;
    const client_options options_;
    const home home_;
    std::mutex lock_;  // guards all that follows
    std::condition_variable connected_;
    std::shared_ptr<nrbac_client> socket_;  // nullptr: not connected
    epoch epoch_ = 0;
    bool closed_ = false;
    bool connecting_ = false;  // by one thread
    bool reading_ = false;     // by one thread
    std::string last_;         // why there is no connection
    std::chrono::milliseconds delay_{ 0 };
    steady::time_point retry_at_;
    std::minstd_rand chance_;
    steady::time_point connected_at_;
    std::size_t batch_ = 1024;
    std::size_t entering_ = 0;            // calls that are about to be sent
    calls waiting_;                       // those that are not answered, wanted or not
    std::vector<std::int64_t> closings_;  // sessions to close
    document spare_{ nullptr };           // what comes next is built into it
};

}  // namespace detail

}  // namespace nrbac

#endif
