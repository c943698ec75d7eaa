#include "core/http_message.hpp"
#include "credential_state.hpp"

#include <boost/asio/co_spawn.hpp>

namespace regolo::inline v0 {

namespace {

bool is_blank(std::string_view text) noexcept
{
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::shared_ptr<credential::state> fixed_key(std::string_view key)
{
    return std::make_shared<credential::state>(core::secret(is_blank(key) ? "" : key));
}

}  // namespace

credential::credential() noexcept = default;

credential::credential(std::string key) : state_(fixed_key(key))
{
    core::wipe(key.data(), key.size());
}

credential::credential(std::string_view key) : state_(fixed_key(key)) {}

credential::credential(const char* key) : state_(key == nullptr ? nullptr : fixed_key(key)) {}

credential::credential(provider source)
    : state_(source ? std::make_shared<state>(std::move(source)) : nullptr)
{}

bool credential::empty() const noexcept { return state_ == nullptr || state_->is_blank(); }

void credential::state::check() const
{
    if (fixed)
        core::clean_key(fixed->view()).value();
}

void credential::state::request::finish(std::exception_ptr error, std::string key_text) noexcept
{
    const std::lock_guard lock(mutex);
    failure = std::move(error);
    try
    {
        if (!failure)
            key = std::make_shared<core::secret>(key_text);
    }
    catch (...)
    {
        failure = std::current_exception();
    }
    core::wipe(key_text.data(), key_text.size());
    done = true;
    for (auto* waiter : waiters)
        waiter->complete(net::error_code());
}

/// A caller's entry in a request.
struct credential::state::place
{
    std::shared_ptr<request> of;
    net::one_shot ready;

    ~place()
    {
        const std::lock_guard lock(of->mutex);
        of->waiters.remove(&ready);
    }
};

boost::asio::awaitable<credential::state::key_ptr> credential::state::get(
    boost::asio::any_io_executor executor)
{
    const auto self = shared_from_this();
    bool first = false;
    place mine;
    {
        const std::lock_guard lock(mutex_);
        const bool idle = !running_ || [&] {
            const std::lock_guard inner(running_->mutex);
            return running_->done;
        }();
        if (idle)
        {
            running_ = std::make_shared<request>();
            first = true;
        }
        mine.of = running_;
        const std::lock_guard inner(mine.of->mutex);
        if (mine.of->done)
        {
            mine.ready.complete(net::error_code());
        }
        else
        {
            mine.of->waiters.push_back(&mine.ready);
        }
    }
    if (first)
    {
        const auto finish = [self, request = mine.of](std::exception_ptr error, std::string key) {
            request->finish(std::move(error), std::move(key));
        };
        boost::asio::co_spawn(executor, provide(), finish);
    }
    co_await mine.ready.wait();
    const std::lock_guard lock(mine.of->mutex);
    if (mine.of->failure)
        std::rethrow_exception(mine.of->failure);
    co_return mine.of->key;
}

}  // namespace regolo::inline v0
