#pragma once

#include "client_state.hpp"
#include "net/one_shot.hpp"
#include "run_admission.hpp"

#include <regolo/fan_out.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

namespace regolo::inline v0::detail {

/** The inside of a fan-out.

    Workers on one strand of the client's executor: each pulls a request, sends it, and puts the result where the caller
    takes it; while there is no room for it, it waits with the result in its hands, and pulls nothing. So what
    is between source and caller is bounded by the workers and the room. A worker that has pulled starts the next one, up
    to `max_in_flight`.
*/
template <class Request>
class fan_out_state : public std::enable_shared_from_this<fan_out_state<Request>>
{
public:
    using result_type = fan_out_result<Request>;
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    fan_out_state(std::shared_ptr<client_state> client, request_source<Request> source,
                  fan_out_options options, call_options each);

    static awaitable<std::optional<result_type>> next(std::shared_ptr<fan_out_state> self);

    [[nodiscard]] fan_out_progress progress() const;
    /// Nothing new starts.
    void stop() noexcept;
    /// Nobody takes results any more.
    void cancel() noexcept;

private:
    class worker_guard;
    struct place;
    using places = std::list<place*>;

    // for the caller, with the lock held
    std::optional<result_type> take();
    [[nodiscard]] bool is_over() const;

    // workers, on the strand
    void start();
    void start_worker();
    static awaitable<void> work(std::shared_ptr<fan_out_state> self);
    bool claim_worker();
    void worker_left(bool regular) noexcept;
    awaitable<std::optional<result_type>> pull();
    bool claim_source();
    awaitable<std::optional<Request>> ask_source();
    std::optional<result_type> note_pulled(std::optional<Request> request,
                                           const std::exception_ptr& failure);
    awaitable<void> perform(result_type& item);
    void count(const result_type& item);
    void consider_stopping(const error_info& failure) noexcept;
    awaitable<bool> deliver(result_type item);
    void lose_result(std::exception_ptr failure) noexcept;
    void fail(std::exception_ptr failure) noexcept;
    void end(bool& flag) noexcept;

    // with the lock held
    [[nodiscard]] bool may_pull() const noexcept;
    [[nodiscard]] bool has_room(std::size_t index) const noexcept;
    void store_waiting();
    void wake(places& waiting, typename places::iterator who);
    void wake_all(places& waiting) noexcept;

    const std::shared_ptr<client_state> client_;
    const boost::asio::any_io_executor strand_;
    const std::shared_ptr<run_admission> gate_;
    request_source<Request> source_;
    const fan_out_options options_;
    call_options each_;
    std::stop_source all_;  // every call of the run listens to it
    std::atomic<bool> busy_{false};
    boost::asio::cancellation_signal pull_signal_;  // of the source, on the strand

    mutable std::mutex mutex_;
    bool started_ = false;
    bool exhausted_ = false;  // the source has no more
    bool stopped_ = false;
    bool cancelled_ = false;
    bool gaps_ = false;     // a result was lost
    bool lost_ = false;     // a worker was destroyed with its context
    bool pulling_ = false;  // the source is asked by one worker at a time
    std::size_t workers_ = 0;
    std::exception_ptr failure_;  // of the source
    places pullers_;              // wait for their turn to ask the source
    places deliverers_;           // wait for room
    places takers_;               // the caller, in next()

    std::map<std::size_t, result_type> ready_;  // by index, or by the order in which they came
    std::size_t taken_ = 0;                     // the key of the next one to hand out
    std::size_t come_ = 0;                      // keys given in the order of completion

    fan_out_progress progress_;
    std::map<boost::system::error_code, std::size_t> failures_;

    std::optional<std::stop_callback<std::function<void()>>>
        outer_stop_;  // last: its end waits for a running callback
};

extern template class fan_out_state<chat_request>;
extern template class fan_out_state<completion_request>;
extern template class fan_out_state<api_request>;

}  // namespace regolo::inline v0::detail
