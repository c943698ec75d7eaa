#pragma once

#include <regolo/export.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace regolo::inline v0 {

/** The key that a call identifies itself with: a fixed one, or a function that supplies it.

    A fixed key is held in one shared buffer that is wiped when the last copy is gone. It cannot be
    printed or read back. A key that is blank counts as none. A key with control characters or
    spaces inside is refused with `errc::bad_config`, without being shown: by the client when it is made, and by the call that has it.

    A provider is asked before each attempt, on the executor of the client. Concurrent calls share
    one running request to it. After a 401 it is asked once more and the attempt is made once more.
    What it throws becomes the error of the call; what is no `boost::system::system_error` passes through it as it is.
*/
class REGOLO_EXPORT credential
{
public:
    using provider = std::function<boost::asio::awaitable<std::string>()>;

    /// No key: no `Authorization` header is sent.
    credential() noexcept;

    /// A fixed key, without "Bearer ". The argument is wiped.
    credential(std::string key);
    credential(std::string_view key);
    /// A null pointer counts as none, so that `getenv` can be passed on.
    credential(const char* key);

    /// A key that changes: see the class.
    credential(provider source);
    template <class Function>
    requires std::is_invocable_r_v<boost::asio::awaitable<std::string>, Function&> credential(
        Function source)
        : credential(provider(std::move(source)))
    {}

    /// Neither a key nor a provider.
    [[nodiscard]] bool empty() const noexcept;

    struct state;
    [[nodiscard]] const std::shared_ptr<state>& internal() const noexcept { return state_; }

private:
    std::shared_ptr<state> state_;
};

}  // namespace regolo::inline v0
