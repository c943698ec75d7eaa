// An observer that counts for Prometheus: calls by operation and outcome, attempts, retries, tokens,
// and how long callers wait for the first word. A program would serve text() under /metrics.

#include "common.hpp"

#include <array>
#include <map>
#include <mutex>
#include <sstream>

namespace {

/// Of this library's codes their names; those of the system are one label.
std::string_view name_of(const boost::system::error_code& code)
{
    return code.category() == regolo::error_category()
               ? regolo::to_string(static_cast<regolo::errc>(code.value()))
               : "system";
}

class metrics : public regolo::observer
{
public:
    void first_event(const regolo::call_event&,
                     const regolo::first_event_info& event) noexcept override
    {
        const double waited = std::chrono::duration<double>(event.since_start).count();
        const std::lock_guard lock(mutex_);  // calls of several threads end at the same time
        waited_ += waited;
        ++first_events_;
        for (std::size_t i = 0; i < bounds.size(); ++i)
            within_[i] += waited <= bounds[i] ? 1 : 0;
    }

    void retry_planned(const regolo::call_event&, const regolo::retry_event&) noexcept override
    {
        const std::lock_guard lock(mutex_);
        ++retries_;
    }

    void call_ended(const regolo::call_event& call, const regolo::end_event& end) noexcept override
    {
        // Bounded sets of labels: no model names or addresses, which callers may choose.
        const std::string outcome(end.dropped ? "dropped" : end.code ? name_of(end.code) : "ok");
        const std::lock_guard lock(mutex_);
        ++calls_[{std::string(call.operation), outcome}];
        attempts_ += end.attempts;
        if (end.usage != nullptr)
        {
            prompt_tokens_ += end.usage->prompt_tokens.value_or(0);
            completion_tokens_ += end.usage->completion_tokens.value_or(0);
        }
    }

    [[nodiscard]] std::string text() const
    {
        std::ostringstream out;
        const std::lock_guard lock(mutex_);
        out << "# TYPE regolo_calls_total counter\n";
        for (const auto& [labels, count] : calls_)
            out << "regolo_calls_total{operation=\"" << labels.first << "\",outcome=\""
                << labels.second << "\"} " << count << '\n';
        out << "# TYPE regolo_attempts_total counter\nregolo_attempts_total " << attempts_
            << "\n# TYPE regolo_retries_total counter\nregolo_retries_total " << retries_
            << "\n# TYPE regolo_tokens_total counter\nregolo_tokens_total{kind=\"prompt\"} "
            << prompt_tokens_ << "\nregolo_tokens_total{kind=\"completion\"} " << completion_tokens_
            << "\n# TYPE regolo_first_event_seconds histogram\n";
        for (std::size_t i = 0; i < bounds.size(); ++i)
            out << "regolo_first_event_seconds_bucket{le=\"" << bounds[i] << "\"} " << within_[i]
                << '\n';
        out << "regolo_first_event_seconds_bucket{le=\"+Inf\"} " << first_events_
            << "\nregolo_first_event_seconds_sum " << waited_
            << "\nregolo_first_event_seconds_count " << first_events_ << '\n';
        return out.str();
    }

private:
    static constexpr std::array bounds{0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0};

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, std::string>, long long> calls_;  // by operation and outcome
    long long attempts_ = 0, retries_ = 0;
    long long prompt_tokens_ = 0, completion_tokens_ = 0;
    double waited_ = 0;
    long long first_events_ = 0;
    std::array<long long, bounds.size()> within_{};
};

asio::awaitable<void> make_some_calls(std::shared_ptr<regolo::observer> observer)
{
    auto config = regolo::client_config::from_environment();
    config.observer = std::move(observer);
    regolo::client client(co_await asio::this_coro::executor, config);

    co_await client.models();
    regolo::chat_request request(example_model(), "Tell me something about Rome.");
    for (int i = 0; i < 3; ++i)
    {
        auto stream = co_await client.stream_chat(request);
        while (co_await stream.next())
            continue;
    }
    request.model = "no-such-model";
    auto failed = co_await regolo::try_await(client.chat(request));
    std::cout << "# " << (failed ? "an answer" : failed.error().message) << '\n';
}

}  // namespace

int main()
{
    auto counted = std::make_shared<metrics>();
    const int status = run(make_some_calls(counted));
    std::cout << counted->text();
    return status;
}
