#pragma once

#include "real/server.hpp"

#include <boost/json.hpp>
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace regolo::test {

/// The SHA-256 of what is added, as the servers write it.
class sha256
{
public:
    sha256() : state_(EVP_MD_CTX_new(), EVP_MD_CTX_free)
    {
        EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr);
    }

    void add(std::string_view bytes) { EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size()); }

    [[nodiscard]] std::string text()
    {
        std::array<unsigned char, 32> raw{};
        EVP_DigestFinal_ex(state_.get(), raw.data(), nullptr);
        std::string hex;
        for (const auto byte : raw)
        {
            hex += "0123456789abcdef"[byte >> 4];
            hex += "0123456789abcdef"[byte & 15];
        }
        return hex;
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state_;
};

inline std::string sha256_of(std::string_view bytes)
{
    sha256 sum;
    sum.add(bytes);
    return sum.text();
}

/// Bytes that look like nothing, the same in each run.
inline std::string noise(std::size_t size, std::uint32_t seed = 1)
{
    std::string bytes(size, '\0');
    for (auto& byte : bytes)
    {
        seed = seed * 1664525 + 1013904223;
        byte = static_cast<char>(seed >> 24);
    }
    return bytes;
}

/// What media_server.py says of the requests that it serves.
struct server_state
{
    server_state() = default;

    std::int64_t running = 0;
    std::int64_t left = 0;  ///< whose client went before the end, since the server started
};

inline asio::awaitable<server_state> state_of(const client& api)
{
    const auto told = (co_await api.request({"GET", "/state"})).json();
    server_state state;
    state.running = told.at("running").as_int64();
    state.left = told.at("left").as_int64();
    co_return state;
}

/// Waits until nothing runs there; whoever calls it has a limit.
inline asio::awaitable<server_state> state_at_rest(const client& api)
{
    for (;;)
    {
        const auto now = co_await state_of(api);
        if (now.running == 0)
            co_return now;
        co_await pause(20ms);
    }
}

}  // namespace regolo::test
