#pragma once

#include "core/secret.hpp"
#include "net/one_shot.hpp"

#include <regolo/credential.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <exception>
#include <list>
#include <memory>
#include <mutex>

namespace regolo::inline v0 {

/** What copies of a credential share: the fixed key, or the provider and the one request to it that is running. */
struct credential::state : std::enable_shared_from_this<credential::state>
{
    using key_ptr = std::shared_ptr<const core::secret>;

    explicit state(core::secret key) : fixed(std::make_shared<core::secret>(std::move(key))) {}
    explicit state(provider source) : provide(std::move(source)) {}

    /// Text was given, and no key is in it.
    [[nodiscard]] bool is_blank() const noexcept { return fixed && fixed->empty(); }

    /// @throws error  where the fixed key cannot be one
    void check() const;

    /// Whether asking again can give another key.
    [[nodiscard]] bool renewable() const noexcept { return static_cast<bool>(provide); }

    /// The key for an attempt, where it is `renewable()`. The provider runs on `executor`; cancelling ends the wait alone, since others may share it.
    boost::asio::awaitable<key_ptr> get(boost::asio::any_io_executor executor);

    const key_ptr fixed;
    const provider provide;

private:
    /// One run of the provider, and those who wait for it.
    struct request
    {
        std::mutex mutex;
        std::list<net::one_shot*> waiters;
        bool done = false;
        key_ptr key;
        std::exception_ptr failure;

        void finish(std::exception_ptr error, std::string key_text) noexcept;
    };
    struct place;

    std::mutex mutex_;
    std::shared_ptr<request> running_;
};

}  // namespace regolo::inline v0
